"""Fare concessions on railways and public transport, worked out from age, disability card, studies and ordination."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from sandbox import schooling
from sandbox.agencies.standard import Answer, Asked
from sandbox.civil import Registry
from sandbox.people import Words
from sandbox.registers import onab
from sandbox.samples import anniversary
from sandbox.world import age_on

_RAILWAY = Words(th="การรถไฟแห่งประเทศไทย", en="State Railway of Thailand")
_METRO = Words(th="รถไฟฟ้าสายในกำกับของรัฐ", en="State metro lines")
_BUSES = Words(th="ขสมก. และ บขส.", en="BMTA and Transport Co. buses")
_ID_CARD = Words(th="บัตรประจำตัวประชาชน", en="Identity card")
_OLD, _CHILD = 60, 12


def get_concession(asked: Asked) -> Mapping[str, Any] | None:
    return {"concessions": list(_concessions(asked))} if asked.person.alive else None


def _concessions(asked: Asked) -> Iterator[dict[str, Any]]:
    person, today = asked.person, asked.today
    age, born = age_on(person.birth, today), person.birth.earliest()
    if age >= _OLD and person.nationality == "thai":
        since = anniversary(born, born.year + _OLD)
        name = Words(th="ลดค่าโดยสารผู้สูงอายุ", en="Fares for older persons")
        for carrier in (_RAILWAY, _METRO, _BUSES):
            yield _one("older_person", name, carrier, 50, _ID_CARD, since)
    card = Registry(asked.world.nation).disability_card(person)
    if card and card.issued_on <= today <= card.expires_on:
        name = Words(th="ค่าโดยสารคนพิการ", en="Fares for persons with disabilities")
        shown = Words(th="บัตรประจำตัวคนพิการ", en="Disability card")
        yield _one("disability", name, _RAILWAY, 50, shown, card.issued_on, card.expires_on)
        yield _one("disability", name, _METRO, 100, shown, card.issued_on, card.expires_on)
    if age < _CHILD:
        name = Words(th="ค่าโดยสารเด็ก", en="Children's fares")
        shown = Words(th="ส่วนสูงไม่เกิน 150 เซนติเมตร", en="Height up to 150 centimetres")
        yield _one("child", name, _RAILWAY, 50, shown, None, anniversary(born, born.year + _CHILD))
    elif schooling.study(asked.world, person) is not None and age < 23:
        name = Words(th="ลดค่าโดยสารนักเรียน นักศึกษา", en="Fares for pupils and students")
        shown = Words(th="บัตรนักเรียนหรือนักศึกษา", en="Student card")
        yield _one("pupil", name, _METRO, 10, shown, None, anniversary(born, born.year + 23))
    if onab.ordination(asked):
        name = Words(th="ลดค่าโดยสารพระภิกษุสามเณร", en="Fares for monks and novices")
        yield _one("clergy", name, _RAILWAY, 50, Words(th="หนังสือสุทธิ", en="Ordination book"), None)


def _one(
    kind: str, name: Words, carrier: Words, percent: int, show: Words, since: date | None, until: date | None = None
) -> dict[str, Any]:
    return {
        "kind": kind, "name": name, "carrier": carrier, "discount_percent": percent, "show": show,
        "from_date": since, "until_date": until,
    }  # fmt: skip


ANSWERS: Final[Mapping[str, Answer]] = {"get_concession": get_concession}
