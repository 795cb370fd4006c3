"""Changing the hospital of the social security scheme: the first thing that the graph does at an agency."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import strawberry
from strawberry import field

from agencies import insurance, sso
from foundation.errors import SuperAppError
from foundation.language import Text
from notifications.preferences import parse_mobile
from resolvers.context import Context, Info
from resolvers.social_security import HospitalChange, hospital_change
from resolvers.values import Problem, problem_of, problem_told


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


async def _change(
    info: Info,
    given: Annotated[ChangeHospitalInput, strawberry.argument(name="input", description="The wish.")],
) -> ChangeHospitalPayload:
    context = info.context
    try:
        return await _carry_out(given, context)
    except SuperAppError as exc:
        problem = problem_of(exc, context.language)
        return ChangeHospitalPayload(change=None, problems=[problem])


async def _carry_out(given: ChangeHospitalInput, context: Context) -> ChangeHospitalPayload:
    person, keys = context.person, context.services.client_keys
    wished = {"hospital_code": given.hospital_code, "mobile": _national(given.mobile), "reason": given.reason}
    operation = sso.CHANGE_HOSPITAL(**wished)
    wish = await keys.begin(person, "changeHospital", given.client_key, wished)
    if wish.outcome is not None:
        return _payload(_remembered(wish.outcome), context)
    told = await context.asking.ask(operation)
    if told.value is None:
        # What the office may have received stays noted as begun; what it surely did not is forgotten.
        if told.problem is None or told.problem.code != "OUTCOME_UNKNOWN":
            await keys.release(wish)
        problem = None if told.problem is None else problem_told(told.problem, context.language)
        return ChangeHospitalPayload(change=None, problems=[] if problem is None else [problem])
    await keys.settle(wish, asdict(told.value))
    return _payload(told.value, context)


def _payload(change: insurance.HospitalChange, context: Context) -> ChangeHospitalPayload:
    shown = hospital_change(change, context.language)
    problems = []
    if change.state == "REFUSED":
        said = shown.message.said if shown.message else _REFUSED.said_in(context.language)
        problems.append(Problem(code="HOSPITAL_CHANGE_REFUSED", message=said))
    return ChangeHospitalPayload(change=shown, problems=problems)


_REFUSED = Text(th="สำนักงานประกันสังคมไม่รับคำขอนี้", en="The Social Security Office does not take this request.")


@strawberry.type
class HospitalMutation:
    change_hospital: ChangeHospitalPayload = field(
        resolver=_change, description="Ask the SSO for another hospital. Carried out once for each `clientKey`."
    )


def _national(mobile: str) -> str:
    """`0812345678`, as the office writes it."""
    number = parse_mobile(mobile)
    return "0" + number.removeprefix("+66") if number.startswith("+66") else number


def _remembered(outcome: dict[str, Any]) -> insurance.HospitalChange:
    """The opposite of `asdict` and JSON."""

    def text(held: dict[str, str] | None) -> Text | None:
        return Text(**held) if held else None

    def hospital(held: dict[str, Any] | None) -> insurance.Hospital | None:
        return (
            insurance.Hospital(**{**held, "name": Text(**held["name"]), "province": text(held["province"])})
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
