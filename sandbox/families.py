"""Who lives with whom: the shapes of the families of which the nation is made.

Citizen numbers are parted into blocks of sixteen, each block into families by one of a few patterns, each family into
houses. Who is whose father, mother, spouse, child and neighbour at table therefore follows from a number's seat in its
block, so a link can be followed from either end without looking anybody up. Ages hang on the youngest of the family:
everyone else is older by a drawn part of a fixed span, which keeps parents 18 to 45 years older than their children.

All of it ends in `SEATS`: one row per (pattern, seat in the block), looked up by the million.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

BLOCK = 16
STRANGERS = 0  # the pattern of sixteen people who live alone; see `_PATTERNS`
NOBODY = -1  # the seat of a relative who is not in the register

# How marital status is found: drawn from one's age, or given by the seat in the family.
DRAWN, MARRIED, LONE_PARENT, SINGLE = range(4)
MALE, FEMALE, EITHER = range(3)
# How somebody stands to the one in the family who may be a civil servant.
UNRELATED, SELF, SPOUSE, PARENT, CHILD = range(5)

GAPS = 6  # how many drawn spans an age can be made of: see `_spans`
AGE_STEPS = 4096  # how finely an age is drawn
_BANDS = 20  # five-year bands of age, 0–4 … 95–99
_YEAR = 365.2425


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """People by their seat (F father, M mother, K1 youngest child, GF and GM grandparents, A an adult alone).

    A bar parts two houses. In each house they stand in the order in which they would become its householder.
    """

    people: str
    ages: tuple[int, ...]  # of the youngest (of the wife, when there are no children): parts per thousand by band
    grandparents_of: str = ""
    officer: str = "F"
    foreign: int = 0  # out of 4096 such families, how many came from abroad to work


# The ages were fitted once, so that all families together have Thailand's age pyramid of 2026.
_FAMILIES = {
    "alone": _Family(
        people="A",
        officer="A",
        foreign=160,
        ages=(0, 0, 0, 0, 113, 94, 71, 21, 21, 73, 108, 156, 135, 95, 66, 23, 12, 6, 5, 0),
    ),
    "couple": _Family(
        people="F M", foreign=150, ages=(0, 0, 0, 0, 116, 93, 58, 22, 29, 83, 122, 157, 131, 93, 56, 22, 11, 7, 0, 0)
    ),
    "one child": _Family(people="F M K1", foreign=90, ages=(113, 109, 121, 203, 110, 122, 109, 37, 26, 27, 21)),
    "two children": _Family(people="M F K2 K1", officer="M", ages=(146, 143, 185, 230, 100, 99, 29, 17, 15, 19, 18)),
    "three children": _Family(people="F M K3 K2 K1", ages=(208, 220, 300, 98, 61, 55, 35, 22)),
    "mother alone": _Family(people="M K1", officer="M", ages=(96, 102, 113, 197, 95, 101, 89, 44, 34, 48, 47, 34)),
    "mother of two": _Family(people="M K2 K1", officer="M", ages=(131, 144, 188, 204, 101, 95, 64, 35, 39)),
    "father alone": _Family(people="F K1", ages=(100, 113, 135, 247, 114, 114, 97, 45, 35)),
    "three generations": _Family(people="GF GM F M K1", grandparents_of="M", ages=(301, 271, 248, 100, 55, 26)),
    "grandmother's house": _Family(people="GM F M K2 K1", grandparents_of="F", ages=(267, 245, 279, 107, 63, 39)),
    # The parents work in another province and the grandparents raise the children: common, and a trap for rules
    # that take a household for a family.
    "parents away": _Family(people="GF GM K2 K1 | F M", grandparents_of="M", officer="GF", ages=(351, 317, 332)),
    "next door": _Family(people="GF GM | F M K1", grandparents_of="F", ages=(247, 215, 192, 205, 94, 38, 8)),
    "grandmother and child": _Family(people="GM K1", grandparents_of="M", officer="GM", ages=(196, 234, 223, 279, 67)),
}

# Each pattern fills a block; the number says how often it is met. Strangers are kept for the sample citizens, who must
# not be torn out of somebody's family, and for a last block that the size of the nation cuts short.
_PATTERNS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("alone",) * BLOCK),
    (14, ("three generations", "two children", "one child", "couple", "alone", "alone")),
    (7, ("parents away", "one child", "one child", "couple", "alone", "alone")),
    (13, ("next door", "two children", "mother alone", "couple", "couple", "alone")),
    (7, ("grandmother's house", "three children", "mother alone", "couple", "alone", "alone")),
    (14, ("two children", "two children", "one child", "mother alone", "couple", "alone")),
    (22, ("three children", "two children", "one child", "couple", "alone", "alone")),
    (8, ("next door", "three generations", "mother of two", "alone", "alone", "alone")),
    (12, ("couple",) * 3 + ("father alone", "grandmother and child", "one child", "mother alone", "alone")),
    (4, ("grandmother's house", "next door", "one child", "grandmother and child", "alone")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """What a seat means, one entry per (pattern × BLOCK + seat). Relatives and first members are seats of the block."""

    family: Ints  # the first member of one's family
    house: Ints  # the first and the last of those in one's house
    house_end: Ints
    home: Ints  # whoever's number draws the province: houses next door to each other share it
    father: Ints
    mother: Ints
    spouse: Ints
    children: tuple[tuple[int, ...], ...]
    children_count: Ints
    sex: Ints
    marital: Ints
    officer: Ints  # the seat of the one who may be a civil servant
    stands: Ints  # … and how one stands to them
    base_days: Ints  # how much older than the youngest at least …
    span_days: Ints  # … and at most, in GAPS parts, each drawn once a family
    ages: Ints  # which row of AGE_OF_YOUNGEST
    foreign: Ints  # out of 4096
    line: Ints  # 0: bears the father's surname, 1: the mother's family's

    def __len__(self) -> int:
        return len(self.family)


def _spans(family: _Family) -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[float, ...]]]:
    """For each person, the least and the greatest distance in years to the youngest, in GAPS parts.

    The parts: youngest to second child, second to third, eldest child to mother, mother to father, parent to
    grandmother, grandmother to grandfather. A year is kept free at both ends of 18 to 45, for a register that knows
    only the year of a birth counts it from 1 January.
    """
    between, mother = {
        0: ([], (0.0, 0.0)),
        1: ([], (20.0, 38.0)),
        2: ([(1.2, 6.0)], (20.0, 32.0)),
        3: ([(1.2, 4.5), (1.2, 4.5)], (20.0, 29.5)),
    }[sum(person.startswith("K") for person in family.people.split())]
    older_man = (-1.0, 5.0)
    parts = [*between, *[(0.0, 0.0)] * (2 - len(between)), mother, older_man, (20.0, 38.0), older_man]
    up_to_parent = (0, 1, 2, 3) if family.grandparents_of == "F" else (0, 1, 2)
    made_of = {
        "A": (),
        "K1": (),
        "K2": (0,),
        "K3": (0, 1),
        "M": (0, 1, 2),
        "F": (0, 1, 2, 3),
        "GM": (*up_to_parent, 4),
        "GF": (*up_to_parent, 4, 5),
    }

    def pick(end: int) -> dict[str, tuple[float, ...]]:
        return {who: tuple(parts[i][end] if i in which else 0.0 for i in range(GAPS)) for who, which in made_of.items()}

    return pick(0), pick(1)


def _relatives(person: str, family: _Family) -> tuple[str, str, str]:
    """Father, mother and spouse, whether or not they are of this family."""
    spouse = {"F": "M", "M": "F", "GF": "GM", "GM": "GF"}.get(person, "")
    if person.startswith("K"):
        return "F", "M", spouse
    if person == family.grandparents_of:
        return "GF", "GM", spouse
    return "", "", spouse


def _stands(person: str, family: _Family) -> int:
    officer = family.officer
    father, mother, spouse = _relatives(person, family)
    if person == officer:
        return SELF
    if spouse == officer:
        return SPOUSE
    if officer in (father, mother):
        return CHILD
    return PARENT if person in _relatives(officer, family)[:2] else UNRELATED


def _marital(person: str, people: list[str], spouse: str) -> int:
    if person.startswith("K"):
        return SINGLE
    if person == "A":
        return DRAWN
    return MARRIED if spouse in people else LONE_PARENT


def _seats() -> Seats:
    rows: list[dict[str, int]] = []
    children: list[tuple[int, ...]] = []
    bases: list[int] = []
    spans: list[list[int]] = []
    names = list(_FAMILIES)
    for _, pattern in _PATTERNS:
        first = 0
        for name in pattern:
            family = _FAMILIES[name]
            houses = [house.split() for house in family.people.split("|")]
            people = [person for house in houses for person in house]
            seat_of = {person: first + i for i, person in enumerate(people)}
            low, high = _spans(family)
            for house in houses:
                for person in house:
                    father, mother, spouse = _relatives(person, family)
                    kin = [seat_of[other] for other in people if person in _relatives(other, family)[:2]]
                    rows.append(
                        {
                            "family": first,
                            "house": seat_of[house[0]],
                            "house_end": seat_of[house[-1]],
                            "home": seat_of[house[0]] if name == "parents away" else first,
                            "father": seat_of.get(father, NOBODY),
                            "mother": seat_of.get(mother, NOBODY),
                            "spouse": seat_of.get(spouse, NOBODY),
                            "children_count": len(kin),
                            "sex": {"F": MALE, "GF": MALE, "M": FEMALE, "GM": FEMALE}.get(person, EITHER),
                            "marital": _marital(person, people, spouse),
                            "officer": seat_of[family.officer],
                            "stands": _stands(person, family),
                            "ages": names.index(name),
                            "foreign": family.foreign,
                            "line": int(person == "M" or (person[0] == "G" and family.grandparents_of == "M")),
                        }
                    )
                    children.append(tuple(kin))
                    bases.append(round(sum(low[person]) * _YEAR))
                    spans.append([round((b - a) * _YEAR) for a, b in zip(low[person], high[person], strict=True)])
            first += len(people)
    columns = {key: np.array([row[key] for row in rows], dtype=np.int64) for key in rows[0]}
    return Seats(
        **columns, children=tuple(children), base_days=np.array(bases), span_days=np.array(spans, dtype=np.int64)
    )


def spread(weights: npt.ArrayLike, steps: int) -> Ints:
    """A table of `steps` entries in which index i takes up its share of the weights: one look-up draws an index."""
    cumulated = np.cumsum(np.asarray(weights, dtype=np.float64))
    points = (np.arange(steps) + 0.5) / steps * cumulated[-1]
    found: Ints = np.searchsorted(cumulated, points, side="right").astype(np.int64)
    return found


def _ages() -> Ints:
    rows = []
    for family in _FAMILIES.values():
        by_band = np.zeros(_BANDS)
        by_band[: len(family.ages)] = family.ages
        rows.append(spread(np.repeat(by_band, 5), AGE_STEPS))
    return np.concatenate(rows)


SEATS = _seats()
AGE_OF_YOUNGEST = _ages()  # [family × AGE_STEPS + draw] → completed years
PATTERN = spread([often for often, _ in _PATTERNS], 4096)  # [draw] → pattern
