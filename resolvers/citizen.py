"""The person who is signed in, in the graph: what agencies hold about them, and what they keep with us."""

from __future__ import annotations

import strawberry
from strawberry import field

from resolvers import agencies, trust
from resolvers import inbox as messages
from resolvers import preferences as wishes
from resolvers import social_security as insurance
from resolvers.agencies import HealthcareAnswer, HouseholdAnswer, ProfileAnswer
from resolvers.context import Context, Info
from resolvers.inbox import NotificationConnection
from resolvers.preferences import Device, Preferences
from resolvers.social_security import SocialSecurityAnswer
from resolvers.trust import AccessRecordConnection
from resolvers.values import Node, global_id


@strawberry.type(description="The person who is signed in. Agencies are asked for what is selected, all at once.")
class Citizen(Node):
    profile: ProfileAnswer = field(resolver=agencies.profile, description="Who they are, by the civil register (DOPA).")
    household: HouseholdAnswer = field(
        resolver=agencies.household, description="The house they are registered in (DOPA)."
    )
    social_security: SocialSecurityAnswer = field(
        resolver=insurance.social_security,
        description="How they are insured, and what was paid, saved and claimed (SSO).",
    )
    healthcare: HealthcareAnswer = field(resolver=agencies.healthcare, description="Their right to care (NHSO).")
    inbox: NotificationConnection = field(resolver=messages.inbox, description="What they were told, the newest first.")
    preferences: Preferences = field(resolver=wishes.preferences, description="How they want to be told.")
    devices: list[Device] = field(
        resolver=wishes.devices, description="Their phones and browsers that ring, the one seen last first."
    )
    access_records: AccessRecordConnection = field(
        resolver=trust.access_records, description="Who looked at their data, the newest first."
    )


def me(info: Info) -> Citizen | None:
    """The person who is signed in; None where nobody is."""
    session = info.context.session
    return None if session is None else Citizen(id=global_id("Citizen", session.person))


def node(local: str, context: Context) -> Citizen | None:
    """Oneself; None for anybody else, as for somebody who never was."""
    session = context.session
    return Citizen(id=global_id("Citizen", local)) if session is not None and session.person == local else None
