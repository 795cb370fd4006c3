"""Mini apps in the graph: which there are, what each gets, going into one, and taking back what one allowed.

Going in is kept by a client key: a phone that lost the reply gets the same entry again, and an mToken is good for one.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import field

from foundation import language as words
from foundation.errors import NotFound, SuperAppError
from resolvers.catalogue import Agency
from resolvers.context import Context, Info
from resolvers.values import Problem, Text, global_id, problem_of, say
from trust import mini_apps as trusted

_KIND = "MiniApp"


@strawberry.type(description="An agency's own pages inside the app.")
class MiniApp:
    id: strawberry.ID = field(description="Opaque and unique in the whole graph.")
    app_id: str = field(description="Its AppId, by which `openMiniApp` and its own backend name it.")
    name: Text = field(description="What it is called.")
    agency: Agency | None = field(description="Whose it is; null where the catalogue no longer has that agency.")
    url: str = field(description="Where its pages begin. Open it through `openMiniApp`, which adds the entry.")
    data: list[Text] = field(description="What it gets of somebody who opens it, in words.", metadata={"about": 3})
    consent_text: Text = field(description="What a person agrees to by opening it the first time, word for word.")
    consent_version: str = field(description="The version of that wording; another one is asked about again.")


@strawberry.type(description="What a person allowed a mini app.")
class MiniAppConsent:
    app_id: str = field(description="The mini app's AppId.")
    mini_app: MiniApp | None = field(description="The mini app; null where it is no longer there.")
    given_at: datetime = field(description="Since when.")
    text_version: str = field(description="The version of the wording that was agreed to.")
    data: list[Text] = field(description="What was allowed, in words.", metadata={"about": 3})
    withdrawn_at: datetime | None = field(description="When it was taken back; null: it stands.")


@strawberry.type(description="One entry into a mini app.")
class MiniAppLanding:
    app_id: str = field(description="The mini app's AppId.")
    m_token: str = field(
        description="What its backend trades, once and within two minutes, for who the person is. Not to be kept."
    )
    url: str = field(description="Where to send the WebView, with `appId` and `mToken` in its query.")
    expires_at: datetime = field(description="Until when the mToken is good.")


@strawberry.input(description="Which mini app to go into.")
class OpenMiniAppInput:
    app_id: str = field(description="Its AppId.")
    consent: bool = field(
        description="Whether the person agrees, now, to its `consentText`. Needed the first time and where the wording or"
        " the data has changed; afterwards it makes no difference."
    )
    client_key: str = field(
        description="Made up by the app for this entry, up to 200 characters. Sent again with it, the same entry is"
        " answered; a new entry takes a new one."
    )


@strawberry.type(description="What came of it.")
class OpenMiniAppPayload:
    landing: MiniAppLanding | None = field(description="The entry; null where there is a problem.")
    problems: list[Problem] = field(
        description="What stood in the way; empty where nothing did. `CONSENT_NEEDED`: show the `consentText` first."
    )


@strawberry.input(description="Which mini app is to learn and send nothing any more.")
class RevokeMiniAppConsentInput:
    app_id: str = field(description="Its AppId.")


@strawberry.type(description="What came of it.")
class RevokeMiniAppConsentPayload:
    consent: MiniAppConsent | None = field(description="The consent as it is now; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


async def mini_apps(info: Info) -> list[MiniApp]:
    return [_mini_app(one, info.context) for one in await info.context.services.mini_apps.list()]


async def consents(info: Info) -> list[MiniAppConsent]:
    context = info.context
    given = await context.services.mini_apps.consents(context.person)
    apps = {one.id: one for one in await context.services.mini_apps.list()} if given else {}
    return [_consent(one, apps.get(one.app), context) for one in given]


async def _open(
    info: Info,
    given: Annotated[OpenMiniAppInput, strawberry.argument(name="input", description="Which one.")],
) -> OpenMiniAppPayload:
    context = info.context
    try:
        landing = await _enter(given, context)
    except SuperAppError as exc:
        return OpenMiniAppPayload(landing=None, problems=[problem_of(exc, context.language)])
    return OpenMiniAppPayload(landing=landing, problems=[])


async def _enter(given: OpenMiniAppInput, context: Context) -> MiniAppLanding:
    person, keys = context.person, context.services.client_keys
    wished = {"app_id": given.app_id, "consent": str(given.consent)}
    wish = await keys.begin(person, "openMiniApp", given.client_key, wished)
    if wish.outcome is not None:
        return _remembered(wish.outcome)
    try:
        entry = await context.services.mini_apps.enter(person, given.app_id, agrees=given.consent)
    except SuperAppError:
        await keys.release(wish)  # nothing was done
        raise
    await keys.settle(wish, asdict(entry))
    return MiniAppLanding(app_id=entry.app, m_token=entry.m_token, url=entry.url, expires_at=entry.expires_at)


def _remembered(outcome: dict[str, Any]) -> MiniAppLanding:
    return MiniAppLanding(
        app_id=outcome["app"],
        m_token=outcome["m_token"],
        url=outcome["url"],
        expires_at=datetime.fromisoformat(outcome["expires_at"]),
    )


async def _revoke(
    info: Info,
    given: Annotated[RevokeMiniAppConsentInput, strawberry.argument(name="input", description="Which one.")],
) -> RevokeMiniAppConsentPayload:
    context = info.context
    try:
        consent = await context.services.mini_apps.withdraw(context.person, given.app_id)
        if consent is None:
            raise NotFound("nothing was allowed to such a mini app", th="ไม่เคยให้ความยินยอมแก่มินิแอปนี้", field="appId")
    except SuperAppError as exc:
        return RevokeMiniAppConsentPayload(consent=None, problems=[problem_of(exc, context.language)])
    app = await context.services.mini_apps.get(consent.app)
    return RevokeMiniAppConsentPayload(consent=_consent(consent, app, context), problems=[])


@strawberry.type
class MiniAppMutation:
    open_mini_app: OpenMiniAppPayload = field(
        resolver=_open, description="Go into a mini app. The first time, the person must agree to what it gets."
    )
    revoke_mini_app_consent: RevokeMiniAppConsentPayload = field(
        resolver=_revoke,
        description="Take back what a mini app was allowed: from now on it learns and sends nothing. Twice is once.",
    )


def _mini_app(app: trusted.MiniApp, context: Context) -> MiniApp:
    agency = context.shelf.agencies.get(app.agency)
    whose = words.Text(th=agency.name.th, en=agency.name.en) if agency else words.Text(th=app.agency, en=app.agency)
    return MiniApp(
        id=global_id(_KIND, app.id),
        app_id=app.id,
        name=say(app.name, context.language),
        agency=agency,
        url=app.url,
        data=_data(app.scopes, context),
        consent_text=say(app.consent_text(whose), context.language),
        consent_version=trusted.CONSENT_VERSION,
    )


def _consent(consent: trusted.Consent, app: trusted.MiniApp | None, context: Context) -> MiniAppConsent:
    return MiniAppConsent(
        app_id=consent.app,
        mini_app=None if app is None else _mini_app(app, context),
        given_at=consent.given_at,
        text_version=consent.text_version,
        data=_data(consent.scopes, context),
        withdrawn_at=consent.withdrawn_at,
    )


def _data(scopes: tuple[str, ...], context: Context) -> list[Text]:
    return [say(trusted.SCOPES[one], context.language) for one in scopes if one in trusted.SCOPES]
