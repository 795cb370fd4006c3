"""Plain REST, the dialect of agencies that are data: what is sent, what is believed, and what is not."""

from __future__ import annotations

import pytest

from agencies.answers import Question
from agencies.standard import StandardAgency, operation
from foundation.settings import Secret
from lifeevents import catalogue

OPERATIONS = {spec.id: operation(spec) for spec in catalogue.load().specs}
VEHICLES = OPERATIONS["dlt.get_vehicles"]


@pytest.fixture
def dlt(http, sandbox_url):
    return StandardAgency(
        "dlt", http, url=f"{sandbox_url}/agencies/dlt", token=Secret("tangrat-agencies"), deadline_s=1.5
    )


async def test_a_record_is_read_by_its_shape(dlt, nation, pid_of):
    citizen = next(one for one in map(nation.citizen, range(1, 13)) if one.vehicles)

    (found,) = await dlt.ask(citizen.pid, [VEHICLES])

    told = found.value["vehicles"]
    assert [(one["plate"], one["type"]) for one in told] == [(one.plate, one.kind) for one in citizen.vehicles]
    assert told[0]["tax_expiry_date"] == citizen.vehicles[0].tax_expires
    assert VEHICLES.things["vehicle"].of(found.value) == told
    assert VEHICLES.facts["vehicle.type"](told[0]) == citizen.vehicles[0].kind
    assert VEHICLES.read.__call__  # what is kept can be read again
    again = VEHICLES.read(_reading(found.said), Question(person_number=citizen.pid, given={}))
    assert again == found.value


def _reading(said):
    from agencies.reading import Reading

    return Reading(said)
