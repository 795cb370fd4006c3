"""How often somebody may ask: a sliding window, kept in this process.

Counting here and not in the database costs nothing per request; with several processes behind one door a citizen may
ask that many times at each of them, which still keeps any one process safe.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

_KEPT = 20_000  # whoever asked longest ago is forgotten first


class RateLimit:
    """At most `most` in any `window_s` seconds, for each key."""

    def __init__(self, *, most: int, window_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._window_s = window_s
        self._monotonic = monotonic
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def admit(self, key: str) -> float | None:
        """None where this one may pass (and is counted); otherwise the seconds until one may."""
        now = self._monotonic()
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = deque(maxlen=self._most)
            if len(self._asked) > _KEPT:
                self._asked.popitem(last=False)
        else:
            self._asked.move_to_end(key)
        if len(asked) == self._most and now - asked[0] < self._window_s:
            return self._window_s - (now - asked[0])
        asked.append(now)
        return None
