"""How a person wants to be told, in the graph: their phones, channels, quiet hours and muted topics."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import UNSET, enum_value, field

from foundation.errors import BadInput, NotFound, SuperAppError
from notifications import devices as phones
from notifications import preferences as wishes
from resolvers.context import Context, Info
from resolvers.values import Node, Problem, global_id, local_id, problem_of

_KIND = "Device"


@strawberry.enum(description="A language of this system.")
class Language(Enum):
    TH = enum_value("th", description="Thai.")
    EN = enum_value("en", description="English.")


@strawberry.enum(description="What kind of device rings.")
class DevicePlatform(Enum):
    ANDROID = enum_value("ANDROID", description="An Android phone or tablet.")
    IOS = enum_value("IOS", description="An iPhone or iPad.")
    WEB = enum_value("WEB", description="A browser.")


@strawberry.type(description="A phone or browser that rings for its person. Its push token is never shown.")
class Device(Node):
    platform: DevicePlatform = field(description="What kind it is.")
    language: Language | None = field(description="The language it is rung in, if not the person's own.")
    registered_at: datetime = field(description="Since when it rings for this person.")
    seen_at: datetime = field(description="When it registered last.")


@strawberry.type(description="The hours, in Thailand, in which nothing rings. They may span midnight.")
class QuietHours:
    start: str = field(description="`HH:MM`, when they begin.")
    end: str = field(description="`HH:MM`, when they end.")


@strawberry.type(description="How a person wants to be told.")
class Preferences:
    language: Language = field(description="The language of what rings.")
    push: bool = field(description="Whether their devices ring.")
    sms: bool = field(description="Whether an SMS is sent where no device can be rung.")
    mobile: str | None = field(description="Where an SMS goes: their number in E.164.")
    quiet_hours: QuietHours | None = field(description="When nothing rings; null: there are none.")
    muted_topics: list[str] = field(description="Topics that don't ring; they still reach the inbox.")


async def devices(info: Info) -> list[Device]:
    context = info.context
    return [_device(one) for one in await context.services.devices.list(context.person)]


async def preferences(info: Info) -> Preferences:
    context = info.context
    return _preferences(await context.services.preferences.get(context.person))


async def node(local: str, context: Context) -> Device | None:
    """One's own device; None for anybody else's, as for one that never was."""
    if context.session is None:
        return None
    found = await context.services.devices.list(context.person)
    return next((_device(one) for one in found if one.id == local), None)


@strawberry.input(description="A device that is to ring from now on.")
class RegisterDeviceInput:
    token: str = field(description="What the push service calls the device.")
    platform: DevicePlatform = field(description="What kind it is.")
    client_key: str = field(
        description="The app's own name for its installation, kept across starts. Registering again with it is the same"
        " device, whatever its token is by now."
    )
    language: Language | None = field(default=None, description="The language to ring it in, if not the person's own.")
    firebase_installation: str | None = field(default=None, description="Firebase's name for the installation.")


@strawberry.type(description="What came of it.")
class RegisterDevicePayload:
    device: Device | None = field(description="The device; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


@strawberry.input(description="Which device.")
class RemoveDeviceInput:
    id: strawberry.ID = field(description="The device's id, as `Device.id` gives it.")


@strawberry.type(description="What came of it.")
class RemoveDevicePayload:
    removed_id: strawberry.ID | None = field(description="The id of the device that no longer rings.")
    problems: list[Problem] = field(description="What stood in the way; empty where nothing did.")


@strawberry.input(description="Hours in which nothing rings.")
class QuietHoursInput:
    start: str = field(description="`HH:MM`, when they begin.")
    end: str = field(description="`HH:MM`, when they end.")


@strawberry.input(description="What to change; what is left out stays as it is.")
class UpdatePreferencesInput:
    language: Language | None = field(default=UNSET, description="The language of what rings.")
    push: bool | None = field(default=UNSET, description="Whether their devices ring.")
    sms: bool | None = field(default=UNSET, description="Whether an SMS is sent where no device can be rung.")
    mobile: str | None = field(default=UNSET, description="Where an SMS goes; null takes the number away.")
    quiet_hours: QuietHoursInput | None = field(default=UNSET, description="When nothing rings; null takes them away.")
    muted_topics: list[str] | None = field(default=UNSET, description="Topics that don't ring; null mutes none.")


@strawberry.type(description="What came of it.")
class UpdatePreferencesPayload:
    preferences: Preferences | None = field(description="The wishes as they are now; null where there is a problem.")
    problems: list[Problem] = field(description="What stood in the way; then nothing was changed.")


async def _register(
    info: Info,
    given: Annotated[RegisterDeviceInput, strawberry.argument(name="input", description="The device.")],
) -> RegisterDevicePayload:
    context = info.context
    try:
        device = await context.services.devices.register(
            context.person,
            given.token,
            given.platform.name,
            key=given.client_key,
            fid=given.firebase_installation,
            language=None if given.language is None else given.language.name.lower(),
        )
    except SuperAppError as exc:
        return RegisterDevicePayload(device=None, problems=[_problem(exc, context)])
    return RegisterDevicePayload(device=_device(device), problems=[])


async def _remove(
    info: Info,
    given: Annotated[RemoveDeviceInput, strawberry.argument(name="input", description="Which device.")],
) -> RemoveDevicePayload:
    context = info.context
    try:
        person, local = context.person, local_id(given.id, _KIND)
        if local is None or not await context.services.devices.remove(person, local):
            raise NotFound("there is no such device", th="ไม่มีอุปกรณ์นี้", field="id")
    except SuperAppError as exc:
        return RemoveDevicePayload(removed_id=None, problems=[_problem(exc, context)])
    return RemoveDevicePayload(removed_id=given.id, problems=[])


async def _update(
    info: Info,
    given: Annotated[UpdatePreferencesInput, strawberry.argument(name="input", description="What to change.")],
) -> UpdatePreferencesPayload:
    context = info.context
    try:
        settings = await context.services.preferences.update(context.person, _changes(given))
    except SuperAppError as exc:
        return UpdatePreferencesPayload(preferences=None, problems=[_problem(exc, context)])
    return UpdatePreferencesPayload(preferences=_preferences(settings), problems=[])


@strawberry.type
class PreferencesMutation:
    register_device: RegisterDevicePayload = field(
        resolver=_register,
        description="Ring this device from now on. The same token or `clientKey` again changes nothing.",
    )
    remove_device: RemoveDevicePayload = field(resolver=_remove, description="Stop ringing a device.")
    update_preferences: UpdatePreferencesPayload = field(
        resolver=_update, description="Change how one wants to be told: all that is named, or nothing."
    )


# What the rooms below call an input field, where the graph calls it something else.
_FIELDS = {"key": "clientKey", "fid": "firebaseInstallation", "channels": "push"}


def _problem(exc: SuperAppError, context: Context) -> Problem:
    problem = problem_of(exc, context.language)
    problem.field_ = _FIELDS.get(problem.field_ or "", problem.field_)
    return problem


def _changes(given: UpdatePreferencesInput) -> wishes.Changes:
    changes = wishes.Changes()
    for name in ("language", "push", "sms"):
        if getattr(given, name) is None:
            raise BadInput(f"{name} can't be null", th=f"{name} ต้องไม่เป็น null", field=name)
    if given.language is not UNSET and given.language is not None:
        changes["language"] = given.language.name.lower()
    if given.push is not UNSET and given.push is not None:
        changes["push"] = given.push
    if given.sms is not UNSET and given.sms is not None:
        changes["sms"] = given.sms
    if given.mobile is not UNSET:
        changes["mobile"] = given.mobile
    if given.quiet_hours is not UNSET:
        hours = given.quiet_hours
        changes["quiet_hours"] = None if hours is None else (hours.start, hours.end)
    if given.muted_topics is not UNSET:
        changes["muted_topics"] = given.muted_topics or []
    return changes


def _device(one: phones.Device) -> Device:
    return Device(
        id=global_id(_KIND, one.id),
        platform=DevicePlatform[one.platform],
        language=None if one.language is None else Language(one.language),
        registered_at=one.registered_at,
        seen_at=one.seen_at,
    )


def _preferences(settings: wishes.Settings) -> Preferences:
    hours = settings.quiet_hours
    return Preferences(
        language=Language(settings.language),
        push=settings.push,
        sms=settings.sms,
        mobile=settings.mobile,
        quiet_hours=None if hours is None else QuietHours(start=f"{hours.start:%H:%M}", end=f"{hours.end:%H:%M}"),
        muted_topics=list(settings.muted_topics),
    )
