"""uvicorn's WebSockets, bounded: what a client that sends without reading, or falls silent, may cost.

uvicorn answers every ping whether or not the answers are read, and closes a connection only when all that waits to be
sent is gone, which for a reader that is stuck is never. The names that are overridden here are uvicorn's and not
promised; tests/backend/test_websocket.py guards them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_MESSAGE_BYTES = 65_536
HEARTBEAT_S = 20.0

# uvicorn writes the address and the query string of every handshake into its own log, and what comes in at DEBUG.
_log = logging.getLogger("backend.websocket")
_log.setLevel(logging.WARNING)


class WebSocket(WebSocketsSansIOProtocol):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _log
        self.conn.logger = _log

    def is_open(self) -> bool:
        """Whether the client has not been told yet that it is over."""
        return self.handshake_complete and not self.close_sent and not self.disconnected

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # the pongs before are not read yet: this one is forgotten

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self.loop.call_later(self.close_timeout, self.transport.abort)


def options(*, heartbeat_s: float = HEARTBEAT_S) -> dict[str, Any]:
    """What uvicorn is to be told. A client that leaves a ping unanswered for as long as lies between two is gone."""
    return {
        "ws": WebSocket, "ws_max_size": _MESSAGE_BYTES, "ws_ping_interval": heartbeat_s, "ws_ping_timeout": heartbeat_s,
        # Compressing takes memory for each socket, for messages that are small.
        "ws_per_message_deflate": False,
    }  # fmt: skip
