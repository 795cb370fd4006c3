"""What is kept so that only we can read it.

Each person has a key of their own, kept wrapped by the master key; erasing a person is destroying that one key.
AES-256-GCM of `cryptography` with a random nonce per value and the place of the value as associated data, so that a
sealed value copied into another field or another person's document does not open. Equality search goes by a keyed hash.
docs/decisions/0003-encryption.md says why not PyMongo's own field-level encryption.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from foundation.embedded import make_folder

_NONCE = 12


class SealBroken(Exception):
    """A sealed value does not open: another key, another place, or it was changed."""


class SealingKey:
    """One key that seals and opens. `context` names the place (`people.pid`, say); the same must be given to open."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, *, context: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        try:
            return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        except (InvalidTag, ValueError) as exc:
            raise SealBroken(f"a sealed value of {context} does not open") from exc


class Vault:
    """The master key's three uses, each under a key derived for it alone: wrapping, looking up, the system's own secrets."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != 32:
            raise ValueError("the master key must be 32 bytes")
        self._wrapping = SealingKey(_derived(master_key, "wrap person keys"))
        self._system = SealingKey(_derived(master_key, "system secrets"))
        self._lookup = _derived(master_key, "lookup")

    def new_key(self) -> bytes:
        """A fresh person's key, wrapped for keeping."""
        return self._wrapping.seal(AESGCM.generate_key(bit_length=256), context="person key")

    def open_key(self, wrapped: bytes) -> SealingKey:
        return SealingKey(self._wrapping.open(wrapped, context="person key"))

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Seal a secret of the system's own (a signing key, a webhook secret)."""
        return self._system.seal(plain, context=context)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        return self._system.open(sealed, context=context)

    def lookup(self, value: str, *, purpose: str) -> str:
        """A keyed hash (hex) by which a value is found without being kept; another purpose, another hash."""
        return hmac.digest(self._lookup, f"{purpose}\0{value}".encode(), hashlib.sha256).hex()


def kept_key(folder: Path) -> bytes:
    """The master key of a development machine: made the first time, kept in this folder, the same for every process."""
    file = folder / "master.key"
    if not file.exists():
        make_folder(folder)
        # Several processes may be at this line: each links its own draft, the first link stays, and all read that one.
        draft = folder / f"master.key.{os.urandom(4).hex()}"
        draft.touch(mode=0o600)
        draft.write_bytes(base64.b64encode(os.urandom(32)))
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(draft)
        draft.unlink()
    return base64.b64decode(file.read_bytes())


def _derived(master_key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"tangrat {purpose}".encode()).derive(master_key)
