"""What a person allows this app to ask of the agencies, in the graph: each consent in words, and how to change it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Protocol

import strawberry
from strawberry import enum_value, field

from foundation import language as words
from foundation.errors import BadInput, SuperAppError
from foundation.language import Language, fill
from resolvers.catalogue import Agency
from resolvers.context import Context, Info
from resolvers.values import Problem, Text, problem_of, say
from trust import consents as wishes
from trust.people import PersonId


@strawberry.enum(description="What a consent is for.")
class ConsentPurpose(Enum):
    SHOW_MY_DATA = enum_value(
        "SHOW_MY_DATA",
        description="That this app asks the agency about the person at all. It is their right to see their record, so it"
        " is given until they withdraw it; then nobody asks that agency about them through here.",
    )
    PROACTIVE_SENSITIVE = enum_value(
        "PROACTIVE_SENSITIVE",
        description="That what the agency knows of their health, a disability or a crime is used to tell them of their"
        " rights. Not given until they say so.",
    )


@strawberry.enum(description="How a consent stands.")
class ConsentState(Enum):
    GIVEN = enum_value("GIVEN", description="It may be.")
    WITHDRAWN = enum_value("WITHDRAWN", description="The person took it back, or said no.")
    NOT_GIVEN = enum_value("NOT_GIVEN", description="The person hasn't said yes.")


@strawberry.type(description="What a person allows this app about one agency.")
class Consent:
    agency: Agency = field(description="The agency.")
    purpose: ConsentPurpose = field(description="What for.")
    state: ConsentState = field(description="How it stands.")
    since: datetime | None = field(description="Since when; null where the person never said anything.")
    text: Text = field(description="What it means, for the person to read before they decide.")
    text_version: str = field(description="The version of that wording.")


async def consents(info: Info) -> list[Consent]:
    """For each agency that can be asked, what there is to consent to."""
    context = info.context
    state = await context.services.consents.of(context.person)
    sensitive = {fact.source_agency for fact in context.services.catalogue.facts if fact.is_sensitive}
    return [
        _shown(state.of(code, purpose), context)
        for code in context.shelf.agencies
        if code in context.health
        for purpose in wishes.PURPOSES
        if purpose == wishes.SHOW_MY_DATA or code in sensitive or state.of(code, purpose).since is not None
    ]


_CLIENT_KEY = (
    "Made up by the app for this wish, up to 200 characters. Sent again with it, a wish that was carried out is not carried"
    " out anew, even where the person has changed their mind since."
)


@strawberry.input(description="What the person allows, or gives back.")
class GiveConsentInput:
    agency: str = field(description="The agency's code in the catalogue, such as `sso`.")
    purpose: ConsentPurpose = field(description="What for.")
    client_key: str | None = field(default=None, description=_CLIENT_KEY)


@strawberry.type(description="What came of it.")
class GiveConsentPayload:
    consent: Consent | None = field(description="The consent as it is now; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; then nothing was changed.")


@strawberry.input(description="What the person allows no longer.")
class WithdrawConsentInput:
    agency: str = field(description="The agency's code in the catalogue, such as `sso`.")
    purpose: ConsentPurpose = field(description="What for.")
    client_key: str | None = field(default=None, description=_CLIENT_KEY)


@strawberry.type(description="What came of it.")
class WithdrawConsentPayload:
    consent: Consent | None = field(description="The consent as it is now; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; then nothing was changed.")


async def _give(
    info: Info,
    given: Annotated[GiveConsentInput, strawberry.argument(name="input", description="Which consent.")],
) -> GiveConsentPayload:
    context = info.context
    try:
        consent = await _carry_out(given, "giveConsent", context.services.consents.give, context)
    except SuperAppError as exc:
        return GiveConsentPayload(consent=None, problems=[problem_of(exc, context.language)])
    return GiveConsentPayload(consent=_shown(consent, context), problems=[])


async def _withdraw(
    info: Info,
    given: Annotated[WithdrawConsentInput, strawberry.argument(name="input", description="Which consent.")],
) -> WithdrawConsentPayload:
    context = info.context
    try:
        consent = await _carry_out(given, "withdrawConsent", context.services.consents.withdraw, context)
        if consent.state == "WITHDRAWN" and consent.purpose == wishes.SHOW_MY_DATA:
            await context.services.gateway.forget(context.person, consent.agency)
    except SuperAppError as exc:
        return WithdrawConsentPayload(consent=None, problems=[problem_of(exc, context.language)])
    return WithdrawConsentPayload(consent=_shown(consent, context), problems=[])


@strawberry.type
class ConsentMutation:
    give_consent: GiveConsentPayload = field(
        resolver=_give, description="Allow it, or give it back. Given already, nothing changes."
    )
    withdraw_consent: WithdrawConsentPayload = field(
        resolver=_withdraw,
        description="Allow it no longer; it holds at once, and what that agency answered before is not shown any more."
        " Withdrawing an agency withdraws the use of its sensitive facts too. Withdrawn already, nothing changes.",
    )


class _Change(Protocol):
    async def __call__(
        self, person: PersonId, agency: str, purpose: wishes.Purpose, /, *, app: str
    ) -> wishes.Consent: ...


async def _carry_out(
    given: GiveConsentInput | WithdrawConsentInput, what: str, change: _Change, context: Context
) -> wishes.Consent:
    person, session, keys = context.person, context.session, context.services.client_keys
    assert session is not None  # noqa: S101 -- `person` has looked; for the type checker
    agency, purpose = given.agency, _PURPOSES[given.purpose]
    if agency not in context.shelf.agencies or agency not in context.health:
        raise BadInput("no such agency can be asked", th="ไม่มีหน่วยงานนี้ให้สอบถามได้", field="agency")
    if given.client_key is None:
        return await change(person, agency, purpose, app=session.client_id)
    wish = await keys.begin(person, what, given.client_key, {"agency": agency, "purpose": purpose})
    if wish.outcome is not None:
        return (await context.services.consents.of(person)).of(agency, purpose)
    try:
        consent = await change(person, agency, purpose, app=session.client_id)
    except SuperAppError:
        await keys.release(wish)  # tried again it is done once, even where it was done now
        raise
    await keys.settle(wish, True)
    return consent


_PURPOSES: dict[ConsentPurpose, wishes.Purpose] = {
    ConsentPurpose.SHOW_MY_DATA: wishes.SHOW_MY_DATA,
    ConsentPurpose.PROACTIVE_SENSITIVE: wishes.PROACTIVE_SENSITIVE,
}

# Another wording of what they say yes to is another `trust.consents.TEXT_VERSION`, and everybody is asked again.
_TEXTS: dict[wishes.Purpose, words.Text] = {
    wishes.SHOW_MY_DATA: words.Text(
        th="แอปนี้สอบถามข้อมูลของท่านจาก{agency}เมื่อท่านขอดู และเพื่อแจ้งสิทธิที่ท่านมี หากท่านยกเลิก"
        " จะไม่มีการสอบถามข้อมูลของท่านจากหน่วยงานนี้ผ่านแอปอีก ท่านจะไม่เห็นข้อมูลของหน่วยงานนี้"
        " และจะไม่ได้รับแจ้งสิทธิที่อาศัยข้อมูลดังกล่าว แต่สิทธิของท่านที่หน่วยงานยังคงเดิม"
        " และท่านเปิดใช้อีกครั้งได้ทุกเมื่อ",
        en="This app asks {agency} about you when you want to see your record, and to tell you of your rights. If you"
        " withdraw this, nobody asks that agency about you through this app any more: you do not see its records here, and"
        " are not told of rights that depend on them. Your rights at the agency itself stay as they are, and you can give"
        " this back at any time.",
    ),
    wishes.PROACTIVE_SENSITIVE: words.Text(
        th="ท่านยินยอมให้แอปนี้ใช้ข้อมูลอ่อนไหวของท่านจาก{agency} (สุขภาพ ความพิการ หรือคดีอาญา"
        " ตามพระราชบัญญัติคุ้มครองข้อมูลส่วนบุคคล มาตรา 26) เพื่อแจ้งสิทธิที่ท่านมีล่วงหน้าเท่านั้น หากไม่ยินยอม"
        " ท่านยังดูข้อมูลของตนเองได้ และถอนความยินยอมได้ทุกเมื่อ",
        en="You agree that this app uses sensitive facts about you from {agency} (health, disability or crime: Personal"
        " Data Protection Act, section 26), only to tell you of your rights in good time. Without it you can still see your"
        " own record, and you can withdraw it at any time.",
    ),
}


def _shown(consent: wishes.Consent, context: Context) -> Consent:
    agency = context.shelf.agencies[consent.agency]
    return Consent(
        agency=agency,
        purpose=ConsentPurpose[consent.purpose],
        state=ConsentState[consent.state],
        since=consent.since,
        text=_text(consent.purpose, agency, context.language),
        text_version=wishes.TEXT_VERSION,
    )


def _text(purpose: wishes.Purpose, agency: Agency, language: Language) -> Text:
    said = {"agency": {"th": agency.name.th, "en": agency.name.en}}
    text = _TEXTS[purpose]
    return say(words.Text(th=fill(text, said, "th"), en=fill(text, said, "en")), language)
