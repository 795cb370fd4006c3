"""A changed service in a file of its own, read as if it stood in the catalogue in the place of the one in force.

The whole catalogue is checked with it, so whatever `tangrat catalogue check` would refuse is refused here, with the line
of this file.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path
from textwrap import dedent
from typing import Final

from foundation.language import Text
from lifeevents import catalogue
from lifeevents.catalogue.model import Catalogue, PublicService, close
from lifeevents.catalogue.yaml import At, Problem, read_file

_LARGEST: Final = 200_000
_ITEM: Final = re.compile(r"\s*- ")


def read_service(file: Path, current: Catalogue, *, folder: Path | None = None) -> tuple[Catalogue, PublicService]:
    """The service in the file, and the catalogue as it would be with it. Raises CatalogueWrong."""
    problems: list[Problem] = []
    content = _content(file, problems)
    root = read_file(file.name, content, problems) if content else None
    code = _code(root, file.name, current, problems) if root else ""
    service = current.service(code)
    if problems or service is None:
        raise catalogue.CatalogueWrong(problems)
    with tempfile.TemporaryDirectory(prefix="tangrat-try-") as there:
        trying = Path(there) / "catalogue"
        shutil.copytree(folder or catalogue.FOLDER, trying, ignore=lambda at, names: _no_yaml(Path(at), names))
        stage = trying / f"{service.stage}.yaml"
        first, added = _splice(stage, code, content.decode())
        try:
            changed = catalogue.load(trying)
        except catalogue.CatalogueWrong as exc:
            last = first + len(content.decode().splitlines())
            raise catalogue.CatalogueWrong(
                [
                    replace(one, file=file.name, line=one.line - first + 1)
                    if one.file == stage.name and first <= one.line < last
                    else replace(one, line=one.line - added)
                    if one.file == stage.name and one.line >= last
                    else one
                    for one in exc.problems
                ]
            ) from exc
    found = changed.service(code)
    if found is None or len(changed.services) != len(current.services):
        says = Text(th="ไฟล์นี้ต้องมีบริการเดียว", en="this file holds one service and nothing else")
        raise catalogue.CatalogueWrong([Problem(file=file.name, line=0, path="", says=says)])
    return changed, found


def difference(file: Path, service: PublicService, *, folder: Path | None = None) -> tuple[str, ...]:
    """What a file that `read_service` has read changes of the one in force, line by line: `+`, `-` or a blank before each."""
    stage = (folder or catalogue.FOLDER) / f"{service.stage}.yaml"
    lines = stage.read_text().splitlines()
    start, end = _place(stage.name, lines, service.code)
    in_force, tried = _plain(lines[start - 1 : end - 1]), _plain(file.read_text().splitlines())
    # Its first two lines name the files.
    found = list(unified_diff(in_force, tried, n=1, lineterm=""))[2:]
    return tuple(line for line in found if not line.startswith("@@"))


def _plain(lines: list[str]) -> list[str]:
    """As a mapping of its own, whether it stood in a list or not."""
    said = [line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if said and _ITEM.match(said[0]):
        said[0] = said[0].replace("- ", "  ", 1)
    return dedent("\n".join(said)).splitlines()


def _content(file: Path, problems: list[Problem]) -> bytes:
    try:
        content = file.read_bytes() if file.stat().st_size <= _LARGEST else b""
    except OSError as exc:
        says = Text(th=f"อ่านไฟล์นี้ไม่ได้ ({exc.strerror})", en=f"can't read this file ({exc.strerror})")
    else:
        if content:
            return content
        says = Text(th=f"ว่าง หรือใหญ่กว่า {_LARGEST} ไบต์", en=f"empty, or larger than {_LARGEST} bytes")
    problems.append(Problem(file=file.name, line=0, path="", says=says))
    return b""


def _code(root: At, file: str, current: Catalogue, problems: list[Problem]) -> str:
    """Of which service it is."""
    items = list(root.items()) if root.is_list else [root]
    if len(items) != 1 or not items[0].is_mapping:
        root.wrong(en="this file holds one service and nothing else", th="ไฟล์นี้ต้องมีบริการเดียว")
        return ""
    at = items[0].fields().get("id")
    code = at.string()
    if code and current.service(code) is None:
        near = close(code, [service.code for service in current.services])
        at.wrong(
            en=f"{code[:80]!r} is no service in force" + (f"; did you mean {near!r}?" if near else ""),
            th=f"ไม่มีบริการ {code[:80]!r} ที่ใช้อยู่" + (f" หมายถึง {near!r} หรือไม่" if near else ""),
        )
    return code


def _splice(stage: Path, code: str, content: str) -> tuple[int, int]:
    """Put it in the place of the one that is there; the line where it begins, and how many lines there are more."""
    lines = stage.read_text().splitlines()
    start, end = _place(stage.name, lines, code)
    indent = " " * (len(lines[start - 1]) - len(lines[start - 1].lstrip()))
    written = content.splitlines()
    is_item = any(_ITEM.match(line) for line in written if line.strip() and not line.lstrip().startswith("#")) and next(
        (bool(_ITEM.match(line)) for line in written if line.strip() and not line.lstrip().startswith("#")), False
    )
    put = [indent + line for line in written] if is_item else [f"{indent}-", *(f"{indent}  {line}" for line in written)]
    lines[start - 1 : end - 1] = put
    stage.write_text("\n".join(lines) + "\n")
    return start + (not is_item), len(put) - (end - start)


def _place(name: str, lines: list[str], code: str) -> tuple[int, int]:
    """The line where the service begins, and the one behind its last."""
    root = read_file(name, "\n".join(lines).encode(), [])
    if root is None:
        raise AssertionError("the catalogue in force can be read")
    fields = root.fields()
    items = list(fields.list("services"))
    starts = sorted([item.line for item in items] + [at.line for _, at in fields.each()])
    start = next(item.line for item in items if item.fields().get("id").string() == code)
    return start, next((line for line in starts if line > start), len(lines) + 1)


def _no_yaml(folder: Path, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".yaml") and not (folder / name).is_dir()] + (
        ["__pycache__"] if "__pycache__" in names else []
    )
