"""The door to the agencies: who may look, what is recorded first, and what each kind of bad day becomes."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from agencies import dopa, nhso, sso
from agencies.gateway import DATA_SUBJECT_REQUEST, PUBLIC_TASK, SYSTEM
from foundation.errors import BadInput
from trust.people import PersonId

WORKER = 5  # just married, insured under section 33


async def records_of(access_log, person):
    return [(record.agency, record.operation) for record in (await access_log.page(person, first=100)).items]


# Who may look, and what is recorded first


async def test_a_person_sees_their_own_record_with_its_provenance(asking, clock):
    answer = await (await asking(WORKER)).ask(dopa.PERSON)

    assert (answer.agency, answer.state, answer.problem) == ("dopa", "OK", None)
    assert abs((clock.now() - answer.fetched_at).total_seconds()) < 5


async def test_each_look_is_recorded_with_its_purpose_and_ground(gateway, person, access_log):
    me = await person(WORKER)
    asking = gateway.asking(subject=me, actor=SYSTEM, purpose="welfare check", ground=PUBLIC_TASK, on_behalf_of="x")

    await asyncio.gather(asking.ask(dopa.PERSON), asking.ask(nhso.RIGHTS))

    records = (await access_log.page(me)).items
    assert {(one.agency, one.operation) for one in records} == {("dopa", "PERSON"), ("nhso", "RIGHTS")}
    assert {(one.actor, one.purpose, one.legal_ground, one.on_behalf_of) for one in records} == {
        (SYSTEM, "welfare check", "PUBLIC_TASK", "x")
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"actor": PersonId("f" * 32)},
        {"ground": "CURIOSITY"},
        {"ground": ""},
        {"purpose": ""},
        {"ground": PUBLIC_TASK},  # the system's ground, not a person's
        {"actor": SYSTEM},  # and the other way round
    ],
)
async def test_without_a_right_to_look_nobody_is_asked_and_nothing_recorded(gateway, person, access_log, spy, wrong):
    me = await person(WORKER)
    hits = spy("dopa", "request")
    asking = gateway.asking(
        **{"subject": me, "actor": me, "purpose": "own record", "ground": DATA_SUBJECT_REQUEST, **wrong}
    )

    answer = await asking.ask(dopa.PERSON)

    assert (answer.state, answer.value, answer.problem.code) == ("NOT_ALLOWED", None, "NOT_ALLOWED")
    assert hits() == 0
    assert await records_of(access_log, me) == []


@pytest.mark.parametrize("agency", ["dopa", "sso", "nhso"])
async def test_the_look_is_on_record_even_when_the_agency_is_down(asking, access_log, person, switch, agency):
    switch("POST", "faults", {"agency": agency, "fault": "down"})
    operation = {"dopa": dopa.PERSON, "sso": sso.INSURED, "nhso": nhso.RIGHTS}[agency]

    answer = await (await asking(WORKER)).ask(operation)

    assert answer.state == "UNAVAILABLE"
    assert await records_of(access_log, await person(WORKER)) == [(agency, operation.name)]


async def test_what_can_not_be_recorded_is_not_looked_at(asking, spy, store):
    await store.collection("access_records").database.command("collMod", "access_records", validator={"no": "more"})
    hits = [spy("dopa", "request"), spy("nhso", "right-search")]
    one = await asking(WORKER)

    answers = await asyncio.gather(one.ask(dopa.PERSON), one.ask(nhso.RIGHTS))

    assert [(answer.state, answer.problem.code) for answer in answers] == [("UNAVAILABLE", "NOT_RECORDED")] * 2
    assert [hit() for hit in hits] == [0, 0]


async def test_an_operation_without_its_arguments_or_with_wrong_ones_is_the_callers_mistake(asking):
    one = await asking(WORKER)

    with pytest.raises(TypeError, match="takes year"):
        await one.ask(sso.CONTRIBUTIONS)
    with pytest.raises(BadInput, match="1990"):
        await one.ask(sso.CONTRIBUTIONS(2569))


# Together, and once


async def test_what_is_asked_of_dopa_together_goes_in_one_request(asking, spy, access_log, person):
    hits = spy("dopa", "request")
    one = await asking(WORKER)

    answers = await asyncio.gather(*(one.ask(each) for each in (dopa.PERSON, dopa.HOUSE, dopa.FAMILY, dopa.ID_CARD)))

    assert [answer.state for answer in answers] == ["OK"] * 4
    assert hits() == 1
    assert len(await records_of(access_log, await person(WORKER))) == 4


async def test_the_same_question_twice_is_one_call_and_one_record(asking, spy, access_log, person):
    hits = spy("dopa", "request")
    one = await asking(WORKER)

    first, second = await asyncio.gather(one.ask(dopa.PERSON), one.ask(dopa.PERSON))
    third = await one.ask(dopa.PERSON)

    assert first is second is third
    assert hits() == 1
    assert await records_of(access_log, await person(WORKER)) == [("dopa", "PERSON")]


async def test_the_same_operation_with_other_arguments_is_another_question(asking, spy):
    hits = spy("sso", "getEmployeeCntr")
    one = await asking(WORKER)

    await asyncio.gather(*(one.ask(sso.CONTRIBUTIONS, year=year) for year in (2025, 2026, 2026)))

    assert hits() == 2


async def test_another_request_asks_anew(asking, spy):
    hits = spy("nhso", "right-search")

    for _ in range(2):
        await (await asking(WORKER)).ask(nhso.RIGHTS)

    assert hits() == 2


async def test_many_requests_at_once_sign_in_once(gateway, asking, spy):
    hits = {name: spy(agency, name) for agency, name in (("gdx", "validate"), ("dopa", "confirm"), ("sso", "token"))}
    askings = [await asking(number % 9 + 1) for number in range(30)]

    await asyncio.gather(*(one.ask(each) for one in askings for each in (dopa.PERSON, sso.INSURED)))

    assert {name: hit() for name, hit in hits.items()} == {"validate": 1, "confirm": 1, "token": 1}


# Bad days

FAULTS = {
    "slow": ({"delay_ms": 5000}, "AGENCY_TIMEOUT"),
    "dripping": ({}, "AGENCY_TIMEOUT"),
    "down": ({}, "AGENCY_UNREACHABLE"),
    "reset": ({}, "AGENCY_UNREACHABLE"),
    "error": ({"status": 500}, "AGENCY_ERROR"),
    "error 429": ({"status": 429, "retry_after_s": 7}, "AGENCY_BUSY"),
    "error 404": ({"status": 404}, "AGENCY_ERROR"),
    "html": ({}, "ANSWER_MALFORMED"),
    "malformed": ({}, "ANSWER_MALFORMED"),
    "truncated": ({}, "ANSWER_MALFORMED"),
    "huge": ({}, "ANSWER_MALFORMED"),
    "lying": ({}, "ANSWER_REJECTED"),
}
OPERATIONS = {"dopa": dopa.PERSON, "sso": sso.INSURED, "nhso": nhso.RIGHTS}


@pytest.mark.parametrize("agency", OPERATIONS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_one_agencys_bad_day_costs_its_own_answer_only(gateways, asking, switch, metrics, agency, fault):
    gateway = gateways(deadline_s=1.0)
    await asyncio.gather(*[(await asking(1, through=gateway)).ask(each) for each in OPERATIONS.values()])
    how, code = FAULTS[fault]
    switch("POST", "faults", {"agency": agency, "fault": fault.split()[0], **how})
    one = await asking(WORKER, through=gateway)

    started = time.perf_counter()
    answers = dict(zip(OPERATIONS, await asyncio.gather(*(one.ask(each) for each in OPERATIONS.values())), strict=True))
    took_s = time.perf_counter() - started

    sick = answers.pop(agency)
    assert (sick.state, sick.problem.code, sick.value) == ("UNAVAILABLE", code, None)
    assert sick.problem.message.th != sick.problem.message.en
    assert {answer.state for answer in answers.values()} == {"OK"}
    assert took_s < 2.5
    if code == "AGENCY_BUSY":
        assert sick.problem.retry_after_s == 7
    if code == "ANSWER_REJECTED":
        assert metrics.registry.get_sample_value("tangrat_alarms_total", {"kind": "answer_about_someone_else"}) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_an_agency_that_refuses_us_is_not_allowed_and_raises_an_alarm(asking, switch, metrics, status):
    switch("POST", "faults", {"agency": "nhso", "fault": "error", "status": status})

    answer = await (await asking(WORKER)).ask(nhso.RIGHTS)

    assert (answer.state, answer.problem.code) == ("NOT_ALLOWED", "AGENCY_REFUSED")
    assert metrics.registry.get_sample_value("tangrat_alarms_total", {"kind": "agency_refused"}) == 1


async def test_a_batch_that_fails_in_one_part_serves_the_others(asking, switch):
    switch("POST", "faults", {"agency": "dopa", "fault": "error", "operation": "card"})
    switch("POST", "faults", {"agency": "dopa", "fault": "lying", "operation": "family"})
    one = await asking(WORKER)

    answers = await asyncio.gather(*(one.ask(each) for each in (dopa.PERSON, dopa.ID_CARD, dopa.FAMILY, dopa.HOUSE)))

    assert [answer.state for answer in answers] == ["OK", "UNAVAILABLE", "UNAVAILABLE", "OK"]
    assert answers[2].problem.code == "ANSWER_REJECTED"


NAMELESS = (
    sso.CONTRIBUTIONS(2026), sso.OLD_AGE, sso.CLAIMS(2026), sso.HOSPITALS, sso.TRANSACTIONS(2026),
    sso.VOLUNTARY_CONTRIBUTIONS(2026), sso.VOLUNTARY_OLD_AGE, sso.VOLUNTARY_CLAIMS(2026),
)  # fmt: skip


@pytest.mark.parametrize(
    "operation", [dopa.PERSON, dopa.HOUSE, dopa.FAMILY, dopa.ID_CARD, sso.INSURED, nhso.RIGHTS, *NAMELESS],
    ids=lambda operation: operation.name,
)  # fmt: skip
async def test_an_agency_that_lies_is_never_shown(asking, switch, operation):
    switch("POST", "faults", {"agency": operation.agency, "fault": "lying"})

    for number in (1, WORKER, 7):
        answer = await (await asking(number)).ask(operation)

        assert (answer.state, answer.value, answer.problem.code) == ("UNAVAILABLE", None, "ANSWER_REJECTED")


async def test_an_answer_without_a_name_needs_a_witness_that_is_well(asking, switch, access_log, person):
    switch("POST", "faults", {"agency": "sso", "fault": "error", "operation": "getPersonInfo"})

    answer = await (await asking(WORKER)).ask(sso.OLD_AGE)

    assert (answer.state, answer.value) == ("UNAVAILABLE", None)
    assert await records_of(access_log, await person(WORKER)) == [("sso", "INSURED"), ("sso", "OLD_AGE")]


@pytest.mark.parametrize("operation", [dopa.PERSON, sso.INSURED, nhso.RIGHTS], ids=lambda one: one.agency)
async def test_a_line_that_breaks_once_is_tried_once_more(asking, switch, operation):
    await (await asking(WORKER)).ask(operation)
    wire = {"dopa": "request", "sso": "getPersonInfo", "nhso": "right-search"}[operation.agency]
    switch("POST", "faults", {"agency": operation.agency, "fault": "reset", "operation": wire, "times": 1})

    answer = await (await asking(WORKER)).ask(operation)

    assert answer.state == "OK"


async def test_no_more_than_two_more_tries_are_made(asking, switch):
    await (await asking(WORKER)).ask(sso.INSURED)
    fault = {"agency": "sso", "fault": "reset", "operation": "getPersonInfo"}
    switch("POST", "faults", fault)

    answer = await (await asking(WORKER)).ask(sso.INSURED)

    assert answer.problem.code == "AGENCY_UNREACHABLE"
    assert switch("GET", "faults")["faults"][0]["hits"] == 3


async def test_the_deadline_is_for_everything_a_look_needs(gateways, asking, switch):
    for operation in ("login", "confirm", "request"):
        switch("POST", "faults", {"agency": "dopa", "fault": "slow", "operation": operation, "delay_ms": 500})
    one = await asking(WORKER, through=gateways(deadline_s=0.9))

    started = time.perf_counter()
    answer = await one.ask(dopa.PERSON)

    assert answer.problem.code == "AGENCY_TIMEOUT"
    assert time.perf_counter() - started < 1.4


@pytest.mark.parametrize("agency", ["gdx", "dopa", "sso"])
async def test_tokens_that_an_agency_forgot_are_replaced(asking, switch, agency):
    operations = (dopa.PERSON, sso.INSURED)
    one = await asking(WORKER)
    await asyncio.gather(*(one.ask(each) for each in operations))

    assert switch("DELETE", f"tokens?agency={agency}")[agency] >= 1
    askings = [await asking(number) for number in (4, 5, WORKER)]
    answers = await asyncio.gather(*(one.ask(each) for one in askings for each in operations))

    assert {answer.state for answer in answers} == {"OK"}


# Those who hang up


async def test_who_hangs_up_takes_nothing_from_those_who_wait(asking, switch):
    switch("POST", "latency", {"dopa": 150})
    one = await asking(WORKER)
    gone, stays = asyncio.create_task(one.ask(dopa.PERSON)), asyncio.create_task(one.ask(dopa.PERSON))
    await asyncio.sleep(0.02)

    gone.cancel()

    assert (await stays).state == "OK"
    assert gone.cancelled()


async def test_a_sign_in_survives_the_one_who_started_it(gateway, asking, switch):
    switch("POST", "latency", {"sso": 150})
    gone = asyncio.create_task((await asking(WORKER)).ask(sso.INSURED))
    await asyncio.sleep(0.05)
    stays = asyncio.create_task((await asking(5)).ask(sso.INSURED))
    await asyncio.sleep(0.02)

    gone.cancel()

    assert (await stays).state == "OK"


async def test_closing_waits_for_what_is_under_way(gateways, asking, switch):
    gateway = gateways()
    switch("POST", "latency", {"nhso": 100})
    waiting = asyncio.create_task((await asking(WORKER, through=gateway)).ask(nhso.RIGHTS))
    await asyncio.sleep(0.05)

    await gateway.close()

    assert (await asyncio.wait_for(waiting, 0.05)).state == "OK"


# How the agencies are


async def test_status_is_what_the_last_minute_showed(gateways, asking, switch):
    gateway = gateways()

    def health(code):
        return gateway.status()[code].health

    assert (health("dopa"), health("nhso"), gateway.status()["dopa"].p50_s) == ("UNKNOWN", "UNKNOWN", None)

    await (await asking(WORKER, through=gateway)).ask(dopa.PERSON)
    switch("POST", "faults", {"agency": "nhso", "fault": "error"})
    await (await asking(WORKER, through=gateway)).ask(nhso.RIGHTS)
    assert (health("dopa"), health("nhso")) == ("UP", "DOWN")
    assert 0 < gateway.status()["dopa"].p50_s <= gateway.status()["dopa"].p99_s

    switch("DELETE", "faults")
    await (await asking(WORKER, through=gateway)).ask(nhso.RIGHTS)
    assert health("nhso") == "DEGRADED"


async def test_every_question_is_counted_by_its_outcome(asking, metrics, switch):
    switch("POST", "faults", {"agency": "dopa", "fault": "error", "operation": "card"})
    one = await asking(WORKER)

    await asyncio.gather(one.ask(dopa.PERSON), one.ask(dopa.ID_CARD))

    def calls(operation, outcome):
        labels = {"agency": "dopa", "operation": operation, "outcome": outcome}
        return metrics.registry.get_sample_value("tangrat_agency_calls_total", labels)

    assert (calls("PERSON", "OK"), calls("ID_CARD", "AGENCY_ERROR")) == (1, 1)


async def test_nothing_personal_and_no_secret_reaches_log_or_answer(gateways, asking, switch, settings, pid_of, caplog):
    caplog.set_level(logging.DEBUG)
    gateway = gateways(deadline_s=0.4)
    pid, secrets = pid_of(WORKER), [settings.gdx_consumer_secret, settings.sso_password, settings.nhso_token]
    said = ""
    for fault in ("down", "reset", "error", "html", "lying", "slow", "truncated"):
        for agency in ("gdx", "sso", "nhso"):
            switch("DELETE", "tokens")
            switch("POST", "faults", {"agency": agency, "fault": fault} if agency != "gdx" or fault != "lying" else
                   {"agency": "dopa", "fault": fault})  # fmt: skip
        one = await asking(WORKER, through=gateway)
        said += repr(await asyncio.gather(*(one.ask(each) for each in OPERATIONS.values())))
        switch("DELETE", "faults")
    everything = said + "".join(str(vars(record)) for record in caplog.records)

    assert pid not in everything
    assert [secret.reveal() for secret in secrets if secret.reveal() in everything] == []
