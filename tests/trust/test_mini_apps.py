"""Mini apps: who may call, for how long, who comes in, and that what was allowed can be taken back."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foundation.clock import FrozenClock
from foundation.errors import BadInput, NotFound
from foundation.language import Text
from foundation.store import Store
from trust import mini_apps as mini_apps_module
from trust.mini_apps import (
    CONTACT,
    NOTIFY,
    PROFILE,
    ConsentNeeded,
    ConsumerNotFound,
    MiniApp,
    MiniApps,
    TokenNotFound,
    is_plain,
)
from trust.people import People, PersonId
from trust.secrets import Vault

NAME = Text(th="ใบขับขี่ของฉัน", en="My licence")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def frozen() -> FrozenClock:
    """Now, standing still: the database removes by its own clock."""
    return FrozenClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
async def mini_apps(store: Store, vault: Vault, frozen: FrozenClock) -> MiniApps:
    await store.open(mini_apps_module.INDEXES)
    return MiniApps(store, vault, clock=frozen, production=False)


@pytest.fixture
def elsewhere(store: Store, vault: Vault, frozen: FrozenClock) -> MiniApps:
    """The same in another process, or after a restart."""
    return MiniApps(store, vault, clock=frozen, production=False)


async def added(mini_apps: MiniApps, **changed: Any) -> tuple[MiniApp, str]:
    entry: dict[str, Any] = {"agency": "dlt", "name": NAME, "url": "https://licence.example.go.th/landing"}
    app, secret = await mini_apps.add(**(entry | changed))
    assert secret is not None
    return app, secret


@pytest.fixture
async def app(mini_apps: MiniApps) -> MiniApp:
    return (await added(mini_apps))[0]


@pytest.fixture
async def somebody(people: People) -> PersonId:
    return (await people.ensure("1000000000017")).id


async def kept(store: Store) -> str:
    names = ("mini_apps", "mini_app_tokens", "mini_app_entries", "mini_app_consents")
    return repr([[one async for one in store.collection(name).find()] for name in names])


# ---- the register


async def test_a_mini_app_gets_a_key_and_a_secret_that_is_not_kept(mini_apps: MiniApps, store: Store) -> None:
    app, secret = await added(mini_apps)

    assert UUID.fullmatch(app.id)
    assert len(secret) >= 32
    assert secret not in await kept(store)
    assert await mini_apps.get(app.id) == app
    assert await mini_apps.list() == (app,)


async def test_adding_it_again_changes_the_entry_and_leaves_the_secret(mini_apps: MiniApps) -> None:
    app, secret = await added(mini_apps)

    changed, none = await mini_apps.add(
        agency="dlt", name=NAME, url="https://new.example.go.th", scopes=[NOTIFY, PROFILE], app_id=app.id
    )

    assert none is None
    assert (changed.url, changed.scopes, changed.consumer_key) == (
        "https://new.example.go.th",
        (PROFILE, NOTIFY),
        app.consumer_key,
    )
    assert UUID.fullmatch(await mini_apps.validate(app.consumer_key, secret, "tester"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://licence.example.go.th"}, {"url": "ftp://127.0.0.1/"}, {"url": "https://u:p@example.go.th/"},
        {"url": "https://[::1"}, {"url": "javascript:alert(1)"}, {"url": "https://example.go.th/ a"}, {"url": ""},
        {"scopes": ["everything"]}, {"scopes": []}, {"app_id": "not-a-uuid"},
        {"name": Text(th="", en="x")}, {"name": Text(th="ก" * 101, en="x")}, {"name": Text(th="ก", en="a\u202eb")},
        {"name": Text(th="ก\x00", en="x")}, {"name": Text(th="ก\nข", en="x")},
    ],
)  # fmt: skip
async def test_an_entry_that_can_not_be_is_refused_in_two_languages(mini_apps: MiniApps, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        await added(mini_apps, **wrong)

    assert not refused.value.th.isascii()
    assert await mini_apps.list() == ()


async def test_production_takes_https_and_public_addresses_only(
    store: Store, vault: Vault, frozen: FrozenClock
) -> None:
    production = MiniApps(store, vault, clock=frozen, production=True)

    for url in ("http://127.0.0.1:8100/x", "https://127.0.0.1/x", "https://10.0.0.1/x", "http://example.go.th/"):
        with pytest.raises(BadInput):
            await added(production, url=url)
    assert (await added(production))[0].url.startswith("https://")


async def test_two_mini_apps_can_not_share_a_key(mini_apps: MiniApps, app: MiniApp) -> None:
    with pytest.raises(BadInput, match="another mini app"):
        await added(mini_apps, consumer_key=app.consumer_key)

    assert len(await mini_apps.list()) == 1


# ---- keys and tokens


async def test_a_token_lives_an_hour_from_its_last_use(
    mini_apps: MiniApps, elsewhere: MiniApps, frozen: FrozenClock, store: Store
) -> None:
    app, secret = await added(mini_apps)
    token = await mini_apps.validate(app.consumer_key, secret, "1000000000017")

    for _ in range(3):
        frozen.advance(timedelta(minutes=59, seconds=59))
        assert await elsewhere.caller(app.consumer_key, token) == app
    frozen.advance(timedelta(minutes=61, seconds=1))

    with pytest.raises(TokenNotFound, match=r"^UnauthorizedException: token not found$"):
        await mini_apps.caller(app.consumer_key, token)
    held = await kept(store)
    assert token not in held
    assert "1000000000017" not in held, "an AgentID may be an identity number"


async def test_each_validate_gives_a_token_of_its_own(mini_apps: MiniApps) -> None:
    app, secret = await added(mini_apps)

    first = await mini_apps.validate(app.consumer_key, secret, "a")
    second = await mini_apps.validate(app.consumer_key, secret, "a")

    assert first != second
    assert await mini_apps.caller(app.consumer_key, first) == await mini_apps.caller(app.consumer_key, second)


async def test_a_token_of_another_consumer_is_none(mini_apps: MiniApps) -> None:
    app, secret = await added(mini_apps)
    other, _ = await added(mini_apps)
    token = await mini_apps.validate(app.consumer_key, secret, "a")

    with pytest.raises(TokenNotFound):
        await mini_apps.caller(other.consumer_key, token)


@pytest.mark.parametrize("key", ["", "nobody", "\u0000", "x" * 5000, "ก"])
async def test_an_unknown_key_and_a_wrong_secret_get_the_same_answer(
    mini_apps: MiniApps, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, secret = await added(mini_apps)

    with caplog.at_level(logging.DEBUG):
        for consumer, shown in ((key, secret), (app.consumer_key, f"{secret}x"), (app.consumer_key, "")):
            with pytest.raises(ConsumerNotFound, match=r"^ForbiddenException: consumer not found$"):
                await mini_apps.validate(consumer, shown, "a")
    with pytest.raises(ConsumerNotFound):
        await mini_apps.caller(key, str(uuid.uuid4()))

    assert secret not in caplog.text


@pytest.mark.parametrize("agent", ["", "x" * 201])
async def test_somebody_must_act(mini_apps: MiniApps, agent: str) -> None:
    app, secret = await added(mini_apps)

    with pytest.raises(BadInput, match="AgentID"):
        await mini_apps.validate(app.consumer_key, secret, agent)


async def test_a_new_secret_ends_the_old_one_and_its_tokens(mini_apps: MiniApps, elsewhere: MiniApps) -> None:
    app, secret = await added(mini_apps)
    token = await mini_apps.validate(app.consumer_key, secret, "a")

    renewed = await elsewhere.renew_secret(app.id)

    with pytest.raises(TokenNotFound):
        await mini_apps.caller(app.consumer_key, token)
    with pytest.raises(ConsumerNotFound):
        await mini_apps.validate(app.consumer_key, secret, "a")
    assert await mini_apps.validate(app.consumer_key, renewed, "a")


async def test_a_mini_app_that_is_removed_is_gone_at_once(
    mini_apps: MiniApps, elsewhere: MiniApps, somebody: PersonId
) -> None:
    app, secret = await added(mini_apps)
    token = await mini_apps.validate(app.consumer_key, secret, "a")
    landing = await mini_apps.enter(somebody, app.id, agrees=True)

    assert await elsewhere.remove(app.id) is True
    assert await elsewhere.remove(app.id) is False

    with pytest.raises(ConsumerNotFound):
        await mini_apps.caller(app.consumer_key, token)
    assert await mini_apps.burn(landing.m_token, app=app) is None
    assert await mini_apps.may_look(somebody, app.actor) is False


# ---- going in


async def test_the_first_entry_needs_the_persons_word(
    mini_apps: MiniApps, app: MiniApp, somebody: PersonId, store: Store
) -> None:
    with pytest.raises(ConsentNeeded):
        await mini_apps.enter(somebody, app.id, agrees=False)
    assert await mini_apps.consented(somebody, app.id) is None
    assert await store.collection("mini_app_entries").count_documents({}) == 0

    landing = await mini_apps.enter(somebody, app.id, agrees=True)
    again = await mini_apps.enter(somebody, app.id, agrees=False)

    assert landing.url == f"{app.url}?appId={app.id}&mToken={landing.m_token}"
    assert UUID.fullmatch(landing.m_token)
    assert landing.m_token != again.m_token
    held = await kept(store)
    assert landing.m_token not in held
    assert again.m_token not in held


async def test_an_entry_keeps_the_query_of_the_landing_address(mini_apps: MiniApps, somebody: PersonId) -> None:
    app, _ = await added(mini_apps, url="https://licence.example.go.th/landing?lang=th")

    landing = await mini_apps.enter(somebody, app.id, agrees=True)

    assert landing.url.startswith("https://licence.example.go.th/landing?lang=th&appId=")


@pytest.mark.parametrize("app_id", ["", "nope", "\x00", "0" * 5000, "0a32d24d-fbb0-416d-b8f8-50aaac850311"])
async def test_there_is_no_way_into_what_is_not_there(mini_apps: MiniApps, somebody: PersonId, app_id: str) -> None:
    with pytest.raises(NotFound):
        await mini_apps.enter(somebody, app_id, agrees=True)


async def test_an_m_token_is_good_once_in_whatever_process(
    mini_apps: MiniApps, elsewhere: MiniApps, app: MiniApp, somebody: PersonId
) -> None:
    landing = await mini_apps.enter(somebody, app.id, agrees=True)

    entry = await elsewhere.burn(landing.m_token, app=app)

    assert entry is not None
    assert entry.person == somebody
    assert await mini_apps.burn(landing.m_token, app=app) is None


async def test_of_many_at_once_one_wins(
    mini_apps: MiniApps, elsewhere: MiniApps, app: MiniApp, somebody: PersonId
) -> None:
    landing = await mini_apps.enter(somebody, app.id, agrees=True)

    won = await asyncio.gather(*(one.burn(landing.m_token, app=app) for one in (mini_apps, elsewhere) * 10))

    assert len([one for one in won if one is not None]) == 1


async def test_an_m_token_ends_after_two_minutes(
    mini_apps: MiniApps, app: MiniApp, somebody: PersonId, frozen: FrozenClock
) -> None:
    late = await mini_apps.enter(somebody, app.id, agrees=True)
    frozen.advance(timedelta(seconds=1))
    just = await mini_apps.enter(somebody, app.id, agrees=True)
    frozen.advance(timedelta(seconds=119))

    assert await mini_apps.burn(late.m_token, app=app) is None
    assert await mini_apps.burn(just.m_token, app=app) is not None


async def test_an_m_token_is_nothing_to_another_mini_app(mini_apps: MiniApps, app: MiniApp, somebody: PersonId) -> None:
    other, _ = await added(mini_apps)
    landing = await mini_apps.enter(somebody, app.id, agrees=True)

    assert await mini_apps.burn(landing.m_token, app=other) is None
    assert await mini_apps.burn(landing.m_token, app=app) is not None, "and its owner still has it"


async def test_what_is_put_back_is_as_good_as_before_and_no_longer(
    mini_apps: MiniApps, app: MiniApp, somebody: PersonId, frozen: FrozenClock
) -> None:
    landing = await mini_apps.enter(somebody, app.id, agrees=True)
    entry = await mini_apps.burn(landing.m_token, app=app)
    assert entry is not None

    await mini_apps.put_back(entry)
    frozen.advance(timedelta(seconds=60))
    again = await mini_apps.burn(landing.m_token, app=app)
    assert again is not None
    await mini_apps.put_back(again)
    frozen.advance(timedelta(seconds=60))

    assert await mini_apps.burn(landing.m_token, app=app) is None


async def test_somebody_made_up_is_sealed_and_never_in_production(
    mini_apps: MiniApps, app: MiniApp, store: Store, vault: Vault, frozen: FrozenClock
) -> None:
    m_token = await mini_apps.make_up(app, {"firstName": "สมมติ"})
    assert "สมมติ" not in await kept(store)

    entry = await mini_apps.burn(m_token, app=app)

    assert entry is not None
    assert (entry.person, entry.made_up) == (None, {"firstName": "สมมติ"})
    with pytest.raises(NotFound):
        await MiniApps(store, vault, clock=frozen, production=True).make_up(app, {})


# ---- what was allowed


async def test_a_person_has_another_name_in_each_mini_app(
    mini_apps: MiniApps, elsewhere: MiniApps, app: MiniApp, somebody: PersonId
) -> None:
    other, _ = await added(mini_apps)
    for one in (app, other):
        await mini_apps.enter(somebody, one.id, agrees=True)

    names = [one.user_id for one in await mini_apps.consents(somebody)]

    assert len(set(names)) == 2
    assert all(UUID.fullmatch(name) for name in names)
    assert elsewhere.user_id(somebody, app.id) in names, "and the same each time"
    assert await mini_apps.recipients(other, [mini_apps.user_id(somebody, app.id)]) == {}


async def test_a_consent_says_when_and_to_which_words(
    mini_apps: MiniApps, app: MiniApp, somebody: PersonId, frozen: FrozenClock
) -> None:
    given_at = frozen.now()
    await mini_apps.enter(somebody, app.id, agrees=True)
    frozen.advance(timedelta(days=1))
    await mini_apps.enter(somebody, app.id, agrees=True)

    (consent,) = await mini_apps.consents(somebody)

    assert (consent.given_at, consent.text_version, consent.withdrawn_at) == (given_at, "1", None)
    assert consent.scopes == app.scopes
    text = app.consent_text(Text(th="กรมการขนส่งทางบก", en="Department of Land Transport"))
    assert "ใบขับขี่ของฉัน" in text.th
    assert "กรมการขนส่งทางบก" in text.th
    assert "Identity number" in text.en


async def test_a_withdrawn_consent_ends_all_at_once_everywhere(
    mini_apps: MiniApps, elsewhere: MiniApps, app: MiniApp, somebody: PersonId, frozen: FrozenClock
) -> None:
    landing = await mini_apps.enter(somebody, app.id, agrees=True)
    name = mini_apps.user_id(somebody, app.id)
    assert await elsewhere.may_look(somebody, app.actor) is True

    frozen.advance(timedelta(seconds=1))
    withdrawn = await mini_apps.withdraw(somebody, app.id)

    assert withdrawn is not None
    assert withdrawn.withdrawn_at == frozen.now()
    assert await elsewhere.burn(landing.m_token, app=app) is None
    assert await elsewhere.consented(somebody, app.id) is None
    assert await elsewhere.recipients(app, [name]) == {}
    assert await elsewhere.may_look(somebody, app.actor) is False
    with pytest.raises(ConsentNeeded):
        await elsewhere.enter(somebody, app.id, agrees=False)


async def test_withdrawing_twice_is_once_and_nothing_can_not_be_withdrawn(
    mini_apps: MiniApps, app: MiniApp, somebody: PersonId, frozen: FrozenClock
) -> None:
    assert await mini_apps.withdraw(somebody, app.id) is None
    await mini_apps.enter(somebody, app.id, agrees=True)

    first = await mini_apps.withdraw(somebody, app.id)
    frozen.advance(timedelta(hours=1))
    second = await mini_apps.withdraw(somebody, app.id)

    assert first == second


async def test_consent_given_again_keeps_the_name_and_the_history(
    mini_apps: MiniApps, app: MiniApp, somebody: PersonId, store: Store
) -> None:
    await mini_apps.enter(somebody, app.id, agrees=True)
    before = mini_apps.user_id(somebody, app.id)
    await mini_apps.withdraw(somebody, app.id)

    await mini_apps.enter(somebody, app.id, agrees=True)

    (consent,) = await mini_apps.consents(somebody)
    assert (consent.user_id, consent.withdrawn_at, consent.withdrawals) == (before, None, 1)
    held = await store.collection("mini_app_consents").find_one({"person": somebody})
    assert held is not None
    assert [one["what"] for one in held["history"]] == ["given", "withdrawn", "given"]


async def test_more_data_is_asked_about_again(mini_apps: MiniApps, somebody: PersonId) -> None:
    app, _ = await added(mini_apps, scopes=[PROFILE])
    await mini_apps.enter(somebody, app.id, agrees=True)
    more, _ = await mini_apps.add(
        agency="dlt", name=NAME, url=app.url, scopes=[PROFILE, CONTACT, NOTIFY], app_id=app.id
    )

    consent = await mini_apps.consented(somebody, app.id)

    assert consent is not None
    assert consent.allows(PROFILE, more)
    assert not consent.allows(CONTACT, more), "it was not agreed to"
    assert await mini_apps.recipients(more, [consent.user_id]) == {}
    with pytest.raises(ConsentNeeded):
        await mini_apps.enter(somebody, app.id, agrees=False)
    await mini_apps.enter(somebody, app.id, agrees=True)
    assert consent.user_id in await mini_apps.recipients(more, [consent.user_id])


async def test_what_one_person_allows_is_nobody_elses(mini_apps: MiniApps, app: MiniApp) -> None:
    one, neighbour = PersonId("ab" + "1" * 30), PersonId("ab" + "2" * 30)  # of the same cell

    await mini_apps.enter(one, app.id, agrees=True)
    assert await mini_apps.consented(neighbour, app.id) is None
    await mini_apps.enter(neighbour, app.id, agrees=True)
    await mini_apps.withdraw(one, app.id)

    assert await mini_apps.consented(one, app.id) is None
    assert await mini_apps.may_look(neighbour, app.actor) is True
    found = await mini_apps.recipients(app, [mini_apps.user_id(two, app.id) for two in (one, neighbour)])
    assert [consent.person for consent in found.values()] == [neighbour]


async def test_all_of_a_persons_consents_end_together(mini_apps: MiniApps, app: MiniApp, somebody: PersonId) -> None:
    other, _ = await added(mini_apps)
    for one in (app, other):
        await mini_apps.enter(somebody, one.id, agrees=True)

    await mini_apps.forget(somebody)

    assert [one.withdrawn_at is None for one in await mini_apps.consents(somebody)] == [False, False]


async def test_only_a_mini_app_looks_by_consent(mini_apps: MiniApps, app: MiniApp, somebody: PersonId) -> None:
    await mini_apps.enter(somebody, app.id, agrees=True)

    for actor in (app.id, f"sso:{app.id}", somebody, "", "mini-app:", f"mini-app:{uuid.uuid4()}"):
        assert await mini_apps.may_look(somebody, actor) is False
    assert await mini_apps.may_look(somebody, app.actor) is True


@pytest.mark.parametrize("text", ["\x00", "a\u202eb", "\u2067", "\u200f", "\x1b[31m", "\r", "\t", "\ud800", "\ufeff"])
def test_what_people_do_not_read_is_not_plain(text: str) -> None:
    assert not is_plain(text)


@pytest.mark.parametrize("text", ["สวัสดี", "กำ น้ำ", "line\nline", "ค่าธรรมเนียม 1,500 บาท ✓", "👩\u200d👧"])
def test_what_people_read_is_plain(text: str) -> None:
    assert is_plain(text)
