"""What the documentation shows is what happens: its examples are run, its queries fit the schema, its links lead somewhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from graphql import build_schema, parse, validate

from backend.client import Phone
from backend.up import Running
from foundation.http import Http
from foundation.ports import free_port
from foundation.store import Store

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "docs" / "examples"
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_NEXT = "==== the next block ===="
_MOVES = (  # what is another on each run
    (re.compile(r"\d{4}-\d{2}-\d{2}T[^\"]+"), "«moment»"), (re.compile(r"\d{4}-\d{2}-\d{2}"), "«day»"),
    (re.compile(r"whsec_[^\"]+"), "«secret»"), (re.compile(r"127\.0\.0\.1:\d+"), "«address»"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "«uuid»"), (re.compile(r"\b([0-9a-f]{64}|[0-9a-f]{32})\b"), "«id»"),
    (re.compile(r'("next": ?"|"endCursor": ?")[^"]+'), r"\1«place»"), (re.compile(r'("requestTimeStamp":)\d+'), r"\1«moment»"),
    (re.compile(r"UGF5bWVudD\w+"), "«payment»"), (re.compile(r'("qr":"00020101)[\w.]+(5802TH)\w+'), r"\1«references»\2«sum»"),
    (re.compile(r'("reference":")\d{18}'), r"\1«reference»"), (re.compile(r'("receipt":")\d+'), r"\1«receipt»"),
)  # fmt: skip
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

# The pages show curl, because everybody knows it; a machine that has none can't run them.
needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None, reason="this machine has no curl (Debian: apt-get install curl)"
)


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in this language."""
    return [text for kind, text in _FENCE.findall((PROJECT / page).read_text()) if kind == language]


def page_name(page: Path) -> str:
    return str(page.relative_to(PROJECT))


# ---- what needs nothing running


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text())
    broken = []
    for link in _LINK.findall(text):
        if re.match(r"<?[a-z]+:", link):
            continue
        path, _, place = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (place and place not in anchors(target)):
            broken.append(link)

    assert broken == []


def anchors(page: Path) -> set[str]:
    """The names under which GitHub reaches a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page_name(page), "graphql")], ids=page_name)
def test_every_query_shown_fits_the_schema(page: Path) -> None:
    schema = build_schema((PROJECT / "schema.graphql").read_text())

    wrong = [str(error) for text in blocks(page_name(page), "graphql") for error in validate(schema, parse(text))]

    assert wrong == []


def test_the_readmes_query_is_the_one_in_the_examples() -> None:
    assert blocks("README.md", "graphql") == [(EXAMPLES / "cards.graphql").read_text()]


def test_every_json_shown_is_json() -> None:
    for page in PAGES:
        for text in blocks(page_name(page), "json"):
            decoder, rest = json.JSONDecoder(), text.strip()
            while rest:  # one value after another, as a terminal shows them
                _, end = decoder.raw_decode(rest)
                rest = rest[end:].strip()


def test_the_receiver_shown_is_the_one_in_the_examples() -> None:
    (shown,) = [text for text in blocks("docs/agencies.md", "python") if "class Endpoint" in text]

    assert shown in (EXAMPLES / "webhook_receiver.py").read_text()


def test_the_operators_page_knows_every_alarm_and_every_door() -> None:
    parts = ("agencies", "backend", "foundation", "lifeevents", "notifications", "resolvers", "trust")
    code = "\n".join(file.read_text() for part in parts for file in (PROJECT / part).rglob("*.py"))
    raised = set(re.findall(r'(?:alarms\.labels\((?:kind=)?|_alarm\(|alarm = )"(\w+)"', code))
    counted = set(re.findall(r'requests\.labels\(\s*"(\w+)"', code))
    page = (PROJECT / "docs" / "operations.md").read_text()

    assert len(raised) > 20
    assert "graphql" in counted
    assert {name for name in raised | counted if f"`{name}`" not in page} == set()


# ---- what is run against the whole system


def without_days(value: Any) -> Any:
    """Dates move with the sandbox's day."""
    return json.loads(_DAY.sub("«day»", json.dumps(value, ensure_ascii=False)))


@needs_curl
def test_the_readmes_answer_is_the_answer(system: Running, environment: dict[str, str]) -> None:
    shown = json.loads(blocks("README.md", "json")[0])

    said = subprocess.run(
        ["sh", "docs/examples/query.sh", "4", "docs/examples/cards.graphql"],
        cwd=PROJECT, env={**environment, "API": system.api, "TANGRAT": "tangrat"}, capture_output=True, text=True,
        timeout=20, check=True,
    ).stdout  # fmt: skip

    assert without_days(json.loads(said)) == without_days(shown)


def test_the_app_in_one_file_signs_in_and_asks(system: Running, environment: dict[str, str]) -> None:
    said = subprocess.run(
        [sys.executable, EXAMPLES / "ask.py", "--api", system.api, "--sandbox", system.sandbox, "--citizen", "6"],
        env=environment, capture_output=True, text=True, timeout=20, check=True,
    ).stdout.splitlines()  # fmt: skip

    assert [line.split()[:3] for line in said] == [
        ["profile", "dopa", "OK"], ["socialSecurity", "sso", "NOT_FOUND"], ["healthcare", "nhso", "OK"],
    ]  # fmt: skip


def test_the_cards_that_fill_as_they_come(system: Running, environment: dict[str, str]) -> None:
    said = subprocess.run(
        [sys.executable, EXAMPLES / "watch.py", "--api", system.api, "--sandbox", system.sandbox, "--citizen", "6"],
        env=environment, capture_output=True, text=True, timeout=20, check=True,
    ).stdout.splitlines()  # fmt: skip

    assert sorted(line.split()[:2] for line in said) == [
        ["HEALTHCARE", "OK"], ["PROFILE", "OK"], ["SOCIAL_SECURITY", "NOT_FOUND"],
    ]  # fmt: skip


def masked(line: str) -> str:
    for pattern, instead in _MOVES:
        line = pattern.sub(instead, line)
    return line


class Terminal:
    """A reader who copies every shell block of a page into one terminal. `said` is what came back, block by block."""

    def __init__(self, page: str, system: Running, environment: dict[str, str], folder: Path) -> None:
        jwks, hooks = str(free_port()), str(free_port())
        moved = {
            "source .venv/bin/activate\n": "", "http://127.0.0.1:8000": system.api, "http://127.0.0.1:8100": system.sandbox,
            "/tmp/keys": str(folder / "keys"), " 9000 ": f" {jwks} ", "127.0.0.1:9000": f"127.0.0.1:{jwks}",
            " 9100 ": f" {hooks} ", "127.0.0.1:9100": f"127.0.0.1:{hooks}",
        }  # fmt: skip
        script = f"\necho {_NEXT}\n".join(blocks(page, "sh"))
        for shown, here in moved.items():
            script = script.replace(shown, here)
        out, wrong = (
            folder / "out",
            folder / "wrong",
        )  # files, because what a page leaves in the background would hold a pipe open
        with out.open("w") as said, wrong.open("w") as complained:
            process = subprocess.Popen(
                ["bash", "-e", "-c", script], cwd=PROJECT, env=environment, stdout=said, stderr=complained,
                start_new_session=True,
            )  # fmt: skip
            try:
                status = process.wait(120)
            finally:
                with contextlib.suppress(ProcessLookupError):  # nothing was left in the background
                    os.killpg(process.pid, signal.SIGKILL)
        assert status == 0, f"{out.read_text()[-1500:]}\n{wrong.read_text()[-1500:]}"
        self.said = [block.strip().splitlines() for block in out.read_text().split(_NEXT)]

    def lacks(self, page: str) -> list[str]:
        """The lines of JSON that the page shows whole and that were not said."""
        said = {masked(line) for block in self.said for line in block}
        text = (PROJECT / page).read_text()
        shown = [
            m
            for m in _FENCE.finditer(text)
            if m[1] == "json" and "trimmed" not in text[: m.start()].rpartition("```")[2]
        ]
        return [line for fence in shown for line in fence[2].splitlines() if masked(line) not in said]

    def json(self, block: int) -> list[Any]:
        return [json.loads(line) for line in self.said[block] if line.startswith(('{"', '[{"'))]


def states_of(answer: Any, name: str) -> list[str]:
    return [edge["node"]["state"] for edge in answer["data"]["me"][name]["edges"]]


@needs_curl
def test_the_frontend_page_runs_from_top_to_bottom(
    system: Running, environment: dict[str, str], tmp_path: Path
) -> None:
    page = Terminal("docs/frontend.md", system, environment, tmp_path)

    (hello,), (_, down, _), _, (found,), changes, began, became, paid, filed, push, (sent,), errors, switches = map(
        page.json, range(13)
    )
    assert hello["data"]["me"]["profile"]["value"]["name"]["said"] == "Miss Duangkaeo Mankhong"
    assert down["data"]["me"]["profile"]["state"] == "OK"
    assert down["data"]["me"]["socialSecurity"]["problem"]["code"] == "AGENCY_UNREACHABLE"
    assert found["data"]["publicServices"]["edges"]
    first, again, conflict, wrong = (one["data"]["changeHospital"] for one in changes)
    assert first["change"]["state"] == "APPROVED"
    assert first == again
    assert (conflict["problems"][0]["code"], wrong["problems"][0]["field"]) == ("CONFLICT", "mobile")
    started, retried, wished, not_due, other = (one["data"]["createPayment"] for one in began[1:])
    assert started["payment"]["state"] == "PENDING"
    assert started == retried == wished
    assert [one["problems"][0]["code"] for one in (not_due, other)] == ["NOT_FOUND", "CONFLICT"]
    assert started["payment"]["reference"] in started["payment"]["qr"]
    cancelled, key_of_it, refused = became[0], became[1], became[4]
    assert cancelled["data"]["cancelPayment"] == {"payment": {"state": "VOID", "qr": None}, "problems": []}
    assert key_of_it["data"]["createPayment"]["payment"]["id"] == started["payment"]["id"]
    assert [one["code"] for one in refused["data"]["cancelPayment"]["problems"]] == ["ALREADY_PAID"]
    walked = [states_of(one, "payments") for one in (*became[2:4], *became[5:])]
    assert walked == [["CONFIRMING"], ["PAID"], ["REFUND_REQUESTED"], ["REFUNDED"]]
    assert [states_of(one, "payments") for one in paid] == [["REFUNDED"], ["VOID"], []]
    assert [states_of(one, "applications") for one in filed] == [["APPROVED_WAITING_PAY_FEE"], ["CHECK"], []]
    assert [one["body"] for one in push[-1]["messages"]] == ["คุณมีเรื่องใหม่จากหน่วยงานรัฐ"]
    assert sent["data"]["sentCheck"]["topic"] == "health"
    assert [one["errors"][0]["extensions"]["code"] for one in errors] == [
        "VALIDATION_FAILED", "BATCH_NOT_SUPPORTED", "BAD_INPUT",
    ]  # fmt: skip
    assert not [one for one in switches if "error" in one]
    assert page.said[2] == blocks("docs/frontend.md", "text")[0].rstrip().splitlines()
    assert page.lacks("docs/frontend.md") == []


@needs_curl
def test_the_agencies_page_runs_from_top_to_bottom(
    system: Running, environment: dict[str, str], tmp_path: Path
) -> None:
    page = Terminal("docs/agencies.md", system, environment, tmp_path)

    recorded, again, conflict, published, retried = page.json(3)
    assert recorded["receipts"][0] | {"status": "already_recorded"} == again["receipts"][0]
    assert conflict["error"] == "EVENT_CONFLICT"
    assert (published["status"], retried["status"]) == ("recorded", "already_recorded")
    assert published["receipt"] == retried["receipt"]

    refused, batch = page.json(5)
    (everything,) = page.json(6)
    assert [one["index"] for one in refused["details"]] == [1]
    assert [one["status"] for one in batch["receipts"]] == ["recorded", "recorded"]
    assert [one["code"] for one in everything["details"][0]["reasons"]] == [
        "MISSING", "SOURCE_NOT_YOURS", "TIME", "TYPE_UNKNOWN",
    ]  # fmt: skip

    (subscription,), (hook,), (whole,) = page.json(7), page.json(8), page.json(9)
    assert subscription["secret"].startswith("whsec_")
    assert hook.keys() == {"id", "type", "source", "time", "subject", "data_ref"}
    assert whole == {**hook, "data": whole["data"]}
    assert whole["data"]["citizen_id"] == "1000000000076"
    assert page.said[10][:2] == ["paused", "active"]

    (pulled, listed), (_, dead), (_, replayed, after) = page.json(11), page.json(12), page.json(13)
    assert pulled["data"]["citizen_id"] == "1000000000076"
    assert [one["id"] for one in listed["events"]] == [pulled["id"]]
    assert dead["deliveries"][0]["why"] == "the endpoint answered 410"
    assert replayed == {"id": dead["deliveries"][0]["id"], "state": "waiting"}
    assert after["deliveries"] == []

    filed, again, company = page.json(14)
    updated, wrong, unknown, nobody, ended, shown = page.json(15)
    assert filed == again == updated
    assert [one["Status"] for one in (filed, company, wrong, unknown)] == [0, 3, 3, 3]
    assert [one["Code"] for one in (nobody, ended)] == ["403", "401"]
    assert states_of(shown, "applications") == ["APPROVED_WAITING_PAY_FEE"]

    forged, before, paid, then, elsewhere, nothing = page.json(16)
    assert (forged["result"], states_of(before, "payments")) == (True, ["PENDING"])
    assert (paid["callback"]["body"]["result"], states_of(then, "payments")) == (True, ["PAID"])
    assert [one["result"] for one in (elsewhere, nothing)] == [False, False]
    assert page.lacks("docs/agencies.md") == []


@needs_curl
async def test_the_operator_makes_a_lost_callback_good(system: Running, http: Http) -> None:
    (query,) = [text for text in blocks("docs/operations.md", "js") if "db.payments" in text]
    (call,) = [text for text in blocks("docs/operations.md", "console") if "payments/callback" in text]
    phone = Phone(system.api, redirect_uri=f"{system.sandbox}/phone/signed-in", http=http)
    await phone.sign_in(415)
    loan = (await phone.ask("{ me { education { studentLoan { value { accountNo } } } } }"))["me"]["education"]
    begun = await phone.ask(
        "mutation ($of: String!) { createPayment(input: {kind: STUDENT_LOAN, reference: $of, clientKey: $of})"
        " { payment { id reference } } }",
        of=loan["studentLoan"]["value"]["accountNo"],
    )
    payment = begun["createPayment"]["payment"]
    bank = f"{system.sandbox}/sandbox/payments/{payment['reference']}/pay"
    await http.request("POST", bank, deadline_s=5, json={"callback": False})

    states = json.loads("".join(re.findall(r"state: \{\$in: (\[.*?\])\}, checked_at: \{\$lt: ", query)))
    soon = datetime.now(UTC) + timedelta(minutes=1)  # no test waits for an hour
    store = Store(system.environment["TANGRAT_MONGODB_URI"], database="tangrat")
    found = store.collection("payments").find({"state": {"$in": states}, "checked_at": {"$lt": soon}})
    listed = [one["reference1"] async for one in found]
    await store.close()
    command, answer = call.removeprefix("$ ").splitlines()
    for shown, here in {"http://127.0.0.1:8000": system.api, "417211356497183739": payment["reference"]}.items():
        assert shown in command
        command = command.replace(shown, here)
    called = await asyncio.create_subprocess_exec("sh", "-c", command, stdout=asyncio.subprocess.PIPE)
    said = (await asyncio.wait_for(called.communicate(), 20))[0].decode()
    now = await phone.ask("query ($id: ID!) { node(id: $id) { ... on Payment { state } } }", id=payment["id"])

    assert payment["reference"] in listed
    assert masked(said) == masked(answer)
    assert now == {"node": {"state": "PAID"}}  # asking for one by its id asks nobody: it was the call


@needs_curl
def test_the_mini_apps_page_runs_from_top_to_bottom(
    system: Running, environment: dict[str, str], tmp_path: Path
) -> None:
    page = Terminal("docs/mini-apps.md", system, environment, tmp_path)

    (bought, refused), (mock,), (known, used) = page.json(2), page.json(3), page.json(4)
    sent, again, nobody, inbox = page.json(5)
    assert (set(bought), refused["Code"]) == ({"Result"}, "403")
    assert (mock["messageCode"], known["messageCode"], used["messageCode"]) == (0, 200, 404)
    assert known["result"]["citizenId"] == "1000000099994"
    assert sent["result"] == again["result"] != nobody["result"] == []
    (told,) = inbox["data"]["me"]["inbox"]["edges"]
    assert told["node"]["because"] == {"reportedBy": {"code": "dlt"}}
    assert page.lacks("docs/mini-apps.md") == []
