from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import settings
from foundation.settings import Secret, SettingsWrong

KEY = base64.b64encode(bytes(32)).decode()


def test_development_needs_nothing_and_points_at_the_sandbox() -> None:
    told = settings.read({})

    assert told.thaid_issuer == "http://127.0.0.1:8100/thaid"
    assert told.app_redirect_uris == ("http://127.0.0.1:8100/phone/signed-in",)
    assert told.issuer == "http://127.0.0.1:8000"


def test_another_sandbox_port_moves_every_address_that_points_there() -> None:
    told = settings.read({"TANGRAT_SANDBOX_PORT": "9100", "TANGRAT_NHSO_URL": "https://nhso.example/api"})

    assert told.sso_url.startswith("http://127.0.0.1:9100/")
    assert told.nhso_url == "https://nhso.example/api"


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsWrong) as caught:
        settings.read({
            "TANGRAT_PORT": "70000",
            "TANGRAT_ENV": "staging",
            "TANGRAT_MASTER_KEY": "short",
            "TANGRAT_GDX_URL": "gdx",
            "TANGRAT_AGENCY_DEADLINE_S": "nan",
            "TANGRAT_PROT": "8000",
            "HOME": "/root",
        })  # fmt: skip

    said = str(caught.value)
    assert "TANGRAT_PORT must be a whole number from 0 to 65535" in said
    assert "TANGRAT_ENV must be one of development, production" in said
    assert "TANGRAT_MASTER_KEY must be base64 of exactly 32 bytes" in said
    assert "TANGRAT_GDX_URL must be an http(s) address" in said
    assert "TANGRAT_AGENCY_DEADLINE_S must be a number" in said
    assert "TANGRAT_PROT is not a setting; did you mean TANGRAT_PORT?" in said
    assert len(caught.value.problems) == 6


def test_production_takes_nothing_for_granted() -> None:
    with pytest.raises(SettingsWrong) as caught:
        settings.read({"TANGRAT_ENV": "production"})

    named = {problem.split()[0] for problem in caught.value.problems}
    assert {"TANGRAT_MONGODB_URI", "TANGRAT_MASTER_KEY", "TANGRAT_THAID_CLIENT_SECRET", "TANGRAT_SSO_URL"} <= named


def test_the_example_for_production_names_every_setting_that_production_needs(project: Path) -> None:
    lines = (project / "docs/production.env.example").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    told["TANGRAT_MASTER_KEY"] = KEY

    assert settings.read(told).is_production


def test_of_the_nhsos_two_dialects_production_must_say_only_what_the_chosen_one_needs() -> None:
    def missing(dialect: str) -> set[str]:
        with pytest.raises(SettingsWrong) as caught:
            settings.read({"TANGRAT_ENV": "production", "TANGRAT_NHSO_DIALECT": dialect})
        return {one.split()[0] for one in caught.value.problems if one.startswith("TANGRAT_NHSO")}

    assert missing("v2") == {"TANGRAT_NHSO_URL", "TANGRAT_NHSO_TOKEN"}
    assert missing("v1") == {
        "TANGRAT_NHSO_V1_URL", "TANGRAT_NHSO_V1_TOKEN_URL", "TANGRAT_NHSO_V1_REFRESH_TOKEN",
    }  # fmt: skip


def test_production_refuses_plain_http_and_a_movable_day() -> None:
    with pytest.raises(SettingsWrong) as caught:
        settings.read({
            "TANGRAT_ENV": "production",
            "TANGRAT_PUBLIC_URL": "http://api.example.go.th",
            "TANGRAT_CLOCK_URL": "http://127.0.0.1:8100/sandbox/clock",
        })  # fmt: skip

    assert "TANGRAT_PUBLIC_URL must be https" in str(caught.value)
    assert "TANGRAT_CLOCK_URL moves the legal day" in str(caught.value)


@pytest.mark.parametrize("biller", ["change-me", "09940001655010", "0994000165501000", "๐๙๙๔๐๐๐๑๖๕๕๐๑๐๐"])
def test_a_biller_is_fifteen_digits(biller: str) -> None:
    with pytest.raises(SettingsWrong, match="TANGRAT_EPAYMENT_BILLER_ID must be 15 digits"):
        settings.read({"TANGRAT_EPAYMENT_BILLER_ID": biller})


def test_a_secret_does_not_print() -> None:
    told = settings.read({"TANGRAT_SSO_PASSWORD": "hunter2-and-more", "TANGRAT_MASTER_KEY": KEY})

    assert "hunter2" not in repr(told)
    assert KEY not in repr(told)
    assert told.sso_password == Secret("hunter2-and-more")


@given(st.dictionaries(st.sampled_from(["TANGRAT_PORT", "TANGRAT_ENV", "TANGRAT_MASTER_KEY", "TANGRAT_GDX_URL",
                                        "TANGRAT_APP_REDIRECT_URIS", "TANGRAT_DATA_DIR", "TANGRAT_X"]), st.text()))  # fmt: skip
def test_any_environment_is_read_or_refused_by_name(environment: dict[str, str]) -> None:
    try:
        settings.read(environment)
    except SettingsWrong as exc:
        assert all(problem.startswith("TANGRAT_") for problem in exc.problems)


def test_the_settings_page_is_what_the_code_prints(project: Path) -> None:
    assert (project / "docs/settings.md").read_text() == settings.reference()
