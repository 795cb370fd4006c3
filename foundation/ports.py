"""Taking a TCP port before anything else starts, so that a taken one costs one sentence and nothing is half-started."""

from __future__ import annotations

import socket


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 picks a free one. OSError where it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only a socket that says it is TCP gets TCP_NODELAY from asyncio; without it each answer may wait 40 ms.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        # Under SO_REUSEADDR Linux lets two sockets share a port until one of them listens.
        taken.listen(1024)
    except OSError:
        taken.close()
        raise
    taken.setblocking(False)
    return taken


def free_port() -> int:
    """A port of loopback that was free a moment ago, for a program that must be told one."""
    with listening("127.0.0.1", 0) as probe:
        return int(probe.getsockname()[1])
