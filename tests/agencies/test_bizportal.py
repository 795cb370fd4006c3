"""Telling Biz Portal how a request stands, in its own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agencies.bizportal import STATUSES, BizPortal, Button, IdentityType, Request, RequestRefused
from agencies.gdx import GdxTransport
from agencies.trouble import AgencyDown, AgencyRefused, AnswerMalformed, Trouble
from foundation.clock import SystemClock
from foundation.http import Http
from foundation.settings import Secret, Settings

Switch = Callable[..., Any]
REQUEST = Request(
    identity="1000000000092", identity_type=IdentityType.CITIZEN, application_id="food-shop", name="แจ้งจัดตั้งสถานที่จำหน่ายอาหาร",
    url="https://example.go.th/r/1", reference_id="r-1", reference_number="อ.1/2569",
)  # fmt: skip


@pytest.fixture
def portal(http: Http, settings: Settings) -> BizPortal:
    return BizPortal(_gdx(http, settings, settings.gdx_consumer_secret), url=settings.bizportal_url)


def _gdx(http: Http, settings: Settings, secret: Secret) -> GdxTransport:
    return GdxTransport(
        http, url=settings.gdx_url, consumer_key=settings.gdx_consumer_key, consumer_secret=secret,
        agent_id=settings.gdx_agent_id, clock=SystemClock(), deadline_s=1.5,
    )  # fmt: skip


async def test_a_request_is_listed_once_and_then_followed(portal: BizPortal, switch: Switch) -> None:
    number = await portal.import_request(REQUEST)
    again = await portal.import_request(REQUEST)
    button = Button(name="ชำระค่าธรรมเนียม", url="https://example.go.th/pay")
    await portal.update_request(
        number, "APPROVED_WAITING_PAY_FEE", other="WAITING_USER_WORKING", remark="500 บาท", button=button
    )

    (held,) = switch("GET", "bizportal")
    assert number == again == held["RequestId"]
    assert (held["Status"], held["StatusOther"], held["Remark"]) == (
        "APPROVED_WAITING_PAY_FEE", "WAITING_USER_WORKING", "500 บาท",
    )  # fmt: skip
    assert held["Option"]["ExternalButtonOption"]["Url"] == button.url
    assert (held["IdentityType"], held["Data"]["ReferenceNumber"]) == (1, REQUEST.reference_number)


@pytest.mark.parametrize("status", STATUSES)
async def test_each_status_is_one_that_the_portal_knows(status: Any, portal: BizPortal, switch: Switch) -> None:
    number = await portal.import_request(REQUEST)

    await portal.update_request(number, status)

    assert [one["Status"] for one in switch("GET", "bizportal")] == [status]


async def test_what_the_portal_does_not_take_is_refused_with_its_words(portal: BizPortal) -> None:
    with pytest.raises(RequestRefused) as unnamed:
        await portal.import_request(replace(REQUEST, name=""))
    with pytest.raises(RequestRefused) as unknown:
        await portal.update_request("nobody's", "COMPLETED")

    assert unnamed.value.said
    assert unknown.value.said == "RequestId not found"
    assert unknown.value.said not in str(unknown.value), "what the portal says isn't for the log"


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [("html", AnswerMalformed), ("truncated", AnswerMalformed), ("wrong_type", Trouble), ("down", AgencyDown), ("error", AgencyDown)],
)  # fmt: skip
async def test_a_portal_on_a_bad_day_has_taken_nothing_for_certain(
    fault: str, trouble: type[Trouble], portal: BizPortal, switch: Switch
) -> None:
    switch("POST", "faults", {"agency": "bizportal", "fault": fault, "operation": "import"})

    with pytest.raises(trouble) as met:
        await portal.import_request(REQUEST)

    assert REQUEST.identity not in str(met.value)


async def test_without_the_right_secret_nobody_reports(http: Http, settings: Settings) -> None:
    portal = BizPortal(_gdx(http, settings, Secret("wrong")), url=settings.bizportal_url)

    with pytest.raises(AgencyRefused):
        await portal.import_request(REQUEST)


def test_a_request_prints_no_identity() -> None:
    assert REQUEST.identity not in repr(REQUEST)
