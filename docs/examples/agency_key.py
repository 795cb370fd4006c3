"""Make the key pair with which an agency's system proves who it is.

    python docs/examples/agency_key.py keys

`private.pem` stays with you. Publish `jwks.json` at an HTTPS address of yours: it holds the public half only.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm

folder = Path(sys.argv[1])
folder.mkdir(mode=0o700, parents=True, exist_ok=True)
key = ec.generate_private_key(ec.SECP256R1())
private = folder / "private.pem"
private.touch(mode=0o600, exist_ok=False)  # never over a key that is in use
private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {
    "kid": secrets.token_hex(8),
    "use": "sig",
    "alg": "ES256",
}
(folder / "public").mkdir()
(folder / "public" / "jwks.json").write_text(json.dumps({"keys": [public]}, indent=1))
print(f"{private}\n{folder / 'public' / 'jwks.json'}")
