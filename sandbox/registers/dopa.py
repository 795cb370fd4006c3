"""What the Department of Provincial Administration tells besides its own dialect: notes, children's standing, deaths."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from sandbox import local, means
from sandbox.agencies.standard import Answer, Asked
from sandbox.civil import Registry
from sandbox.people import Citizen, Words
from sandbox.registers.lao import lives_in
from sandbox.samples import SAMPLES, anniversary

_NAME_TO_CHANGE: Final = 5  # the bride whose papers still bear her own surname
_CARD_YEARS = 8
_WITH_THAID = 42  # per cent of those of 15 to 70 (assumed)
_LEGITIMATED = 30  # per cent of unmarried fathers registered their child as theirs (assumed)
_ADOPTED_AWAY = 400  # one child in so many (assumed)


def get_register_notes(asked: Asked) -> Mapping[str, Any]:
    person = asked.person
    is_thai = person.nationality == "thai"
    authority, seat = local.authority(person.address), local.constituency(person.address)
    since = person.moved_in if person.moved_in <= asked.today else person.birth.earliest()
    return {
        "name_matches_documents": _name_matches(asked),
        "house_register_type": "tr14" if is_thai else "tr13",
        "local_authority_id": authority.code,
        "local_authority": authority.name,
        "id_card_lost_date": _lost_on(asked),
        "has_thaid": _has_thaid(asked),
        "constituency": seat.name if is_thai else None,
        "constituency_registered_date": since if is_thai else None,
    }


def get_child_status(asked: Asked) -> Mapping[str, Any] | None:
    """A child is its mother's by birth; its father's by marriage, legitimation or judgment."""
    parent, child = asked.person, asked.world.find(asked.arguments["child_id"])
    if child is None or parent.number not in (child.father, child.mother):
        return None
    lawful_by = "birth" if parent.number == child.mother else _fathers_title(asked, parent, child)
    return {
        "legitimate_for_claimant": lawful_by is not None,
        "lawful_by": lawful_by,
        "adopted_by_other": not means.is_sample(child) and asked.dice(f"adopted {child.number}") % _ADOPTED_AWAY == 0,
    }


def get_death(asked: Asked) -> Mapping[str, Any] | None:
    """A death is told to the office within a day, and the certificate given there and then."""
    late = asked.world.find(asked.arguments["deceased_id"])
    if late is None or late.alive or late.died_on is None:
        return None
    certified = min(late.died_on + timedelta(days=1), asked.today)
    kind = "เขต" if late.address.subdistrict_code.startswith("10") else "อำเภอ"
    return {
        "death_date": late.died_on,
        "death_certificate_date": certified,
        "certificate_no": f"{asked.dice('certificate') % 900 + 1}/{certified.year + 543}",
        "office": Words(
            th=f"สำนักทะเบียน{kind}{late.address.district.th}", en=f"{late.address.district.en} District Registry"
        ),
    }


def get_owner_registration(asked: Asked) -> Mapping[str, Any] | None:
    parcel = means.parcel(asked.world, asked.arguments["property_id"])
    try:
        day = date.fromisoformat(asked.arguments["tax_day"])
    except ValueError:
        return None
    if parcel is None or parcel.owner != asked.person.number:
        return None
    return {"tax_day": day, "owner_in_house_register_jan1": lives_in(asked.world, asked.person, parcel, day)}


def _name_matches(asked: Asked) -> bool:
    """Who took another name carries a card with the old one until it is renewed."""
    person = asked.person
    if means.is_sample(person):
        return person.number != _NAME_TO_CHANGE
    expires = person.id_card_expires
    changes = [one for one in Registry(asked.world.nation).name_changes(person) if one.changed_on <= asked.today]
    if not changes or expires is None:
        return True
    issued = anniversary(expires, expires.year - _CARD_YEARS)
    return changes[-1].changed_on <= issued or asked.dice("renewed") % 4 != 0


def _lost_on(asked: Asked) -> date | None:
    if asked.person.id_card not in ("lost", "damaged"):
        return None
    return min(asked.world.nation.day_zero - timedelta(days=asked.dice("lost") % 90), asked.today)


def _has_thaid(asked: Asked) -> bool:
    """The samples have it: they sign in with it."""
    person, age = asked.person, asked.world.age(asked.person)
    if person.number in SAMPLES:
        return True
    return person.id_card in ("valid", "lifetime") and 15 <= age <= 70 and asked.dice("thaid") % 100 < _WITH_THAID


def _fathers_title(asked: Asked, father: Citizen, child: Citizen) -> str | None:
    marriages = Registry(asked.world.nation).marriages(father)
    if any(one.registered_on <= asked.today for one in marriages):
        return "marriage"
    draw = asked.dice(f"legitimation {child.number}") % 100
    if draw < _LEGITIMATED:
        return "legitimation"
    return "court" if draw < _LEGITIMATED + 2 else None


ANSWERS: Final[Mapping[str, Answer]] = {
    "get_register_notes": get_register_notes,
    "get_child_status": get_child_status,
    "get_death": get_death,
    "get_owner_registration": get_owner_registration,
}
