"""What all simulated agencies agree on: the nation, and which day it is there.

The nation is a pure function of its seed, so nothing has to be stored; what developers change while the sandbox runs
(the day, a chosen hospital) lies over it here, in memory, and every agency sees the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.control import JsonReply, Refused, read_json
from sandbox.nation import Nation
from sandbox.people import BirthDate, Citizen, Contribution, Hospital, Words

BANGKOK = ZoneInfo("Asia/Bangkok")
YEARS_BACK, YEARS_ON = 1, 120
IdCard = Literal["never", "valid", "expired", "lost", "damaged", "lifetime"]
_CHILD_TITLES = {"male": Words(th="เด็กชาย", en="Master"), "female": Words(th="เด็กหญิง", en="Miss")}
_ADULT_TITLES = {"male": Words(th="นาย", en="Mr."), "female": Words(th="นางสาว", en="Miss")}


def _machine_now() -> datetime:
    return datetime.now(BANGKOK)


class Clock:
    """The nation's legal day, in Bangkok. It starts on `day_zero`, passes at midnight, and can be moved.

    Only the civil day moves. Tokens, signatures and the times of events keep to the machine's clock, because those who
    check them do.
    """

    def __init__(self, day_zero: date, *, machine_now: Callable[[], datetime] = _machine_now) -> None:
        self.day_zero = day_zero
        self._machine_now = machine_now
        self._moved = timedelta()
        self.reset()

    def now(self) -> datetime:
        return self._machine_now().astimezone(BANGKOK) + self._moved

    def today(self) -> date:
        return self.now().date()

    def reset(self) -> None:
        self._moved = self.day_zero - self._machine_now().astimezone(BANGKOK).date()

    def move_to(self, day: date) -> None:
        """Refuses days on which the nation's data would make no sense."""
        first, last = _add_years(self.day_zero, -YEARS_BACK), _add_years(self.day_zero, YEARS_ON)
        if not first <= day <= last:
            raise Refused(422, f"the day must lie between {first} and {last}; {day} does not")
        self._moved += day - self.today()


class World:
    """The nation as it is on the sandbox's day, with what was changed since the sandbox started."""

    def __init__(self, nation: Nation, clock: Clock) -> None:
        self.nation = nation
        self.clock = clock
        self._hospitals: dict[int, tuple[Hospital, date]] = {}

    def find(self, pid: str) -> Citizen | None:
        """The person with this identity number, if born by now."""
        number = self.nation.number_of(pid)
        return None if number is None else self.citizen(number)

    def citizen(self, number: int) -> Citizen | None:
        """Citizen `number` as of today: None when there is no such citizen, or not yet."""
        if not 1 <= number <= self.nation.size:
            return None
        citizen, today = self.nation.citizen(number), self.clock.today()
        if citizen.birth.earliest() > today:
            return None
        is_alive = citizen.alive or (citizen.died_on is not None and citizen.died_on > today)
        card = _card_on(citizen, today)
        return self._with_hospital(replace(citizen, title=_title_on(citizen, today), id_card=card, alive=is_alive))

    def samples(self) -> tuple[Citizen, ...]:
        return tuple(c for c in (self.citizen(s.number) for s in self.nation.samples()) if c is not None)

    def present(self, numbers: tuple[int, ...]) -> list[Citizen]:
        """Those of `numbers` who are born by now, in the same order."""
        return [c for c in (self.citizen(n) for n in numbers) if c is not None]

    def somebody_else(self, citizen: Citizen, *, having: Callable[[Citizen], bool]) -> Citizen:
        """Another person of the same sort: what an agency that lies answers about."""
        for step in range(1, 5_000):
            other = self.citizen((citizen.number + step - 1) % self.nation.size + 1)
            if other is not None and other.number != citizen.number and having(other):
                return other
        return citizen

    def age(self, citizen: Citizen) -> int:
        return age_on(citizen.birth, self.clock.today())

    def hospitals_near(self, citizen: Citizen) -> tuple[Hospital, ...]:
        """The hospitals of the province in which the person is registered."""
        return self.nation.hospitals(citizen.address.subdistrict_code[:2])

    def choose_hospital(self, citizen: Citizen, hospital: Hospital, *, since: date) -> None:
        self._hospitals[citizen.number] = (hospital, since)

    def reset(self) -> None:
        """The nation as it was when the sandbox started."""
        self.clock.reset()
        self._hospitals.clear()

    def contributions(self, citizen: Citizen) -> tuple[Contribution, ...]:
        """What was paid to the social security fund by today; while a person stays insured, the months go on."""
        today = self.clock.today()
        paid = [c for c in self.nation.contributions(citizen.number) if c.paid_on <= today]
        ended = citizen.insurance.ended
        if paid and today > self.clock.day_zero and citizen.alive:
            last, pause = paid[-1], paid[-1].paid_on - paid[-1].month
            month = _next_month(last.month)
            while month + pause <= today and (ended is None or month <= ended):
                last = replace(last, month=month, paid_on=month + pause)
                paid.append(last)
                month = _next_month(month)
        return tuple(paid)

    def _with_hospital(self, citizen: Citizen) -> Citizen:
        chosen = self._hospitals.get(citizen.number)
        if chosen is None:
            return citizen
        hospital, since = chosen
        # The right to care is not interrupted by a choice that takes effect later.
        holds = min(since, self.clock.today())
        funds = tuple(replace(f, main_unit=hospital, since=holds) if f.right == "sso" else f for f in citizen.health)
        insurance = replace(citizen.insurance, hospital=hospital, hospital_since=since, hospital_until=None)
        return replace(citizen, insurance=insurance, health=funds)

    def routes(self) -> list[BaseRoute]:
        return [Route("/sandbox/clock", self._clock, methods=["GET", "POST"])]

    async def _clock(self, request: Request) -> Response:
        if request.method == "POST":
            body = await read_json(request)
            which = body.one_of("today", "days", "reset")
            body.nothing_else()
            match which:
                case "today":
                    self.clock.move_to(body.day("today"))
                case "days":
                    days = body.whole_number("days", least=-60_000, most=60_000)
                    self.clock.move_to(self.clock.today() + timedelta(days=days))
                case "reset":
                    if body.flag("reset"):
                        self.clock.reset()
        now = self.clock.now()
        moved = (now.date() - self.clock.day_zero).days
        return JsonReply({"today": now.date().isoformat(), "now": now.isoformat(), "moved_days": moved})


def age_on(birth: BirthDate, day: date) -> int:
    """Completed years; one born on 29 February has the birthday on 1 March of a common year."""
    born = birth.earliest()
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def full_name(citizen: Citizen, language: str = "th") -> str:
    """Title and names in one line; Thai writes the title without a space."""
    parts = (citizen.first_name, citizen.middle_name, citizen.last_name)
    if language == "en":
        return " ".join(w.en for w in (citizen.title, *parts) if w is not None)
    return citizen.title.th + " ".join(w.th for w in parts if w is not None)


def _title_on(citizen: Citizen, day: date) -> Words:
    if age_on(citizen.birth, day) < 15:
        return _CHILD_TITLES[citizen.sex]
    return _ADULT_TITLES[citizen.sex] if citizen.title == _CHILD_TITLES[citizen.sex] else citizen.title


def _card_on(citizen: Citizen, day: date) -> IdCard:
    if citizen.id_card in ("valid", "expired") and citizen.id_card_expires is not None:
        return "expired" if citizen.id_card_expires < day else "valid"
    return citizen.id_card


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _add_years(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February, in a common year
        return day.replace(year=day.year + years, day=28)
