"""The Ministry of Higher Education: who studies, and who graduated since the registers became electronic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox import schooling
from sandbox.agencies.standard import Answer, Asked

_SINCE = 1997


def get_student(asked: Asked) -> Mapping[str, Any] | None:
    """The latest course that was begun."""
    today = asked.today
    begun = [one for one in schooling.degrees(asked.world, asked.person) if one.admitted_on <= today]
    if not asked.person.alive or not begun or begun[-1].graduates_on.year < _SINCE:
        return None
    course = begun[-1]
    is_over = course.graduates_on <= today
    return {
        "status": "graduated" if is_over else "studying",
        "student_id": f"{(course.admitted_on.year + 543) % 100:02}{asked.dice('student') % 10**8:08d}",
        "institution": course.institution,
        "faculty": course.faculty,
        "degree": course.kind,
        "year_of_study": None if is_over else schooling.year_of_study(course, today),
        "admitted_on": course.admitted_on,
        "expected_on": None if is_over else course.graduates_on,
        "graduation_date": course.graduates_on if is_over else None,
    }


ANSWERS: Final[Mapping[str, Answer]] = {"get_student": get_student}
