from __future__ import annotations

import subprocess
import sys

import pytest

from foundation.telemetry import Metrics, redact, span


@pytest.mark.parametrize(
    "secret",
    [
        "1100000000012", "1-1000-00000-01-2", "1 1000 00000 01 2", "๑๑๐๐๐๐๐๐๐๐๐๑๒", "0812345678", "081-234-5678", "+66812345678",
        "somchai@example.com", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "mongodb://user:hunter2@host/x",
        "ConsumerSecret=hunter2", "Bearer hunter2hunter2", "pid=1100000000012&x=1",
    ],
)  # fmt: skip
def test_what_must_not_be_logged_is_taken_out_of_a_text(secret: str) -> None:
    told = redact(f"before {secret} after")

    for part in ("1100000000012", "hunter2", "somchai", "812345678", "234", "๑๑๐๐", secret):
        assert part not in told
    assert told.startswith("before")


@pytest.mark.parametrize("harmless", ["a3f0c4d5e6", "2026-11-21T03:00:00Z", "th.sso.hospital.changed"])
def test_ids_and_times_are_left_alone(harmless: str) -> None:
    assert redact(harmless) == harmless


def test_a_log_line_of_any_library_is_redacted_on_its_way_out() -> None:
    program = """
import logging
from foundation.telemetry import set_up_logging
set_up_logging(level="info", form="json", process="test")
logging.getLogger("some.library").warning("calling ?pid=%s", "1100000000012", extra={"citizen_id": "x1", "mobile": "y2"})
try:
    raise ValueError("for 1100000000012")
except ValueError:
    logging.getLogger("some.library").exception("failed", extra={"facts": {"first_name": "Somchai", "n": 1}})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    for private in ("1100000000012", "Somchai", "x1", "y2"):
        assert private not in done.stderr
    assert '"logger": "some.library"' in done.stderr
    assert '"n": 1' in done.stderr


def test_the_metrics_are_in_prometheus_format() -> None:
    metrics = Metrics()
    metrics.requests.labels("graphql", "ok").inc()

    assert b'tangrat_requests_total{door="graphql",outcome="ok"} 1.0' in metrics.text()


def test_a_span_is_nothing_at_all_while_nobody_collects_traces() -> None:
    with span("agency", agency="dopa") as one, span("agency", agency="sso") as other:
        assert one is other is None

    assert span("agency") is span("step")
