"""Is the identity card in my hand mine and valid? The code on its back is checked where cards are issued.

The check is a question, yet a mutation: it is asked of people one at a time, guesses are counted, and what it tells may
open doors. DOPA wants to know whose card it should be, so it is told what its own register says.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import enum_value, field

from agencies import dopa, laser
from agencies.answers import Answer
from foundation.errors import SuperAppError, TooMany
from resolvers.client_keys import Wish
from resolvers.context import Context, Info
from resolvers.values import Problem, problem_of, problem_told


@strawberry.enum(description="What DOPA says of an identity card.")
class IdCardCheck(Enum):
    MATCHES = enum_value("MATCHES", description="The code is on this person's card, and the card is valid.")
    DOES_NOT_MATCH = enum_value("DOES_NOT_MATCH", description="The code is not on this person's latest card.")
    CARD_VOID = enum_value("CARD_VOID", description="The card is theirs and no longer valid.")


@strawberry.input(description="The code on the back of one's own identity card.")
class CheckIdCardInput:
    laser_code: str = field(
        description="Two letters and ten digits, such as `JT0-1234567-89`; hyphens, spaces and Thai digits are fine."
    )
    client_key: str | None = field(
        description="Made up by the app for this check, up to 200 characters. Sent again with it, the check is answered"
        " alike and not counted again.",
        default=None,
    )


@strawberry.type(description="What came of the check.")
class CheckIdCardPayload:
    result: IdCardCheck | None = field(description="DOPA's verdict; null where there is none.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


async def _check(
    info: Info,
    given: Annotated[CheckIdCardInput, strawberry.argument(name="input", description="The code.")],
) -> CheckIdCardPayload:
    context = info.context
    try:
        return await _carry_out(given, context)
    except SuperAppError as exc:
        return CheckIdCardPayload(result=None, problems=[problem_of(exc, context.language)])


async def _carry_out(given: CheckIdCardInput, context: Context) -> CheckIdCardPayload:
    keys = context.services.client_keys
    code = laser.read_laser_code(given.laser_code)
    wish: Wish | None = None
    if given.client_key is not None:
        wish = await keys.begin(context.person, "checkIdCard", given.client_key, {"laser_code": code})
        if wish.outcome is not None:
            return CheckIdCardPayload(result=IdCardCheck[wish.outcome], problems=[])
    try:
        told = await _ask(code, context)
    except SuperAppError:
        if wish is not None:
            await keys.release(wish)
        raise
    if told.value is None:
        if wish is not None:
            await keys.release(wish)
        problem = None if told.problem is None else problem_told(told.problem, context.language)
        return CheckIdCardPayload(result=None, problems=[] if problem is None else [problem])
    if wish is not None:
        await keys.settle(wish, told.value)
    return CheckIdCardPayload(result=IdCardCheck[told.value], problems=[])


async def _ask(code: str, context: Context) -> Answer[Any]:
    """The verdict; where the register doesn't say who the person is, its answer."""
    register = await context.asking.ask(dopa.PERSON)
    profile = register.value
    if profile is None:
        return register
    # Counted only where DOPA is asked for a verdict: whoever mistypes or meets an agency that is down has not guessed.
    if (wait_s := context.services.card_checks.admit(context.person)) is not None:
        raise TooMany(
            "too many checks of an identity card; please try again later",
            th="ตรวจรหัสหลังบัตรหลายครั้งเกินไป โปรดลองใหม่ภายหลัง", retry_after_s=wait_s,
        )  # fmt: skip
    return await context.asking.ask(
        laser.CHECK, first_name=profile.first_name.th, last_name=profile.last_name.th, birth=profile.birth,
        laser_code=code,
    )  # fmt: skip


@strawberry.type
class IdCardMutation:
    check_id_card: CheckIdCardPayload = field(
        resolver=_check,
        description="Check the code on the back of the caller's own identity card at DOPA. Five checks a day.",
    )
