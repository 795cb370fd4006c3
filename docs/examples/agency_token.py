"""Get an access token as an agency's system: sign a short assertion with the private key (private_key_jwt).

    python docs/examples/agency_token.py --client-id my-sso --keys keys

Prints the token. It lives ten minutes; an assertion works once.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import time
import uuid
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import jwt

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def take_token(api: str, client_id: str, keys: Path, scope: str = "") -> str:
    """An access token with these scopes; all that were registered, if none is named."""
    now = int(time.time())
    claims = {
        "iss": client_id, "sub": client_id,  # both are the client's name
        "aud": f"{api}/agency/token",
        "jti": uuid.uuid4().hex,  # a new one each time
        "iat": now, "exp": now + 60,  # at most 300 seconds ahead
    }  # fmt: skip
    kid = json.loads((keys / "public" / "jwks.json").read_text())["keys"][0]["kid"]
    assertion = jwt.encode(claims, (keys / "private.pem").read_text(), algorithm="ES256", headers={"kid": kid})
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
    if scope:
        form["scope"] = scope
    connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=10)
    connection.request("POST", "/agency/token", urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
    reply = connection.getresponse()
    said = json.loads(reply.read())
    if reply.status != 200:
        raise SystemExit(f"{reply.status} {said['error']}: {said['error_description']}")
    return str(said["access_token"])


def arguments(about: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", default=os.environ.get("API", "http://127.0.0.1:8000"))
    parser.add_argument("--client-id", default="my-sso")
    parser.add_argument("--keys", type=Path, default=Path("keys"))
    return parser


if __name__ == "__main__":
    told = arguments(__doc__).parse_args()
    print(take_token(told.api, told.client_id, told.keys))
