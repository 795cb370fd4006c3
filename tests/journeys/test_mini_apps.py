"""A mini app from end to end: the phone opens it, its own backend learns who came, and what it says reaches the inbox."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from pymongo import MongoClient

from backend.client import Phone
from backend.up import Running
from foundation.http import Http, Reply
from foundation.ids import new_id

SignIn = Callable[..., Awaitable[Phone]]
Register = Callable[..., Awaitable[str]]
Until = Callable[..., Awaitable[Any]]
OPEN = """mutation O($i: OpenMiniAppInput!) { openMiniApp(input: $i) { landing { appId mToken url } problems { code } } }"""
REVOKE = "mutation R($i: RevokeMiniAppConsentInput!) { revokeMiniAppConsent(input: $i) { problems { code } } }"
INBOX = (
    "{ me { inbox(first: 100) { edges { node { id title { en } body { th } because { reportedBy { code } } } } } } }"
)
LOOKS = (
    "{ me { accessRecords(first: 100) { edges { node { byMe actor operation purpose { en } legalGround { en } } } } } }"
)


class Page:
    """What the WebView shows: one page after another."""

    def __init__(self, reply: Reply, address: str) -> None:
        self.status = reply.status
        self.text = reply.body.decode()
        self.address = address


@pytest.fixture
def browse(http: Http) -> Callable[..., Awaitable[Page]]:
    async def go(address: str, method: str = "GET") -> Page:
        reply = await http.request(method, address, deadline_s=20)
        if reply.status != 303:
            return Page(reply, address)
        return await go(urljoin(address, reply.headers["location"]))

    return go


async def entries(phone: Phone) -> list[dict[str, Any]]:
    return [edge["node"] for edge in (await phone.ask(INBOX))["me"]["inbox"]["edges"]]


async def test_a_person_opens_a_mini_app_and_hears_from_it(
    system: Running, sign_in: SignIn, register: Register, until: Until, state: Any,
    browse: Callable[..., Awaitable[Page]],
) -> None:  # fmt: skip
    phone = await sign_in(1)
    device = await register(phone, 1)
    (app,) = (await phone.ask("{ miniApps { appId name { en } agency { code } url } }"))["miniApps"]
    assert (app["agency"]["code"], app["url"]) == ("dlt", f"{system.sandbox}/mini-apps/dlt/landing")

    # It opens, and its backend knows the person's name by asking us.
    opened = (await phone.ask(OPEN, i={"appId": app["appId"], "consent": True, "clientKey": new_id()}))["openMiniApp"]
    page = await browse(opened["landing"]["url"])
    assert page.status == 200
    assert "พิมพ์ใจ แสงอรุณ" in page.text
    assert opened["landing"]["mToken"] not in page.address + page.text
    assert "1000000000017" not in page.address + page.text
    assert (await browse(opened["landing"]["url"])).status == 403, "an mToken is good once"

    # What it says arrives once, in the inbox and on the phone.
    before = len(await entries(phone))
    for _ in range(2):
        sent = await browse(f"{page.address}/push", "POST")
        assert sent.status == 200
    assert len(re.findall(r"<li>", sent.text)) == 1
    told = await until(lambda: entries(phone), lambda seen: len(seen) > before)
    assert len(told) == before + 1
    assert "ใบอนุญาตขับรถ" in told[0]["body"]["th"]
    assert (told[0]["title"]["en"], told[0]["because"]["reportedBy"]) == ("My driving licence", {"code": "dlt"})
    (push,) = await until(lambda: state.pushed(device), bool)
    assert "ใบอนุญาต" not in push["title"] + push["body"]

    # The person sees who looked, and takes it back.
    looks = [edge["node"] for edge in (await phone.ask(LOOKS))["me"]["accessRecords"]["edges"]]
    (look,) = [one for one in looks if one["actor"] == f"mini-app:{app['appId']}"]
    assert look["operation"] == "PERSON"
    assert "My driving licence" in look["purpose"]["en"]
    assert look["legalGround"]["en"].startswith("The consent")
    opened = (await phone.ask(OPEN, i={"appId": app["appId"], "consent": False, "clientKey": new_id()}))["openMiniApp"]
    assert (await phone.ask(REVOKE, i={"appId": app["appId"]}))["revokeMiniAppConsent"]["problems"] == []
    assert (await browse(opened["landing"]["url"])).status == 403
    assert (await browse(f"{page.address}/push", "POST")).status == 409, "200 with an empty result: nothing sent"
    again = (await phone.ask(OPEN, i={"appId": app["appId"], "consent": False, "clientKey": new_id()}))["openMiniApp"]
    assert again["problems"] == [{"code": "CONSENT_NEEDED"}]
    assert len(await entries(phone)) == before + 1

    # And none of it stands in a log or, openly, in the database.
    secrets = ["sandbox-dlt-mini-app-secret", opened["landing"]["mToken"], "1000000000017", "แสงอรุณ", "ConsumerSecret="]
    for log in (Path(system.environment["TANGRAT_DATA_DIR"]) / "logs").iterdir():
        assert not [one for one in secrets if one in log.read_text()], log.name
    client: MongoClient[dict[str, Any]] = MongoClient(system.environment["TANGRAT_MONGODB_URI"])
    database = client[system.environment.get("TANGRAT_MONGODB_DATABASE", "tangrat")]
    names = [name for name in database.list_collection_names() if name.startswith("mini_app")]
    held = {name: repr(list(database[name].find())) for name in names}
    client.close()
    assert held.keys() >= {"mini_apps", "mini_app_tokens", "mini_app_consents", "mini_app_messages"}
    assert not [name for name in held for one in (*secrets, "ใบอนุญาตขับรถของท่าน") if one in held[name]]


async def test_a_landing_without_an_entry_is_a_page_that_says_so(
    system: Running, browse: Callable[..., Awaitable[Page]]
) -> None:
    page = await browse(f"{system.sandbox}/mini-apps/dlt/landing?appId=x&mToken=%3Cscript%3E")

    assert page.status == 403
    assert "<script>" not in page.text
    assert urlsplit(page.address).path == "/mini-apps/dlt/landing"
