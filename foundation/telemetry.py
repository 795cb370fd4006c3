"""What the system says about itself: logs without personal data, metrics, and traces once an exporter is set.

Every log line of every library passes one redacting processor, so that an identity number, a token or a telephone
number that slips into a message doesn't reach the disk. It is the net, not the plan: callers log ids.
"""

from __future__ import annotations

import logging
import logging.config
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_HIDDEN_KEYS = re.compile(
    r"(?i)(password|passwd|secret|token|authorization|assertion|cookie|master_key|citizen_?id|\bpid\b|ssono|identity"
    r"|first_?name|last_?name|mobile|phone|email|address|birth)"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}\.?[\w-]*"), "«token»"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 «hidden»"),
    (re.compile(r"(?i)((?:consumer)?secret|token|password|pid|citizen_?id|code|assertion)=[^&\s\"']+"), r"\1=«hidden»"),
    (re.compile(r"(://[^/\s:@]+):[^@\s/]+@"), r"\1:«hidden»@"),
    (re.compile(r"(?<![\w-])[0-9๐-๙](?:[-\s]?[0-9๐-๙]){12}(?![\w-])"), "«identity number»"),
    (re.compile(r"(?<![\w+])(?:\+66|0)[-\s]?[689](?:[-\s]?\d){8}(?!\w)"), "«telephone»"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "«e-mail»"),
)


def redact(text: str) -> str:
    """The text without what must not be logged."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def _redact_value(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return "«hidden»" if value and _HIDDEN_KEYS.search(key) else redact(value)
    if isinstance(value, bool | int | float) or value is None:
        return "«hidden»" if _HIDDEN_KEYS.search(key) and not isinstance(value, bool | None) else value
    if isinstance(value, Mapping):
        return {str(name): _redact_value(str(name), one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(key, one) for one in value]
    return redact(str(value))


def _redacting(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _redact_value(key, value) for key, value in event.items() if key != "color_message"}  # uvicorn's twin


def set_up_logging(*, level: str, form: Literal["json", "console"], process: str) -> None:
    """Send every logger of this process, ours and the libraries', through the redacting processors to standard error."""
    shared: list[Any] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _stamp(process),
    ]
    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redacting,
            last,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "pymongo", "urllib3", "asyncio", "google", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True


def _stamp(process: str) -> Callable[..., MutableMapping[str, Any]]:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    return add


class Metrics:
    """The numbers of one process, under names that a dashboard can rely on."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tangrat_requests_total", "Requests answered", ["door", "outcome"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "tangrat_request_seconds", "Time to an answer", ["door"], registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
        )  # fmt: skip
        self.agency_calls = Counter(
            "tangrat_agency_calls_total", "Questions put to agencies", ["agency", "operation", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.agency_seconds = Histogram(
            "tangrat_agency_seconds", "Time an agency took", ["agency"], registry=self.registry,
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
        )  # fmt: skip
        self.alarms = Counter(
            "tangrat_alarms_total", "What an operator should look at", ["kind"], registry=self.registry
        )
        self.events = Counter("tangrat_events_total", "Life events", ["type", "outcome"], registry=self.registry)
        self.deliveries = Counter(
            "tangrat_deliveries_total", "Hand-overs tried", ["channel", "outcome"], registry=self.registry
        )
        self.streams = Gauge("tangrat_streams", "Sockets and event streams open", ["door"], registry=self.registry)
        self.waiting = Gauge("tangrat_waiting", "Items due and not yet done", ["ledger"], registry=self.registry)

    def text(self) -> bytes:
        """The Prometheus exposition."""
        return generate_latest(self.registry)


_tracer: trace.Tracer | None = None
_UNTRACED = nullcontext()


def set_up_traces(*, endpoint: str, process: str) -> Callable[[], None]:
    """Export spans to an OTLP/HTTP collector; with no endpoint, spans cost nothing. Returns what flushes them."""
    if not endpoint:
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # slow to import; seldom needed

    provider = TracerProvider(resource=Resource.create({"service.name": f"tangrat-{process}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")))
    global _tracer
    _tracer = provider.get_tracer("tangrat")
    return provider.shutdown


def span(name: str, **attributes: str | int | float | bool) -> AbstractContextManager[Any]:
    """One step of a road, for traces. Attributes are ids and codes, never personal data."""
    # OpenTelemetry's own way of doing nothing takes twenty times as long.
    return _UNTRACED if _tracer is None else _tracer.start_as_current_span(name, attributes=attributes)
