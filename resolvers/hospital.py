"""The hospital of the social security scheme: which one, which others there are, and the wish to change it.

The change is the first thing that the graph does at an agency, so it is kept by a client key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import enum_value, field

from agencies import answers, insurance, sso
from agencies.answers import Operation
from foundation import language as words
from foundation.errors import SuperAppError
from foundation.language import Language
from notifications.preferences import parse_mobile
from resolvers.agencies import AgencyAnswer
from resolvers.context import Context, Info
from resolvers.values import Problem, Text, problem_of, problem_told, say, say_if


@strawberry.type(description="A hospital of the social security scheme.")
class Hospital:
    code: str = field(description="The office's code for it.")
    name: Text = field(description="What it is called.")
    province: Text | None = field(description="Where it is.")


@strawberry.type(description="The hospital that somebody is registered with.")
class ChosenHospital(Hospital):
    since: date | None = field(description="Since when.")
    until: date | None = field(description="Until when; null: for as long as the person is insured.")


@strawberry.type(description="A reason for changing the hospital that the office accepts.")
class ChangeReason:
    code: str = field(description="What `changeHospital` takes as `reason`.")
    name: Text = field(description="For people.")


@strawberry.type(description="Whether the hospital can be changed now, and to which.")
class HospitalChoices:
    may_change: bool = field(description="Whether the office takes a change now.")
    effective_on: date | None = field(description="From when a change made now would hold.")
    reasons: list[ChangeReason] = field(description="The reasons it accepts.")
    current: Hospital | None = field(description="The hospital of now.")
    hospitals: list[Hospital] = field(description="The hospitals to choose from.", metadata={"about": 20})


@strawberry.type(description="The SSO's answer about the choice of hospitals.")
class HospitalChoicesAnswer(AgencyAnswer):
    value: HospitalChoices | None = field(description="The record; null unless the state is `OK` or `STALE`.")


@strawberry.enum(description="What came of a wish for another hospital.")
class HospitalChangeState(Enum):
    APPROVED = enum_value("APPROVED", description="It is granted.")
    PENDING = enum_value("PENDING", description="It is being considered.")
    CANCELLED = enum_value("CANCELLED", description="It was taken back.")
    UNCHANGED = enum_value("UNCHANGED", description="It is the hospital of now; nothing was done.")
    REFUSED = enum_value("REFUSED", description="The office's rules say no; `message` says why.")


@strawberry.type(description="One wish for another hospital.")
class HospitalChange:
    state: HospitalChangeState = field(description="What came of it.")
    number: str | None = field(description="The office's number for it.")
    hospital: Hospital | None = field(description="The hospital wished for.")
    previous: Hospital | None = field(description="The one before.")
    requested_on: date | None = field(description="When it was asked for.")
    effective_on: date | None = field(description="From when it holds.")
    message: Text | None = field(description="The office's own words.")


@strawberry.type(description="The SSO's answer about the changes of hospital of a year.")
class HospitalChangesAnswer(AgencyAnswer):
    value: list[HospitalChange] | None = field(
        description="The changes; null unless the state is `OK` or `STALE`, empty where there was none."
    )


@strawberry.input(description="A wish for another hospital of the social security scheme.")
class ChangeHospitalInput:
    hospital_code: str = field(description="One of the codes of `hospitalChoices`.")
    mobile: str = field(description="Where the office may call: a mobile number, however it is written.")
    reason: str = field(description="The code of one of the reasons of `hospitalChoices`.")
    client_key: str = field(
        description="Made up by the app for this wish, up to 200 characters. Sent again with it, the wish is carried out"
        " once and answered alike; with another wish it is a conflict."
    )


@strawberry.type(description="What came of it.")
class ChangeHospitalPayload:
    change: HospitalChange | None = field(description="What the office made of the wish; null where it wasn't reached.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


@strawberry.input(description="A wish for another hospital, taken back before it holds.")
class CancelHospitalChangeInput:
    number: str = field(description="The office's `number` of the change.")
    client_key: str = field(
        description="Made up by the app for this wish, up to 200 characters. Sent again with it, the wish is carried out"
        " once and answered alike; with another wish it is a conflict."
    )


@strawberry.type(description="What came of it.")
class CancelHospitalChangePayload:
    change: HospitalChange | None = field(
        description="The change as it stands now, with the state `CANCELLED`; null where the office wasn't reached."
    )
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


async def _change(
    info: Info,
    given: Annotated[ChangeHospitalInput, strawberry.argument(name="input", description="The wish.")],
) -> ChangeHospitalPayload:
    context = info.context
    try:
        wished = {
            "hospital_code": given.hospital_code, "mobile": _national(given.mobile), "reason": given.reason,
        }  # fmt: skip
        told = await _carry_out(sso.CHANGE_HOSPITAL, "changeHospital", given.client_key, wished, context)
    except SuperAppError as exc:
        return ChangeHospitalPayload(change=None, problems=[problem_of(exc, context.language)])
    return ChangeHospitalPayload(change=_shown_if(told, context), problems=_problems(told, context))


async def _cancel(
    info: Info,
    given: Annotated[CancelHospitalChangeInput, strawberry.argument(name="input", description="The wish.")],
) -> CancelHospitalChangePayload:
    context = info.context
    try:
        wished = {"number": given.number}
        told = await _carry_out(sso.CANCEL_CHANGE, "cancelHospitalChange", given.client_key, wished, context)
    except SuperAppError as exc:
        return CancelHospitalChangePayload(change=None, problems=[problem_of(exc, context.language)])
    return CancelHospitalChangePayload(change=_shown_if(told, context), problems=_problems(told, context))


async def _carry_out(
    operation: Operation[insurance.HospitalChange],
    what: str,
    client_key: str,
    wished: dict[str, str],
    context: Context,
) -> insurance.HospitalChange | answers.Problem | None:
    """What the office made of the wish, now or when it was first sent with this key; or why it wasn't reached."""
    operation = operation(**wished)  # a wish that makes no sense uses up no key
    keys = context.services.client_keys
    wish = await keys.begin(context.person, what, client_key, wished)
    if wish.outcome is not None:
        return _remembered(wish.outcome)
    told = await context.asking.ask(operation)
    if told.value is None:
        # What the office may have received stays noted as begun; what it surely did not is forgotten.
        if told.problem is None or told.problem.code != "OUTCOME_UNKNOWN":
            await keys.release(wish)
        return told.problem
    await keys.settle(wish, asdict(told.value))
    return told.value


def _shown_if(told: insurance.HospitalChange | answers.Problem | None, context: Context) -> HospitalChange | None:
    return _change_shown(told, context.language) if isinstance(told, insurance.HospitalChange) else None


def _problems(told: insurance.HospitalChange | answers.Problem | None, context: Context) -> list[Problem]:
    if isinstance(told, answers.Problem):
        return [problem_told(told, context.language)]
    if told is not None and told.state == "REFUSED":
        said = (told.message or _REFUSED).said_in(context.language)
        return [Problem(code="HOSPITAL_CHANGE_REFUSED", message=said)]
    return []


_REFUSED = words.Text(th="สำนักงานประกันสังคมไม่รับคำขอนี้", en="The Social Security Office does not take this request.")


@strawberry.type
class HospitalMutation:
    change_hospital: ChangeHospitalPayload = field(
        resolver=_change, description="Ask the SSO for another hospital. Carried out once for each `clientKey`."
    )
    cancel_hospital_change: CancelHospitalChangePayload = field(
        resolver=_cancel,
        description="Take back a change of hospital that doesn't hold yet. Carried out once for each `clientKey`.",
    )


def _national(mobile: str) -> str:
    """`0812345678`, as the office writes it."""
    number = parse_mobile(mobile)
    return "0" + number.removeprefix("+66") if number.startswith("+66") else number


def _remembered(outcome: dict[str, Any]) -> insurance.HospitalChange:
    """The opposite of `asdict` and JSON."""

    def text(held: dict[str, str] | None) -> words.Text | None:
        return words.Text(**held) if held else None

    def hospital(held: dict[str, Any] | None) -> insurance.Hospital | None:
        return (
            insurance.Hospital(**{**held, "name": words.Text(**held["name"]), "province": text(held["province"])})
            if held
            else None
        )

    def day(held: str | None) -> date | None:
        return date.fromisoformat(held) if held else None

    return insurance.HospitalChange(
        state=outcome["state"],
        number=outcome["number"],
        hospital=hospital(outcome["hospital"]),
        previous=hospital(outcome["previous"]),
        requested_on=day(outcome["requested_on"]),
        effective_on=day(outcome["effective_on"]),
        reason_code=outcome["reason_code"],
        message=text(outcome["message"]),
    )


def hospital_choices(told: insurance.HospitalChoices, language: Language) -> HospitalChoices:
    return HospitalChoices(
        may_change=told.may_change,
        effective_on=told.effective_on,
        reasons=[ChangeReason(code=one.code, name=say(one.name, language)) for one in told.reasons],
        current=_hospital(told.current, language),
        hospitals=[
            Hospital(code=one.code, name=say(one.name, language), province=say_if(one.province, language))
            for one in told.hospitals
        ],
    )


def hospital_changes(told: Sequence[insurance.HospitalChange], language: Language) -> list[HospitalChange]:
    return [_change_shown(one, language) for one in told]


def _change_shown(told: insurance.HospitalChange, language: Language) -> HospitalChange:
    return HospitalChange(
        state=HospitalChangeState[told.state],
        number=told.number,
        hospital=_hospital(told.hospital, language),
        previous=_hospital(told.previous, language),
        requested_on=told.requested_on,
        effective_on=told.effective_on,
        message=say_if(told.message, language),
    )


def _hospital(told: insurance.Hospital | None, language: Language) -> Hospital | None:
    if told is None:
        return None
    return Hospital(code=told.code, name=say(told.name, language), province=say_if(told.province, language))
