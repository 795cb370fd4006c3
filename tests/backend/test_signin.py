"""Signing in over real HTTP: our doors on one socket, the sandbox's ThaID on another, an app and a browser in between."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette

from backend.signin import build_routes
from foundation import settings as settings_module
from foundation.clock import FrozenClock
from foundation.errors import Unauthenticated
from foundation.http import Http, Reply
from foundation.ports import free_port
from foundation.store import Store
from sandbox.nation import Nation
from tests.serving import serving
from trust.clients import AgencyClients
from trust.people import People, PersonId
from trust.secrets import Vault
from trust.thaid import ThaID
from trust.tokens import Tokens, challenge_of

APP, SECOND_APP = "http://127.0.0.1:9/signed-in", "go.th.tangrat:/signed-in"
ORIGIN = "http://127.0.0.1:9"
VERIFIER = "the-verifier-of-this-app-which-is-43-letters"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Api:
    """Our doors as an app meets them."""

    url: str
    http: Http
    clock: FrozenClock
    tokens: Tokens
    clients: AgencyClients
    signed_in: list[PersonId]
    on_sign_in: Callable[[PersonId], Any] | None = None

    async def get(self, path_or_url: str, **asked: str) -> Reply:
        url = path_or_url if "://" in path_or_url else self.url + path_or_url
        return await self.http.request("GET", url + (f"?{urlencode(asked)}" if asked else ""), deadline_s=5)

    async def post(self, path: str, **form: str) -> Reply:
        return await self.http.request("POST", self.url + path, form=form, deadline_s=10)

    async def token(self, code: str, **changed: str) -> Reply:
        form = {
            "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": APP,
            "client_id": "tangrat-app",
        } | changed  # fmt: skip
        return await self.post("/auth/token", **{name: value for name, value in form.items() if value})


@dataclass
class Browser:
    """Follows no redirect by itself, and keeps its cookies."""

    api: Api
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)

    async def go(self, url: str) -> Reply:
        headers = {"Accept-Language": self.language}
        if self.cookies and url.startswith(self.api.url):
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        reply = await self.api.http.request("GET", url, headers=headers, deadline_s=5)
        if "set-cookie" in reply.headers and url.startswith(self.api.url):
            name, _, value = reply.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return reply

    async def login(self, **changed: str) -> Reply:
        asked = {
            "response_type": "code", "client_id": "tangrat-app", "redirect_uri": APP, "state": "from the app&=ก",
            "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256",
        } | changed  # fmt: skip
        query = urlencode({name: value for name, value in asked.items() if value})
        return await self.go(f"{self.api.url}/auth/login?{query}")

    async def at_thaid(self, **how: str) -> str:
        """To our callback's address, by way of ThaID."""
        login = await self.login()
        chosen = await self.go(f"{login.headers['location']}&{urlencode(how)}")
        return chosen.headers["location"]

    async def sign_in(self, citizen: int = 3) -> dict[str, str]:
        """What the app is told at its redirect_uri."""
        return told(await self.go(await self.at_thaid(sandbox_citizen=str(citizen))))


def told(reply: Reply) -> dict[str, str]:
    assert reply.status == 302, reply.body
    assert reply.headers["location"].startswith((APP, SECOND_APP))
    assert reply.headers["cache-control"] == "no-store"
    return {name: one[0] for name, one in parse_qs(urlsplit(reply.headers["location"]).query).items()}


def refused(reply: Reply, error: str, *, status: int = 400) -> str:
    """The description of an RFC 6749 error."""
    said = reply.json()
    assert (reply.status, said["error"]) == (status, error), said
    assert reply.headers["cache-control"] == "no-store"
    assert reply.content_type == "application/json"
    return str(said["error_description"])


@pytest.fixture
async def make_api(store: Store, vault: Vault, people: People, sandbox_url: str) -> AsyncIterator[Any]:
    http, running = Http(), []

    async def make(*, redirect_uris: str = f"{APP},{SECOND_APP}", public_url: str = "", store: Store = store) -> Api:
        clock = FrozenClock(datetime.now(UTC))
        port = free_port()
        settings = settings_module.read(
            {
                "TANGRAT_PORT": str(port), "TANGRAT_APP_REDIRECT_URIS": redirect_uris,
                "TANGRAT_THAID_ISSUER": f"{sandbox_url}/thaid", "TANGRAT_PUBLIC_URL": public_url,
            }
        )  # fmt: skip
        tokens = Tokens(store, vault, clock=clock, issuer=settings.issuer)
        clients = AgencyClients(store, http, clock=clock, tokens=tokens)
        thaid = ThaID(
            store, vault, http, clock=clock, issuer=settings.thaid_issuer, client_id=settings.thaid_client_id,
            client_secret=settings.thaid_client_secret, redirect_uri=f"{settings.issuer}/auth/callback",
        )  # fmt: skip
        api = Api(url=f"http://127.0.0.1:{port}", http=http, clock=clock, tokens=tokens, clients=clients, signed_in=[])

        async def on_sign_in(person: PersonId) -> None:
            api.signed_in.append(person)
            if api.on_sign_in is not None:
                await api.on_sign_in(person)

        routes = build_routes(
            tokens=tokens, thaid=thaid, people=people, clients=clients, settings=settings, on_sign_in=on_sign_in
        )
        server = serving(Starlette(routes=routes), port=port)
        running.append(server)
        await server.__aenter__()
        return api

    yield make
    await http.close()
    for server in running:
        await server.__aexit__(None, None, None)


@pytest.fixture
async def api(make_api: Any) -> Api:
    made: Api = await make_api()
    return made


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser(api)


async def test_a_citizen_signs_in_and_is_who_thaid_says(api: Api, browser: Browser, people: People) -> None:
    answer = await browser.sign_in(citizen=3)
    reply = await api.token(answer["code"])

    assert (answer["state"], answer["iss"]) == ("from the app&=ก", api.url)
    assert reply.headers["cache-control"] == "no-store"
    pair = reply.json()
    assert (pair.keys(), pair["token_type"], pair["expires_in"]) == (
        {"access_token", "refresh_token", "expires_in", "token_type"}, "Bearer", 600,
    )  # fmt: skip
    session = await api.tokens.verify(pair["access_token"])
    nation = Nation(seed=2569, size=66_000_000, day_zero=datetime(2026, 11, 21, tzinfo=UTC).date())
    assert await people.identity_number(session.person) == nation.citizen(3).pid
    assert (session.ial, session.client_id) == ("2.3", "tangrat-app")
    person = await people.get(session.person)
    assert person is not None
    assert person.has_account
    assert api.signed_in == [session.person]


async def test_no_address_on_the_way_holds_an_identity_number(api: Api, browser: Browser, people: People) -> None:
    login = await browser.login()
    back = (await browser.go(f"{login.headers['location']}&sandbox_citizen=3")).headers["location"]
    at_app = (await browser.go(back)).headers["location"]
    session = await api.tokens.verify(
        (await api.token(parse_qs(urlsplit(at_app).query)["code"][0])).json()["access_token"]
    )
    pid = await people.identity_number(session.person)

    assert not any(pid in address or session.person in address for address in (login.headers["location"], back, at_app))


async def test_the_same_citizen_is_the_same_person_every_time(api: Api) -> None:
    codes = [(await Browser(api).sign_in(citizen=n))["code"] for n in (3, 3, 4)]
    pairs = [(await api.token(code)).json() for code in codes]
    one, again, other = [(await api.tokens.verify(pair["access_token"])).person for pair in pairs]

    assert one == again != other


async def test_a_weaker_identification_is_carried_as_such(api: Api, browser: Browser) -> None:
    answer = told(await browser.go(await browser.at_thaid(sandbox_citizen="3", sandbox_ial="1.1")))
    pair = (await api.token(answer["code"])).json()

    assert (await api.tokens.verify(pair["access_token"])).ial == "1.1"


async def test_what_follows_a_sign_in_cannot_spoil_it(api: Api, browser: Browser) -> None:
    async def fail(person: PersonId) -> None:
        raise RuntimeError("the agenda is broken")

    api.on_sign_in = fail
    answer = await browser.sign_in()

    assert (await api.token(answer["code"])).status == 200


async def test_what_follows_a_sign_in_is_not_waited_for_without_end(
    api: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.signin._AFTER_SIGN_IN_S", 0.05)

    async def hang(person: PersonId) -> None:
        await asyncio.sleep(60)

    api.on_sign_in = hang
    answer = await browser.sign_in()

    assert (await api.token(answer["code"])).status == 200


async def test_the_cookie_is_for_us_alone(browser: Browser) -> None:
    cookie = (await browser.login()).headers["set-cookie"].lower()

    assert {"httponly", "samesite=lax", "path=/", "max-age=600"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie


async def test_over_https_no_neighbouring_host_can_set_the_cookie(make_api: Any) -> None:
    login = await Browser(await make_api(public_url="https://api.example.go.th")).login()

    assert login.headers["set-cookie"].startswith("__Host-tangrat-sign-in=")
    assert "; secure" in login.headers["set-cookie"].lower()


async def test_a_foreign_browser_cannot_finish_a_sign_in(api: Api, browser: Browser) -> None:
    """Login CSRF: somebody sends a victim the end of their own sign-in."""
    end = await browser.at_thaid(sandbox_citizen="3")
    victim = Browser(api)
    await victim.login()

    for other in (Browser(api), victim):
        page = await other.go(end)
        assert page.status == 400
        assert "another browser" in page.body.decode()
    assert "code" in told(await browser.go(end))


async def test_a_finished_sign_in_cannot_be_finished_again(browser: Browser) -> None:
    end = await browser.at_thaid(sandbox_citizen="3")
    await browser.go(end)

    assert (await browser.go(end)).status == 400


async def test_two_tabs_of_one_browser_can_sign_in_side_by_side(browser: Browser) -> None:
    ends = [await browser.at_thaid(sandbox_citizen=n) for n in ("3", "4")]

    for end in ends:
        assert "code" in told(await browser.go(end))


@pytest.mark.parametrize("state", ["", "made-up", "x" * 3000, "%00", "$ne"])
async def test_a_wrong_state_gets_a_page_in_the_readers_language(api: Api, browser: Browser, state: str) -> None:
    await browser.login()
    for language, first in (("th-TH,th;q=0.9,en;q=0.5", "th"), ("en-GB", "en")):
        browser.language = language

        page = await browser.go(f"{api.url}/auth/callback?code=x&state={state}")

        assert (page.status, page.content_type) == (400, "text/html")
        html = page.body.decode()
        assert f'<html lang="{first}">' in html
        assert html.index(f'<section lang="{first}"') < html.index("<section", html.index("<section") + 1)
        assert "โปรดเริ่มใหม่จากแอป" in html
        assert "Begin again in the app" in html
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "redirect_uri", [APP + "/", APP + "?x=1", APP.upper(), "https://evil.example/", "javascript:alert(1)", ORIGIN]
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(browser: Browser, redirect_uri: str) -> None:
    reply = await browser.login(redirect_uri=redirect_uri)

    assert (reply.status, reply.content_type) == (400, "text/html")
    assert "location" not in reply.headers
    assert redirect_uri not in reply.body.decode()


async def test_a_redirect_uri_may_be_left_out_only_where_there_is_one(make_api: Any, browser: Browser) -> None:
    assert (await browser.login(redirect_uri="")).status == 400

    single = Browser(await make_api(redirect_uris=APP))
    assert "code_challenge=" in (await single.login(redirect_uri="")).headers["location"]


async def test_an_app_with_a_scheme_of_its_own_is_served_too(api: Api, browser: Browser) -> None:
    login = await browser.login(redirect_uri=SECOND_APP)
    back = await browser.go(f"{login.headers['location']}&sandbox_citizen=3")
    reply = await browser.go(back.headers["location"])

    assert reply.headers["location"].startswith(f"{SECOND_APP}?")
    assert (await api.token(told(reply)["code"], redirect_uri=SECOND_APP)).status == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
    ],
    ids=str,
)
async def test_a_wrong_question_is_answered_to_the_app(browser: Browser, changed: dict[str, str], error: str) -> None:
    answer = told(await browser.login(**changed))

    assert (answer["error"], answer["state"]) == (error, "from the app&=ก")


async def test_oddities_of_the_login_link_are_refused(api: Api, browser: Browser) -> None:
    assert told(await browser.login(state="s" * 513))["error"] == "invalid_request"
    assert (await browser.login(client_id="<script>")).status == 400
    assert (await browser.go(f"{api.url}/auth/login?state=a&state=b")).status == 400
    head = await api.http.request("HEAD", f"{api.url}/auth/login", deadline_s=5)
    assert head.status == 405


async def test_who_cancels_at_thaid_is_brought_back_to_the_app(browser: Browser) -> None:
    answer = told(await browser.go(await browser.at_thaid(sandbox_cancel="1")))

    assert (answer["error"], answer["state"]) == ("access_denied", "from the app&=ก")


@pytest.mark.parametrize(
    ("said", "error"),
    [("server_error", "server_error"), ("temporarily_unavailable", "temporarily_unavailable"), ("<x>", "server_error")],
)
async def test_an_error_of_thaid_reaches_the_app_in_words_it_knows(browser: Browser, said: str, error: str) -> None:
    state = parse_qs(urlsplit((await browser.login()).headers["location"]).query)["state"][0]

    back = await browser.go(f"{browser.api.url}/auth/callback?{urlencode({'error': said, 'state': state})}")

    assert told(back)["error"] == error


async def test_a_code_that_thaid_does_not_know_signs_nobody_in(browser: Browser) -> None:
    state = parse_qs(urlsplit((await browser.login()).headers["location"]).query)["state"][0]

    assert (
        told(await browser.go(f"{browser.api.url}/auth/callback?code=made-up&state={state}"))["error"]
        == "access_denied"
    )


async def test_thaid_down_is_told_to_the_app_at_both_ends_of_the_way(
    make_api: Any, browser: Browser, switch: Callable[..., Any]
) -> None:
    end = await browser.at_thaid(sandbox_citizen="3")
    switch("POST", "faults", {"agency": "thaid", "fault": "down"})

    assert told(await browser.go(end))["error"] == "temporarily_unavailable"
    assert told(await Browser(await make_api()).login())["error"] == "temporarily_unavailable"


async def test_a_database_that_is_down_is_a_trouble_that_passes(make_api: Any) -> None:
    nowhere = Store("mongodb://127.0.0.1:9", database="none", deadline_s=0.2)
    api = await make_api(store=nowhere)
    browser = Browser(api)

    assert told(await browser.login())["error"] == "temporarily_unavailable"
    assert (await browser.go(f"{api.url}/auth/callback?code=c&state=s")).status == 503
    refused(await api.token("made-up"), "temporarily_unavailable", status=503)
    refused(await api.get("/.well-known/jwks.json"), "temporarily_unavailable", status=503)
    await nowhere.close()


@pytest.mark.parametrize("fault", ["html", "malformed", "truncated", "reset", "error"])
async def test_thaid_on_a_bad_day_is_told_to_the_app(browser: Browser, switch: Callable[..., Any], fault: str) -> None:
    end = await browser.at_thaid(sandbox_citizen="3")
    switch("POST", "faults", {"agency": "thaid", "fault": fault, "operation": "token"})

    assert told(await browser.go(end))["error"] == "temporarily_unavailable"


async def test_a_code_is_good_for_one_app_one_verifier_one_address_one_minute(api: Api) -> None:
    wrong = [
        ({"code_verifier": "another" * 8}, "invalid_grant"),
        ({"redirect_uri": SECOND_APP}, "invalid_grant"),
        ({"client_id": "another-app"}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ]
    for changed, error in wrong:
        code = (await Browser(api).sign_in())["code"]
        refused(await api.token(**({"code": code} | changed)), error)

    code = (await Browser(api).sign_in())["code"]
    api.clock.advance(timedelta(seconds=60))
    assert "expired" in refused(await api.token(code), "invalid_grant")
    assert api.signed_in == []


async def test_a_replayed_code_ends_what_it_began(api: Api, browser: Browser) -> None:
    code = (await browser.sign_in())["code"]
    pair = (await api.token(code)).json()

    refused(await api.token(code), "invalid_grant")

    refused(
        await api.post("/auth/token", grant_type="refresh_token", refresh_token=pair["refresh_token"]), "invalid_grant"
    )
    with pytest.raises(Unauthenticated):
        await api.tokens.verify(pair["access_token"])


async def test_refreshing_over_http(api: Api, browser: Browser) -> None:
    first = (await api.token((await browser.sign_in())["code"])).json()

    def refresh(token: str) -> Any:
        return api.post("/auth/token", grant_type="refresh_token", refresh_token=token, client_id="tangrat-app")

    replies = await asyncio.gather(*(refresh(first["refresh_token"]) for _ in range(6)))
    assert [one.status for one in replies] == [200] * 6
    assert len({one.body for one in replies}) == 1  # retries of one device
    api.clock.advance(timedelta(seconds=11))
    told_th = (await refresh(first["refresh_token"])).json()
    assert (told_th["error"], told_th["error_description_th"]) == ("invalid_grant", "โปรดเข้าสู่ระบบอีกครั้ง")
    refused(await refresh(replies[0].json()["refresh_token"]), "invalid_grant")


async def test_signing_out_is_at_once_and_an_unknown_token_is_fine(api: Api, browser: Browser) -> None:
    pair = (await api.token((await browser.sign_in())["code"])).json()

    assert (await api.post("/auth/revoke", token="unknown")).status == 200
    assert (await api.post("/auth/revoke", token=pair["refresh_token"], token_type_hint="whatever")).status == 200

    with pytest.raises(Unauthenticated):
        await api.tokens.verify(pair["access_token"])
    refused(await api.post("/auth/revoke"), "invalid_request")


async def test_what_we_publish_lets_anybody_check_our_tokens(api: Api, browser: Browser) -> None:
    pair = (await api.token((await browser.sign_in())["code"])).json()
    said = (await api.get("/.well-known/oauth-authorization-server")).json()

    keys = jwt.PyJWKSet.from_dict((await api.get(said["jwks_uri"])).json())
    key = keys[jwt.get_unverified_header(pair["access_token"])["kid"]]
    assert jwt.decode(pair["access_token"], key, algorithms=["ES256"], audience=f"{api.url}/graphql", issuer=api.url)
    assert not any("d" in one for one in (await api.get(said["jwks_uri"])).json()["keys"])
    assert said == (await api.get("/.well-known/openid-configuration")).json()
    assert (said["issuer"], said["token_endpoint"]) == (api.url, f"{api.url}/auth/token")
    assert said["code_challenge_methods_supported"] == ["S256"]


async def test_only_the_pages_of_our_apps_may_read_the_answers(api: Api) -> None:
    async def ask(method: str, path: str, origin: str) -> Reply:
        return await api.http.request(
            method, api.url + path, headers={"Origin": origin, "Content-Type": FORM}, body=b"", deadline_s=5
        )

    for path in ("/auth/token", "/auth/revoke"):
        for method in ("OPTIONS", "POST"):
            ours, foreign = await ask(method, path, ORIGIN), await ask(method, path, "https://evil.example")
            assert ours.headers["access-control-allow-origin"] == ORIGIN
            assert "access-control-allow-origin" not in foreign.headers
            assert ours.headers["vary"] == foreign.headers["vary"] == "Origin"
            assert "access-control-allow-credentials" not in ours.headers
    assert (await ask("OPTIONS", "/auth/token", ORIGIN)).headers["access-control-allow-methods"] == "POST"
    assert "access-control-allow-origin" not in (await ask("POST", "/agency/token", ORIGIN)).headers


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b'{"grant_type": "refresh_token"}', 400),
        ("", b"grant_type=refresh_token", 400),
        ("multipart/form-data; boundary=x", b"--x--", 400),
        (FORM, b"grant_type=refresh_token&grant_type=authorization_code", 400),
        (FORM, b"grant_type=%ff%fe", 400),
        (FORM, b"\xff\xfe", 400),
        (FORM, b"&".join(b"a%d=1" % n for n in range(30)), 400),
        (FORM, b"a=" + b"x" * 8192, 413),
    ],
    ids=["json", "no type", "multipart", "twice", "not utf-8", "raw bytes", "many fields", "too large"],
)
async def test_a_body_that_is_not_a_proper_form_is_refused(api: Api, kind: str, body: bytes, status: int) -> None:
    for path in ("/auth/token", "/auth/revoke", "/agency/token"):
        headers = {"Content-Type": kind} if kind else {}
        reply = await api.http.request("POST", api.url + path, headers=headers, body=body, deadline_s=5)

        refused(reply, "invalid_request", status=status)


async def test_a_sender_who_dawdles_is_not_waited_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.oauth._SLOWEST_FORM_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.url).port)
    writer.write(
        f"POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n\r\ngrant".encode()
    )

    status = await asyncio.wait_for(reader.readline(), 3)

    assert b" 408 " in status
    writer.close()


_FIELDS = st.sampled_from(
    ["grant_type", "code", "code_verifier", "redirect_uri", "client_id", "refresh_token", "token", "x"]
)
_GRANTS = st.sampled_from(["authorization_code", "refresh_token", "client_credentials"])


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.dictionaries(_FIELDS, st.text(max_size=60), max_size=6),
    grant=_GRANTS,
    raw=st.none() | st.binary(max_size=80),
)
async def test_no_form_at_all_is_a_500(api: Api, form: dict[str, str], grant: str, raw: bytes | None) -> None:
    body = raw if raw is not None else urlencode({"grant_type": grant, **form}, errors="surrogatepass").encode()
    for path in ("/auth/token", "/auth/revoke", "/agency/token"):
        reply = await api.http.request("POST", api.url + path, headers={"Content-Type": FORM}, body=body, deadline_s=5)

        assert reply.status in (200, 400, 401), reply.body
        if reply.status != 200:
            assert {"error", "error_description"} <= reply.json().keys()


async def test_an_agency_gets_its_token_over_http(api: Api) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k"}
    await api.clients.add(client_id="sso-events", agency="sso", jwks={"keys": [jwk]}, scopes=["events:publish"])

    def form(**changed: str) -> dict[str, str]:
        now = int(api.clock.now().timestamp())
        claims = {
            "iss": "sso-events", "sub": "sso-events", "aud": f"{api.url}/agency/token", "iat": now, "exp": now + 60,
            "jti": uuid.uuid4().hex,
        }  # fmt: skip
        return {
            "grant_type": "client_credentials", "scope": "events:publish",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(claims, key, algorithm="ES256", headers={"kid": "k"}),
        } | changed  # fmt: skip

    once = form()
    token = (await api.post("/agency/token", **once)).json()
    assert (await api.clients.verify(token["access_token"], scope="events:publish")).agency == "sso"
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 600, "events:publish")

    assert "used before" in refused(await api.post("/agency/token", **once), "invalid_client", status=401)
    refused(await api.post("/agency/token", **form(scope="notify:send")), "invalid_scope")
    refused(await api.post("/agency/token", **form(client_assertion="x.y.z")), "invalid_client", status=401)
    refused(await api.post("/agency/token", **form(client_assertion_type="x")), "invalid_request")
    refused(await api.post("/agency/token", **form(grant_type="authorization_code")), "unsupported_grant_type")
    refused(await api.post("/agency/token", **form(client_id="another")), "invalid_client", status=401)


async def test_nothing_secret_or_personal_is_logged(
    api: Api, browser: Browser, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="trust")
    caplog.set_level("DEBUG", logger="backend")
    code = (await browser.sign_in())["code"]
    pair = (await api.token(code)).json()
    await api.token(code)
    fresh = (await api.token((await browser.sign_in())["code"])).json()

    pid = await people.identity_number((await api.tokens.verify(fresh["access_token"])).person)
    secrets = [code, pid, *browser.cookies.values(), *(pair[name] for name in ("access_token", "refresh_token"))]
    logged = json.dumps([vars(record) for record in caplog.records], default=str)

    assert "session ended" in logged
    assert not any(secret in logged for secret in secrets)
