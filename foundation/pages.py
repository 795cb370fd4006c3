"""Long lists, a page at a time: what a page is, and the opaque cursors that lead from one to the next.

A cursor says where a page ended by the sort key of its last item, so that what is added meanwhile neither repeats nor
skips anything. It names its list, so that a cursor of one list is refused by another.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson

from foundation.errors import BadInput

T = TypeVar("T")
U = TypeVar("U")

LARGEST_PAGE = 100
_LONGEST_CURSOR = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some items in order, each with the cursor that leads to what comes after it."""

    items: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool

    @property
    def end_cursor(self) -> str | None:
        return self.cursors[-1] if self.cursors else None

    def of(self, change: Callable[[T], U]) -> Page[U]:
        """The same page with each item turned into something else."""
        return Page(items=tuple(change(item) for item in self.items), cursors=self.cursors, has_next=self.has_next)


def page_size(first: int | None, *, default: int = 20) -> int:
    """How many items were asked for. BadInput outside 1 to 100."""
    wanted = default if first is None else first
    if isinstance(wanted, bool) or not 1 <= wanted <= LARGEST_PAGE:
        raise BadInput(
            f"a page has 1 to {LARGEST_PAGE} items", th=f"หนึ่งหน้ามีได้ 1 ถึง {LARGEST_PAGE} รายการ", field="first"
        )
    return wanted


def page(found: Sequence[T], *, first: int, cursor: Callable[[T], str]) -> Page[T]:
    """A page from a read of `first + 1` items: the extra one only says that there is more."""
    items = tuple(found[:first])
    return Page(items=items, cursors=tuple(cursor(item) for item in items), has_next=len(found) > first)


def write_cursor(kind: str, *parts: str) -> str:
    """An opaque text that leads on from these parts (a sort key) in the list named `kind`."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *parts])).rstrip(b"=").decode()


def read_cursor(kind: str, text: str, *, parts: int) -> tuple[str, ...]:
    """What `write_cursor` was given. BadInput for a cursor that is mangled or belongs to another list."""
    try:
        if not text or len(text) > _LONGEST_CURSOR or not text.isascii():
            raise ValueError
        held = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if not isinstance(held, list) or len(held) != parts + 1 or held[0] != kind:
            raise ValueError
        if not all(isinstance(part, str) for part in held):
            raise ValueError
    except (ValueError, binascii.Error) as exc:
        raise BadInput("the cursor is not one of this list", th="ตัวชี้หน้าถัดไปไม่ถูกต้อง", field="after") from exc
    return tuple(held[1:])
