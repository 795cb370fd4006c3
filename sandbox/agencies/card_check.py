"""DOPA's check of an identity card by the code on its back, behind GDX.

What integrators meet, kept: a failure of the citizen's, not of the service, is HTTP 500 with a number in brackets: `[2]`
the card is void, `[4]` the code isn't theirs. Invented, because nothing public says: which mismatch is `[4]` and which
`false`. It shares Linkage's door in the list of faults, as the operation `verification`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.agencies.dopa_services import be_birth
from sandbox.agencies.gdx import Gateway
from sandbox.civil import laser_code
from sandbox.control import JsonReply
from sandbox.faults import is_lying
from sandbox.world import World

_PATH = "/gdx/ws/dopa/verification/personal"


class CardCheck:
    """Does this code stand on the back of this person's card? Asked with what is known of them."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway

    def routes(self) -> list[BaseRoute]:
        return [Route(_PATH, self._check, methods=["GET"])]

    async def _check(self, request: Request) -> Response:
        refusal = self._gateway.refusal(request)
        if refusal is not None:
            return refusal
        asked = request.query_params
        names = ("CitizenID", "FirstName", "LastName", "BEBirthDate", "LaserCode")
        if any(not asked.get(name) for name in names if name != "LastName"):
            return JsonReply({"Code": "400", "Message": "BadRequestException: parameter not found"}, status_code=400)
        person = self._world.find(asked["CitizenID"])
        if person is not None and is_lying(request):
            person = self._world.somebody_else(person, having=lambda c: c.alive and c.id_card != "never")
        if person is None or person.id_card == "never" or asked["LaserCode"] != laser_code(person):
            return _business_failure(4)
        if person.id_card not in ("valid", "lifetime") or not person.alive:
            return _business_failure(2)
        told = (asked["FirstName"], asked.get("LastName", ""), asked["BEBirthDate"])
        theirs = (person.first_name.th, person.last_name.th, str(be_birth(person.birth)))
        return JsonReply({"Result": told == theirs})


def _business_failure(number: int) -> Response:
    return Response(f"[{number}]", status_code=500, media_type="application/json")
