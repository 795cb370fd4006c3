"""`tangrat nation write` and `tangrat scan`: rules over a whole population, and the policy desk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Self, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from foundation import settings as settings_module
from foundation.clock import BANGKOK
from foundation.errors import BadInput, CannotStart, Unavailable
from foundation.settings import Settings

if TYPE_CHECKING:
    from lifeevents.agenda import Agenda, Fed
    from lifeevents.catalogue.model import Catalogue
    from lifeevents.scan.changes import Batch, RuleSet
    from lifeevents.scan.desk import Report
    from lifeevents.scan.extract import Extract
    from lifeevents.scan.spread import Spread

nation_app = typer.Typer(no_args_is_help=True, help="The sandbox's synthetic nation.")

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_DAY = "%Y-%m-%d"
_PATIENCE_S = (1, 2, 4, 8)
_Found = TypeVar("_Found")


@nation_app.command("write")
def nation_write(
    folder: Annotated[Path, typer.Option("--out", help="The folder to make; it must not be there yet.")],
    size: Annotated[int, typer.Option("--size", help="How many citizens.")] = 1_000_000,
    day: Annotated[datetime | None, typer.Option("--day", formats=[_DAY], help="Their day zero; today unless told.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write the nation's flat facts as Parquet, for `tangrat scan`: one folder for each of 256 shards."""
    from backend.installation import found_settings

    settings = found_settings(to_ask=True)  # for its key, by which people are hashed
    if settings.is_production:
        raise CannotStart("the synthetic nation's people don't exist in production")
    try:
        from sandbox.extract import FolderTaken, write
        from sandbox.nation import Nation
    except ModuleNotFoundError as exc:
        raise CannotStart(f"the sandbox needs {exc.name}; install the extra `tangrat[sandbox]`") from exc
    began = time.perf_counter()
    try:
        nation = Nation(
            seed=settings.sandbox_seed, size=size, day_zero=day.date() if day else datetime.now(BANGKOK).date()
        )
        with _bar("Writing the nation", total=2 * size) as advance:
            written = write(nation, folder, hash=_hash_of(settings), on_rows=advance)
    except (FolderTaken, ValueError) as exc:
        raise BadInput(str(exc)) from exc
    except OSError as exc:
        raise CannotStart(f"can't write to {folder}: {exc.strerror}") from exc
    took = time.perf_counter() - began
    if as_json:
        told = {"people": written.people, "shards": written.shards, "bytes": written.bytes, "took_s": round(took, 1)}
        typer.echo(json.dumps({**told, "day_zero": nation.day_zero.isoformat(), "out": str(folder)}))
    else:
        out.print(
            f"{written.people:,} citizens in {written.shards} shards, {written.bytes / 1e6:,.0f} MB, in {took:.0f} s: "
            f"{folder}",
            highlight=False,
        )


def scan(
    facts: Annotated[Path, typer.Option("--facts", help="The extract: a folder of shard=…/*.parquet.")],
    since: Annotated[datetime | None, typer.Option("--from", formats=[_DAY], help="Its first day; today unless told.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=[_DAY], help="Its last day; 29 days on unless told.")] = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this service; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look, feed nothing; needs no database.")] = False,
    file: Annotated[Path | None, typer.Option("--out", help="Also write each change to this Parquet file.")] = None,
    ray: Annotated[str | None, typer.Option("--ray", help="Spread the shards over the Ray cluster at this address.")] = None,
    attempt: Annotated[Path | None, typer.Option("--try", help="Policy desk: a changed service (YAML).")] = None,
    on: Annotated[datetime | None, typer.Option("--on", formats=[_DAY], help="With --try: the day; today unless told.")] = None,
    page: Annotated[Path | None, typer.Option("--html", help="With --try: also write a report with charts there.")] = None,
    work: Annotated[Path | None, typer.Option("--work", help="Where finished shards are kept until the scan is over.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Find everybody whose outcome changes in a period, and put whoever becomes entitled into the agenda, which tells them
    on the day. With --try: who gains and who loses by a changed rule.

    Interrupted, it goes on where it was when called again. Called twice, everybody is in the agenda once.
    """
    from backend.installation import run
    from lifeevents import catalogue
    from lifeevents.scan.extract import opened

    if attempt is not None:
        if since or until or rule or file or work or dry_run:
            raise BadInput("--try goes with --on, --html and --ray, not with the options of a scan over a period")
        _try(facts, attempt, on.date() if on else datetime.now(BANGKOK).date(), page, ray, as_json=as_json)
        return
    if on or page:
        raise BadInput("--on and --html go with --try")
    current = catalogue.load()
    scanning = _Scan(
        extract=opened(facts, current), current=current, since=since.date() if since else None,
        until=until.date() if until else None, codes=rule or [], file=file, work=work, ray=ray, as_json=as_json,
    )  # fmt: skip
    run(scanning.look() if dry_run else scanning.feed())


@dataclass(kw_only=True)
class _Scan:
    extract: Extract
    current: Catalogue
    since: date | None
    until: date | None
    codes: Sequence[str]
    file: Path | None
    work: Path | None
    ray: str | None
    as_json: bool

    async def look(self) -> None:
        """Find the changes and say how many."""
        await self._scan(None, datetime.now(BANGKOK).date(), settings_module.read(os.environ))

    async def feed(self) -> None:
        """Find the changes, and put whoever becomes entitled into the agenda shard by shard, as they are found."""
        from backend.app import House
        from backend.installation import found_settings
        from backend.processes import following
        from foundation.store import PyMongoError
        from lifeevents.almanac import AHEAD, TOO_LATE

        settings = found_settings(to_ask=True)
        try:
            async with House(settings, process="scan") as house, following(house.clock, settings.clock_url, house.http):
                today = house.clock.today()
                until = self._period(today)[1]
                if until < today - TOO_LATE:
                    raise BadInput(
                        f"nobody is told any more what was due by {until}; --dry-run only looks",
                        th=f"สิ่งที่ครบกำหนดถึง {until} จะไม่แจ้งแล้ว ใช้ --dry-run เพื่อดูอย่างเดียว", field="to",
                    )  # fmt: skip
                if until > today + 2 * AHEAD:
                    raise BadInput(
                        f"the agenda takes nothing after {today + 2 * AHEAD}; --dry-run only looks",
                        th=f"ปฏิทินไม่รับสิ่งที่เกิดหลัง {today + 2 * AHEAD} ใช้ --dry-run เพื่อดูอย่างเดียว", field="to",
                    )  # fmt: skip
                await self._scan(house.agenda, today, settings)
        except PyMongoError as exc:
            raise CannotStart(
                f"the database does not answer ({type(exc).__name__}); what was found is kept: started again with the "
                "same words, the scan goes on"
            ) from exc

    def _period(self, today: date) -> tuple[date, date]:
        from lifeevents.scan.changes import check_period

        first = self.since or today
        last = self.until or first + timedelta(days=29)
        check_period(first, last)
        return first, last

    async def _scan(self, agenda: Agenda | None, today: date, settings: Settings) -> None:
        from foundation.embedded import make_folder  # brings the database's driver, which is slow to load
        from lifeevents.scan.changes import changes, finished, gather, rule_set

        since, until = self._period(today)
        extract, rules = self.extract, rule_set(self.current, self.extract, codes=self.codes)
        work, began, shards = self.work or settings.data_dir / "scans", time.perf_counter(), len(extract.shards)
        counts: Counter[tuple[str, str, str]] = Counter()
        fed = None
        with _spreading(self.ray) as spread, _Aside() as aside:
            with _bar("Checking the files", total=shards) as advance:
                await aside.run(extract.check, rules.reads, step=aside.step(advance), spread=spread)
            make_folder(work)
            with _bar(f"Scanning {extract.rows:,} people", total=shards) as advance:
                found = changes(extract, rules, since, until, work=work, step=aside.step(advance), spread=spread)
                while (batch := await aside.run(next, found, None)) is not None:
                    for (code, was, becomes), people in batch.counts().items():
                        counts[code, was.value, becomes.value] += people
                    if agenda is not None:
                        fed = await _feed(agenda, batch, fed)
                        advance(0, f"{fed.new:,} new in the agenda")
        if self.file is not None:
            gather(extract, rules, since, until, work=work, file=self.file)
        finished(extract, rules, since, until, work=work)
        took = time.perf_counter() - began
        _say_changes(extract, rules, since, until, counts, fed, took, self.current, as_json=self.as_json)


class _Aside:
    """A thread for what takes long, so that the database is heard meanwhile. Interrupted, it ends at the next shard."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.shutdown()

    async def run(self, do: Callable[..., _Found], *args: Any, **named: Any) -> _Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(do, *args, **named))

    def step(self, advance: _Advance) -> Callable[[], None]:
        def one() -> None:
            if self._is_over.is_set():
                raise CannotStart("interrupted")
            advance(1)

        return one


async def _feed(agenda: Agenda, batch: Batch, before: Fed | None) -> Fed:
    """Whoever of these becomes entitled, with a little patience: a database that changes its primary is back soon."""
    from foundation.store import PyMongoError
    from lifeevents.agenda import Falls
    from lifeevents.rules.explain import Outcome

    def falls() -> Iterator[Falls]:
        for one in batch:
            if one.becomes is Outcome.ELIGIBLE and agenda.takes(one.rule):
                yield Falls(rule=one.rule, day=one.day, identity=one.person)

    for patience_s in _PATIENCE_S:
        try:
            fed = await agenda.feed(falls())
            break
        except (PyMongoError, Unavailable):
            await asyncio.sleep(patience_s)
    else:
        fed = await agenda.feed(falls())
    return fed if before is None else before + fed


@contextlib.contextmanager
def _spreading(address: str | None) -> Iterator[Spread]:
    """Where shards are worked on: here, or on a cluster; what fails there and is tried again is said."""
    from lifeevents.scan.spread import here

    if address is None:
        yield here
        return
    from lifeevents.scan.cluster import Cluster

    def again(what: str, number: int, why: str) -> None:
        err.print(f"[yellow]![/] {what}: its worker is gone ({why}); try {number}", highlight=False)

    with Cluster(address, on_again=again) as cluster:
        yield cluster.spread


def _say_changes(
    extract: Extract, rules: RuleSet, since: date, until: date, counts: Counter[tuple[str, str, str]], fed: Fed | None,
    took: float, current: Catalogue, *, as_json: bool,
) -> None:  # fmt: skip
    rows = sorted(counts.items())
    if as_json:
        told = {
            "from": since.isoformat(), "to": until.isoformat(), "people": extract.rows, "shards": len(extract.shards),
            "catalogue": current.release, "took_s": round(took, 1),
            "changes": [
                {"rule": code, "was": was, "becomes": becomes, "times": times} for (code, was, becomes), times in rows
            ],
            "agenda": None if fed is None else asdict(fed),
            "left_out": {code: list(missing) for code, missing in rules.left_out.items()},
        }  # fmt: skip
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    table = Table("service", "บริการ", "was", "becomes", box=None)
    table.add_column("times", justify="right")
    for (code, was, becomes), people in rows:
        service = current.service(code)
        table.add_row(code, service.title.th if service else "", was, becomes, f"{people:,}")
    out.print(table)
    out.print(
        f"{extract.rows:,} people, services: {len(rules.nodes)}, {since} to {until}: "
        f"{sum(counts.values()):,} changes in {took:.0f} s.",
        highlight=False,
    )
    if fed is None:
        out.print("Nothing was put into the agenda (--dry-run).")
    else:
        out.print(
            f"Into the agenda: {fed.new:,} new, {fed.there:,} there already; {fed.strangers:,} of people whom nobody here "
            f"has heard of, {fed.late:,} too late to be told.",
            highlight=False,
        )
        if fed.strangers and not fed.new + fed.there:
            out.print(
                "If somebody of them should be known here, the extract was made with another key (TANGRAT_MASTER_KEY)."
            )
    if rules.left_out:
        out.print(f"{len(rules.left_out)} services need facts that these files don't hold (--json lists them).")


def _try(facts: Path, attempt: Path, on: date, page: Path | None, ray: str | None, *, as_json: bool) -> None:
    from lifeevents import catalogue
    from lifeevents.scan.desk import compare, reads
    from lifeevents.scan.extract import opened
    from lifeevents.scan.report import html
    from lifeevents.scan.trying import difference, read_service

    current = catalogue.load()
    tried = read_service(attempt, current)
    changed = difference(attempt, tried[1])
    extract = opened(facts, current)
    columns = reads(current, tried, extract)
    shards = len(extract.shards)
    with _spreading(ray) as spread:
        with _bar("Checking the files", total=shards) as advance:
            extract.check(columns, step=partial(advance, 1), spread=spread)
        with _bar(f"Comparing for {extract.rows:,} people", total=shards) as advance:
            report = compare(current, tried, extract, on, step=partial(advance, 1), spread=spread)
    if page is not None:
        try:
            page.write_text(html(report, changed=changed))
        except OSError as exc:
            raise CannotStart(f"can't write {page}: {exc.strerror}") from exc
    if as_json:
        typer.echo(json.dumps({**report.as_json(), "changed": changed}, ensure_ascii=False))
    else:
        _say_report(report)


def _say_report(report: Report) -> None:
    from lifeevents.scan.desk import COLUMNS
    from lifeevents.scan.disclosure import FEWEST

    def number(count: int | None) -> str:
        return "–" if count is None else f"{count:,}"

    out.print(
        f"{report.service.code}: {escape(report.service.title.th)} / {escape(report.service.title.en)}, {report.on}"
    )
    out.print(f"eligible: {number(report.eligible_before)} → {number(report.eligible_after)}", highlight=False)
    for one in report.tables:
        table = Table(box=None)
        table.add_column(f"{one.title.th} / {one.title.en}", no_wrap=True)
        for name in COLUMNS.values():
            table.add_column(f"{name.th} / {name.en}", justify="right")
        for row in one.rows:
            group = row.group.th if row.group.th == row.group.en else f"{row.group.th} / {row.group.en}"
            table.add_row(group, *(number(row.counts[column]) for column in COLUMNS))
        table.add_row("รวม / total", *(number(report.total[column]) for column in COLUMNS), end_section=True)
        out.print(table)
    out.print(f"–: fewer than {FEWEST}, or a number from which one such would follow.")


def _hash_of(settings: Settings) -> Callable[[str], str]:
    """As `people` looks somebody up by their identity number, so that whom a scan finds can be told."""
    from trust.people import IDENTITY_NUMBER
    from trust.secrets import Vault, kept_key

    key = settings.master_key_bytes()
    if not key:
        from foundation.embedded import make_folder  # brings the database's driver, which is slow to load

        make_folder(settings.data_dir)
        key = kept_key(settings.data_dir)
    return partial(Vault(key).lookup, purpose=IDENTITY_NUMBER)


class _Advance(Protocol):
    def __call__(self, done: int, says: str = "") -> None: ...


@contextlib.contextmanager
def _bar(what: str, *, total: int) -> Iterator[_Advance]:
    """A bar for people on standard error; what is inside calls it with how much is done."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[says]}"),
    )  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total, says="")

        def advance(done: int, says: str = "") -> None:
            bar.advance(task, done)
            if says:
                bar.update(task, says=says)

        yield advance
