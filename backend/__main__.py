"""The `tangrat` command. The only reader of the environment; everything below is handed its settings."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend import scan
from backend.installation import found_settings as _found_settings
from backend.installation import run as _run
from backend.installation import told_settings as _settings
from foundation import settings as settings_module
from foundation.errors import CannotStart, SuperAppError
from foundation.settings import Settings

app = typer.Typer(
    name="tangrat", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="The backend of a citizen super-app: one question to many agencies, life events in, rights told in time.",
)  # fmt: skip
catalogue_app = typer.Typer(no_args_is_help=True, help="The catalogue of life events, services, agencies and facts.")
agency_app = typer.Typer(no_args_is_help=True, help="Agencies that may call this system.")
check_app = typer.Typer(help="Look at this installation, or at the agencies behind it.")
app.add_typer(check_app, name="check")
app.add_typer(catalogue_app, name="catalogue")
mini_app_app = typer.Typer(no_args_is_help=True, help="Agencies' mini apps: their own pages inside the app.")
app.add_typer(agency_app, name="agency")
app.add_typer(mini_app_app, name="mini-app")
app.add_typer(scan.nation_app, name="nation")
app.command()(scan.scan)

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def main() -> None:
    """Run a command. What can't start or go on is one sentence on standard error, and exit code 2."""
    logging.captureWarnings(True)
    try:
        app()
    except SuperAppError as exc:
        err.print(f"[red]tangrat:[/] {escape(exc.message)}", highlight=False, soft_wrap=True)
        sys.exit(2)


def _log(settings: Settings, process: str) -> None:
    from foundation.telemetry import set_up_logging

    set_up_logging(level=settings.log_level, form=settings.log_format, process=process)


@app.command()
def up(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Also stop when the process that started this one dies (for make).")
    ] = False,
) -> None:
    """Start MongoDB, the sandbox, worker and API on this machine; Ctrl-C stops all of it."""
    from backend.up import Up
    from foundation.embedded import make_folder

    settings = _settings()
    if settings.is_production:
        raise CannotStart("`tangrat up` is for development; in production run `tangrat serve` and `tangrat work`")
    make_folder(settings.data_dir)
    asyncio.run(Up(settings, os.environ, console=out).run(with_parent=with_parent))


@app.command()
def serve() -> None:
    """Run the API: the graph, sign-in, the agencies' door. Stateless; run as many as wanted."""
    from backend.app import serve as run

    settings = _found_settings()
    _log(settings, "serve")
    _run(run(settings))


@app.command()
def work() -> None:
    """Run a worker: matches events, tells people, delivers. Stateless; run as many as wanted, kill any at any time."""
    from backend.worker import work as run

    settings = _found_settings()
    _log(settings, "work")
    _run(run(settings))


@app.command()
def sandbox() -> None:
    """Run the simulated agencies, ThaID, FCM, SMS and a phone to look at. Never in production."""
    from backend.sandbox import run_sandbox

    settings = _settings()
    if settings.is_production:
        raise CannotStart("the sandbox never runs in production; unset TANGRAT_ENV, or use another machine")
    _log(settings, "sandbox")
    _run(run_sandbox(settings))


@app.command()
def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Fail where schema.graphql is not what the code prints.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write schema.graphql anew.")] = False,
) -> None:
    """Print the graph's schema (SDL)."""
    from resolvers.schema import print_schema

    file, printed = Path("schema.graphql"), print_schema()
    if write:
        file.write_text(printed)
    elif check:
        if not file.exists() or file.read_text() != printed:
            raise CannotStart(
                "schema.graphql is not what the code prints; run `tangrat schema --write` and look at the change"
            )
        out.print("schema.graphql is what the code prints.")
    else:
        typer.echo(printed, nl=False)


@check_app.callback(invoke_without_command=True)
def check(
    context: typer.Context,
    health: Annotated[
        bool, typer.Option("--health", help="Only ask the process that runs here (for containers).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at this installation: settings, database, catalogue, and the processes that should run."""
    from backend.check import is_healthy, look

    if context.invoked_subcommand is not None:
        return
    if health:
        raise typer.Exit(0 if _run(is_healthy(_settings())) else 1)
    rows = _run(look(_found_settings(to_ask=True)))
    if as_json:
        typer.echo(
            json.dumps([{"what": row.what, "good": row.good, "says": row.says} for row in rows], ensure_ascii=False)
        )
    else:
        table = Table("", "what", "says", box=None)
        for row in rows:
            table.add_row(_mark(row.good), row.what, row.says)
        out.print(table)
    if not all(row.good for row in rows):
        raise typer.Exit(1)


@check_app.command("agencies")
def check_agencies(
    faults: Annotated[
        bool, typer.Option("--faults", help="Make each agency ill in each way, and show what a person would see.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put every question to every agency of the sandbox, for its twelve sample citizens."""
    settings = _found_settings(to_ask=True)
    logging.disable(logging.CRITICAL)  # the table says what went wrong
    if faults:
        _check_faults(settings, as_json=as_json)
    else:
        _check_well(settings, as_json=as_json)


def _check_well(settings: Settings, *, as_json: bool) -> None:
    from backend.check_agencies import Check, Row

    async def run() -> list[Row]:
        with _progress("Asking the agencies", total=12) as step:
            async with Check(settings) as checking:
                return await checking.well(step)

    rows = _run(run())
    if as_json:
        told = [
            {
                "agency": row.agency, "operation": row.operation, "title": row.title, "good": row.good,
                "outcomes": dict(row.outcomes), "p50_ms": round(statistics.median(row.took_s) * 1000, 1),
            }
            for row in rows
        ]  # fmt: skip
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        table = Table("", box=None)
        for name in ("agency", "operation", "what", "came of it", "typical"):
            table.add_column(name, no_wrap=name != "what", overflow="fold" if name == "operation" else "ellipsis")
        for row in rows:
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in row.outcomes.most_common())
            typical = f"{statistics.median(row.took_s) * 1000:.0f} ms"
            table.add_row(_mark(row.good), row.agency, row.operation, row.title, outcomes, typical)
        out.print(table)
        agencies = len({row.agency for row in rows})
        asked = sum(sum(row.outcomes.values()) for row in rows)
        out.print(f"{len(rows)} operations of {agencies} agencies, {asked} answers, {_count_wrong(rows)}")
    if not all(row.good for row in rows):
        raise typer.Exit(1)


def _check_faults(settings: Settings, *, as_json: bool) -> None:
    from backend.check_agencies import Check, FaultRow

    async def run() -> tuple[list[str], list[FaultRow]]:
        async with Check(settings) as checking:
            kinds = await checking.kinds()
            with _progress("Making them ill", total=len(kinds)) as step:
                return kinds, await checking.ill(kinds, step)

    kinds, rows = _run(run())
    if as_json:
        told = [{"agency": row.agency, "good": row.good, "outcomes": row.outcomes, "wrong": row.wrong} for row in rows]
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        table = Table("", "agency", *kinds, box=None)
        for row in rows:
            table.add_row(_mark(row.good), row.agency, *(row.outcomes.get(kind, "–") for kind in kinds))
        out.print(table)
        for row in rows:
            for one in row.wrong:
                out.print(f"[red]✗[/] {row.agency}: {one}")
        out.print(f"{len(rows)} agencies, {len(kinds)} faults, {_count_wrong(rows)}")
    if not all(row.good for row in rows):
        raise typer.Exit(1)


def _count_wrong(rows: Sequence[Any]) -> str:
    wrong = sum(not row.good for row in rows)
    return f"[red]{wrong} not good[/]" if wrong else "[green]all good[/]"


def _mark(good: bool) -> str:
    return "[green]✓[/]" if good else "[red]✗[/]"


@contextlib.contextmanager
def _progress(what: str, *, total: int) -> Iterator[Callable[[], None]]:
    """A bar for people on standard error; what is inside calls it after each step."""
    from rich.progress import Progress

    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


@app.command()
def token(
    citizen: Annotated[
        int,
        typer.Option(
            "--sandbox-citizen",
            "-c",
            min=1,
            help="Which citizen of the sandbox's nation signs in; 1 to 12 are the samples.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Sign a sandbox citizen in, by the same road as a phone, and print the access token as the last line."""
    from backend.client import Phone
    from foundation.http import Http

    settings = _found_settings(to_ask=True)
    if settings.is_production:
        raise CannotStart("sandbox citizens don't exist in production; sign in through ThaID")

    async def take() -> Phone:
        http = Http()
        try:
            phone = Phone(settings.issuer, redirect_uri=settings.app_redirect_uris[0], http=http)
            await phone.sign_in(citizen)
            return phone
        finally:
            await http.close()

    phone = _run(take())
    if as_json:
        typer.echo(json.dumps({"access_token": phone.access_token, "refresh_token": phone.refresh_token}))
    else:
        typer.echo(phone.access_token)


@app.command()
def tour(as_json: Json = False) -> None:
    """Walk the three roads against the running system, and say what happened, with timings."""
    from backend.tour import walk

    settings = _found_settings(to_ask=True)
    if settings.is_production:
        raise CannotStart("the tour makes agencies fail and moves the day; it never runs in production")
    good = _run(walk(settings, console=out, as_json=as_json))
    raise typer.Exit(0 if good else 1)


@catalogue_app.command("check")
def catalogue_check(
    folder: Annotated[Path | None, typer.Option("--folder", help="Another folder of catalogue YAML.")] = None,
    as_json: Json = False,
) -> None:
    """Check the catalogue: types, references, contradictions, gaps and overlaps, cycles, languages, sources, docs/."""
    from lifeevents import catalogue
    from lifeevents.rules import table

    try:
        found = catalogue.check(folder)
    except catalogue.CatalogueWrong as exc:
        if as_json:
            typer.echo(json.dumps({"good": False, "problems": [str(one) for one in exc.problems]}, ensure_ascii=False))
        else:
            for problem in exc.problems:
                err.print(f"[red]✗[/] {escape(str(problem))}", highlight=False, soft_wrap=True)
            err.print(f"{len(exc.problems)} problems.")
        raise typer.Exit(1) from exc
    docs = Path("docs")
    # In the project, its own catalogue also stands in docs/.
    behind = table.behind(found, docs) if folder is None and (docs / table.SCHEMA).is_file() else []
    if behind:
        says = f"docs/{', docs/'.join(behind)}: behind the catalogue; run tangrat catalogue docs"
        if as_json:
            typer.echo(json.dumps({"good": False, "problems": [says]}, ensure_ascii=False))
        else:
            err.print(f"[red]✗[/] {escape(says)}", highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    counts = catalogue.counts(found)
    if as_json:
        typer.echo(json.dumps({"good": True, "release": found.release, **counts}))
    else:
        out.print("The catalogue is clean: " + ", ".join(f"{count} {what}" for what, count in counts.items()) + ".")


@catalogue_app.command("docs")
def catalogue_docs() -> None:
    """Print the generated pages of docs/ anew: the tables of services, the JSON Schema for editors, the settings."""
    from lifeevents import catalogue
    from lifeevents.rules.table import pages

    for name, page in pages(catalogue.load()):
        Path("docs", name).write_text(page)
    Path("docs/settings.md").write_text(settings_module.reference())


@agency_app.command("add")
def agency_add(
    client_id: Annotated[str, typer.Option(help="The name it will sign its assertions with.")],
    agency: Annotated[str, typer.Option(help="The catalogue's id of the agency, such as sso.")],
    jwks_uri: Annotated[str, typer.Option(help="Where it publishes its public keys.")],
    scope: Annotated[list[str], typer.Option(help="events:publish, events:subscribe, notify:send; may be repeated.")],
) -> None:
    """Let an agency's system call this one (private_key_jwt). Doing it again changes the entry."""
    from backend.app import House

    settings = _found_settings()

    async def add() -> None:
        async with House(settings, process="agency add") as house:
            if house.catalogue.agency(agency) is None:
                raise CannotStart(
                    f"the catalogue has no agency {agency!r}; lifeevents/catalogue/agencies.yaml lists them"
                )
            await house.clients.add(client_id=client_id, agency=agency, jwks_uri=jwks_uri, scopes=tuple(scope))

    _run(add())
    out.print(f"{client_id} may now ask for tokens as {agency}, with {', '.join(scope)}.")


@mini_app_app.command("add")
def mini_app_add(
    agency: Annotated[str, typer.Option(help="The catalogue's id of the agency, such as dlt.")],
    name_th: Annotated[str, typer.Option(help="What it is called in Thai.")],
    name_en: Annotated[str, typer.Option(help="What it is called in English.")],
    url: Annotated[str, typer.Option(help="Where its pages begin; https only.")],
    scope: Annotated[list[str] | None, typer.Option(help="profile, contact, notify; all of them unless told.")] = None,
    app_id: Annotated[str | None, typer.Option(help="Change the mini app that has this AppId.")] = None,
    as_json: Json = False,
) -> None:
    """Let an agency's mini app in, and print its key and secret, once: only a hash of the secret is kept."""
    from backend.app import House
    from foundation.language import Text
    from trust.mini_apps import SCOPES

    settings = _found_settings()

    async def add() -> dict[str, Any]:
        async with House(settings, process="mini-app add") as house:
            if house.catalogue.agency(agency) is None:
                raise CannotStart(f"the catalogue has no agency {agency!r}; lifeevents/catalogue/agencies/ lists them")
            made, secret = await house.mini_apps.add(
                agency=agency, name=Text(th=name_th, en=name_en), url=url, app_id=app_id, scopes=scope or SCOPES
            )
            return {"AppId": made.id, "Consumer-Key": made.consumer_key, "ConsumerSecret": secret}

    _print_credentials(_run(add()), as_json=as_json)


@mini_app_app.command("renew-secret")
def mini_app_renew_secret(
    app_id: Annotated[str, typer.Argument(help="Its AppId.")],
    as_json: Json = False,
) -> None:
    """Print another secret; the old one, and every token it bought, are good for nothing at once."""
    from backend.app import House

    settings = _found_settings()

    async def renew() -> dict[str, Any]:
        async with House(settings, process="mini-app renew-secret") as house:
            secret = await house.mini_apps.renew_secret(app_id)
            made = await house.mini_apps.get(app_id)
            return {"AppId": app_id, "Consumer-Key": made.consumer_key if made else None, "ConsumerSecret": secret}

    _print_credentials(_run(renew()), as_json=as_json)


@mini_app_app.command("list")
def mini_app_list(as_json: Json = False) -> None:
    """Print the mini apps there are."""
    from backend.app import House

    settings = _found_settings()

    async def look() -> list[dict[str, Any]]:
        async with House(settings, process="mini-app list") as house:
            found = await house.mini_apps.list()
            return [
                {"AppId": one.id, "agency": one.agency, "name_th": one.name.th, "name_en": one.name.en, "url": one.url,
                 "scopes": list(one.scopes), "Consumer-Key": one.consumer_key}
                for one in found
            ]  # fmt: skip

    rows = _run(look())
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("AppId", "agency", "name", "url", "scopes", box=None)
    for row in rows:
        name = escape(f"{row['name_th']} / {row['name_en']}")
        table.add_row(row["AppId"], row["agency"], name, escape(row["url"]), " ".join(row["scopes"]))
    out.print(table)


@mini_app_app.command("remove")
def mini_app_remove(app_id: Annotated[str, typer.Argument(help="Its AppId.")]) -> None:
    """Close the door to a mini app at once. What people allowed it stays on record."""
    from backend.app import House

    settings = _found_settings()

    async def remove() -> bool:
        async with House(settings, process="mini-app remove") as house:
            return await house.mini_apps.remove(app_id)

    if not _run(remove()):
        raise CannotStart("there is no such mini app; `tangrat mini-app list` lists them")
    out.print(f"{app_id} is closed.")


def _print_credentials(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told))
        return
    for name, value in told.items():
        typer.echo(f"{name:<15} {value or 'unchanged'}")
    if told["ConsumerSecret"]:
        typer.echo("The secret is shown this once.")


if __name__ == "__main__":
    main()
