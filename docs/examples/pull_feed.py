"""Read the feed of what your agency is subscribed to, from where you stopped, and fetch each event's data.

    python docs/examples/pull_feed.py --client-id my-nhso --keys keys --place place.txt

No endpoint is needed. Run it as often as you like: the place is kept after the events have been dealt with.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from agency_token import arguments, take_token


def get(api: str, token: str, path: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    reply = connection.getresponse()
    said: dict[str, Any] = json.loads(reply.read())
    if reply.status != 200:
        raise SystemExit(f"{reply.status} {said['error']}: {said['message']}")
    return said


def follow(api: str, token: str, place: Path) -> None:
    while True:
        after = place.read_text() if place.exists() else ""
        page = get(api, token, f"/agency/events?{urlencode({'after': after, 'limit': 100})}")
        for thin in page["events"]:
            whole = get(api, token, thin["data_ref"])  # the person can see that you looked, and why
            print(json.dumps(whole, ensure_ascii=False))
        if page["next"]:
            place.write_text(page["next"])
        if not page["has_more"]:
            return


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--place", type=Path, default=Path("place.txt"))
    told = parser.parse_args()
    follow(told.api, take_token(told.api, told.client_id, told.keys, "events:subscribe"), told.place)
