"""Calls that leave the process: one deadline for the whole answer, a bounded body, no redirects, no proxies.

aiohttp, because a request costs 60 µs of CPU where httpx costs 460 to 1,090 (measured); the deadline covers connect,
every byte and the close, so that one byte a second can't hold a caller.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult

from foundation.errors import BadInput

MAX_BODY = 1_048_576

Failure = Literal["DEADLINE", "CONNECTION", "TOO_LARGE", "TLS", "NOT_PUBLIC"]

# Python 3.11 calls some special-purpose addresses global (192.0.0.8, say), so they are listed by hand (RFC 6890).
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8",
    )
)  # fmt: skip


class CallFailed(Exception):
    """No usable answer came. `failure` says which way; the message never holds the URL, which may hold secrets."""

    def __init__(self, failure: Failure, why: str) -> None:
        super().__init__(f"{failure}: {why}")
        self.failure = failure
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, whatever its status. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; ValueError where it isn't."""
        return orjson.loads(self.body)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def retry_after_s(self) -> float | None:
        """Seconds that a `Retry-After` header asks for."""
        return asked_to_wait_s(self.headers.get("retry-after"), datetime.now(UTC))


def asked_to_wait_s(retry_after: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks for, in either of its forms; None where it says nothing useful."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())


def is_public(address: str) -> bool:
    """Whether an IP literal is one that anybody on the internet may serve from."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not any(ip in net for net in _NOT_PUBLIC if net.version == ip.version)


def check_endpoint(url: str, *, public_only: bool) -> None:
    """Refuse an address that we would not call: not http(s), with credentials, or, where asked, not public or not TLS."""
    try:
        parts = urlsplit(url)
    except ValueError as exc:  # a bracket that nothing closes
        raise BadInput("the endpoint is not an address", th="endpoint ไม่ใช่ที่อยู่ (URL) ที่ถูกต้อง") from exc
    try:
        host, _port = parts.hostname, parts.port
    except ValueError as exc:
        raise BadInput(
            "the endpoint's port is not a number from 1 to 65535", th="พอร์ตของ endpoint ต้องเป็นตัวเลข 1 ถึง 65535"
        ) from exc
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password or parts.fragment:
        raise BadInput(
            "the endpoint must be a plain http(s) address without user, password or fragment",
            th="endpoint ต้องเป็นที่อยู่ http(s) ที่ไม่มีชื่อผู้ใช้ รหัสผ่าน หรือ fragment (#)",
        )
    if not public_only:
        return
    if parts.scheme != "https":
        raise BadInput("the endpoint must be https", th="endpoint ต้องเป็น https")
    try:
        literal = is_public(host)
    except ValueError:
        return  # a name: it is judged when it resolves, at every connect
    if not literal:
        raise BadInput("the endpoint's address is not public", th="endpoint ต้องเป็นที่อยู่สาธารณะบนอินเทอร์เน็ต")


class _PublicResolver(AbstractResolver):
    """Resolves names, and refuses those that lead to an address which isn't public (SSRF)."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise _NotPublic(host)
        return public

    async def close(self) -> None:
        await self._inner.close()


class _NotPublic(OSError):
    pass


class _PublicConnector(aiohttp.TCPConnector):
    """aiohttp doesn't ask the resolver about IP literals, so they are judged here."""

    async def _resolve_host(
        self, host: str, port: int, traces: Any = None
    ) -> list[ResolveResult]:  # a private name of aiohttp; tests/foundation/test_http.py guards it
        try:
            literal = is_public(host)
        except ValueError:
            return await super()._resolve_host(host, port, traces)
        if not literal:
            raise _NotPublic(host)
        return await super()._resolve_host(host, port, traces)


class Http:
    """A client for one kind of neighbour. `public_only` is for addresses that others gave us (webhooks).

    How many calls one neighbour may hold is the caller's to say (a bulkhead for each agency); `connections` only keeps
    the process within what its system gives it, so it is well above what any one of them may hold, and has no part per
    host: many agencies may stand behind one. `ca_file`: a PEM file of authorities whose certificates are taken besides
    those that the system trusts.
    """

    def __init__(self, *, public_only: bool = False, connections: int = 2_048, ca_file: str = "") -> None:
        self._public_only = public_only
        self._connections = connections
        self._trust: ssl.SSLContext | bool = True  # as the system does
        if ca_file:
            self._trust = ssl.create_default_context()
            self._trust.load_verify_locations(cafile=ca_file)
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = (
                _PublicConnector(
                    resolver=_PublicResolver(), limit=self._connections, use_dns_cache=False, ssl=self._trust
                )
                if self._public_only
                else aiohttp.TCPConnector(limit=self._connections, ssl=self._trust)
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                skip_auto_headers=("Accept-Encoding",),
                headers={"User-Agent": "tangrat", "Accept-Encoding": "identity"},
            )
        return self._session

    async def request(
        self,
        method: str,
        url: str,
        *,
        deadline_s: float,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_body: int = MAX_BODY,
        cut_body: bool = False,
    ) -> Reply:
        """Ask and wait for the whole answer.

        Any HTTP status is an answer. CallFailed where none came within `deadline_s` seconds, or it was larger than
        `max_body` bytes (with `cut_body` it is cut there instead).
        """
        sent = dict(headers or {})
        if json is not None:
            body = orjson.dumps(json)
            sent.setdefault("Content-Type", "application/json")
        elif form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._opened().request(
                    method, url, headers=sent, params=params, data=body, allow_redirects=False,
                ) as response,
            ):  # fmt: skip
                received = await self._read(response, max_body=max_body, cut=cut_body)
                return Reply(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=received,
                )
        except TimeoutError as exc:
            raise CallFailed("DEADLINE", f"no whole answer within {deadline_s:g} s") from exc
        except aiohttp.ClientConnectorCertificateError as exc:
            raise CallFailed("TLS", "the other side's certificate is not acceptable") from exc
        except aiohttp.ClientSSLError as exc:
            raise CallFailed("TLS", "no secure connection could be agreed on") from exc
        except _NotPublic as exc:
            raise CallFailed("NOT_PUBLIC", "the name leads to an address that is not public") from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            if isinstance(exc.__cause__, _NotPublic) or isinstance(getattr(exc, "os_error", None), _NotPublic):
                raise CallFailed("NOT_PUBLIC", "the name leads to an address that is not public") from exc
            raise CallFailed("CONNECTION", type(exc).__name__) from exc

    @staticmethod
    async def _read(response: aiohttp.ClientResponse, *, max_body: int, cut: bool) -> bytes:
        received = bytearray()
        async for chunk in response.content.iter_any():
            received += chunk
            if len(received) > max_body:
                response.close()  # the rest would have to be read before the connection could be used again
                if cut:
                    return bytes(received[:max_body])
                raise CallFailed("TOO_LARGE", f"the answer is larger than {max_body} bytes")
        return bytes(received)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
