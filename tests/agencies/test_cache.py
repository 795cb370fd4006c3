"""What agencies said before: fresh it costs no call, stale it stands in, withdrawn it is gone, and it is always sealed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agencies import dopa, nhso, sso
from agencies.gateway import CONSENT, DATA_SUBJECT_REQUEST, PUBLIC_TASK, SYSTEM
from tests.agencies.conftest import CATALOGUE_AGENCIES
from trust.consents import PROACTIVE_SENSITIVE, SHOW_MY_DATA, Consents

WORKER = 5


async def until(holds, *, seconds=5.0):
    """Wait for what happens a little later; fail where it doesn't."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 -- it happens in the database, which rings no bell
            await asyncio.sleep(0.02)


@pytest.fixture
def keeping(gateways):
    """Gateways that believe what is kept for as long as the operations say; each is a process of its own."""
    return lambda **other: gateways(fresh_most_s=None, **other)


@pytest.fixture
def kept_in(store):
    """How many answers the database has of this person."""

    async def count(person, **wanted):
        found = store.collection("answers", durable=False)  # as the cache itself reads
        return await found.count_documents({"person": person, **wanted})

    return count


async def test_a_fresh_answer_is_shown_without_asking_and_is_on_record(keeping, asking, spy, access_log, person):
    hits, through = spy("nhso", "right-search"), keeping()
    first = await (await asking(WORKER, through)).ask(nhso.RIGHTS)

    second = await (await asking(WORKER, through)).ask(nhso.RIGHTS)

    assert hits() == 1
    assert second == first
    assert [one.operation for one in (await access_log.page(await person(WORKER))).items] == ["RIGHTS", "RIGHTS"]


async def test_another_process_and_the_same_after_a_restart_find_it(keeping, asking, spy, kept_in, person):
    hits = spy("dopa", "request")
    first = await (await asking(WORKER, keeping())).ask(dopa.PERSON)
    me = await person(WORKER)
    await until(lambda: _is(kept_in(me), 1))

    second = await (await asking(WORKER, keeping())).ask(dopa.PERSON)

    assert hits() == 1
    assert second.value == first.value
    assert abs(second.fetched_at - first.fetched_at) < timedelta(milliseconds=1)


async def _is(count, expected):
    return await count == expected


async def test_closing_writes_what_waits(keeping, asking, kept_in, person):
    through = keeping()
    await (await asking(WORKER, through)).ask(dopa.PERSON)

    await through.close()

    assert await kept_in(await person(WORKER)) == 1


async def test_who_asks_anew_is_answered_anew(keeping, asking, spy, person):
    hits, through = spy("nhso", "right-search"), keeping()
    await (await asking(WORKER, through)).ask(nhso.RIGHTS)
    me = await person(WORKER)

    anew = through.asking(subject=me, actor=me, purpose="own record", ground=DATA_SUBJECT_REQUEST, anew=True)
    answer = await anew.ask(nhso.RIGHTS)

    assert (hits(), answer.state) == (2, "OK")


async def test_fresh_is_what_the_policy_says_and_only_on_the_same_legal_day(keeping, asking, spy, frozen):
    hits, through = spy("dopa", "request"), keeping(clock=frozen)

    async def ask():
        return (await (await asking(WORKER, through)).ask(dopa.PERSON)).state

    frozen.moment = frozen.moment.replace(hour=1)
    await ask()
    frozen.advance(timedelta(hours=5))
    assert (await ask(), hits()) == ("OK", 1)
    frozen.advance(timedelta(hours=2))  # beyond six hours
    assert (await ask(), hits()) == ("OK", 2)
    frozen.moment = frozen.moment.replace(hour=16, minute=59)  # one minute to midnight in Bangkok
    assert (await ask(), hits()) == ("OK", 3)
    frozen.advance(timedelta(minutes=2))
    assert (await ask(), hits()) == ("OK", 4)


async def test_what_was_asked_before_the_nightly_refresh_is_not_fresh_after_it(keeping, asking, spy, frozen):
    hits, through = spy("sso", "getPersonInfo"), keeping(clock=frozen)
    frozen.moment = frozen.moment.replace(hour=20, minute=30)  # 03:30 in Bangkok

    await (await asking(WORKER, through)).ask(sso.INSURED)
    frozen.advance(timedelta(minutes=40))
    await (await asking(WORKER, through)).ask(sso.INSURED)

    assert hits() == 2


async def test_that_there_is_no_record_is_kept_but_not_for_long(keeping, asking, spy, frozen):
    never_insured = 2
    hits, through = spy("sso", "getPersonInfo"), keeping(clock=frozen)

    async def ask():
        return (await (await asking(never_insured, through)).ask(sso.INSURED)).state

    assert (await ask(), await ask(), hits()) == ("NOT_FOUND", "NOT_FOUND", 1)
    frozen.advance(timedelta(minutes=11))
    assert (await ask(), hits()) == ("NOT_FOUND", 2)


async def test_that_there_was_no_record_does_not_stand_in(gateways, asking, switch):
    through = gateways()
    await (await asking(2, through)).ask(sso.INSURED)
    switch("POST", "faults", {"agency": "sso", "fault": "down"})

    assert (await (await asking(2, through)).ask(sso.INSURED)).state == "UNAVAILABLE"


# Bad days


@pytest.mark.parametrize("fault", ["down", "html", "malformed", "lying", "error", "slow", "dripping", "duplicate_key"])
async def test_what_was_said_before_stands_in_on_a_bad_day(gateways, asking, switch, fault):
    same_process, other_process = gateways(), gateways()
    first = await (await asking(WORKER, same_process)).ask(nhso.RIGHTS)
    await same_process.close()
    switch("POST", "faults", {"agency": "nhso", "fault": fault})

    for through in (same_process, other_process):
        answer = await (await asking(WORKER, through)).ask(nhso.RIGHTS)

        assert (answer.state, answer.value) == ("STALE", first.value)
        assert abs(answer.fetched_at - first.fetched_at) < timedelta(milliseconds=1)
        assert answer.problem.message.th != answer.problem.message.en


async def test_an_agency_that_refuses_us_is_not_stood_in_for(gateways, asking, switch):
    through = gateways()
    await (await asking(WORKER, through)).ask(nhso.RIGHTS)
    switch("POST", "faults", {"agency": "nhso", "fault": "error", "status": 403})

    assert (await (await asking(WORKER, through)).ask(nhso.RIGHTS)).state == "NOT_ALLOWED"


async def test_a_slow_agency_shows_what_it_said_and_the_newer_answer_is_there_next_time(
    keeping, asking, switch, frozen
):
    through = keeping(clock=frozen)
    await (await asking(WORKER, through)).ask(nhso.RIGHTS)
    frozen.advance(timedelta(hours=1, minutes=1))
    switch("POST", "faults", {"agency": "nhso", "fault": "slow", "delay_ms": 1300, "times": 1})

    late = await (await asking(WORKER, through)).ask(nhso.RIGHTS)
    assert (late.state, late.problem.code) == ("STALE", "AGENCY_SLOW")

    async def is_newer():
        answer = await (await asking(WORKER, through)).ask(nhso.RIGHTS)
        return answer.state == "OK" and answer.fetched_at > late.fetched_at

    await until(is_newer)


async def test_what_is_kept_too_long_is_not_shown_any_more(keeping, asking, switch, frozen, store):
    through = keeping(clock=frozen)
    await (await asking(WORKER, through)).ask(nhso.RIGHTS)
    await through.close()
    switch("POST", "faults", {"agency": "nhso", "fault": "down"})

    frozen.advance(timedelta(days=2))
    assert (await (await asking(WORKER, keeping(clock=frozen))).ask(nhso.RIGHTS)).state == "STALE"
    frozen.advance(timedelta(hours=2))
    assert (await (await asking(WORKER, keeping(clock=frozen))).ask(nhso.RIGHTS)).state == "UNAVAILABLE"
    assert (await store.collection("answers").index_information())["gone_after"]["expireAfterSeconds"] == 0


async def test_an_answer_without_a_name_is_kept_only_once_its_witness_is_heard(
    gateways, asking, switch, kept_in, person
):
    switch("POST", "faults", {"agency": "sso", "fault": "lying"})
    through = gateways(fresh_most_s=None)

    answer = await (await asking(WORKER, through)).ask(sso.OLD_AGE)
    await through.close()

    assert (answer.state, answer.value) == ("UNAVAILABLE", None)
    assert await kept_in(await person(WORKER)) == 0


async def test_a_witness_from_before_does_not_vouch_for_an_answer_of_now(keeping, asking, switch):
    through = keeping()
    await (await asking(WORKER, through)).ask(sso.INSURED)  # fresh for an hour
    switch("POST", "faults", {"agency": "sso", "fault": "lying"})

    answer = await (await asking(WORKER, through)).ask(sso.OLD_AGE)

    assert (answer.state, answer.value) == ("UNAVAILABLE", None)


async def test_an_answer_kept_with_its_witness_needs_none_again(keeping, asking, spy):
    hits, through = spy("sso", "getPersonInfo"), keeping()
    first = await (await asking(WORKER, through)).ask(sso.OLD_AGE)

    second = await (await asking(WORKER, through)).ask(sso.OLD_AGE)

    assert (second, hits()) == (first, 1)


async def test_the_same_question_of_two_requests_at_once_is_one_call_and_two_records(
    gateway, asking, spy, switch, access_log, person
):
    hits = spy("nhso", "right-search")
    switch("POST", "latency", {"nhso": 400})  # so that the second comes while the first is under way
    one, other = await asking(WORKER), await asking(WORKER)

    answers = await asyncio.gather(one.ask(nhso.RIGHTS), other.ask(nhso.RIGHTS))

    assert (answers[0], hits()) == (answers[1], 1)
    assert len((await access_log.page(await person(WORKER))).items) == 2


async def test_a_change_makes_what_was_read_before_void(keeping, asking, nation):
    through, elsewhere = keeping(), keeping()
    await (await asking(WORKER, elsewhere)).ask(sso.INSURED)
    mine = await asking(WORKER, through)
    choices = (await mine.ask(sso.HOSPITALS)).value
    other = next(one for one in choices.hospitals if one.code != nation.citizen(WORKER).insurance.hospital.code)

    await mine.ask(sso.CHANGE_HOSPITAL, hospital_code=other.code, mobile="0812345678", reason="moved")

    async def is_seen():
        answer = await (await asking(WORKER, elsewhere)).ask(sso.INSURED)
        return answer.value.hospital.code == other.code

    await until(is_seen, seconds=1.5)


# Consents


async def test_a_withdrawn_agency_is_not_asked_and_what_it_said_is_gone(
    keeping, asking, consents, person, kept_in, spy, access_log
):
    hits, through = spy("nhso", "right-search"), keeping()
    me = await person(WORKER)
    await asyncio.gather(*(one.ask(op) for one in [await asking(WORKER, through)] for op in (nhso.RIGHTS, dopa.PERSON)))
    await until(lambda: _is(kept_in(me), 2))
    recorded = len((await access_log.page(me)).items)

    await consents.withdraw(me, "nhso", SHOW_MY_DATA, app="test")
    await through.forget(me, "nhso")

    answer = await (await asking(WORKER, through)).ask(nhso.RIGHTS)
    assert (answer.state, answer.value, answer.problem.code) == ("NOT_ALLOWED", None, "CONSENT_WITHDRAWN")
    assert (await (await asking(WORKER, through)).ask(dopa.PERSON)).state == "OK"
    assert await kept_in(me, agency="nhso") == 0
    assert await kept_in(me, agency="dopa") == 1
    assert hits() == 1
    assert len((await access_log.page(me)).items) == recorded + 1  # DOPA's

    await consents.give(me, "nhso", SHOW_MY_DATA, app="test")
    assert (await (await asking(WORKER, through)).ask(nhso.RIGHTS)).state == "OK"
    assert hits() == 2


async def test_a_withdrawal_is_felt_within_a_second_in_every_process(
    keeping, asking, consents, person, store, people, clock
):
    other_process = keeping(consents=Consents(store, people, agencies=CATALOGUE_AGENCIES, clock=clock))
    me = await person(WORKER)
    assert (await (await asking(WORKER, other_process)).ask(nhso.RIGHTS)).state == "OK"

    await consents.withdraw(me, "nhso", SHOW_MY_DATA, app="test")

    async def is_felt():
        return (await (await asking(WORKER, other_process)).ask(nhso.RIGHTS)).state == "NOT_ALLOWED"

    await until(is_felt, seconds=1.0)


async def test_sensitive_questions_on_a_public_task_need_the_persons_yes(keeping, person, consents, spy):
    through, me = keeping(), await person(WORKER)
    as_system = {"subject": me, "actor": SYSTEM, "purpose": "proactive notice", "ground": PUBLIC_TASK}
    sensitive = next(one for one in (dopa.DISABILITY_CARD, nhso.RIGHTS) if one.is_sensitive)

    refused = await through.asking(**as_system).ask(sensitive)
    assert (refused.state, refused.problem.code) == ("NOT_ALLOWED", "CONSENT_NOT_GIVEN")
    assert (await through.asking(**as_system).ask(dopa.PERSON)).state == "OK"

    await consents.give(me, sensitive.agency, PROACTIVE_SENSITIVE, app="test")
    assert (await through.asking(**as_system).ask(sensitive)).state in ("OK", "NOT_FOUND")


async def test_a_ground_of_consent_that_nobody_gave_is_none(keeping, person):
    me = await person(WORKER)

    answer = await keeping().asking(subject=me, actor="some app", purpose="x", ground=CONSENT).ask(dopa.PERSON)

    assert answer.state == "NOT_ALLOWED"


# Sealed


async def test_the_database_holds_nothing_that_can_be_read_without_the_persons_key(
    keeping, asking, store, person, people, pid_of, nation
):
    through = keeping()
    mine = await asking(WORKER, through)
    await asyncio.gather(mine.ask(dopa.PERSON), mine.ask(dopa.FAMILY), mine.ask(sso.INSURED))
    await through.close()
    dump = str([document async for document in store.collection("answers").find()])

    citizen = nation.citizen(WORKER)
    for secret in (pid_of(WORKER), citizen.first_name.th, citizen.last_name.th, citizen.insurance.hospital.name.th):
        assert secret not in dump
        assert secret.encode().hex() not in dump

    await people.erase(await person(WORKER))
    with pytest.raises(Exception, match="no such person"):
        await (await asking_of(through, await person_id(store))).ask(dopa.PERSON)


async def person_id(store):
    return (await store.collection("answers").find_one())["person"]


async def asking_of(through, me):
    return through.asking(subject=me, actor=me, purpose="own record", ground=DATA_SUBJECT_REQUEST)


async def test_what_an_older_reader_kept_and_this_one_does_not_take_is_asked_anew(
    keeping, asking, store, people, person, spy
):
    me, hits = await person(WORKER), spy("nhso", "right-search")
    through = keeping()
    await (await asking(WORKER, through)).ask(nhso.RIGHTS)
    await through.close()
    old = await people.seal(me, b'{"said": {"pid": 7}, "given": {}}', context="answers.said")
    await store.collection("answers").update_many({"person": me}, {"$set": {"said": old}})

    assert (await (await asking(WORKER, keeping())).ask(nhso.RIGHTS)).state == "OK"
    assert hits() == 2
