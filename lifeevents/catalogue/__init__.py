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
from lifeevents.catalogue.model import Catalogue, EventType, LifeEventType, LifeStage, PublicService, criteria
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
    "counts",
    "index_markdown",
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
    """Read and check the folder (the one that comes with the code, if none is given). Raises CatalogueWrong."""
    return _ours() if folder is None else _Loading(folder).finish()


@cache
def _ours() -> Catalogue:
    """The one that comes with the code doesn't change while the process runs, and is frozen: one for all."""
    return _Loading(FOLDER).finish()


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


def index_markdown(catalogue: Catalogue) -> str:
    """The page that lists every service, for docs/catalogue-index.md."""
    lines = [
        "# ดัชนีบริการ / Service index",
        "",
        "Printed from the catalogue by `tangrat catalogue docs`; don't edit it by hand. "
        "What the columns mean: [catalogue.md](catalogue.md).",
        "",
        ", ".join(f"{count} {what}" for what, count in counts(catalogue).items()) + ".",
    ]
    for stage in catalogue.life_stages:
        lines += [
            "",
            f"## {stage.title.th} / {stage.title.en}",
            "",
            "| service | ชื่อ / title | agency | kind | status | confidence | as of |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| `{service.code}` | {_cell(service.title.th)} / {_cell(service.title.en)} | {service.agency} "
            f"| {service.kind} | {service.status} | {service.confidence} | {service.as_of} |"
            for service in catalogue.services
            if service.stage == stage.code
        ]
    lines += [
        "",
        "## ยังต้องตรวจกับแหล่งทางการ / Still to be checked against an official source",
        "",
        *(f"- `{service.code}`: {doubts}" for service in catalogue.services if (doubts := _doubts(service))),
    ]
    return "\n".join(lines) + "\n"


def _doubts(service: PublicService) -> str:
    """What in a service rests on general knowledge or on sources that disagree; empty where nothing does."""
    found: list[str] = [] if service.confidence == "sourced" else [service.confidence]
    uncertain = [amount.name.en for amount in service.amounts if amount.confidence == "uncertain"]
    if uncertain:
        found.append("uncertain amounts: " + ", ".join(dict.fromkeys(uncertain)))
    if service.choose_by_confidence:
        found.append(f"the date that chooses the amounts ({service.choose_by}) is {service.choose_by_confidence}")
    if service.deadline and service.deadline.confidence == "uncertain":
        found.append("the deadline is uncertain")
    doubtful = [leaf.fact for leaf in criteria(service.eligibility) if leaf.confidence and leaf.confidence != "sourced"]
    if doubtful:
        found.append("general knowledge about " + ", ".join(dict.fromkeys(doubtful)))
    return "; ".join(found)


class _Loading:
    """One reading of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: list[Problem] = []
        self._vocabulary = Vocabulary()
        self._events = EventTypeReader(self._vocabulary)
        self._stages = StageReader(self._vocabulary, self._events)
        self._hash = hashlib.sha256()

    def finish(self) -> Catalogue:
        roots = self._roots()
        # In this order, so that most references can be checked where they stand.
        vocabulary = self._vocabulary
        readers: dict[str, Callable[[At], None]] = {
            "words.yaml": vocabulary.read_words,
            "agencies.yaml": vocabulary.read_agencies,
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
                        vocabulary.read_agency(root)
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
        if self._problems:
            raise CatalogueWrong(
                sorted(set(self._problems), key=lambda one: (one.file, one.line, one.path, one.says.en))
            )
        return self._catalogue()

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


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
