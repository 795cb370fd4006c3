"""The basic vaccination programme (EPI) as the Department of Disease Control publishes it, for two registers to agree on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from sandbox.people import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    code: str
    name: Words
    number: int
    months: int  # of age
    for_girls: bool = False

    @property
    def at_age(self) -> Words:
        if self.months == 0:
            return Words(th="แรกเกิด", en="at birth")
        years, months = divmod(self.months, 12)
        if not years:
            return Words(th=f"{months} เดือน", en=f"{months} months")
        th = f"{years} ปี" + (f" {months} เดือน" if months else "")
        en = f"{years} year{'s' if years > 1 else ''}" + (f" {months} months" if months else "")
        return Words(th=th, en=en)

    def due(self, born: date) -> date:
        year, month = divmod(born.year * 12 + born.month - 1 + self.months, 12)
        try:
            return date(year, month + 1, born.day)
        except ValueError:  # the 31st of a shorter month
            return date(year, month + 1, 28)


_NAMES: Final = {
    "BCG": Words(th="วัณโรค (BCG)", en="Tuberculosis (BCG)"),
    "HB": Words(th="ตับอักเสบบี", en="Hepatitis B"),
    "DTPHBHIB": Words(th="คอตีบ-บาดทะยัก-ไอกรน-ตับอักเสบบี-ฮิบ", en="DTP-HB-Hib"),
    "OPV": Words(th="โปลิโอชนิดหยอด", en="Polio, oral"),
    "IPV": Words(th="โปลิโอชนิดฉีด", en="Polio, injected"),
    "ROTA": Words(th="โรตา", en="Rotavirus"),
    "MMR": Words(th="หัด-คางทูม-หัดเยอรมัน", en="Measles-mumps-rubella"),
    "LAJE": Words(th="ไข้สมองอักเสบเจอี", en="Japanese encephalitis"),
    "DTP": Words(th="คอตีบ-บาดทะยัก-ไอกรน", en="Diphtheria-tetanus-pertussis"),
    "HPV": Words(th="เอชพีวี (มะเร็งปากมดลูก)", en="HPV (cervical cancer)"),
    "DT": Words(th="คอตีบ-บาดทะยัก", en="Diphtheria-tetanus"),
}
FLU: Final = Words(th="ไข้หวัดใหญ่ประจำปี", en="Influenza, this year's")
COVID: Final = Words(th="โควิด 19", en="COVID-19")

_PLAN: Final = (
    (0, "BCG 1|HB 1"),
    (2, "DTPHBHIB 1|OPV 1|ROTA 1"),
    (4, "DTPHBHIB 2|OPV 2|IPV 1|ROTA 2"),
    (6, "DTPHBHIB 3|OPV 3|IPV 2|ROTA 3"),
    (9, "MMR 1"),
    (12, "LAJE 1"),
    (18, "DTP 4|OPV 4|MMR 2"),
    (30, "LAJE 2"),
    (48, "DTP 5|OPV 5"),
    (132, "HPV 1"),
    (138, "HPV 2"),
    (144, "DT 1"),
)

SCHEDULE: Final = tuple(
    Dose(code=code, name=_NAMES[code], number=int(number), months=months, for_girls=code == "HPV")
    for months, said in _PLAN
    for code, number in (one.split() for one in said.split("|"))
)


def plan(born: date, sex: Literal["male", "female"] | None = None) -> list[tuple[Dose, date]]:
    """The doses of a childhood, each with its day."""
    return [(dose, dose.due(born)) for dose in SCHEDULE if not (dose.for_girls and sex == "male")]
