"""A whole app in one file: sign a sandbox citizen in as a phone does, ask the graph, say what each agency answered.

    python docs/examples/ask.py --citizen 4

The standard library is enough. In a real app a browser does what `go` does here.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import json
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

QUERY = Path(__file__).with_name("cards.graphql").read_text()


def call(method: str, url: str, body: str | None = None, **headers: str) -> tuple[http.client.HTTPMessage, bytes]:
    """One request. Nothing is followed, so that each step of the sign-in can be seen."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=named)
    reply = connection.getresponse()
    content = reply.read()
    if reply.status >= 400:
        raise SystemExit(f"{method} {parts.path}: {reply.status} {content.decode()}")
    return reply.headers, content


def sign_in(api: str, app: str, citizen: int) -> str:
    """Authorization code with PKCE; `sandbox_citizen` is the person's own part, done for them."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    wanted = {"redirect_uri": app, "state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
    login, _ = call("GET", f"{api}/auth/login?{urlencode(wanted)}")
    at_thaid, _ = call("GET", f"{login['location']}&sandbox_citizen={citizen}")
    cookie = login["set-cookie"].partition(";")[0]  # only the browser that began a sign-in can end it
    back, _ = call("GET", at_thaid["location"], Cookie=cookie)
    answer = parse_qs(urlsplit(back["location"]).query)
    if answer.get("state") != [state]:
        raise SystemExit("this is not the sign-in we began")
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"][0],
        "code_verifier": verifier,
        "redirect_uri": app,
    }
    _, tokens = call("POST", f"{api}/auth/token", urlencode(form), Content_Type="application/x-www-form-urlencoded")
    return str(json.loads(tokens)["access_token"])


def ask(api: str, token: str, query: str, language: str = "th", **variables: Any) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables})
    headers = {"Content_Type": "application/json", "Authorization": f"Bearer {token}", "Accept_Language": language}
    _, content = call("POST", f"{api}/graphql", body, **headers)
    reply = json.loads(content)
    if "errors" in reply:  # what nobody foresaw; what can be foreseen is in the data
        raise SystemExit(reply["errors"][0]["message"])
    data: dict[str, Any] = reply["data"]
    return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", default=os.environ.get("API", "http://127.0.0.1:8000"))
    parser.add_argument("--sandbox", default=os.environ.get("SANDBOX", "http://127.0.0.1:8100"))
    parser.add_argument("--citizen", type=int, default=4)
    told = parser.parse_args()
    token = sign_in(told.api, f"{told.sandbox}/phone/signed-in", told.citizen)
    for card, answer in ask(told.api, token, QUERY)["me"].items():
        print(
            f"{card:15} {answer['agency']['code']:5} {answer['state']:12} {json.dumps(answer['value'], ensure_ascii=False)}"
        )


if __name__ == "__main__":
    main()
