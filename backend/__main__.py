"""The `tangrat` command. The only reader of the environment; everything below is handed its settings."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from foundation import settings as settings_module
from foundation.errors import CannotStart, SuperAppError
from foundation.settings import Settings

app = typer.Typer(
    name="tangrat", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="The backend of a citizen super-app: one question to many agencies, life events in, rights told in time.",
)  # fmt: skip
catalogue_app = typer.Typer(no_args_is_help=True, help="The catalogue of life events, services, agencies and facts.")
agency_app = typer.Typer(no_args_is_help=True, help="Agencies that may call this system.")
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(agency_app, name="agency")

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


def _settings() -> Settings:
    return settings_module.read(os.environ)


def _found_settings(*, to_ask: bool = False) -> Settings:
    """The settings, with what they leave open taken from the `tangrat up` that runs on this data directory.

    Who only asks the running processes (`to_ask`) means by port 0 the one that `up` picked; who starts another process
    means a free one.
    """
    from backend.up import running

    told = _settings()
    there = None if told.is_production else running(told.data_dir)
    if there is None:
        return told
    said = {name: value for name, value in os.environ.items() if not to_ask or value != "0"}
    return settings_module.read({**there.environment, **said})


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    from backend.processes import new_loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


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


@app.command()
def check(
    health: Annotated[
        bool, typer.Option("--health", help="Only ask the process that runs here (for containers).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at this installation: settings, database, catalogue, and the processes that should run."""
    from backend.check import is_healthy, look

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
            table.add_row("[green]✓[/]" if row.good else "[red]✗[/]", row.what, row.says)
        out.print(table)
    if not all(row.good for row in rows):
        raise typer.Exit(1)


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
    """Check the catalogue: types, references, gaps and overlaps, cycles, missing languages and sources."""
    from lifeevents import catalogue

    try:
        found = catalogue.load(folder)
    except catalogue.CatalogueWrong as exc:
        if as_json:
            typer.echo(json.dumps({"good": False, "problems": [str(one) for one in exc.problems]}, ensure_ascii=False))
        else:
            for problem in exc.problems:
                err.print(f"[red]✗[/] {escape(str(problem))}", highlight=False, soft_wrap=True)
            err.print(f"{len(exc.problems)} problems.")
        raise typer.Exit(1) from exc
    counts = catalogue.counts(found)
    if as_json:
        typer.echo(json.dumps({"good": True, "release": found.release, **counts}))
    else:
        out.print("The catalogue is clean: " + ", ".join(f"{count} {what}" for what, count in counts.items()) + ".")


@catalogue_app.command("docs")
def catalogue_docs() -> None:
    """Print the generated pages of docs/ anew: the service index and the settings."""
    from lifeevents import catalogue

    Path("docs/catalogue-index.md").write_text(catalogue.index_markdown(catalogue.load()))
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


if __name__ == "__main__":
    main()
