"""Where DGA e-Payment says that something happened to a payment. It is not signed, so nothing that it says is believed.

A callback comes from e-Payment's own networks or is not heard. It names a payment, and that is all that is read of it:
e-Payment itself is asked how the payment stands, as often as anybody likes to call. The answer is the documented one,
`{"requestTimeStamp", "message", "result"}`; `result` says whether this was received and done. Where we hold no such
payment that is false, with a 200: we have booked nothing, and whoever watches at DGA must not read that we have.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Iterable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agencies.epayment import callback_references
from agencies.payments import Payments
from foundation import strict_json
from foundation.bodies import TooLarge, TooSlow, read_whole
from foundation.errors import Unavailable
from foundation.store import PyMongoError
from foundation.telemetry import Metrics
from trust.limits import RateLimit

log = logging.getLogger(__name__)

PATH = "/agency/payments/callback"
_LARGEST = 16_384
_BODY_WITHIN_S = 5.0
# All callbacks of the country come from a few addresses; one payment has few things to tell.
_EACH_ADDRESS = {"most": 300, "window_s": 10.0}
_EACH_PAYMENT = {"most": 10, "window_s": 60.0}
_AGAIN_S = 30


def build_routes(*, payments: Payments, callback_from: Iterable[str], metrics: Metrics) -> list[Route]:
    return [Route(PATH, _Callback(payments, callback_from, metrics).answer, methods=["POST"])]


class _Callback:
    def __init__(self, payments: Payments, callback_from: Iterable[str], metrics: Metrics) -> None:
        self._payments = payments
        self._networks = [ipaddress.ip_network(one) for one in callback_from]
        self._metrics = metrics
        self._by_address = RateLimit(most=int(_EACH_ADDRESS["most"]), window_s=_EACH_ADDRESS["window_s"])
        self._by_payment = RateLimit(most=int(_EACH_PAYMENT["most"]), window_s=_EACH_PAYMENT["window_s"])

    async def answer(self, request: Request) -> Response:
        response = await self._answer(request)
        self._metrics.requests.labels("payment_callback", str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request) -> Response:
        address = request.client.host if request.client else ""
        if not self._is_heard(address):
            log.warning("a payment callback came from elsewhere")
            self._metrics.alarms.labels("payment_callback_from_elsewhere").inc()
            return _said(403, "not allowed from this address")
        wait_s = self._by_address.admit(address)
        if wait_s is not None:
            return _said(429, "too many callbacks", retry_after_s=wait_s)
        try:
            body = strict_json.loads(await _body(request))
        except TooLarge as exc:
            return _said(413, exc.message)
        except TooSlow:
            return _said(408, "the body did not come in time")
        except (ClientDisconnect, RecursionError, ValueError):
            return _said(400, "the body is not JSON in which every key stands once")
        references = callback_references(body)
        if references is None:
            return _said(400, "Ref1 is missing")
        return await self._ask(*references)

    async def _ask(self, reference1: str, reference2: str | None) -> Response:
        wait_s = self._by_payment.admit(reference1[:40])
        if wait_s is not None:
            return _said(429, "too many callbacks for this payment", retry_after_s=wait_s)
        try:
            payment = await self._payments.confirm(reference1, reference2)
        except (Unavailable, PyMongoError) as exc:
            log.warning("a payment could not be asked about", extra={"why": type(exc).__name__})
            return _said(503, "the payment could not be checked; call again", retry_after_s=_AGAIN_S)
        if payment is None:
            log.warning("a callback named no payment of ours")
            return _said(200, "no such payment here")
        return _said(200, "Success", result=True)

    def _is_heard(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self._networks if network.version == ip.version)


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    return await read_whole(request.stream(), announced=announced, most=_LARGEST, within_s=_BODY_WITHIN_S)


def _said(status: int, message: str, *, result: bool = False, retry_after_s: float | None = None) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(retry_after_s)))
    if status in (403, 408, 413, 429):
        headers["Connection"] = "close"  # what is left of the body is not read
    content = {"requestTimeStamp": int(time.time()), "message": message, "result": result}
    return JSONResponse(content, status_code=status, headers=headers)
