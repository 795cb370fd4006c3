"""What the whole system leaves behind after its roads were walked: nothing by which a person could be told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from backend.client import Phone
from backend.up import Running

SignIn = Callable[..., Awaitable[Phone]]
Register = Callable[..., Awaitable[str]]
Until = Callable[..., Awaitable[Any]]
MOBILE = "0891234567"


async def test_neither_logs_nor_database_tell_who_somebody_is(
    sign_in: SignIn, register: Register, until: Until, state: Any, system: Running
) -> None:
    phone = await sign_in(7)
    token = await register(phone, 7)
    await phone.ask(
        "mutation M($input: UpdatePreferencesInput!) { updatePreferences(input: $input) { problems { code } } }",
        input={"mobile": MOBILE},
    )
    await state.call("POST", "/sandbox/faults", {"agency": "dopa", "fault": "lying"})
    await phone.ask("{ me { profile { state } household { state } } }")
    await state.call("DELETE", "/sandbox/faults")
    await phone.ask("{ me { profile { state } household { state } socialSecurity { state } healthcare { state } } }")
    assert (await state.report(citizen=7))["status"] == 202
    assert (await state.report(citizen=7, agency="dopa", event_type="th.sso.hospital.changed"))["status"] in (403, 422)
    await until(lambda: state.pushed(token), bool)

    one = await state.call("GET", "/sandbox/citizens/7")
    secrets = [
        one["pid"],
        one["first_name"]["th"],
        one["last_name"]["en"],
        MOBILE,
        MOBILE[1:],
        phone.access_token,
        phone.refresh_token,
        token,
    ]
    for log in (Path(system.environment["TANGRAT_DATA_DIR"]) / "logs").iterdir():
        said = log.read_text()
        assert said
        assert not [secret for secret in secrets if secret in said], log.name

    client: MongoClient[dict[str, Any]] = MongoClient(system.environment["TANGRAT_MONGODB_URI"])
    database = client[system.environment.get("TANGRAT_MONGODB_DATABASE", "tangrat")]
    kept = {name: repr(list(database[name].find())) for name in database.list_collection_names()}
    client.close()
    assert {"people", "events", "inbox", "deliveries", "devices", "access_records"} <= kept.keys()
    for name, held in kept.items():
        assert not [secret for secret in secrets if secret in held], name
