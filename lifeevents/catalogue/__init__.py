"""The catalogue: every life event, service, rule, agency and fact, written as data and checked before it is believed.

Policy officers write the YAML in `catalogue/`; this loads it into one frozen `Catalogue` or refuses it whole, naming
every problem at once with its file, its line and what would be right. A catalogue that is half right is worse than
none: it would tell somebody the wrong thing about their rights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from foundation.errors import SuperAppError
from foundation.language import Text
from lifeevents.catalogue.events import EventTypeReader
from lifeevents.catalogue.model import Catalogue, EventType, LifeEventType, LifeStage, PublicService
from lifeevents.catalogue.operations import AgencyReader
from lifeevents.catalogue.services import StageReader
from lifeevents.catalogue.vocabulary import Vocabulary
from lifeevents.catalogue.yaml import At, Problem, read_file

__all__ = [
    "Catalogue",
    "CatalogueWrong",
    "EventType",
    "LifeEventType",
    "LifeStage",
    "Problem",
    "PublicService",
    "check",
    "counts",
    "json_schema",
    "load",
]

FOLDER = Path(__file__).parent
_AGENCIES = "agencies"  # the folder with a file for each
_MAX_FILE = 5_000_000


class CatalogueWrong(SuperAppError):
    """The files can't be believed; `problems` says all that is wrong with them."""

    code = "CATALOGUE_WRONG"
    status = 500

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"The catalogue has {len(problems)} problem{'s' if len(problems) > 1 else ''}:\n"
            + "\n".join(problem.said_in("en") for problem in problems),
            th=f"บัญชีบริการมีข้อผิดพลาด {len(problems)} จุด:\n" + "\n".join(problem.said_in("th") for problem in problems),
            count=len(problems),
        )


def load(folder: Path | None = None) -> Catalogue:
    """Read the folder and check it; without one, read the one that comes with the code. Raises CatalogueWrong."""
    return _ours() if folder is None else check(folder)


def check(folder: Path | None = None) -> Catalogue:
    """Read and check the folder, or the one that comes with the code. Raises CatalogueWrong."""
    return _Loading(folder or FOLDER).finish()


@cache
def _ours() -> Catalogue:
    """The one that comes with the code doesn't change while the process runs, and is frozen: one for all. What it means as
    a whole was checked before it was released (`tangrat catalogue check`), which takes as long as reading it."""
    return _Loading(FOLDER).read()


def json_schema(folder: Path | None = None) -> str:
    """The JSON Schema of the files, for editors, as docs/catalogue.schema.json has it. Raises CatalogueWrong."""
    loading = _Loading(folder or FOLDER)
    loading.read()
    return loading.schema()


def counts(catalogue: Catalogue) -> dict[str, int]:
    """How much of each there is."""
    return {
        "life stages": len(catalogue.life_stages),
        "life events": len(catalogue.life_events),
        "services": len(catalogue.services),
        "agencies": len(catalogue.agencies),
        "operations": sum(len(agency.operations) for agency in catalogue.agencies),
        "facts": len(catalogue.facts),
        "parameters": len(catalogue.parameters),
        "evidence": len(catalogue.evidence),
        "event types": len(catalogue.event_types),
        "notifications": sum(len(service.notifications) for service in catalogue.services),
    }


class _Loading:
    """One reading of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: list[Problem] = []
        self._vocabulary = Vocabulary()
        self._agencies = AgencyReader(self._vocabulary)
        self._events = EventTypeReader(self._vocabulary)
        self._stages = StageReader(self._vocabulary, self._events)
        self._hash = hashlib.sha256()
        self._read: dict[str, At] = {}

    def finish(self) -> Catalogue:
        found = self.read()
        # The rules are made of the catalogue's model, so they can't be imported before it.
        from lifeevents.catalogue.sense import Sense

        Sense(found, self._vocabulary).check()
        self._refuse()
        return found

    def read(self) -> Catalogue:
        roots = self._roots()
        self._read = {name: root for name, root in roots.items() if root}
        # In this order, so that most references can be checked where they stand.
        vocabulary = self._vocabulary
        readers: dict[str, Callable[[At], None]] = {
            "words.yaml": vocabulary.read_words,
            "agencies.yaml": self._agencies.read,
            "facts.yaml": vocabulary.read_facts,
            "parameters.yaml": vocabulary.read_parameters,
            "evidence.yaml": vocabulary.read_evidence,
            "event_types.yaml": self._events.read,
        }
        for name, read in readers.items():
            if name not in roots:
                self._wrong(name, en="this file is missing from the folder", th="ไม่มีไฟล์นี้ในโฟลเดอร์")
            elif root := roots[name]:
                read(root)
            if name == "agencies.yaml":
                for root in [root for name, root in roots.items() if _is_agency(name)]:
                    if root:
                        self._agencies.read_one(root)
        stages = {name: root for name, root in roots.items() if name not in readers and not _is_agency(name)}
        for root in stages.values():
            if root:
                self._stages.read(root)
        if not stages:
            self._wrong(
                "",
                en="there is no file of a life stage (birth.yaml …) here",
                th="ไม่มีไฟล์ช่วงชีวิต (birth.yaml …) ในโฟลเดอร์นี้",
            )
        if all(roots.get(name) for name in readers) and all(roots.values()):
            # With a file missing, most of what these would say is only an echo of that.
            vocabulary.settle()
            self._stages.check_together()
        self._refuse()
        return self._catalogue()

    def schema(self) -> str:
        """Of what was read. Call `finish` before."""
        from lifeevents.catalogue.schema import printed, schema

        return printed(schema(self._read, self._vocabulary))

    def _refuse(self) -> None:
        if self._problems:
            raise CatalogueWrong(
                sorted(set(self._problems), key=lambda one: (one.file, one.line, one.path, one.says.en))
            )

    def _roots(self) -> dict[str, At | None]:
        """Each file of the folder by name; None where it can't be read (and a problem says why)."""
        roots: dict[str, At | None] = {}
        try:
            files = sorted(
                path
                for folder in (self._folder, self._folder / _AGENCIES)
                if folder == self._folder or folder.is_dir()
                for path in folder.iterdir()
                if path.suffix in (".yaml", ".yml")
            )
        except OSError as exc:
            self._wrong(
                str(self._folder), en=f"can't read this folder ({exc.strerror})", th=f"อ่านโฟลเดอร์นี้ไม่ได้ ({exc.strerror})"
            )
            return roots
        for path in files:
            name = str(path.relative_to(self._folder))
            if path.suffix == ".yml":
                self._wrong(
                    name,
                    en=f"this file isn't read; call it {path.stem}.yaml",
                    th=f"ไฟล์นี้ไม่ถูกอ่าน ให้ตั้งชื่อ {path.stem}.yaml",
                )
                continue
            roots[name] = None
            try:
                content = path.read_bytes()
            except OSError as exc:
                self._wrong(name, en=f"can't read this file ({exc.strerror})", th=f"อ่านไฟล์นี้ไม่ได้ ({exc.strerror})")
                continue
            if len(content) > _MAX_FILE:
                self._wrong(name, en=f"larger than {_MAX_FILE} bytes; split it", th=f"ใหญ่กว่า {_MAX_FILE} ไบต์ ให้แบ่งไฟล์")
                continue
            self._hash.update(f"{name}\0{len(content)}\0".encode() + content)
            roots[name] = read_file(name, content, self._problems)
        return roots

    def _wrong(self, file: str, *, en: str, th: str) -> None:
        self._problems.append(Problem(file=file, line=0, path="", says=Text(th=th, en=en)))

    def _catalogue(self) -> Catalogue:
        stages = sorted(self._stages.life_stages, key=lambda stage: stage.order)
        place = {stage.code: stage.order for stage in stages}
        vocabulary = self._vocabulary
        return Catalogue(
            release=self._hash.hexdigest()[:12],
            life_stages=tuple(stages),
            life_events=tuple(sorted(self._stages.life_events, key=lambda event: place[event.stage])),
            services=tuple(sorted(self._stages.services, key=lambda service: place[service.stage])),
            agencies=tuple(vocabulary.agencies),
            facts=tuple(vocabulary.facts.values()),
            event_dates=tuple(vocabulary.event_dates),
            parameters=tuple(vocabulary.parameters.values()),
            evidence=tuple(vocabulary.evidence.values()),
            event_types=tuple(self._events.event_types),
            words=MappingProxyType({kind: MappingProxyType(words) for kind, words in vocabulary.words.items()}),
        )


def _is_agency(file: str) -> bool:
    return file.startswith(f"{_AGENCIES}/")
