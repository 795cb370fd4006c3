"""Cards that fill as the agencies answer: the subscription `answers` over a WebSocket, as the graphql-ws client speaks it.

    python docs/examples/watch.py --citizen 4

Signing in is the part of ask.py. The only library is `websockets`; an app takes graphql-ws or its own platform's.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from typing import Any

from ask import sign_in
from websockets.sync.client import connect
from websockets.typing import Subprotocol

QUERY = """
subscription Cards {
  answers(sections: [PROFILE, SOCIAL_SECURITY, HEALTHCARE]) {
    section
    answer {
      state
      problem { message }
      ... on ProfileAnswer { value { name { said } } }
      ... on SocialSecurityAnswer { value { status { said } } }
      ... on HealthcareAnswer { value { rights { right { said } } } }
    }
  }
}
"""


def watch(api: str, token: str, query: str, language: str = "th", **variables: Any) -> Iterator[dict[str, Any]]:
    """One answer after the other, until the server says that there are no more."""
    # A browser can't put headers on a WebSocket, so they travel in the first message.
    first = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}", "Accept-Language": language}}
    ask = {"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}}
    with connect(
        f"{api.replace('http', 'ws', 1)}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]
    ) as socket:
        socket.send(json.dumps(first))
        for frame in socket:
            message = json.loads(frame)
            match message["type"]:
                case "connection_ack":
                    socket.send(json.dumps(ask))
                case "ping":
                    socket.send(json.dumps({"type": "pong"}))
                case "next":
                    yield message["payload"]
                case "error":  # the operation itself was refused
                    raise SystemExit(message["payload"][0]["message"])
                case "complete":
                    return
    raise SystemExit("the server has gone: connect anew, with a new token")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", default=os.environ.get("API", "http://127.0.0.1:8000"))
    parser.add_argument("--sandbox", default=os.environ.get("SANDBOX", "http://127.0.0.1:8100"))
    parser.add_argument("--citizen", type=int, default=4)
    told = parser.parse_args()
    token = sign_in(told.api, f"{told.sandbox}/phone/signed-in", told.citizen)
    for reply in watch(told.api, token, QUERY):
        one = reply["data"]["answers"]
        print(
            f"{one['section']:15} {one['answer']['state']:12} {json.dumps(one['answer']['value'], ensure_ascii=False)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
