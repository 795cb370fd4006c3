"""The whole way of a payment: a bill of an agency, the QR in the graph, the bank, the unsigned callback, paid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from agencies.gateway import DATA_SUBJECT_REQUEST
from backend.app import House, build
from foundation import settings
from foundation.http import Http, Reply
from tests.serving import serving

CALLBACK = "/agency/payments/callback"
CREATE = """mutation ($i: CreatePaymentInput!) { createPayment(input: $i) { problems { code message field }
  payment { id kind state qr reference billReference amount { amount currency } title { th en } agency { code } dueOn } } }"""
CANCEL = """mutation ($i: CancelPaymentInput!) { cancelPayment(input: $i) { problems { code field }
  payment { id state qr } } }"""
PAYMENTS = "{ me { payments { edges { node { id state qr receipt channel paidAt } } pageInfo { hasNextPage } } } }"
VEHICLES = "{ me { vehicles { state value { vehicleId plate taxUntil tax { amount } } } } }"
TRUCKER = 8  # the tax of his pickup falls due in twelve days
Switch = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Api:
    house: House
    url: str
    http: Http

    async def ask(self, token: str, query: str, language: str = "en", **variables: Any) -> Any:
        reply = await self.http.request(
            "POST", f"{self.url}/graphql", deadline_s=20, json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {token}", "Accept-Language": language},
        )  # fmt: skip
        told = reply.json()
        assert "errors" not in told, told
        return told["data"]

    async def call_back(self, body: Any, **headers: str) -> Reply:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.http.request(
            "POST",
            self.url + CALLBACK,
            deadline_s=10,
            body=content,
            headers={"Content-Type": "application/json", **headers},
        )


@pytest.fixture
def told(mongodb_uri: str, database: str, tmp_path: Path, sandbox_url: str) -> settings.Settings:
    return settings.read(
        {
            "TANGRAT_MONGODB_URI": mongodb_uri,
            "TANGRAT_DATA_DIR": str(tmp_path),
            "TANGRAT_MONGODB_DATABASE": database,
            "TANGRAT_SANDBOX_PORT": str(urlsplit(sandbox_url).port),
        }
    )


@pytest.fixture
async def api(told: settings.Settings, http: Http, switch: Switch) -> AsyncIterator[Api]:
    async with House(told, process="test") as house, serving(build(house)) as address:
        switch("POST", "api", {"url": address})
        yield Api(house, address, http)
        switch("DELETE", "api")


@pytest.fixture
def phone(api: Api, switch: Switch) -> Callable[[int], Awaitable[str]]:
    """An access token of sample citizen N."""

    async def sign_in(number: int) -> str:
        person = await api.house.people.ensure(switch("GET", f"citizens/{number}")["pid"])
        return (await api.house.tokens.begin(person.id, ial="2.3", aal="2.1", client_id="app")).access_token

    return sign_in


@pytest.fixture
def bank(switch: Switch) -> Callable[..., Awaitable[Any]]:
    """Pay; the callback reaches our API unless told otherwise."""

    async def pay(reference: str, **how: Any) -> Any:
        return await asyncio.to_thread(switch, "POST", f"payments/{reference}/pay", how or None)

    return pay


async def due(api: Api, token: str) -> dict[str, Any]:
    """The vehicle whose tax falls due first."""
    vehicles = (await api.ask(token, VEHICLES))["me"]["vehicles"]
    assert vehicles["state"] == "OK", vehicles
    first: dict[str, Any] = min(vehicles["value"], key=lambda one: one["taxUntil"])
    return first


async def begin(api: Api, token: str, key: str = "k1") -> dict[str, Any]:
    vehicle = await due(api, token)
    given = {"kind": "VEHICLE_TAX", "reference": vehicle["vehicleId"], "clientKey": key}
    made = (await api.ask(token, CREATE, i=given))["createPayment"]
    assert made["problems"] == []
    payment: dict[str, Any] = made["payment"]
    return payment


async def states(api: Api, token: str) -> list[str]:
    edges = (await api.ask(token, PAYMENTS))["me"]["payments"]["edges"]
    return [edge["node"]["state"] for edge in edges]


async def test_a_vehicle_tax_is_paid_by_qr_and_told_by_the_callback(api: Api, phone: Any, bank: Any) -> None:
    token = await phone(TRUCKER)
    vehicle = await due(api, token)

    payment = await begin(api, token)
    heard = (await bank(payment["reference"]))["callback"]
    (edge,) = (await api.ask(token, PAYMENTS))["me"]["payments"]["edges"]

    assert payment["amount"] == {"amount": vehicle["tax"]["amount"], "currency": "THB"}
    assert (payment["state"], payment["kind"], payment["agency"]["code"]) == ("PENDING", "VEHICLE_TAX", "dlt")
    assert vehicle["plate"] in payment["title"]["th"]
    assert payment["qr"].startswith("00020101021230")
    assert heard["status"] == 200
    assert (heard["body"]["result"], heard["body"]["message"]) == (True, "Success")
    assert isinstance(heard["body"]["requestTimeStamp"], int)
    assert edge["node"]["id"] == payment["id"]
    assert (edge["node"]["state"], edge["node"]["qr"]) == ("PAID", None)
    assert edge["node"]["receipt"]
    assert edge["node"]["paidAt"]


async def test_a_retry_after_payment_is_answered_with_the_payment(api: Api, phone: Any, bank: Any) -> None:
    token = await phone(TRUCKER)
    payment = await begin(api, token)
    await bank(payment["reference"])

    again = await begin(api, token)
    anew = await begin(api, token, key="k2")

    assert (again["id"], again["state"], anew["id"]) == (payment["id"], "PAID", payment["id"])


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"kind": "VEHICLE_TAX", "reference": "0000000000"}, "NOT_FOUND", "reference"),
        ({"kind": "VEHICLE_TAX", "reference": ""}, "BAD_INPUT", "reference"),
        ({"kind": "VEHICLE_TAX", "reference": "x" * 101}, "BAD_INPUT", "reference"),
        ({"kind": "VEHICLE_TAX", "reference": "a\u202eb"}, "BAD_INPUT", "reference"),
        ({"kind": "VEHICLE_TAX", "reference": "0000000000", "clientKey": ""}, "BAD_INPUT", "clientKey"),
    ],
)
async def test_what_no_agency_wants_is_not_paid(
    given: dict[str, Any], code: str, field: str, api: Api, phone: Any, switch: Switch
) -> None:
    token = await phone(TRUCKER)

    made = (await api.ask(token, CREATE, i={"clientKey": "k1", **given}))["createPayment"]

    assert made["payment"] is None
    assert [(one["code"], one["field"]) for one in made["problems"]] == [(code, field)]
    assert made["problems"][0]["message"].isascii()
    assert switch("GET", "payments") == []


@pytest.mark.parametrize(
    ("number", "kind", "operation", "named", "parts"),
    [
        (257, "LAND_AND_BUILDING_TAX", "lao.get_lbt_bill", "bill_id", ("to_pay",)),
        (1, "STUDENT_LOAN", "slf.get_loan", "account_no", ("instalment",)),
        (415, "STUDENT_LOAN", "slf.get_loan", "account_no", ("instalment", "overdue")),
    ],
)
async def test_other_bills_are_what_their_agencies_say(
    number: int, kind: str, operation: str, named: str, parts: tuple[str, ...], api: Api, phone: Any, switch: Switch
) -> None:
    token = await phone(number)
    person = (await api.house.people.ensure(switch("GET", f"citizens/{number}")["pid"])).id
    asking = api.house.gateway.asking(subject=person, actor=person, purpose="test", ground=DATA_SUBJECT_REQUEST)
    asked = api.house.agencies.plain[operation]
    told = (await asking.ask(asked, **({"tax_year": "2026"} if "tax_year" in asked.takes else {}))).value
    assert told is not None

    given = {"kind": kind, "reference": told[named], "clientKey": "k1"}
    made = (await api.ask(token, CREATE, i=given))["createPayment"]
    wrong = (await api.ask(token, CREATE, i=given | {"reference": "0", "clientKey": "k2"}))["createPayment"]

    assert made["problems"] == []
    assert Decimal(made["payment"]["amount"]["amount"]) == sum(told[part] for part in parts)
    assert made["payment"]["dueOn"] == told["due_date"].isoformat()
    assert [one["code"] for one in wrong["problems"]] == ["NOT_FOUND"]


async def test_a_loan_in_its_years_of_grace_or_none_is_no_bill(api: Api, phone: Any) -> None:
    given = {"kind": "STUDENT_LOAN", "reference": "None", "clientKey": "k1"}

    made = (await api.ask(await phone(TRUCKER), CREATE, i=given))["createPayment"]

    assert [one["code"] for one in made["problems"]] == ["NOT_FOUND"]


async def test_anothers_vehicle_is_no_bill_of_mine(api: Api, phone: Any) -> None:
    vehicle = await due(api, await phone(TRUCKER))
    given = {"kind": "VEHICLE_TAX", "reference": vehicle["vehicleId"], "clientKey": "k1"}

    made = (await api.ask(await phone(9), CREATE, i=given))["createPayment"]

    assert [one["code"] for one in made["problems"]] == ["NOT_FOUND"]


async def test_a_tax_that_is_paid_for_long_is_not_due(api: Api, phone: Any, switch: Switch) -> None:
    token = await phone(TRUCKER)
    vehicles = (await api.ask(token, VEHICLES))["me"]["vehicles"]["value"]
    later = max(vehicles, key=lambda one: one["taxUntil"])
    assert later["taxUntil"] > "2027-02-20", "the story has a second vehicle whose tax is paid"

    given = {"kind": "VEHICLE_TAX", "reference": later["vehicleId"], "clientKey": "k1"}
    made = (await api.ask(token, CREATE, i=given))["createPayment"]

    assert [one["code"] for one in made["problems"]] == ["NOT_FOUND"]


async def test_an_agency_that_is_silent_gives_no_amount(api: Api, phone: Any, switch: Switch) -> None:
    token = await phone(TRUCKER)
    vehicle = await due(api, token)  # what it said a moment ago is kept, and not good enough
    switch("POST", "faults", {"agency": "dlt", "fault": "error"})

    given = {"kind": "VEHICLE_TAX", "reference": vehicle["vehicleId"], "clientKey": "k1"}
    made = (await api.ask(token, CREATE, i=given))["createPayment"]

    assert made["payment"] is None
    assert [one["code"] for one in made["problems"]] == ["UNAVAILABLE"]
    assert switch("GET", "payments") == []


async def test_of_an_agency_that_was_taken_out_there_is_no_bill_until_it_is_given_back(api: Api, phone: Any) -> None:
    token = await phone(TRUCKER)
    vehicle = await due(api, token)
    consent = "mutation ($i: %sConsentInput!) { %sConsent(input: $i) { problems { code } } }"
    dlt = {"agency": "dlt", "purpose": "SHOW_MY_DATA"}
    given = {"kind": "VEHICLE_TAX", "reference": vehicle["vehicleId"]}

    await api.ask(token, consent % ("Withdraw", "withdraw"), i={**dlt, "clientKey": "k1"})
    refused = (await api.ask(token, CREATE, i={**given, "clientKey": "k2"}))["createPayment"]
    await api.ask(token, consent % ("Give", "give"), i={**dlt, "clientKey": "k3"})
    made = (await api.ask(token, CREATE, i={**given, "clientKey": "k4"}))["createPayment"]

    assert refused["payment"] is None
    assert [one["code"] for one in refused["problems"]] == ["CONSENT_WITHDRAWN"]
    assert made["problems"] == []


async def test_a_payment_is_cancelled_by_its_owner_only(api: Api, phone: Any, bank: Any) -> None:
    token, stranger = await phone(TRUCKER), await phone(7)
    payment = await begin(api, token)
    node = "query ($id: ID!) { node(id: $id) { ... on Payment { state } } }"

    refused = (await api.ask(stranger, CANCEL, i={"id": payment["id"]}))["cancelPayment"]
    assert refused == {"payment": None, "problems": [{"code": "NOT_FOUND", "field": "id"}]}
    assert await api.ask(stranger, node, id=payment["id"]) == {"node": None}
    assert await api.ask(token, node, id=payment["id"]) == {"node": {"state": "PENDING"}}
    done = (await api.ask(token, CANCEL, i={"id": payment["id"]}))["cancelPayment"]
    assert (done["payment"]["state"], done["payment"]["qr"], done["problems"]) == ("VOID", None, [])
    nothing = (await api.ask(token, CANCEL, i={"id": "Tm90aGluZzox"}))["cancelPayment"]
    assert [one["code"] for one in nothing["problems"]] == ["NOT_FOUND"]


async def test_what_is_paid_is_shown_beside_the_problem_of_cancelling_it(api: Api, phone: Any, bank: Any) -> None:
    token = await phone(TRUCKER)
    payment = await begin(api, token)
    await bank(payment["reference"], callback=False)

    told = (await api.ask(token, CANCEL, i={"id": payment["id"]}))["cancelPayment"]

    assert [one["code"] for one in told["problems"]] == ["ALREADY_PAID"]
    assert told["payment"]["state"] == "PAID"


async def test_nobody_who_is_not_signed_in_pays(api: Api) -> None:
    given = {"kind": "VEHICLE_TAX", "reference": "1", "clientKey": "k"}
    reply = await api.http.request(
        "POST", f"{api.url}/graphql", deadline_s=10, json={"query": CREATE, "variables": {"i": given}}
    )

    assert reply.json()["data"]["createPayment"]["problems"][0]["code"] == "UNAUTHENTICATED"


async def test_who_looks_finds_the_payments_looks_in_words(api: Api, phone: Any) -> None:
    token = await phone(TRUCKER)
    await begin(api, token)

    query = "{ me { accessRecords { edges { node { operation byMe agency { code } purpose { th en } } } } } }"
    records = [edge["node"] for edge in (await api.ask(token, query))["me"]["accessRecords"]["edges"]]

    put_up = next(one for one in records if one["operation"] == "PAYMENT_CREATE")
    assert (put_up["byMe"], put_up["agency"]["code"]) == (True, "dga")
    assert put_up["purpose"]["en"] == "A payment that the person ordered"


# ---- the callback is never believed


async def test_a_forged_callback_pays_nothing(api: Api, phone: Any) -> None:
    token = await phone(TRUCKER)
    payment = await begin(api, token)

    reply = await api.call_back(
        {"PaidStatus": 1, "Description": "Success", "RefId": "1", "Ref1": payment["reference"], "Amount": 1}
    )

    assert (reply.status, reply.json()["result"]) == (200, True)
    assert await states(api, token) == ["PENDING"]


async def test_the_same_callback_again_changes_nothing(api: Api, phone: Any, bank: Any) -> None:
    token = await phone(TRUCKER)
    payment = await begin(api, token)

    for _ in range(3):
        heard = (await bank(payment["reference"]))["callback"]
        assert heard["body"]["result"] is True

    (edge,) = (await api.ask(token, PAYMENTS))["me"]["payments"]["edges"]
    assert edge["node"]["state"] == "PAID"


async def test_a_lost_callback_is_made_good_though_nobody_looks(
    api: Api, phone: Any, bank: Any, switch: Switch
) -> None:
    token = await phone(TRUCKER)
    payment = await begin(api, token)
    await bank(payment["reference"], callback=False)

    assert await api.house.payments.look_after() == 0, "it was heard of a moment ago"
    switch("POST", "faults", {"agency": "epayment", "fault": "error"})
    assert await api.house.payments.look_after(unheard_for=timedelta(0)) == 1
    switch("DELETE", "faults")
    await asyncio.sleep(2)
    long_ago = timedelta(seconds=1.5)
    both = await asyncio.gather(*(api.house.payments.look_after(unheard_for=long_ago) for _ in range(2)))

    assert sum(both) == 1, "one worker asks"
    stored = await api.house.store.collection("payments").find_one({})
    assert stored is not None
    assert stored["state"] == "PAID"
    assert await api.house.payments.look_after(unheard_for=timedelta(0)) == 0, "there is nothing more to hear"


async def test_a_callback_about_no_payment_of_ours_is_not_taken(api: Api) -> None:
    reply = await api.call_back({" PaidStatus": 0, " Ref1": "123456789", " Ref2": "12345"})

    assert reply.status == 200
    assert reply.json()["result"] is False
    assert set(reply.json()) == {"requestTimeStamp", "message", "result"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"a":1}', b'{"ref1":"1","ref1":"2"}', b'{"ref1":{"$ne":""}}', b'{"ref1":["1"]}', b"\xff\xfe",
     b"[" * 15_000],
)  # fmt: skip
async def test_a_callback_that_can_not_be_read_is_refused(body: bytes, api: Api) -> None:
    reply = await api.call_back(body)

    assert reply.status == 400
    assert reply.json()["result"] is False


async def test_a_callback_as_large_as_a_book_is_refused(api: Api) -> None:
    reply = await api.call_back(b'{"ref1":"' + b"1" * 20_000 + b'"}')

    assert reply.status == 413


async def test_a_callback_that_can_not_be_checked_asks_to_be_repeated(
    api: Api, phone: Any, bank: Any, switch: Switch
) -> None:
    token = await phone(TRUCKER)
    payment = await begin(api, token)
    await bank(payment["reference"], callback=False)
    switch("POST", "faults", {"agency": "epayment", "fault": "error", "operation": "status", "times": 1})

    first = await api.call_back({"Ref1": payment["reference"]})
    second = await api.call_back({"Ref1": payment["reference"]})

    assert (first.status, first.json()["result"]) == (503, False)
    assert int(first.headers["retry-after"]) > 0
    assert (second.status, second.json()["result"]) == (200, True)


async def test_one_payment_is_not_asked_about_without_end(api: Api, phone: Any, switch: Switch) -> None:
    payment = await begin(api, await phone(TRUCKER))
    fault = switch("POST", "faults", {"agency": "epayment", "fault": "slow", "operation": "status", "delay_ms": 0})

    replies = [await api.call_back({"Ref1": payment["reference"]}) for _ in range(15)]

    assert {one.status for one in replies} == {200, 429}
    assert int(replies[-1].headers["retry-after"]) > 0
    asked = next(one["hits"] for one in switch("GET", "faults")["faults"] if one["id"] == fault["id"])
    assert asked == [one.status for one in replies].count(200)


async def test_a_flood_from_one_address_is_held_off(api: Api) -> None:
    replies = await asyncio.gather(*(api.call_back({"Ref1": str(number)}) for number in range(400)))

    assert [one.status for one in replies].count(200) == 300
    assert [one.status for one in replies].count(429) == 100


async def test_a_callback_from_elsewhere_is_not_heard(told: settings.Settings, http: Http, sandbox_url: str) -> None:
    elsewhere = replace(told, epayment_callback_from=("192.0.2.0/24", "2001:db8::/32"))
    async with House(elsewhere, process="test") as house, serving(build(house)) as address:
        reply = await http.request("POST", address + CALLBACK, deadline_s=5, json={"Ref1": "1"})

    assert (reply.status, reply.json()["result"]) == (403, False)


def test_networks_that_are_none_are_named_at_the_start() -> None:
    with pytest.raises(settings.SettingsWrong) as wrong:
        settings.read({"TANGRAT_EPAYMENT_CALLBACK_FROM": "10.0.0.0/8,everywhere"})

    assert "everywhere" in str(wrong.value)
    assert "10.0.0.0" not in str(wrong.value)
