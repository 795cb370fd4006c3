"""The code on the back of an identity card: how it may be written, and the verdicts, which hide in HTTP 500."""

from __future__ import annotations

from datetime import date

import pytest

from agencies import laser
from agencies.answers import Question
from agencies.reading import Reading
from agencies.trouble import AgencyDown, AnswerMalformed
from foundation.dates import PartialDate
from foundation.errors import BadInput
from sandbox.civil import laser_code

QUESTION = Question(person_number="1000000000009", given={})


@pytest.fixture
def check(adapters):
    """What DOPA says of this code for a citizen whose name and birth are those of the register."""
    client = next(one for one in adapters() if one.code == laser.DOOR)

    async def check(citizen, code=None, **over):
        known = PartialDate(
            citizen.birth.earliest(), "DAY" if citizen.birth.day else "MONTH" if citizen.birth.month else "YEAR"
        )
        asked = {"first_name": citizen.first_name.th, "last_name": citizen.last_name.th, "birth": known, **over}
        (answer,) = await client.ask(citizen.pid, [laser.CHECK(**asked, laser_code=code or laser_code(citizen))])
        return answer

    return check


async def test_the_code_of_ones_own_card_matches(check, nation):
    partly = next(c for n in range(200, 30_000) if (c := nation.citizen(n)).alive and c.birth.day is None)
    eldest = next(c for n in range(200, 30_000) if (c := nation.citizen(n)).alive and c.birth.year <= 1940)

    for citizen in (nation.citizen(8), partly, eldest):
        assert (await check(citizen)).value == "MATCHES"


async def test_another_code_another_name_or_another_birth_does_not(check, nation):
    phet = nation.citizen(8)

    assert (await check(phet, code="AA0-0000000-00")).value == "DOES_NOT_MATCH"  # HTTP 500 [4]
    assert (await check(phet, first_name="สมชาย")).value == "DOES_NOT_MATCH"  # Result false
    assert (await check(phet, birth=PartialDate(date(1985, 1, 1), "YEAR"))).value == "DOES_NOT_MATCH"


async def test_a_card_that_is_no_longer_valid_is_void(check, nation):
    lost = next(c for n in range(200, 30_000) if (c := nation.citizen(n)).alive and c.id_card in ("lost", "expired"))

    assert (await check(lost)).value == "CARD_VOID"  # HTTP 500 [2]


async def test_a_check_that_is_out_of_order_is_no_verdict(check, nation, switch):
    switch("POST", "faults", {"agency": "dopa", "fault": "error", "operation": "verification", "status": 500})

    with pytest.raises(AgencyDown):
        await check(nation.citizen(8))


async def test_an_answer_about_another_person_is_never_a_match(check, nation, switch):
    switch("POST", "faults", {"agency": "dopa", "fault": "lying", "operation": "verification"})

    assert (await check(nation.citizen(8))).value == "DOES_NOT_MATCH"


@pytest.mark.parametrize(
    "written",
    ["JT0-1234567-89", "jt0 1234567 89", "JT๐๑๒๓๔๕๖๗๘๙", " JT0\u20111234567\u201189 ", "JT0123456789"],
)
def test_a_code_is_taken_however_it_is_written(written):
    assert laser.read_laser_code(written) == "JT0123456789"


@pytest.mark.parametrize(
    "written",
    ["", "JT012345678", "J10123456789", "JT01234567890", "JT0123456789" + " " * 40, None, 7, "ßß0123456789", "ßT012345678",
     "JT0123456789\x00", "ＪＴ0123456789", {"$ne": 1}],
)  # fmt: skip
def test_what_is_no_code_is_refused(written):
    with pytest.raises(BadInput) as refused:
        laser.read_laser_code(written)

    assert refused.value.facts["field"] == "laserCode"


@pytest.mark.parametrize("answer", [{}, {"Result": "yes"}, {"Result": 1}, {"Result": None}, {"failure": "9"}])
def test_a_verdict_is_true_or_false_and_nothing_like_it(answer):
    with pytest.raises(AnswerMalformed):
        laser.CHECK.read(Reading(answer), QUESTION)


def test_a_check_is_believed_beside_the_register_and_kept_by_nobody():
    assert laser.CHECK.witness is not None
    assert laser.CHECK.witness.name == "PERSON"
    assert laser.CHECK.keeping.fresh_s == laser.CHECK.keeping.stale_s == 0
    assert laser.CHECK.asked_through == laser.DOOR != laser.CHECK.agency
