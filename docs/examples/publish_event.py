"""Report a life event, and send it again until it is surely recorded: the same id gives the same receipt.

python docs/examples/publish_event.py --client-id my-sso --keys keys --citizen-id 1000000000076
"""

from __future__ import annotations

import http.client
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from agency_token import arguments, take_token


def hospital_changed(citizen_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),  # made once and kept with the fact, so that a retry is the same event
        "source": "urn:th:agency:sso",
        "type": "th.sso.hospital.changed",
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {
            "citizen_id": citizen_id,
            "hospital": {
                "code": "99011",
                "name": {"th": "โรงพยาบาลพฤกษาเวชปทุมธานี", "en": "Phruksa Wet Pathum Thani Hospital"},
            },
            "effective_date": "2026-12-01",
        },
    }


def publish(api: str, token: str, event: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
    for wait_s in (1, 2, 5, 10, 30):
        try:
            connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=10)
            connection.request("POST", "/agency/events", json.dumps(event).encode(), headers)
            reply = connection.getresponse()
            said = json.loads(reply.read())
        except OSError:  # no answer: it may be recorded or not, so send the same again
            time.sleep(wait_s)
            continue
        if reply.status == 202:
            receipt: dict[str, Any] = said["receipts"][0]
            return receipt
        if reply.status not in (408, 429, 503):  # to be mended by a person
            raise SystemExit(f"{reply.status} {json.dumps(said, ensure_ascii=False, indent=1)}")
        time.sleep(float(reply.headers.get("Retry-After", wait_s)))
    raise SystemExit("not recorded yet; keep the event and try later, with the same id")


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--citizen-id", required=True)
    told = parser.parse_args()
    token = take_token(told.api, told.client_id, told.keys, "events:publish")
    event = hospital_changed(told.citizen_id)
    for _ in range(2):  # the second time is what a retry looks like
        print(json.dumps(publish(told.api, token, event)))
