"""Mini apps: agencies' own web pages inside the app, what they may learn of a person, and for how long.

A person who opens one gets an mToken for that one entry: a secret of two minutes that the mini app's backend trades,
once, for who the person is. What stands between is the person's consent, looked at in the database each time it matters,
so that one which is withdrawn ends everything at once, in every process.

A mini app's backend shows a consumer key and a token, as it does at the gateway of the real platform. Secrets, tokens and
mTokens are kept as keyed hashes only. A person has another user id in each mini app, so that two of them can't find out
that they serve the same one.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from foundation.clock import Clock
from foundation.errors import BadInput, Forbidden, NotFound, Unauthenticated
from foundation.http import check_endpoint
from foundation.ids import derive
from foundation.language import Text, fill
from foundation.store import Document, DuplicateKeyError, Index, Store
from trust.people import PersonId
from trust.secrets import Vault

log = logging.getLogger(__name__)

# The database removes by its own clock, which may be minutes ahead of ours; what has ended is told by ours.
_KEPT_BEYOND_S = 600
INDEXES = (
    Index(collection="mini_apps", keys=(("consumer_key", 1),), name="by_consumer_key", unique=True),
    Index(collection="mini_app_tokens", keys=(("expires_at", 1),), name="gone", expire_after_s=_KEPT_BEYOND_S),
    Index(collection="mini_app_tokens", keys=(("app", 1),), name="of_app"),
    Index(collection="mini_app_entries", keys=(("expires_at", 1),), name="gone", expire_after_s=_KEPT_BEYOND_S),
    Index(collection="mini_app_consents", keys=(("app", 1), ("user_id", 1)), name="by_user_id", unique=True),
    Index(collection="mini_app_consents", keys=(("person", 1), ("given_at", -1)), name="of_person"),
)
ENTRY_LIFE = timedelta(seconds=120)
TOKEN_IDLE = timedelta(minutes=60)
_SLIDES_BY = timedelta(minutes=1)  # a busy token is written once a minute, not at each call
LONGEST_NAME = 100
_LONGEST_AGENT = 200
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
# Controls, bidi overrides, isolates and marks, noncharacters, lone surrogates: nothing that a text for people needs.
_SIGNS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufeff\ufffe\uffff\ud800-\udfff]"
)

PROFILE, CONTACT, NOTIFY = "profile", "contact", "notify"
# What each scope lets a mini app have, as the person reads it before they consent.
SCOPES: Mapping[str, Text] = {
    PROFILE: Text(
        th="เลขประจำตัวประชาชน ชื่อ นามสกุล และวันเดือนปีเกิด จากกรมการปกครอง",
        en="Identity number, first and last name and date of birth, from the Department of Provincial Administration",
    ),
    CONTACT: Text(th="หมายเลขโทรศัพท์มือถือและอีเมลที่ให้ไว้ในแอปนี้", en="Mobile number and e-mail address as given in this app"),
    NOTIFY: Text(th="ส่งข้อความถึงท่านในกล่องข้อความของแอปนี้", en="Send you messages in this app's inbox"),
}
# Another wording is another version, and everybody is asked again.
CONSENT_VERSION = "1"
_CONSENT = Text(
    th="ท่านยินยอมให้ “{app}” ของ{agency} ได้รับข้อมูลต่อไปนี้ทุกครั้งที่ท่านเปิดใช้: {data} ถอนความยินยอมได้ทุกเมื่อในแอปนี้",
    en="You allow “{app}” of {agency} the following whenever you open it: {data}. You may withdraw this at any time in this app.",
)


class ConsumerNotFound(Forbidden):
    """No such consumer key, or not its secret: one answer for both."""

    code = "CONSUMER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("ForbiddenException: consumer not found", th="ไม่พบ Consumer-Key นี้ หรือ ConsumerSecret ไม่ถูกต้อง")


class TokenNotFound(Unauthenticated):
    """Not a token of this consumer (any more)."""

    code = "TOKEN_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("UnauthorizedException: token not found", th="ไม่พบ Token นี้ หรือหมดอายุแล้ว โปรดเรียก validate ใหม่")


class ConsentNeeded(Forbidden):
    """The person hasn't allowed this mini app what it asks for."""

    code = "CONSENT_NEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniApp:
    id: str
    agency: str
    name: Text
    url: str
    consumer_key: str
    scopes: tuple[str, ...]

    @property
    def actor(self) -> str:
        """What it is called where its looks are recorded."""
        return f"mini-app:{self.id}"

    @property
    def topic(self) -> str:
        """The topic of its messages: muting it keeps this mini app, and no other, from ringing."""
        return f"mini-app.{self.id}"

    def consent_text(self, agency: Text) -> Text:
        """What a person agrees to, word for word; `agency` is what the agency is called."""
        data = [SCOPES[one] for one in self.scopes]
        said = {
            "app": {"th": self.name.th, "en": self.name.en},
            "agency": {"th": agency.th, "en": agency.en},
            "data": {"th": " · ".join(one.th for one in data), "en": "; ".join(one.en for one in data)},
        }
        return Text(th=fill(_CONSENT, said, "th"), en=fill(_CONSENT, said, "en"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What one person allowed one mini app, and since when; `withdrawn_at` where they no longer do."""

    app: str
    person: PersonId
    user_id: str
    scopes: tuple[str, ...]
    text_version: str
    given_at: datetime
    withdrawn_at: datetime | None
    withdrawals: int = 0  # how often; what was taken under an earlier consent isn't under this one

    def covers(self, app: MiniApp) -> bool:
        """Whether the person need not be asked again."""
        return (
            self.withdrawn_at is None and self.text_version == CONSENT_VERSION and set(app.scopes) <= set(self.scopes)
        )

    def allows(self, scope: str, app: MiniApp) -> bool:
        """What was allowed then and is registered now."""
        return self.withdrawn_at is None and scope in self.scopes and scope in app.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """One entry into a mini app."""

    app: str
    m_token: str = field(repr=False)
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an mToken stood for. `made_up` is somebody who isn't there, for integrators who test without a phone."""

    id: str
    app: str
    person: PersonId | None
    made_up: Mapping[str, Any] | None = field(default=None, repr=False)
    kept: Document = field(repr=False)


class MiniApps:
    def __init__(self, store: Store, vault: Vault, *, clock: Clock, production: bool) -> None:
        self._apps = store.collection("mini_apps")
        self._tokens = store.collection("mini_app_tokens")
        self._entries = store.collection("mini_app_entries")
        self._consents = store.collection("mini_app_consents")
        self._vault = vault
        self._clock = clock
        self._production = production

    # ---- which there are

    async def add(
        self,
        *,
        agency: str,
        name: Text,
        url: str,
        scopes: Collection[str] = tuple(SCOPES),
        app_id: str | None = None,
        consumer_key: str | None = None,
        secret: str | None = None,
    ) -> tuple[MiniApp, str | None]:
        """Let a mini app in, or change one that is (by `app_id`). BadInput says what is wrong with the entry.

        Returns its secret where it is a new one: it is kept as a hash and can't be shown again.
        """
        entry: Document = {
            "agency": agency,
            "name": {"th": _checked_name(name.th), "en": _checked_name(name.en)},
            "url": self._checked_url(url),
            "scopes": _checked_scopes(scopes),
        }
        app_id = _checked_id(app_id) if app_id is not None else str(uuid.uuid4())
        known = await self._apps.find_one({"_id": app_id})
        if known is None or secret is not None:
            secret = secret or secrets.token_urlsafe(32)
            entry |= {
                "consumer_key": consumer_key or (known or {}).get("consumer_key") or str(uuid.uuid4()),
                "secret": self._secret_hash(secret),
            }
        born = {"created_at": self._clock.now()}
        try:
            await self._apps.update_one({"_id": app_id}, {"$set": entry, "$setOnInsert": born}, upsert=True)
        except DuplicateKeyError as exc:
            raise BadInput(
                "this consumer key belongs to another mini app",
                th="Consumer-Key นี้เป็นของมินิแอปอื่นแล้ว",
                field="consumer_key",
            ) from exc
        return _app({**(known or {}), "_id": app_id, **entry}), secret

    async def renew_secret(self, app_id: str) -> str:
        """Another secret; the old one and every token that it bought are good for nothing from now on."""
        secret = secrets.token_urlsafe(32)
        changed = await self._apps.update_one({"_id": app_id}, {"$set": {"secret": self._secret_hash(secret)}})
        if not changed.matched_count:
            raise _no_such_app()
        await self._tokens.delete_many({"app": app_id})
        return secret

    async def remove(self, app_id: str) -> bool:
        """Close the door to it at once. False when it wasn't there. Consents stay on record."""
        gone = await self._apps.delete_one({"_id": app_id})
        await self._tokens.delete_many({"app": app_id})
        await self._entries.delete_many({"app": app_id})
        return gone.deleted_count == 1

    async def list(self) -> tuple[MiniApp, ...]:
        """All of them, the oldest first."""
        return tuple([_app(one) async for one in self._apps.find({}).sort([("created_at", 1), ("_id", 1)])])

    async def get(self, app_id: str) -> MiniApp | None:
        found = await self._apps.find_one({"_id": app_id}) if _UUID.fullmatch(app_id) else None
        return _app(found) if found else None

    # ---- its backend at our door

    async def validate(self, consumer_key: str, secret: str, agent: str) -> str:
        """A token for a key and its secret; ConsumerNotFound where they don't belong together.

        `agent` is on whose behalf the mini app acts (an mToken, a session, a user id, or its own name).
        """
        if not agent or len(agent) > _LONGEST_AGENT:
            raise BadInput("BadRequestException: AgentID not found", th="โปรดระบุ AgentID ไม่เกิน 200 ตัวอักษร")
        found = await self._apps.find_one({"consumer_key": consumer_key}) if _KEY.fullmatch(consumer_key) else None
        # A key that nobody has takes as long as a wrong secret.
        known = str((found or {}).get("secret", ""))
        if not hmac.compare_digest(known, self._secret_hash(secret[:_LONGEST_AGENT])) or found is None:
            log.warning("a mini app's secret was refused", extra={"app": (found or {}).get("_id")})
            raise ConsumerNotFound
        token, now = str(uuid.uuid4()), self._clock.now()
        await self._tokens.insert_one(
            {
                "_id": self._token_hash(token), "app": found["_id"], "issued_at": now, "expires_at": now + TOKEN_IDLE,
                "agent": self._vault.lookup(agent, purpose="mini app agent"),  # it may be an identity number
            }
        )  # fmt: skip
        return token

    async def caller(self, consumer_key: str, token: str) -> MiniApp:
        """Whose call this is; the token lives on for an hour. ConsumerNotFound or TokenNotFound."""
        found = await self._apps.find_one({"consumer_key": consumer_key}) if _KEY.fullmatch(consumer_key) else None
        if found is None:
            raise ConsumerNotFound
        now, which = self._clock.now(), {"_id": self._token_hash(token[:_LONGEST_AGENT]), "app": found["_id"]}
        there = await self._tokens.find_one({**which, "expires_at": {"$gt": now}}, {"expires_at": 1})
        if there is None:
            raise TokenNotFound
        if there["expires_at"] < now + TOKEN_IDLE:
            until = {"expires_at": now + TOKEN_IDLE + _SLIDES_BY}
            await self._tokens.update_one(which, {"$max": until})
        return _app(found)

    # ---- a person goes in

    async def enter(self, person: PersonId, app_id: str, *, agrees: bool) -> Landing:
        """An mToken for this entry. ConsentNeeded where the person hasn't allowed it and doesn't now either."""
        app = await self.get(app_id)
        if app is None:
            raise _no_such_app()
        consent = await self.consented(person, app_id)
        if consent is None or not consent.covers(app):
            if not agrees:
                raise ConsentNeeded(
                    "the person must first allow this mini app what it asks for",
                    th="ต้องได้รับความยินยอมจากท่านก่อนเปิดมินิแอปนี้", field="consent",
                )  # fmt: skip
            await self._consent(person, app)
        m_token, now = str(uuid.uuid4()), self._clock.now()
        await self._entries.insert_one(
            {"_id": self._entry_hash(m_token), "app": app.id, "person": person, "expires_at": now + ENTRY_LIFE}
        )
        return Landing(app=app.id, m_token=m_token, url=_landing(app, m_token), expires_at=now + ENTRY_LIFE)

    async def make_up(self, app: MiniApp, person: Mapping[str, Any]) -> str:
        """The mToken of somebody made up. Never in production."""
        if self._production:
            raise NotFound("nobody is made up in production", th="ระบบจริงไม่มีบุคคลสมมติ")
        m_token = str(uuid.uuid4())
        entry = self._entry_hash(m_token)
        sealed = self._vault.seal(orjson.dumps(dict(person)), context=f"mini_app_entries.made_up {entry}")
        until = self._clock.now() + ENTRY_LIFE
        await self._entries.insert_one(
            {"_id": entry, "app": app.id, "person": None, "made_up": sealed, "expires_at": until}
        )
        return m_token

    async def burn(self, m_token: str, *, app: MiniApp) -> Entry | None:
        """What the mToken stands for, to the first who asks; from then on, as to another mini app, nothing."""
        which = {"_id": self._entry_hash(m_token[:_LONGEST_AGENT]), "app": app.id}
        found = await self._entries.find_one_and_delete({**which, "expires_at": {"$gt": self._clock.now()}})
        if found is None:
            return None
        entry, made_up = found["_id"], None
        if found.get("made_up") is not None:
            made_up = orjson.loads(self._vault.open(found["made_up"], context=f"mini_app_entries.made_up {entry}"))
        return Entry(id=entry, app=found["app"], person=found["person"], made_up=made_up, kept=found)

    async def put_back(self, entry: Entry) -> None:
        """Nothing was handed over, by a fault that isn't the mini app's: within its two minutes it may ask again."""
        await self._entries.insert_one(entry.kept)

    # ---- what the person allowed

    async def consented(self, person: PersonId, app_id: str) -> Consent | None:
        """What this person allows this mini app now; None where nothing."""
        found = await self._consents.find_one({"_id": _consent_id(person, app_id), "withdrawn_at": None})
        return _shown(found) if found else None

    async def may_look(self, person: PersonId, actor: str) -> bool:
        """Whether this person lets this mini app (by the name it is recorded under) know who they are."""
        kind, _, app_id = actor.partition(":")
        app = await self.get(app_id) if kind == "mini-app" else None
        consent = None if app is None else await self.consented(person, app_id)
        return app is not None and consent is not None and consent.allows(PROFILE, app)

    async def consents(self, person: PersonId) -> tuple[Consent, ...]:
        """All that this person allowed mini apps, the latest first, withdrawn ones too."""
        found = self._consents.find({"person": person}).sort([("given_at", -1), ("_id", 1)]).limit(1000)
        return tuple([_shown(one) async for one in found])

    async def withdraw(self, person: PersonId, app_id: str) -> Consent | None:
        """From now on the mini app learns and sends nothing; what was withdrawn before stays so. None: there was none."""
        which, now = {"_id": _consent_id(person, app_id)}, self._clock.now()
        step = {
            "$set": {"withdrawn_at": now},
            "$inc": {"withdrawals": 1},
            "$push": {"history": {"at": now, "what": "withdrawn"}},
        }
        await self._consents.update_one({**which, "withdrawn_at": None}, step)
        await self._entries.delete_many({"app": app_id, "person": person})
        found = await self._consents.find_one(which)
        return _shown(found) if found else None

    async def forget(self, person: PersonId) -> None:
        """Withdraw all of a person's: a death, an erasure. The record that they once consented stays."""
        for one in await self.consents(person):
            if one.withdrawn_at is None:
                await self.withdraw(person, one.app)

    async def recipients(self, app: MiniApp, user_ids: Collection[str]) -> dict[str, Consent]:
        """Of these user ids of the mini app, those that are somebody who lets it send messages."""
        found = self._consents.find({"app": app.id, "user_id": {"$in": list(user_ids)}, "withdrawn_at": None})
        consents = [_shown(one) async for one in found]
        return {one.user_id: one for one in consents if one.allows(NOTIFY, app)}

    async def standing(self, pairs: Iterable[tuple[PersonId, str]]) -> dict[tuple[PersonId, str], Consent]:
        """Of these persons with mini apps, those whose consent stands."""
        wanted = [_consent_id(person, app) for person, app in pairs]
        found = self._consents.find({"_id": {"$in": wanted}, "withdrawn_at": None})
        consents = [_shown(one) async for one in found]
        return {(one.person, one.app): one for one in consents}

    def user_id(self, person: str, app_id: str) -> str:
        """The person's name in this mini app: always the same there, and unlike the one in any other."""
        # Not in the person's cell: two mini apps that compare their ids must not see even that.
        digest = bytes.fromhex(self._vault.lookup(f"{app_id} {person}", purpose="mini app user id"))
        return str(uuid.UUID(bytes=digest[:16], version=5))

    async def _consent(self, person: PersonId, app: MiniApp) -> None:
        now = self._clock.now()
        given = {"text_version": CONSENT_VERSION, "scopes": list(app.scopes)}
        which = {"_id": _consent_id(person, app.id)}
        step = {
            "$set": {**given, "given_at": now, "withdrawn_at": None},
            "$push": {"history": {"at": now, "what": "given", **given}},
            "$setOnInsert": {"person": person, "app": app.id, "user_id": self.user_id(person, app.id)},
        }
        try:
            await self._consents.update_one(which, step, upsert=True)
        except DuplicateKeyError:  # two first entries at once; by now it is there
            await self._consents.update_one(which, step, upsert=True)

    def _checked_url(self, url: str) -> str:
        if len(url) > 500 or not url.isascii() or not url.isprintable() or " " in url:
            raise BadInput("the landing address is not one", th="ที่อยู่หน้าแรกของมินิแอปไม่ถูกต้อง", field="url")
        check_endpoint(url, public_only=self._production)
        parts = urlsplit(url)
        at_home = not self._production and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if parts.scheme != "https" and not at_home:
            raise BadInput("the landing address must be https", th="ที่อยู่หน้าแรกของมินิแอปต้องเป็น https", field="url")
        return url

    def _secret_hash(self, secret: str) -> str:
        return self._vault.lookup(secret, purpose="mini app secret")

    def _token_hash(self, token: str) -> str:
        return self._vault.lookup(token, purpose="mini app token")

    def _entry_hash(self, m_token: str) -> str:
        return self._vault.lookup(m_token, purpose="mini app entry")


def is_plain(text: str) -> bool:
    """Whether it holds nothing but what people read: no controls but the line feed, nothing that turns the writing around."""
    return _SIGNS.search(text) is None


def _consent_id(person: PersonId, app_id: str) -> str:
    return derive(person, "mini app consent", person, app_id)


def _landing(app: MiniApp, m_token: str) -> str:
    joint = "&" if urlsplit(app.url).query else "?"
    return f"{app.url}{joint}{urlencode({'appId': app.id, 'mToken': m_token})}"


def _checked_id(app_id: str) -> str:
    if not _UUID.fullmatch(app_id.lower()):
        raise BadInput("a mini app's id is a UUID", th="รหัสมินิแอปต้องเป็น UUID", field="app_id")
    return app_id.lower()


def _checked_name(name: str) -> str:
    told = name.strip()
    if not 1 <= len(told) <= LONGEST_NAME or not is_plain(told) or "\n" in told:
        raise BadInput(
            f"a mini app's name is a line of 1 to {LONGEST_NAME} characters, in Thai and in English",
            th=f"ชื่อมินิแอปต้องเป็นข้อความหนึ่งบรรทัด 1 ถึง {LONGEST_NAME} ตัวอักษร ทั้งภาษาไทยและภาษาอังกฤษ", field="name",
        )  # fmt: skip
    return told


def _checked_scopes(scopes: Collection[str]) -> list[str]:
    if unknown := set(scopes) - SCOPES.keys():
        raise BadInput(
            f"there is no scope {min(unknown)[:40]!r}; there are {', '.join(SCOPES)}",
            th=f"ไม่มี scope {min(unknown)[:40]!r} ที่มีคือ {', '.join(SCOPES)}", field="scopes",
        )  # fmt: skip
    if not scopes:
        raise BadInput("name at least one scope", th="โปรดระบุ scope อย่างน้อยหนึ่งรายการ", field="scopes")
    return [one for one in SCOPES if one in scopes]


def _no_such_app() -> NotFound:
    return NotFound("there is no such mini app", th="ไม่มีมินิแอปนี้", field="appId")


def _app(document: Document) -> MiniApp:
    return MiniApp(
        id=document["_id"], agency=document["agency"], name=Text(**document["name"]), url=document["url"],
        consumer_key=document["consumer_key"], scopes=tuple(document["scopes"]),
    )  # fmt: skip


def _shown(document: Document) -> Consent:
    return Consent(
        app=document["app"], person=PersonId(document["person"]), user_id=document["user_id"],
        scopes=tuple(document["scopes"]), text_version=document["text_version"], given_at=document["given_at"],
        withdrawn_at=document["withdrawn_at"],
        withdrawals=document.get("withdrawals", 0),
    )  # fmt: skip
