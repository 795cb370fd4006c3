"""Whoever reads an error of ours reads it in Thai too: no message is raised in English alone.

The source is walked rather than every error provoked, because the ones nobody thought of are the ones that lack it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from foundation.errors import CannotStart, SuperAppError
from lifeevents.catalogue import CatalogueWrong
from trust.keys import NotBelieved

PROJECT = Path(__file__).parents[2]
# The roof speaks to operators at a terminal, and its doors of signing in in OAuth's own words.
PACKAGES = ("resolvers", "lifeevents", "agencies", "notifications", "trust", "foundation")
FOR_OPERATORS = (CannotStart, CatalogueWrong)
ENGLISH_ALONE = {
    ("trust/keys.py", "fetch_json"): "the cause of an Unavailable that says it to people; itself it is for the log",
    ("trust/keys.py", "parsed"): "likewise",
    ("trust/thaid.py", "_discover"): "becomes ThaIDUnavailable, which is in both languages; itself it is for the log",
    ("trust/thaid.py", "_endpoint"): "likewise",
}


class Raised(ast.NodeVisitor):
    """The places where a module makes an error for people, each with the function that it stands in."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._inside: list[str] = []
        self._class: list[type | None] = [None]
        self.found: list[tuple[str, ast.Call]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._inside.append(node.name)
        self.generic_visit(node)
        self._inside.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._class.append(self._named(ast.Name(node.name)))
        self.generic_visit(node)
        self._class.pop()

    def visit_Call(self, node: ast.Call) -> None:
        made = self._named(node.func)
        if made is not None and takes_thai(made):
            self.found.append((self._inside[-1] if self._inside else "", node))
        elif ast.unparse(node.func) == "super().__init__" and is_for_people(getattr(self._class[-1], "__base__", None)):
            self.found.append((self._inside[-1], node))
        self.generic_visit(node)

    def _named(self, name: ast.expr) -> type | None:
        held: Any = self._module
        for part in ast.unparse(name).split("."):
            held = getattr(held, part, None)
        return held if is_for_people(held) else None


def is_for_people(made: Any) -> bool:
    family = (SuperAppError, NotBelieved)
    return inspect.isclass(made) and issubclass(made, family) and not issubclass(made, FOR_OPERATORS)


def takes_thai(made: type) -> bool:
    """Those that don't are told no message: they have their own, which `super().__init__` shows."""
    return "th" in inspect.signature(made).parameters


def raised() -> Iterator[tuple[str, str, ast.Call]]:
    for package in PACKAGES:
        for file in sorted((PROJECT / package).rglob("*.py")):
            path = file.relative_to(PROJECT)
            if path == Path("foundation/errors.py"):
                continue
            name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            walk = Raised(importlib.import_module(name))
            walk.visit(ast.parse(file.read_text()))
            yield from ((str(path), function, call) for function, call in walk.found)


def is_thai(text: str) -> bool:
    return any("\u0e00" <= sign <= "\u0e7f" for sign in text)


def literal(value: ast.expr) -> str:
    """All that is written out in a value."""
    told = (one.value for one in ast.walk(value) if isinstance(one, ast.Constant))
    return "".join(one for one in told if isinstance(one, str))


def lacks_thai(call: ast.Call) -> bool:
    if any(one.arg is None for one in call.keywords):
        return False
    th = next((one.value for one in call.keywords if one.arg == "th"), None)
    if th is None:
        return bool(call.args)
    return literal(th) != "" and not is_thai(literal(th))


def test_every_message_for_people_is_in_thai_too() -> None:
    lacking = [
        f"{path}:{call.lineno}: {ast.unparse(call)}"
        for path, function, call in raised()
        if lacks_thai(call) and (path, function) not in ENGLISH_ALONE
    ]

    assert lacking == []


def test_what_is_in_english_alone_is_so_for_a_reason() -> None:
    assert {(path, function) for path, function, call in raised() if lacks_thai(call)} == ENGLISH_ALONE.keys()


@pytest.mark.parametrize(
    ("source", "is_lacking"),
    [
        ('BadInput("no")', True),
        ('BadInput(f"no {1}", field="a")', True),
        ('BadInput(said)', True),
        ('errors.BadInput("no")', True),
        ('BadInput("no", th="no")', True),
        ('BadInput("no", th="ไม่")', False),
        ('BadInput("no", th=f"{name} ไม่ใช่")', False),
        ('BadInput(text.en, th=text.th)', False),
    ],
)  # fmt: skip
def test_the_walk_sees_what_it_should(source: str, is_lacking: bool) -> None:
    module = ModuleType("made_up")
    exec("from foundation import errors\nfrom foundation.errors import BadInput", module.__dict__)  # noqa: S102
    walk = Raised(module)

    walk.visit(ast.parse(f"def refuse():\n    raise {source}"))

    ((function, call),) = walk.found
    assert (function, lacks_thai(call)) == ("refuse", is_lacking)
