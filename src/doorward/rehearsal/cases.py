"""Cases: who sends what, and what the rules must say to it, in TOML files beside the rules."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from doorward.errors import ConfigurationInvalid
from doorward.model.catalog import Label, Snapshot
from doorward.model.decision import NOTHING_GRANTED, NOTHING_KNOWN, Circumstances, Granted, Parameters, Verdict
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.rehearsal.schemas import DEMO, demo_schema, read_schema

UPSTREAM = DATABASE = "shop"


@dataclass(frozen=True, slots=True)
class Question:
    """A held statement that somebody wants to answer: who asked, and of which group."""

    asked_by: Identity
    group: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come of a case; None where it doesn't matter. *rules* are those that decide, all of them."""

    verdict: Verdict
    rules: frozenset[str] | None = None
    holds_for: str | None = None
    masked: frozenset[Label] | None = None
    scanned: frozenset[Label] | None = None
    shown: frozenset[Label] | None = None
    row_limit: int | None = None
    parameters: Parameters | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One identity, and a statement or a question that it answers. *added* is Cedar text beside the rules that are tried.

    *number* is its place in the file, from 1; a case for several people is several of one number.
    """

    file: str
    number: int
    name: str
    who: str
    identity: Identity
    statement: str
    question: Question | None
    expected: Expected
    snapshot: Snapshot
    upstream: str = UPSTREAM
    database: str = DATABASE
    approved: bool = False
    added: str = ""
    circumstances: Circumstances = NOTHING_KNOWN
    at_us: int = 0
    granted: Granted = NOTHING_GRANTED

    @property
    def title(self) -> str:
        """``reading.toml: agents read (report-bot)``."""
        return f"{self.file}: {self.name} ({self.who})"


_WORDS = {
    "name", "who", "statement", "answers", "upstream", "database", "approved", "verdict", "rules", "holds_for", "masked",
    "scanned", "shown", "row_limit", "parameters", "with", "at", "purpose", "ticket", "application", "client", "tls",
    "granted",
}  # fmt: skip
_LABELS = {label.value: label for label in Label}


def read_cases(texts: Mapping[str, str]) -> tuple[Case, ...]:
    """The cases in *texts*, file name to TOML, in order. Raises ConfigurationInvalid for the first that can't be understood.

    People of one file are known in all of them, so that they can stand in a file of their own.
    """
    files = {file: _loaded(file, texts[file]) for file in sorted(texts)}
    people: dict[str, Any] = {}
    for file, written in files.items():
        for name, row in _mapping(file, "who", written.get("who", {})).items():
            people[name] = _mapping(file, f"who.{name}", row)
    cases: list[Case] = []
    for file, written in files.items():
        if unknown := sorted(set(written) - {"who", "schema", "case"}):
            raise _fault(file, f"a file has who, schema and case, and no {unknown[0]}")
        schema = written.get("schema", DEMO)
        snapshot = demo_schema() if schema == DEMO else read_schema(_mapping(file, "schema", schema), file)
        rows = written.get("case", [])
        if not isinstance(rows, list):
            raise _fault(file, "a case is written [[case]]")
        for number, row in enumerate(rows, 1):
            cases += _Row(file, number, _mapping(file, "case", row), people, snapshot).cases()
    return tuple(cases)


def _loaded(file: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _fault(file, f"this is no TOML: {error}") from None


def _mapping(file: str, what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _fault(file, f"{what} is no table")
    return value


def _fault(where: str, words: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"{where}: {words}.", "docs/policy-testing.md has the form of a test file.")


def identity_of(name: str, people: Mapping[str, Mapping[str, Any]], where: str) -> Identity:
    """Whoever signs in as *name*, with all whom it acts for. Raises ConfigurationInvalid."""
    chain: list[Principal] = []
    speaker: str | None = name
    while speaker is not None:
        row = people.get(speaker)
        if row is None or len(chain) > len(people):
            raise _fault(where, f"nobody under [who] is called {speaker}")
        if set(row) - {"kind", "groups", "for"}:
            raise _fault(where, f"{speaker} may have a kind, groups and for, and nothing else")
        acting_for = row.get("for")
        kind = row.get("kind", "agent" if acting_for else "human")
        if kind not in [known.value for known in PrincipalKind]:
            raise _fault(where, f"{speaker} is a human, a service or an agent")
        groups = tuple(str(group) for group in row.get("groups", ()))
        chain.append(Principal(f"who:{speaker}", PrincipalKind(kind), speaker, groups, acting_for))
        speaker = acting_for
    return Identity(chain[-1], tuple(reversed(chain[:-1])), "case", "case")


@dataclass(frozen=True, slots=True)
class _Row:
    """One [[case]] of a file, not understood yet."""

    file: str
    number: int
    row: dict[str, Any]
    people: Mapping[str, Mapping[str, Any]]
    snapshot: Snapshot
    where: str = field(init=False)

    def __post_init__(self) -> None:
        named = self.row.get("name")
        object.__setattr__(self, "where", f"{self.file}, case {self.number}" + (f' "{named}"' if named else ""))

    def cases(self) -> list[Case]:
        """One case for each of whom it names."""
        if unknown := sorted(set(self.row) - _WORDS):
            raise _fault(self.where, f"{unknown[0]} means nothing here; a case has {', '.join(sorted(_WORDS))}")
        who = self.row.get("who", [])
        names = [who] if isinstance(who, str) else who
        statement, answers = self._text("statement"), self.row.get("answers")
        if not names or bool(statement) == bool(answers):
            raise _fault(self.where, "a case says who, and a statement or what they answer")
        return [
            Case(
                self.file,
                self.number,
                self._text("name") or statement[:60],
                name,
                identity_of(name, self.people, self.where),
                statement,
                self._question(answers) if answers else None,
                self._expected(),
                self.snapshot,
                self._text("upstream") or UPSTREAM,
                self._text("database") or DATABASE,
                bool(self.row.get("approved", False)),
                self._text("with"),
                Circumstances(**{field.name: self._text(field.name) for field in fields(Circumstances)}),
                self._moment(),
                self._granted(),
            )
            for name in names
        ]

    def _text(self, key: str) -> str:
        value = self.row.get(key, "")
        if not isinstance(value, str):
            raise _fault(self.where, f"{key} is a text")
        return value

    def _moment(self) -> int:
        at = self.row.get("at")
        if at is None:
            return 0
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise _fault(self.where, "at is a moment with its offset from UTC, as 2027-01-04T20:15:00Z")
        return int(at.timestamp() * 1_000_000)

    def _granted(self) -> Granted:
        if "granted" not in self.row:
            return NOTHING_GRANTED
        row = _mapping(self.where, "granted", self.row["granted"])
        if set(row) - {"labels", "action", "break_glass"}:
            raise _fault(self.where, "granted has labels, action and break_glass")
        labels = self._label_list("labels", row.get("labels", []))
        return Granted(labels, bool(row.get("action", False)), bool(row.get("break_glass", False)))

    def _question(self, answers: Any) -> Question:
        row = _mapping(self.where, "answers", answers)
        if set(row) != {"asked_by", "group"}:
            raise _fault(self.where, "answers has asked_by and group")
        return Question(identity_of(str(row["asked_by"]), self.people, self.where), str(row["group"]))

    def _expected(self) -> Expected:
        verdict = self.row.get("verdict")
        if verdict not in [known.value for known in Verdict]:
            raise _fault(self.where, "the verdict is allow, deny or hold")
        limit, rules = self.row.get("row_limit"), self.row.get("rules")
        if limit is not None and not isinstance(limit, int):
            raise _fault(self.where, "row_limit is a number, 0 for none")
        ways = [way.value for way in Parameters]
        if (way := self.row.get("parameters")) is not None and way not in ways:
            raise _fault(self.where, f"parameters are {', '.join(ways)}")
        return Expected(
            Verdict(verdict),
            None if rules is None else frozenset(self._list("rules", rules)),
            self.row.get("holds_for"),
            self._labels("masked"),
            self._labels("scanned"),
            self._labels("shown"),
            limit,
            None if way is None else Parameters(way),
        )

    def _list(self, key: str, value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _fault(self.where, f"{key} is a list of texts")
        return value

    def _labels(self, key: str) -> frozenset[Label] | None:
        return self._label_list(key, self.row[key]) if key in self.row else None

    def _label_list(self, key: str, value: Any) -> frozenset[Label]:
        names = self._list(key, value)
        for name in names:
            if name not in _LABELS:
                raise _fault(self.where, f'there is no label "{name}"; there are {", ".join(_LABELS)}')
        return frozenset(_LABELS[name] for name in names)
