"""ThaID: who may sign in, what the tokens say, and what is refused."""

from __future__ import annotations

import base64
import hashlib

import jwt
import pytest

AUTH = "/thaid/api/v2/oauth2/auth/"


async def test_discovery_names_the_endpoints_that_are_served(http, sandbox):
    found = await (await http.get("/thaid/.well-known/openid-configuration")).json()

    assert found["issuer"] == f"{sandbox}/thaid"
    assert found["authorization_endpoint"] == f"{sandbox}{AUTH}"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert (await http.get(found["jwks_uri"])).status == 200


async def test_signing_in_gives_tokens_and_the_claims_that_were_asked_for(thaid, nation):
    citizen = nation.citizen(3)

    tokens = await thaid.sign_in(3)

    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3600
    assert tokens["pid"] == citizen.pid
    assert tokens["given_name"] == citizen.first_name.th
    assert tokens["family_name"] == citizen.last_name.th
    assert tokens["name"].startswith(citizen.title.th + citizen.first_name.th)
    assert tokens["address"]["formatted"].endswith(citizen.address.postcode)
    assert tokens["ial"] == "2.3"
    assert "gender" not in tokens


async def test_the_id_token_is_signed_and_bound_to_this_sign_in(thaid, http, sandbox, nation):
    tokens = await thaid.sign_in(3)
    keys = jwt.PyJWKSet.from_dict(await (await http.get("/thaid/.well-known/jwks.json")).json())
    key = keys[jwt.get_unverified_header(tokens["id_token"])["kid"]]

    claims = jwt.decode(
        tokens["id_token"], key.key, algorithms=["ES256"], audience="tangrat-sandbox", issuer=f"{sandbox}/thaid"
    )

    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["nonce"] == "the-nonce"
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert claims["pid"] == nation.citizen(3).pid
    assert claims["pid"] not in claims["sub"]
    assert {"auth_time", "iat", "exp", "name", "name_en", "ial"} <= claims.keys()


async def test_the_subject_is_the_same_at_every_sign_in(thaid):
    first, second = await thaid.sign_in(3), await thaid.sign_in(3)

    subjects = {
        jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"] for tokens in (first, second)
    }
    assert len(subjects) == 1


async def test_the_state_comes_back_unchanged(thaid):
    assert (await thaid.go(sandbox_citizen="3", state="a b&c=ก"))["state"] == "a b&c=ก"


async def test_a_code_works_once_and_a_second_use_takes_the_tokens_back(thaid, http):
    code = (await thaid.go(sandbox_citizen="3"))["code"]
    _, tokens = await thaid.token(code=code)

    status, error = await thaid.token(code=code)

    assert (status, error["error"]) == (400, "invalid_grant")
    asked = {"token": tokens["access_token"]}
    told = await (await http.post("/thaid/api/v2/oauth2/introspect/", data=asked, headers=thaid.basic)).json()
    assert told == {"active": False}


@pytest.mark.parametrize(
    "over",
    [
        {"code_verifier": "another-verifier"},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:9/auth/callback/"},
        {"code": "made-up"},
    ],
)
async def test_a_code_is_refused_when_anything_about_it_does_not_fit(thaid, over):
    code = (await thaid.go(sandbox_citizen="3"))["code"]

    status, error = await thaid.token(**{"code": code, **over})

    assert (status, error["error"]) == (400, "invalid_grant")


async def test_a_wrong_secret_is_refused(thaid, http):
    code = (await thaid.go(sandbox_citizen="3"))["code"]
    form = {"grant_type": "authorization_code", "code": code}

    reply = await http.post("/thaid/api/v2/oauth2/token/", data=form, headers={"authorization": "Basic dGFuZ3JhdDp4"})

    assert reply.status == 401
    assert (await reply.json())["error"] == "invalid_client"
    assert reply.headers["www-authenticate"].startswith("Basic")


async def test_a_refresh_token_is_changed_for_new_tokens_once(thaid):
    tokens = await thaid.sign_in(3)

    status, renewed = await thaid.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    again, error = await thaid.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    assert status == 200
    assert renewed["pid"] == tokens["pid"]
    assert renewed["access_token"] != tokens["access_token"]
    assert (again, error["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("written", ["{}", "Bearer {}"])
async def test_introspection_takes_the_token_as_both_published_samples_send_it(thaid, http, written):
    tokens = await thaid.sign_in(3)
    asked = {"token": written.format(tokens["access_token"])}

    told = await (await http.post("/thaid/api/v2/oauth2/introspect/", data=asked, headers=thaid.basic)).json()

    assert told["active"] is True
    assert told["pid"] == tokens["pid"]


async def test_revoking_one_token_ends_the_whole_sign_in(thaid, http):
    tokens = await thaid.sign_in(3)

    asked = {"token": tokens["refresh_token"]}
    reply = await http.post("/thaid/api/v2/oauth2/revoke/", data=asked, headers=thaid.basic)

    assert reply.status == 200
    asked = {"token": tokens["access_token"]}
    told = await (await http.post("/thaid/api/v2/oauth2/introspect/", data=asked, headers=thaid.basic)).json()
    assert told == {"active": False}


@pytest.mark.parametrize(
    ("over", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"state": ""}, "invalid_request"),
        ({"sandbox_cancel": "1"}, "access_denied"),
    ],
)
async def test_what_cannot_be_granted_goes_back_as_an_error(thaid, over, error):
    assert (await thaid.go(sandbox_citizen="3", **over))["error"] == error


@pytest.mark.parametrize(
    "over",
    [
        {"client_id": "somebody-else"},
        {"redirect_uri": "https://example.org/callback"},
        {"redirect_uri": "http://127.0.0.1.example.org/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "http://[broken"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(thaid, http, over):
    params = thaid.asked(sandbox_citizen="3", **over)

    reply = await http.get(AUTH, params=params, allow_redirects=False)

    assert reply.status == 400
    assert "location" not in reply.headers
    assert reply.content_type == "text/html"


async def test_once_the_api_is_known_only_its_callback_is_registered(thaid, http):
    await http.post("/sandbox/api", json={"url": "http://127.0.0.1:9/"})

    mine = await http.get(AUTH, params=thaid.asked(sandbox_citizen="3"), allow_redirects=False)
    other = thaid.asked(sandbox_citizen="3", redirect_uri="http://127.0.0.1:9/auth/callback2")
    not_mine = await http.get(AUTH, params=other, allow_redirects=False)

    assert (mine.status, not_mine.status) == (302, 400)


async def test_the_page_offers_the_twelve_samples_in_both_languages(thaid, http, nation):
    reply = await http.get(AUTH, params=thaid.asked(state='"><script>alert(1)</script>'))

    page = await reply.text()
    assert reply.status == 200
    assert reply.headers["x-frame-options"] == "DENY"
    for citizen in nation.samples():
        assert citizen.story.text.th in page
        assert citizen.first_name.en in page
    assert "<script>" not in page
    assert "sandbox_cancel=1" in page


async def test_a_link_on_the_phone_says_who_signs_in(thaid, http):
    told = await http.get("/phone", params={"citizen": "3"})
    cookie = told.cookies["sandbox_citizen"]

    reply = await http.get(
        AUTH, params=thaid.asked(), headers={"cookie": f"sandbox_citizen={cookie.value}"}, allow_redirects=False
    )

    assert (cookie.value, cookie["path"]) == ("3", "/thaid")
    assert "code=" in reply.headers["location"]
    assert reply.cookies["sandbox_citizen"]["max-age"] == "0"


async def test_the_dead_and_small_children_cannot_sign_in(thaid, http, somebody):
    dead = somebody(lambda c: not c.alive)
    child = somebody(lambda c: c.alive and c.birth.year >= 2022)

    for citizen in (dead, child):
        params = thaid.asked(sandbox_citizen=str(citizen.number))
        reply = await http.get(AUTH, params=params, allow_redirects=False)
        assert reply.status == 403
        assert reply.content_type == "text/html"


@pytest.mark.parametrize("number", ["0", "999999999", "12345678901234567890", "abc", "-1", "๓"])
async def test_a_number_nobody_has_is_a_page_that_says_so(thaid, http, number):
    reply = await http.get(AUTH, params=thaid.asked(sandbox_citizen=number), allow_redirects=False)

    assert reply.status == 404
    assert "There is no such citizen" in await reply.text()


async def test_unknown_parts_of_a_birth_date_are_zeros(thaid, somebody):
    elder = somebody(lambda c: c.alive and c.birth.month is None)

    tokens = await thaid.sign_in(elder.number)

    assert tokens["birthdate"] == f"{elder.birth.year}-00-00"


async def test_a_sign_in_may_be_asked_for_with_less_assurance(thaid):
    tokens = await thaid.sign_in(3, sandbox_ial="1.1")

    assert tokens["ial"] == "1.1"
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["ial"] == "1.1"


async def test_a_forgetful_thaid_knows_no_token(thaid, http):
    tokens = await thaid.sign_in(3)

    await http.delete("/sandbox/tokens", params={"agency": "thaid"})

    asked = {"token": tokens["access_token"]}
    told = await (await http.post("/thaid/api/v2/oauth2/introspect/", data=asked, headers=thaid.basic)).json()
    assert told == {"active": False}


async def test_a_lying_thaid_names_another_person_in_good_order(thaid, fault):
    await fault("thaid", "lying", operation="token")

    tokens = await thaid.sign_in(3)

    honest = (await thaid.go(sandbox_citizen="3"))["code"]
    assert honest
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["pid"] == tokens["pid"]
