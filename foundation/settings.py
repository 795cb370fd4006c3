"""What this installation is told from outside: environment variables with the prefix TANGRAT_, read once.

`read(environment)` returns one frozen Settings or raises SettingsWrong naming every problem at once. In development
each address defaults to the sandbox on loopback; in production none does, and what is missing is named. Secrets are
`Secret`s, which don't print.
"""

from __future__ import annotations

import base64
import difflib
import ipaddress
import re
import ssl
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from foundation.errors import CannotStart

PREFIX = "TANGRAT_"


class Secret:
    """A value that must not be shown: `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class SettingsWrong(CannotStart):
    """The environment doesn't say what we need; every problem is in `problems`."""

    code = "SETTINGS_WRONG"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("these settings are wrong:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


def _set(
    default: Any, doc: str, *, at_sandbox: str | None = None, needed: bool = False, low: float = 0, high: float = 0
) -> Any:
    """One setting. `at_sandbox` is the path where the sandbox serves it; `needed` means production must say it."""
    return field(default=default, metadata={
        "doc": doc, "at_sandbox": at_sandbox, "needed": needed or at_sandbox is not None, "low": low, "high": high,
    })  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, in groups. The field `thaid_issuer` is the variable TANGRAT_THAID_ISSUER."""

    # This process
    env: Literal["development", "production"] = _set("development", "`production` demands every address and secret")
    host: str = _set("127.0.0.1", "address to listen on; only loopback unless told otherwise")
    port: int = _set(8000, "the API's port; 0 picks a free one", low=0, high=65535)
    worker_port: int = _set(8001, "the worker's port for health and metrics; 0 picks a free one", low=0, high=65535)
    sandbox_port: int = _set(8100, "the sandbox's port; 0 picks a free one", low=0, high=65535)
    data_dir: Path = _set(Path(".data"), "where the embedded MongoDB and the development key live")
    public_url: str = _set("", "the API's address as the outside sees it; also the issuer of tokens", needed=True)
    log_level: Literal["debug", "info", "warning", "error"] = _set("info", "the least that is logged")
    log_format: Literal["json", "console"] = _set("json", "one JSON object a line, or coloured text for people")
    otlp_endpoint: str = _set("", "where traces go (OTLP over HTTP); empty = no traces")

    # The ledger
    mongodb_uri: Secret = _set(
        Secret(""), "any MongoDB 6 or newer, a replica set; empty = the embedded one", needed=True
    )
    mongodb_database: str = _set("tangrat", "the database's name")
    master_key: Secret = _set(
        Secret(""), "base64 of 32 random bytes; wraps every person's key. `openssl rand -base64 32`", needed=True
    )

    lease_s: float = _set(60.0, "seconds a worker may hold an item before another takes it", low=0.5, high=3600)

    # Signing in
    thaid_issuer: str = _set("", "ThaID's address; discovery is asked below it", at_sandbox="/thaid")
    thaid_client_id: str = _set("tangrat-sandbox", "our name at ThaID", needed=True)
    thaid_client_secret: Secret = _set(Secret("tangrat-sandbox-secret"), "our secret at ThaID", needed=True)
    app_redirect_uris: tuple[str, ...] = _set(
        (), "comma-separated addresses to which a sign-in may return, matched exactly; also the origins CORS allows",
        at_sandbox="/phone/signed-in",
    )  # fmt: skip

    # The agencies
    gdx_url: str = _set("", "the GDX gateway", at_sandbox="/gdx")
    gdx_consumer_key: str = _set("tangrat", "our Consumer-Key at GDX", needed=True)
    gdx_consumer_secret: Secret = _set(Secret("tangrat-secret"), "our ConsumerSecret at GDX", needed=True)
    gdx_agent_id: str = _set("tangrat", "the AgentID in GDX's audit trail: this system's English name")
    dopa_url: str = _set("", "DOPA Linkage2, behind GDX", at_sandbox="/gdx/ws/dopa/linkage2")
    dopa_officer_pid: Secret = _set(Secret("1000000000009"), "who is signed in at Linkage2", needed=True)
    dopa_card_check_url: str = _set(
        "", "DOPA's check of the code on identity cards, behind GDX", at_sandbox="/gdx/ws/dopa/verification/personal"
    )
    dopa_office_id: str = _set("00023", "the office Linkage2 knows us as")
    dopa_access_token: Secret = _set(Secret("tangrat-linkage2"), "the ThaID access token for Linkage2", needed=True)
    dopa_job_id: str = _set("tangrat", "the purpose (jobID) named on each Linkage2 request")
    sso_url: str = _set("", "the SSO's e-service", at_sandbox="/sso/esv/esvews/service")
    sso_token_url: str = _set(
        "", "the SSO's Keycloak token address", at_sandbox="/sso/auth/realms/insured/protocol/openid-connect/token"
    )
    sso_services_url: str = _set("", "the SSO's SOAP services", at_sandbox="/sso/DBforService/services")
    sso_client_id: str = _set("tangrat", "our name at the SSO's Keycloak", needed=True)
    sso_client_secret: Secret = _set(Secret("tangrat-secret"), "our secret there", needed=True)
    sso_username: str = _set("tangrat", "the account for the password grant", needed=True)
    sso_password: Secret = _set(Secret("tangrat-password"), "its password", needed=True)
    nhso_url: str = _set("", "the NHSO's endpoint", at_sandbox="/nhso/nhsoendpoint")
    nhso_token: Secret = _set(Secret("tangrat-nhso"), "the bearer token there", needed=True)
    nhso_dialect: Literal["v2", "v1"] = _set("v2", "the right search that is asked; v1 is the older one")
    nhso_v1_url: str = _set("", "with dialect v1: the NHSO's older right search", at_sandbox="/nhso/srm")
    nhso_v1_token_url: str = _set("", "with dialect v1: where its token is renewed", at_sandbox="/nhso/srmportal")
    nhso_v1_refresh_token: Secret = _set(
        Secret("tangrat-nhso-refresh"), "with dialect v1: what renews that token", needed=True
    )
    agencies_url: str = _set(
        "", "where agencies without a dialect of their own answer, their code added to it", at_sandbox="/agencies"
    )
    agency_urls: tuple[str, ...] = _set(
        (), "comma-separated code=address, for agencies that answer elsewhere, such as dlt=https://api.dlt.go.th"
    )
    agencies_token: Secret = _set(Secret("tangrat-agencies"), "the bearer token there", needed=True)
    dbd_open_url: str = _set("", "DBD's open API of juristic persons; no key", at_sandbox="/dbd-open")
    dbd_profile_url: str = _set(
        "", "DBD's profile of juristic persons, behind GDX", at_sandbox="/gdx/ws/dbd/juristic/v4/profile"
    )
    rd_vat_url: str = _set("", "the Revenue Department's VAT check", at_sandbox="/rd-ws/serviceRD3/vatserviceRD3.asmx")
    rd_tin_url: str = _set(
        "",
        "the Revenue Department's check of tax numbers",
        at_sandbox="/rd-ws/jsonRD/checktinpinservice.asmx/ServiceTIN",
    )
    bizportal_url: str = _set(
        "", "Biz Portal's status API, behind GDX", at_sandbox="/gdx/ws/dga/bizportal/applicationrequest"
    )
    epayment_url: str = _set("", "DGA e-Payment, behind GDX", at_sandbox="/gdx/ws/dga/payment")
    epayment_close_url: str = _set(
        "",
        "where e-Payment closes a payment; empty = `/close` below its address. DGA's page gives the UAT address for it",
    )
    epayment_source: str = _set("TANGRAT", "the Source code that DGA e-Payment gave us", needed=True)
    epayment_biller_id: str = _set(
        "099400016550100", "the biller (15 digits) whom the QR of a payment names", needed=True
    )
    epayment_callback_from: tuple[str, ...] = _set(
        ("127.0.0.0/8", "::1/128"),
        "comma-separated networks (CIDR) from which e-Payment's unsigned callback is heard, as this process sees them:"
        " behind a proxy that is the proxy's, which must then keep others from /agency/payments/callback", needed=True,
    )  # fmt: skip
    cache_fresh_s: float = _set(
        10.0, "the longest that an agency's answer counts as fresh, in seconds; 0 asks anew each time. In production leave "
        "it to the catalogue: 31536000", low=0, high=31_536_000,
    )  # fmt: skip
    agency_ca_file: str = _set(
        "", "a PEM file of the certificate authorities of agencies that have their own; empty = those the system trusts"
    )
    agency_deadline_s: float = _set(2.0, "seconds an agency gets for one whole answer", low=0.05, high=60)

    # Telling people
    fcm_url: str = _set("", "Firebase Cloud Messaging; empty in production = Google's own", at_sandbox="/fcm")
    fcm_project: str = _set("tangrat-sandbox", "the Firebase project", needed=True)
    fcm_credentials_file: str = _set("", "the Firebase service account file; empty = no real credentials", needed=True)
    sms_url: str = _set("", "the SMS gateway", at_sandbox="/sms/v1/messages")
    sms_token: Secret = _set(Secret("tangrat-sms"), "the bearer token there", needed=True)
    sms_sender: str = _set("TangRat", "the sender's name on an SMS")

    # The sandbox (development only)
    clock_url: str = _set("", "where the legal day is asked, so that it can be moved", at_sandbox="/sandbox/clock")
    sandbox_seed: int = _set(2569, "the synthetic nation's seed", low=0, high=2**32)

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def issuer(self) -> str:
        return self.public_url.rstrip("/")

    def master_key_bytes(self) -> bytes:
        """The master key, or nothing where none was said (development only)."""
        return base64.b64decode(self.master_key.reveal())


# Google's own address is right in production, so leaving this one empty is no mistake; nor is having no sandbox clock.
_MAY_STAY_EMPTY = {"fcm_url", "clock_url"}
# Of the NHSO's two dialects one is spoken; what the other would need may stay empty.
_NOT_ASKED = {
    "v2": {"nhso_v1_url", "nhso_v1_token_url", "nhso_v1_refresh_token"}, "v1": {"nhso_url", "nhso_token"},
}  # fmt: skip
_URLS = {
    "dopa_card_check_url", "sso_services_url", "nhso_v1_url", "nhso_v1_token_url",
    "public_url", "thaid_issuer", "gdx_url", "dopa_url", "sso_url", "sso_token_url", "nhso_url", "agencies_url",
    "fcm_url", "sms_url", "dbd_open_url", "dbd_profile_url", "rd_vat_url", "rd_tin_url", "bizportal_url", "epayment_url",
    "epayment_close_url", "clock_url", "otlp_endpoint",
}  # fmt: skip


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; SettingsWrong names all that is wrong."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    known = {PREFIX + one.name.upper(): one for one in fields(Settings)}
    hints = typing.get_type_hints(Settings)

    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            problems.append(f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else ""))
    for name, one in known.items():
        raw = environment.get(name)
        if raw is None or not raw.strip():
            continue
        try:
            values[one.name] = _parse(raw.strip(), hints[one.name], low=one.metadata["low"], high=one.metadata["high"])
        except ValueError as exc:
            problems.append(f"{name} {exc}")

    env = values.get("env", "development")
    if env == "production":
        _demand(values, environment, problems)
    elif env == "development":
        _point_at_sandbox(values)
    urls = ((name, _wrong_url(values[name])) for name in sorted(_URLS & values.keys()))
    problems += [f"{PREFIX}{name.upper()} {why}" for name, why in urls if why]
    if env == "production" and values.get("public_url", "https:").startswith("http:"):
        problems.append("TANGRAT_PUBLIC_URL must be https in production")
    problems += [
        f"TANGRAT_EPAYMENT_CALLBACK_FROM holds {one[:40]!r}, which is not a network such as 203.0.113.0/24"
        for one in values.get("epayment_callback_from", ())
        if not _is_network(one)
    ]
    if not re.fullmatch(r"[0-9]{15}", values.get("epayment_biller_id", "0" * 15)):
        problems.append("TANGRAT_EPAYMENT_BILLER_ID must be 15 digits: the biller's tax number and its suffix of two")
    if (ca_file := values.get("agency_ca_file")) and (why := _wrong_ca_file(ca_file)):
        problems.append(f"TANGRAT_AGENCY_CA_FILE {why}")
    if (key := values.get("master_key")) is not None and not _is_key(key.reveal()):
        problems.append("TANGRAT_MASTER_KEY must be base64 of exactly 32 bytes; make one with: openssl rand -base64 32")
    if problems:
        raise SettingsWrong(problems)
    return Settings(**values)


def _demand(values: dict[str, Any], environment: Mapping[str, str], problems: list[str]) -> None:
    """Production takes nothing for granted: what development would point at the sandbox must be said."""
    may_stay_empty = _MAY_STAY_EMPTY | _NOT_ASKED[values.get("nhso_dialect", "v2")]
    for one in fields(Settings):
        said = bool(environment.get(PREFIX + one.name.upper(), "").strip())
        if one.metadata["needed"] and not said and one.name not in may_stay_empty:
            problems.append(f"{PREFIX}{one.name.upper()} is missing: {one.metadata['doc']}")
    if values.get("clock_url"):
        problems.append("TANGRAT_CLOCK_URL moves the legal day and is for the sandbox only; leave it out in production")


def _point_at_sandbox(values: dict[str, Any]) -> None:
    """What a development environment leaves open points at the sandbox on loopback."""
    port = values.get("sandbox_port", _default("sandbox_port"))
    for one in fields(Settings):
        path = one.metadata["at_sandbox"]
        if path is not None and one.name not in values:
            address = f"http://127.0.0.1:{port}{path}"
            values[one.name] = (address,) if isinstance(one.default, tuple) else address
    values.setdefault("public_url", f"http://127.0.0.1:{values.get('port', _default('port'))}")


def _default(name: str) -> Any:
    return next(one.default for one in fields(Settings) if one.name == name)


def _parse(raw: str, kind: Any, *, low: float, high: float) -> Any:
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if raw not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return raw
    if kind is int or kind is float:
        try:
            number = kind(raw)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            whole = "a whole number" if kind is int else "a number"
            raise ValueError(f"must be {whole} from {low:g} to {high:g}")
        return number
    if kind is Path:
        try:
            return Path(raw).expanduser()
        except RuntimeError as exc:
            raise ValueError("names a home directory that this machine doesn't have") from exc
    if kind is Secret:
        return Secret(raw)
    if isinstance(kind, types.GenericAlias):
        return tuple(part.strip() for part in raw.split(",") if part.strip())
    return raw


def _wrong_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "must be an http(s) address"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be an http(s) address, such as https://api.example.go.th"
    return None


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _wrong_ca_file(path: str) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "must name a PEM file with at least one certificate"
    except (OSError, ValueError) as exc:  # ValueError: a zero byte in the name
        return f"can't be read: {getattr(exc, 'strerror', None) or exc}"
    return None


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False


def reference() -> str:
    """docs/settings.md: every setting, its default and what it is for."""
    rows = []
    for one in fields(Settings):
        default: Any = "" if one.default is MISSING else one.default
        if one.metadata["at_sandbox"]:
            default = f"the sandbox's `{one.metadata['at_sandbox']}`"
        elif isinstance(default, Secret):
            default = "a development value" if default.reveal() else ""
        elif default not in ("", ()):
            default = f"`{default}`"
        may_stay_empty = _MAY_STAY_EMPTY | _NOT_ASKED["v2"]
        needed = "must be set" if one.metadata["needed"] and one.name not in may_stay_empty else ""
        rows.append(f"| `{PREFIX}{one.name.upper()}` | {default or ''} | {needed} | {one.metadata['doc']} |")
    return (
        "# Settings\n\nEnvironment variables, read once at start; all wrong ones are named at once.\n"
        "This page is printed by `make docs`.\n\n"
        "| setting | in development | in production | what it is |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )
