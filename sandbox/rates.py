"""How often: what share of people of some age are married, insured, disabled, poor …

Believable for Thailand in 2026 and no better than that. Every table is made to be indexed by the million with
`age × steps + draw`, and every code it yields is an index into one of the tuples below.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import numpy as np

from sandbox.families import DRAWN, LONE_PARENT, MARRIED, SINGLE, Ints, spread
from sandbox.people import Words

SEXES: Final = ("male", "female")
NATIONALITIES: Final = ("thai", "other", "stateless")
THAI, FOREIGN, STATELESS = range(3)
MARITAL: Final = ("single", "married", "divorced", "widowed")
WIDOWED = 3
SECTIONS: Final = ("none", "33", "39", "40_1", "40_2", "40_3")
RIGHTS: Final = ("none", "uc", "sso", "csmbs", "lao", "other")
NO_RIGHT, UC, SSO, CSMBS, LAO, OTHER_RIGHT = range(6)
ID_CARDS: Final = ("never", "valid", "expired", "lost", "damaged", "lifetime")
NEVER, VALID, EXPIRED, LOST, DAMAGED, LIFETIME = range(6)
DISABILITIES: Final = (
    None,
    Words(th="ทางการเห็น", en="Visual"),
    Words(th="ทางการได้ยินหรือสื่อความหมาย", en="Hearing or communication"),
    Words(th="ทางการเคลื่อนไหวหรือทางร่างกาย", en="Physical or mobility"),
    Words(th="ทางจิตใจหรือพฤติกรรม", en="Mental or behavioural"),
    Words(th="ทางสติปัญญา", en="Intellectual"),
    Words(th="ทางการเรียนรู้", en="Learning"),
    Words(th="ออทิสติก", en="Autistic"),
)

AGES = 128
INCOME_STEPS = 4096


def _per_age(steps_of: dict[int, tuple[float, ...]], steps: int) -> Ints:
    """One drawn index per age: each entry holds from its age on, until the next."""
    weights: tuple[float, ...] = ()
    rows = []
    for age in range(AGES):
        weights = steps_of.get(age, weights)
        rows.append(spread(weights, steps))
    return np.concatenate(rows)


def _chance(steps_of: dict[int, float], out_of: int) -> Ints:
    """A threshold per age: a draw below it means yes."""
    chance = 0.0
    found = []
    for age in range(AGES):
        chance = steps_of.get(age, chance)
        found.append(round(chance * out_of))
    return np.array(found, dtype=np.int64)


_Weights = dict[int, tuple[float, ...]]
#                            single, married, divorced, widowed
_ALONE: _Weights = {0: (1, 0, 0, 0), 25: (85, 0, 15, 0), 45: (45, 0, 42, 13), 60: (25, 0, 20, 55), 75: (12, 0, 8, 80)}
_LONE: _Weights = {0: (40, 0, 60, 0), 30: (15, 0, 65, 20), 60: (4, 0, 16, 80)}
MARITAL_STEPS = 64
_BY_RULE: dict[int, _Weights] = {
    DRAWN: _ALONE,
    MARRIED: {0: (0, 1, 0, 0)},
    LONE_PARENT: _LONE,
    SINGLE: {0: (1, 0, 0, 0)},
}
MARITAL_STATUS = np.concatenate(  # [(rule × AGES + age) × steps + draw]
    [_per_age(_BY_RULE[rule], MARITAL_STEPS) for rule in sorted(_BY_RULE)]
)
FEMALE_ALONE = _chance({0: 0.487, 60: 0.58, 75: 0.68}, 256)

# Deaths of the last two years stay in the register. Nobody under five is among them.
DEAD = _chance({5: 0.0015, 30: 0.004, 50: 0.009, 60: 0.016, 70: 0.035, 80: 0.09, 90: 0.18}, 65536)
# Up to the first threshold only the year of birth is known, up to the second the year and the month.
ONLY_YEAR = _chance({0: 0.0, 30: 0.0005, 50: 0.004, 60: 0.012, 70: 0.045, 80: 0.07}, 4096)
YEAR_AND_MONTH = _chance({0: 0.0, 30: 0.001, 50: 0.007, 60: 0.02, 70: 0.073, 80: 0.1}, 4096)

DISABLED = _chance({0: 0.006, 7: 0.011, 20: 0.014, 40: 0.028, 60: 0.072, 75: 0.145}, 65536)
DISABILITY_STEPS = 256
DISABILITY_KIND = _per_age(
    {0: (0, 5, 12, 25, 5, 33, 5, 15), 20: (0, 8, 14, 46, 14, 15, 1, 2), 60: (0, 10, 25, 60, 4, 1, 0, 0)},
    DISABILITY_STEPS,
)

#                none, 33, 39, 40_1, 40_2, 40_3
SECTION_STEPS = 1024
SECTION = _per_age(
    {
        0: (1, 0, 0, 0, 0, 0),
        17: (85, 8, 0, 4, 2, 1),
        20: (56, 29, 0, 9, 4, 2),
        25: (31, 41, 2, 16, 7, 3),
        30: (27, 41, 3, 18, 8, 3),
        35: (28, 38, 4, 19, 8, 3),
        40: (28, 35, 6, 19, 9, 3),
        45: (30, 30, 8, 19, 9, 4),
        50: (38, 23, 8, 18, 9, 4),
        55: (46, 16, 8, 18, 9, 3),
        60: (77, 3, 3, 11, 4, 2),
        65: (199, 1, 0, 0, 0, 0),
    },
    SECTION_STEPS,
)
FOREIGN_WORKERS_INSURED = 480  # out of SECTION_STEPS, in place of the table
# Of those with no section today, how many once had one.
ONCE_INSURED = _chance({0: 0.0, 20: 0.08, 25: 0.22, 60: 0.3, 75: 0.1}, 256)

# Families of a civil servant, then of a local officer, out of 4096.
CIVIL_FAMILIES = 400
LOCAL_FAMILIES = 55

# Income in baht a year is log-normal: the median and how wide.
_INCOMES = {"nothing": (0, 0.0), "student": (9_000, 1.1), "worker": (98_000, 0.75), "elder": (42_000, 0.85)}
_INCOMES |= {"officer": (396_000, 0.4), "pensioner": (288_000, 0.35)}
_Z = [NormalDist().inv_cdf((i + 0.5) / INCOME_STEPS) for i in range(INCOME_STEPS)]
INCOME = np.concatenate(  # [class × INCOME_STEPS + draw]
    [
        np.round(median * np.exp(width * np.array(_Z)) / 100).astype(np.int64) * 100
        for median, width in _INCOMES.values()
    ]
)
WAGE = np.maximum(np.round(15_600 * np.exp(0.52 * np.array(_Z)) / 10).astype(np.int64) * 10, 6_000)  # a month
INCOME_CLASS = np.array([0] * 15 + [1] * 5 + [2] * 40 + [3] * (AGES - 60), dtype=np.int64)
OFFICER_CLASS, PENSIONER_CLASS = 4, 5

NO_CARD_YET = _chance({0: 1.0, 7: 0.3, 8: 0.08, 9: 0.004}, 256)
CARD_NOT_RENEWED = 15  # out of 256
FOREIGNERS_COVERED = 150  # out of 256 who are not insured at work
STATELESS_FAMILIES = 22  # out of 4096
WELL_OFF = 300_000  # a year: twice as likely to have a car
LICENCE = _chance({0: 0.0, 18: 0.3, 22: 0.55, 60: 0.4, 75: 0.12}, 256)
CARS = _chance({0: 0.0, 18: 0.06, 25: 0.26, 60: 0.2, 75: 0.05}, 256)
MOTORCYCLES = _chance({0: 0.0, 18: 0.4, 60: 0.25, 75: 0.06}, 256)
