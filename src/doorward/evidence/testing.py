"""Runs the queries of populations and controls for one window."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from doorward.errors import InvalidRequest
from doorward.evidence.controls import CONTROLS, Control
from doorward.evidence.populations import BY_NAME, Population
from doorward.evidence.workbook import Workbook

DAY_US = 86_400_000_000
# Rules of the packaged policy that stand for a class of changes: services that are made for it, and what is temporary.
STANDING = ("pipelines-may-define", "people-and-services-may-define-temporary", "people-and-services-may-drop-temporary")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, its end not included, and what the organisation has decided that tests are held against."""

    from_us: int
    until_us: int
    now_us: int
    standing: tuple[str, ...] = STANDING
    clearances: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # label -> groups that may see it
    grace_us: int = 60_000_000
    probe_days: int = 7
    coverage_days: int = 7
    review_days: int = 92
    glass_days: int = 7

    def __post_init__(self) -> None:
        if not 0 <= self.from_us < self.until_us:
            raise InvalidRequest("The window ends before it begins.", "Give --from and --to as days, the first one earlier.")

    def settings(self) -> dict[str, Any]:
        """What the queries are given."""
        return {
            "from_us": self.from_us,
            "until_us": self.until_us,
            "now_us": self.now_us,
            "standing": json.dumps(self.standing),
            "clearances": json.dumps(self.clearances, sort_keys=True),
            "grace_us": self.grace_us,
            "probe_days": self.probe_days,
            "coverage_days": self.coverage_days,
            "review_days": self.review_days,
            "glass_days": self.glass_days,
        }

    def told(self, words: str) -> str:
        """*words* with the settings that they name."""
        told = {
            "standing": ", ".join(self.standing) or "none",
            "clearances": "; ".join(f"{label}: {', '.join(groups)}" for label, groups in self.clearances.items())
            or "none given",
            "grace_us": f"{self.grace_us // 1_000_000} seconds",
        } | {name: str(getattr(self, name)) for name in ("probe_days", "coverage_days", "review_days", "glass_days")}
        for name, value in told.items():
            words = words.replace(f":{name}", value)
        return words


@dataclass(frozen=True, slots=True)
class Finding:
    """One time that a control did not hold. *entry* is None where no single entry is to blame."""

    control: str
    entry: int | None
    at_us: int | None
    about: str
    told: str


@dataclass(frozen=True, slots=True)
class Tested:
    """A control over its population of *count*. *words* has the settings in it."""

    control: Control
    words: str
    count: int
    exceptions: tuple[Finding, ...]

    @property
    def result(self) -> str:
        """pass, exceptions, or no instances: there was nothing that could have gone wrong."""
        if self.exceptions:
            return "exceptions"
        return "pass" if self.count else "no instances"


Rows = list[tuple[Any, ...]]


def rows_of(workbook: Workbook, query: str, window: Window) -> tuple[list[str], Rows]:
    """The columns and rows of *query* for *window*."""
    try:
        cursor = workbook.connection.execute(query, window.settings())
    except sqlite3.Error as error:
        raise AssertionError(f"a query of ours is wrong: {error}") from error
    return [column[0] for column in cursor.description], cursor.fetchall()


def count_of(workbook: Workbook, population: Population, window: Window) -> int:
    """How many rows *population* has."""
    counting = f"SELECT count(*) FROM ({population.query})"  # noqa: S608 - a query of ours
    count: int = workbook.connection.execute(counting, window.settings()).fetchone()[0]
    return count


def run_controls(workbook: Workbook, window: Window, names: Iterable[str] = ()) -> tuple[Tested, ...]:
    """The controls, or those of *names*, tested."""
    wanted = set(names)
    return tuple(_tested(workbook, window, control) for control in CONTROLS if not wanted or control.name in wanted)


def _tested(workbook: Workbook, window: Window, control: Control) -> Tested:
    _, rows = rows_of(workbook, control.exceptions, window)
    exceptions = tuple(Finding(control.name, row[0], row[1], str(row[2]), str(row[3])) for row in rows)
    count = count_of(workbook, BY_NAME[control.population], window)
    return Tested(control, window.told(control.words), count, exceptions)
