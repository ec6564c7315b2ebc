"""What became of each test on both roads, which differences that makes, and which of them are explained."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

DIFFERENCES = Path(__file__).with_name("differences.toml")
PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test on one road. *output* is what it printed, and counts only where the suite itself has no opinion on it."""

    status: str
    output: str = ""


Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Difference:
    """An explained difference. *tests* are names or patterns of one suite; *sometimes*: it need not differ in every run."""

    suite: str
    tests: tuple[str, ...]
    why: str
    sometimes: bool = False

    def covers(self, suite: str, test: str) -> bool:
        """Whether it explains that *test* of *suite* differs."""
        return suite == self.suite and any(fnmatch.fnmatchcase(test, _literal(pattern)) for pattern in self.tests)


def _literal(pattern: str) -> str:
    """*pattern* with only its stars special: test names are full of brackets."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs of a suite, compared test by test."""

    suite: str
    version: str
    direct: Outcomes
    through: Outcomes

    @property
    def tests(self) -> tuple[str, ...]:
        """Every test that ran on either road, in order."""
        return tuple(dict.fromkeys((*self.direct, *self.through)))

    @property
    def different(self) -> tuple[str, ...]:
        """The tests that came out differently: in their status, or, where nobody says what is right, in what they printed."""
        return tuple(test for test in self.tests if not _alike(self.direct.get(test), self.through.get(test)))

    @property
    def passed_directly(self) -> int:
        """How many pass against the server itself."""
        return sum(outcome.status == PASSED for outcome in self.direct.values())

    def unexplained(self, differences: Iterable[Difference]) -> tuple[str, ...]:
        """The different tests that no difference covers."""
        known = tuple(differences)
        return tuple(test for test in self.different if not any(entry.covers(self.suite, test) for entry in known))

    def outdated(self, differences: Iterable[Difference]) -> tuple[str, ...]:
        """The patterns that are listed as differing and have no test that does."""
        patterns = [
            Difference(entry.suite, (pattern,), entry.why)
            for entry in differences
            if entry.suite == self.suite and not entry.sometimes
            for pattern in entry.tests
        ]
        return tuple(one.tests[0] for one in patterns if not any(one.covers(self.suite, test) for test in self.different))


def _alike(before: Outcome | None, after: Outcome | None) -> bool:
    if before is None or after is None:
        return False
    return before.status == after.status and (before.status == PASSED or before.output == after.output)


def read_differences(path: Path = DIFFERENCES) -> tuple[Difference, ...]:
    """The explained differences. Raises KeyError for an entry that lacks its suite, tests or reason."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("difference", [])
    return tuple(
        Difference(entry["suite"], tuple(entry["tests"]), " ".join(entry["why"].split()), entry.get("sometimes", False))
        for entry in entries
    )
