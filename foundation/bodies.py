"""The body of a request, read within bounds: no more bytes than we take, and no longer than we wait.

The doors are Starlette's and differ in what they say; how a body is read safely is the same at each. What is read here is
any stream of bytes, so that no door's framework is known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from foundation.errors import SuperAppError


class TooLarge(SuperAppError):
    """More was sent in one request than we take."""

    code = "TOO_LARGE"
    status = 413


class TooSlow(SuperAppError):
    """The body did not come in time."""

    code = "REQUEST_TIMEOUT"
    status = 408


async def read_whole(chunks: AsyncIterator[bytes], *, announced: str, most: int, within_s: float) -> bytes:
    """The whole body, if it is no larger than `most` bytes and comes within `within_s` seconds; TooLarge or TooSlow.

    `announced` is the Content-Length as it was sent: what says itself that it is too large isn't read at all.
    """
    too_large = TooLarge(f"the body is larger than {most} bytes", th=f"body มีขนาดเกิน {most} ไบต์")
    if announced.isdigit() and int(announced[:19]) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for chunk in chunks:
                body += chunk
                if len(body) > most:
                    raise too_large
    except TimeoutError as exc:
        raise TooSlow(
            f"the body did not come within {within_s:g} seconds", th=f"ส่ง body มาไม่ครบภายใน {within_s:g} วินาที"
        ) from exc
    return bytes(body)


async def is_drained(chunks: AsyncIterator[bytes], *, most: int, within_s: float, gone: type[Exception]) -> bool:
    """Read what is left of a refused body, within reason: closing on a client that is still sending resets the
    connection, and it would never see why it was refused. `gone` is how the door says that the client has hung up."""
    size = 0
    try:
        async with asyncio.timeout(within_s):
            async for chunk in chunks:
                size += len(chunk)
                if size > most:
                    return False
    except RuntimeError:  # it was all read
        return True
    except (TimeoutError, gone):
        return False
    return True
