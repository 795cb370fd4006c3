"""`tangrat nation write` and `tangrat scan`: rules over a whole population, and the policy desk."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from foundation import settings as settings_module
from foundation.clock import BANGKOK
from foundation.errors import BadInput, CannotStart
from foundation.settings import Settings

if TYPE_CHECKING:
    from lifeevents.catalogue.model import Catalogue
    from lifeevents.scan.changes import RuleSet
    from lifeevents.scan.desk import Report
    from lifeevents.scan.extract import Extract

nation_app = typer.Typer(no_args_is_help=True, help="The sandbox's synthetic nation.")

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_DAY = "%Y-%m-%d"


@nation_app.command("write")
def nation_write(
    folder: Annotated[Path, typer.Option("--out", help="The folder to make; it must not be there yet.")],
    size: Annotated[int, typer.Option("--size", help="How many citizens.")] = 1_000_000,
    day: Annotated[datetime | None, typer.Option("--day", formats=[_DAY], help="Their day zero; today unless told.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write the nation's flat facts as Parquet, for `tangrat scan`: one folder for each of 256 shards."""
    settings = settings_module.read(os.environ)
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
    since: Annotated[datetime | None, typer.Option("--from", formats=[_DAY], help="First day of the period.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=[_DAY], help="Its last day; 29 days on unless told.")] = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this service; may be repeated.")] = None,
    file: Annotated[Path | None, typer.Option("--out", help="Also write each change to this Parquet file.")] = None,
    attempt: Annotated[Path | None, typer.Option("--try", help="Policy desk: a changed service (YAML).")] = None,
    on: Annotated[datetime | None, typer.Option("--on", formats=[_DAY], help="With --try: the day; today unless told.")] = None,
    page: Annotated[Path | None, typer.Option("--html", help="With --try: also write a report with charts there.")] = None,
    work: Annotated[Path | None, typer.Option("--work", help="Where finished shards are kept until the scan is over.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Find everybody whose outcome changes in a period, or, with --try, who gains and loses by a changed rule.

    Interrupted, it goes on where it was when called again.
    """
    from lifeevents import catalogue
    from lifeevents.scan.extract import opened

    today = datetime.now(BANGKOK).date()
    if attempt is not None:
        if since or until or rule or file:
            raise BadInput("--try goes with --on and --html, not with --from, --to, --rule or --out")
        _try(facts, attempt, on.date() if on else today, page, as_json=as_json)
        return
    if on or page:
        raise BadInput("--on and --html go with --try")
    first = since.date() if since else today
    last = until.date() if until else date.fromordinal(first.toordinal() + 29)
    current = catalogue.load()
    _scan(
        opened(facts, current), current, first, last, rule or [], file,
        work or settings_module.read(os.environ).data_dir / "scans", as_json=as_json,
    )  # fmt: skip


def _scan(
    extract: Extract, current: Catalogue, since: date, until: date, codes: list[str], file: Path | None, work: Path,
    *, as_json: bool,
) -> None:  # fmt: skip
    from lifeevents.scan.changes import changes, check_period, finished, gather, rule_set

    check_period(since, until)
    rules = rule_set(current, extract, codes=codes)
    began = time.perf_counter()
    shards = len(extract.shards)
    with _bar("Checking the files", total=shards) as advance:
        extract.check(rules.reads, step=partial(advance, 1))
    from foundation.embedded import make_folder  # brings the database's driver, which is slow to load

    make_folder(work)
    counts: Counter[tuple[str, str, str]] = Counter()
    with _bar(f"Scanning {extract.rows:,} people", total=shards) as advance:
        for batch in changes(extract, rules, since, until, work=work, step=partial(advance, 1)):
            for (code, was, becomes), people in batch.counts().items():
                counts[code, was.value, becomes.value] += people
    if file is not None:
        gather(extract, rules, since, until, work=work, file=file)
    finished(extract, rules, since, until, work=work)
    _say_changes(extract, rules, since, until, counts, time.perf_counter() - began, current, as_json=as_json)


def _say_changes(
    extract: Extract, rules: RuleSet, since: date, until: date, counts: Counter[tuple[str, str, str]], took: float,
    current: Catalogue, *, as_json: bool,
) -> None:  # fmt: skip
    rows = sorted(counts.items())
    if as_json:
        told = {
            "from": since.isoformat(), "to": until.isoformat(), "people": extract.rows, "shards": len(extract.shards),
            "catalogue": current.release, "took_s": round(took, 1),
            "changes": [
                {"rule": code, "was": was, "becomes": becomes, "times": times} for (code, was, becomes), times in rows
            ],
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
    if rules.left_out:
        out.print(f"{len(rules.left_out)} services need facts that these files don't hold (--json lists them).")


def _try(facts: Path, attempt: Path, on: date, page: Path | None, *, as_json: bool) -> None:
    from lifeevents import catalogue
    from lifeevents.scan.desk import compare, reads
    from lifeevents.scan.extract import opened
    from lifeevents.scan.report import html
    from lifeevents.scan.trying import read_service

    current = catalogue.load()
    tried = read_service(attempt, current)
    extract = opened(facts, current)
    columns = reads(current, tried, extract)
    shards = len(extract.shards)
    with _bar("Checking the files", total=shards) as advance:
        extract.check(columns, step=partial(advance, 1))
    with _bar(f"Comparing for {extract.rows:,} people", total=shards) as advance:
        report = compare(current, tried, extract, on, step=partial(advance, 1))
    if page is not None:
        try:
            page.write_text(html(report))
        except OSError as exc:
            raise CannotStart(f"can't write {page}: {exc.strerror}") from exc
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        _say_report(report)


def _say_report(report: Report) -> None:
    from lifeevents.scan.desk import COLUMNS, FEWEST

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


@contextlib.contextmanager
def _bar(what: str, *, total: int) -> Iterator[Callable[[int], Any]]:
    """A bar for people on standard error; what is inside calls it with how much is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
