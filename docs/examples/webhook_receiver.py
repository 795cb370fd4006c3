"""An agency's endpoint: answers the challenge, checks the signature, takes each webhook once.

    WEBHOOK_SECRETS=secrets.txt python docs/examples/webhook_receiver.py 9100

`secrets.txt` has one `whsec_…` a line; while a secret is being replaced there are two.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

SECRETS = Path(os.environ["WEBHOOK_SECRETS"])
SEEN: set[str] = set()  # in earnest, a table with a unique key


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))  # the very bytes are signed: check, then parse
        hook = json.loads(body)
        if hook.get("type") == "tangrat.endpoint.challenge":  # comes before you can know the secret
            return self.answer(200, {"challenge": hook["challenge"]})
        if not any(self.is_signed_with(secret, body) for secret in SECRETS.read_text().split()):
            return self.answer(401, {})
        if self.headers["webhook-id"] not in SEEN:  # the same id on every attempt
            SEEN.add(self.headers["webhook-id"])
            print(json.dumps(hook), flush=True)  # in earnest: write it down, answer, then work
        return self.answer(200, {})

    def is_signed_with(self, secret: str, body: bytes) -> bool:
        try:
            Webhook(secret).verify(body, dict(self.headers.items()))  # also refuses what is over five minutes old
        except WebhookVerificationError:
            return False
        return True

    def answer(self, status: int, said: dict[str, str]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Endpoint)
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
