"""The person who is signed in, in the graph: what agencies hold about them, and what they keep with us."""

from __future__ import annotations

import strawberry
from strawberry import field

from resolvers import agencies, trust
from resolvers import allowances as granted
from resolvers import applications as filed
from resolvers import business as traded
from resolvers import child_support as cared_for
from resolvers import concessions as reduced
from resolvers import consents as allowed
from resolvers import disability as carded
from resolvers import disasters as struck
from resolvers import education as studied
from resolvers import employment as worked
from resolvers import entitlements as due
from resolvers import farming as farmed
from resolvers import health_records as charted
from resolvers import inbox as messages
from resolvers import journeys as under_way
from resolvers import land as owned
from resolvers import land_tax as taxed
from resolvers import lifeline as lived
from resolvers import military as drafted
from resolvers import mini_apps as opened
from resolvers import own_words as said
from resolvers import passport as abroad
from resolvers import payments as paid
from resolvers import preferences as wishes
from resolvers import promptpay as banked
from resolvers import records as recorded
from resolvers import savings as saved
from resolvers import social_cases as aided
from resolvers import social_security as insurance
from resolvers import tax as earned
from resolvers import utilities as supplied
from resolvers import vehicles as transport
from resolvers import voting as elections
from resolvers import welfare as entitled
from resolvers.agencies import HealthcareAnswer, HouseholdAnswer, ProfileAnswer
from resolvers.allowances import AllowancesAnswer
from resolvers.applications import ApplicationConnection
from resolvers.business import BusinessesAnswer
from resolvers.child_support import ChildSupportAnswer
from resolvers.concessions import ConcessionsAnswer
from resolvers.consents import Consent
from resolvers.context import Context, Info
from resolvers.disability import DisabilityAnswer
from resolvers.disasters import DisastersAnswer
from resolvers.education import EducationAnswer
from resolvers.employment import EmploymentAnswer
from resolvers.entitlements import EntitlementConnection
from resolvers.farming import FarmingAnswer
from resolvers.health_records import HealthRecordsAnswer
from resolvers.inbox import NotificationConnection
from resolvers.journeys import JourneyConnection
from resolvers.land import LandAnswer
from resolvers.land_tax import LandTaxAnswer
from resolvers.lifeline import LifelineEntry
from resolvers.military import MilitaryAnswer
from resolvers.mini_apps import MiniAppConsent
from resolvers.own_words import Declaration
from resolvers.passport import PassportAnswer
from resolvers.payments import PaymentConnection
from resolvers.preferences import Device, Preferences
from resolvers.promptpay import PromptPayAnswer
from resolvers.records import Disagreement, RecordAnswer
from resolvers.savings import SavingsAnswer
from resolvers.social_cases import SocialCasesAnswer
from resolvers.social_security import SocialSecurityAnswer
from resolvers.tax import TaxAnswer
from resolvers.trust import AccessRecordConnection
from resolvers.utilities import Utilities
from resolvers.values import Node, global_id
from resolvers.vehicles import LicencesAnswer, VehiclesAnswer
from resolvers.voting import VotingAnswer
from resolvers.welfare import WelfareAnswer


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
    vehicles: VehiclesAnswer = field(resolver=transport.vehicles, description="Their vehicles (DLT).")
    licences: LicencesAnswer = field(resolver=transport.licences, description="Their driving licences (DLT).")
    tax: TaxAnswer = field(
        resolver=earned.tax, description="A year's income, and beside it the return, refunds, turnover and VAT (RD)."
    )
    land: LandAnswer = field(
        resolver=owned.land, description="Land and flats they own (DOL), each with its official value (Treasury)."
    )
    welfare: WelfareAnswer = field(
        resolver=entitled.welfare, description="The state welfare card (FPO), and beside it what the state pays (CGD)."
    )
    business: BusinessesAnswer = field(resolver=traded.business, description="Their shops and companies (DBD).")
    passport: PassportAnswer = field(resolver=abroad.passport, description="Their passport (DCA).")
    savings: SavingsAnswer = field(
        resolver=saved.savings,
        description="The National Savings Fund (NSF), and beside it a pension or provident fund (GPF).",
    )
    promptpay: PromptPayAnswer = field(
        resolver=banked.promptpay, description="PromptPay, and beside it loans and credit cards (BOT)."
    )
    farming: FarmingAnswer = field(resolver=farmed.farming, description="The register of farmers (DOAE).")
    employment: EmploymentAnswer = field(
        resolver=worked.employment,
        description="Their work (SSO), and beside it registration as unemployed, vacancies, complaints and courses.",
    )
    allowances: AllowancesAnswer = field(
        resolver=granted.allowances, description="The old-age and the disability allowance (local authority)."
    )
    land_and_building_tax: LandTaxAnswer = field(
        resolver=taxed.land_and_building_tax, description="The land and building tax of a year (local authority)."
    )
    voting: VotingAnswer = field(resolver=elections.voting, description="The next election and their part in it (ECT).")
    disasters: DisastersAnswer = field(
        resolver=struck.disasters, description="Disasters where they live, and relief (DDPM)."
    )
    education: EducationAnswer = field(
        resolver=studied.education,
        description="Their studies (OBEC), and beside them university, student loan, schools nearby and their children's.",
    )
    child_support: ChildSupportAnswer = field(
        resolver=cared_for.child_support, description="The Child Support Grant of each of their children (DCY)."
    )
    health_records: HealthRecordsAnswer = field(
        resolver=charted.health_records,
        description="Their vaccinations (MOPH), and beside them other health records and their children's vaccinations.",
    )
    disability: DisabilityAnswer = field(resolver=carded.disability, description="Their disability card (DEP).")
    social_cases: SocialCasesAnswer = field(
        resolver=aided.social_cases,
        description="Requests for assistance (DSDW), and beside them claims, courts, police and legal aid.",
    )
    military: MilitaryAnswer = field(resolver=drafted.military, description="Their military duty (recruiting office).")
    utilities: Utilities = field(resolver=supplied.utilities, description="Electricity and water of their home.")
    concessions: ConcessionsAnswer = field(resolver=reduced.concessions, description="Their fare concessions.")
    entitlements: EntitlementConnection = field(
        resolver=due.entitlements,
        description="What they are entitled to, and why: every service, for them and for each child, vehicle, parcel ….",
    )
    lifeline: list[LifelineEntry] = field(
        resolver=lived.lifeline,
        description="Their life as a line of dates, from birth to old age: what happened, what holds now, what comes.",
        metadata={"about": 100},
    )
    records: list[RecordAnswer] = field(
        resolver=recorded.records,
        description="What one agency holds about them, every question a card of named fields.",
        metadata={"about": 4},
    )
    disagreements: list[Disagreement] = field(
        resolver=recorded.disagreements,
        description="Facts about them on which agencies differ, with what each says.",
        metadata={"about": 1},
    )
    declarations: list[Declaration] = field(
        resolver=said.declarations,
        description="What they said of themselves, the latest first.",
        metadata={"about": 5},
    )
    journeys: JourneyConnection = field(
        resolver=under_way.journeys,
        description="Their ways through the services of what happened to them, the one opened last first.",
    )
    inbox: NotificationConnection = field(resolver=messages.inbox, description="What they were told, the newest first.")
    preferences: Preferences = field(resolver=wishes.preferences, description="How they want to be told.")
    devices: list[Device] = field(
        resolver=wishes.devices, description="Their phones and browsers that ring, the one seen last first."
    )
    consents: list[Consent] = field(
        resolver=allowed.consents,
        description="What they allow this app about each agency that can be asked.",
        metadata={"about": 60},
    )
    mini_app_consents: list[MiniAppConsent] = field(
        resolver=opened.consents,
        description="What they allowed mini apps, the latest first; what they took back too.",
        metadata={"about": 10},
    )
    payments: PaymentConnection = field(resolver=paid.of_citizen, description="Their payments, the newest first.")
    applications: ApplicationConnection = field(
        resolver=filed.applications, description="Their requests to agencies, the one changed last first."
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
