"""Ids: random for what is new, derived for what follows from something, so that doing it twice meets the same id."""

from __future__ import annotations

import hashlib
import secrets

CELL = 2  # hex characters: 256 cells, the shard key


def new_id() -> str:
    """128 random bits in hex. The first two characters are its cell."""
    return secrets.token_hex(16)


def derive(owner: str, *parts: str) -> str:
    """The one id that follows from these parts, in the cell of its owner (a person's id, or any id to start from).

    Each part is written with its length, so that ("ab", "c") and ("a", "bc") differ. Of the owner only the cell counts,
    which they share with many: where two owners may have the same parts, the owner is a part too.
    """
    told = "".join(f"{len(part)}:{part}" for part in parts)
    return owner[:CELL] + hashlib.sha256(told.encode()).hexdigest()[: 32 - CELL]
