"""Everything that is wrong, or looks wrong, with a set of rules, told all at once and without running anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from doorward.policy import conditions
from doorward.policy.names import KnownNames, doubts
from doorward.policy.reading import Reading, ReadRule, read
from doorward.policy.rules import Rule


class Severity(Enum):
    """ERROR: the rules can't be used, or one of them can't mean what it says. WARNING: look at it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. *rule* is empty where no rule could be read; *kind* is a stable word for programs."""

    severity: Severity
    kind: str
    file: str
    line: int
    rule: str
    words: str
    remedy: str


_NOTHING = KnownNames()


def check(texts: Mapping[str, str], known: KnownNames = _NOTHING) -> tuple[Finding, ...]:
    """All findings in *texts* (file name to Cedar text), by file and line."""
    reading = read(texts)
    found = [Finding(Severity.ERROR, "unusable", f.file, f.line, "", f.words, f.remedy) for f in reading.faults]
    if not reading.rules and not reading.faults:
        remedy = "Restore the policy files, or remove the folder to use the packaged rules."
        found.append(Finding(Severity.ERROR, "empty", "", 0, "", "there is not one rule", remedy))
    for one in reading.rules:
        found += _names(one, known)
        found += _contradictory(one)
    found += _nobody_to_ask(reading, known)
    found += _beside_each_other(reading)
    return tuple(sorted(found, key=lambda finding: (finding.file, finding.line, finding.severity.value, finding.words)))


def _finding(severity: Severity, kind: str, rule: Rule, words: str, remedy: str) -> Finding:
    return Finding(severity, kind, rule.file, rule.line, rule.id, words, remedy)


def _names(one: ReadRule, known: KnownNames) -> Iterator[Finding]:
    for doubt in doubts(one, known):
        severity = Severity.ERROR if doubt.is_wrong else Severity.WARNING
        remedy = "Correct the name." if doubt.is_wrong or doubt.like else "Correct the name, or leave it if it is yet to come."
        yield _finding(severity, "unknown-name", one.rule, doubt.words, remedy)


def _nobody_to_ask(reading: Reading, known: KnownNames) -> Iterator[Finding]:
    """Groups that can't answer, each once however many rules wait for it."""
    waiting: dict[tuple[str, int], list[Rule]] = {}
    for one in reading.rules:
        if one.rule.hold and known.groups is not None:
            waiting.setdefault((one.rule.hold, one.rule.quorum), []).append(one.rule)
    for (group, quorum), rules in waiting.items():
        people = known.members.get(group, 0)
        if people >= quorum:
            continue
        there = "nobody is" if not people else f"only {people} of the {quorum} it takes are"
        others = f" (as do {len(rules) - 1} more rules)" if len(rules) > 1 else ""
        remedy = f"Put people into it: doorward user add NAME --group {group}"
        yield _finding(
            Severity.WARNING, "nobody-to-ask", rules[0], f"it waits for the group {group}{others}, and {there} in it", remedy
        )


def _contradictory(one: ReadRule) -> Iterator[Finding]:
    if why := conditions.contradiction(one.policy):
        words = f"it never applies: {why}"
        yield _finding(Severity.ERROR, "never-applies", one.rule, words, "Correct the condition, or remove the rule.")


def _beside_each_other(reading: Reading) -> Iterator[Finding]:
    usable = [one for one in reading.rules if not conditions.contradiction(one.policy)]
    for at, one in enumerate(usable):
        for position, other in enumerate(usable):
            if position == at or not conditions.covers(other.policy, one.policy):
                continue
            finding = _pair(one.rule, other.rule, is_mutual=conditions.covers(one.policy, other.policy), is_later=at > position)
            if finding is not None:
                yield finding
                break


def _pair(one: Rule, other: Rule, *, is_mutual: bool, is_later: bool) -> Finding | None:
    """What is wrong with *one*, given that *other* applies wherever it does."""
    where = f"{other.id} ({other.file}, line {other.line})"
    if other.forbids and not other.hold and not one.forbids:
        words = f"it permits nothing: {where} forbids all of it"
        return _finding(Severity.ERROR, "unreachable", one, words, "Remove one of the two, or give the forbid an unless.")
    if other.forbids and not other.hold and one.hold:
        words = f"nobody is ever asked: {where} forbids all of it, and no approval lifts that"
        return _finding(Severity.ERROR, "unreachable", one, words, "Remove one of the two, or narrow the forbid.")
    if one.hold and other.hold and one.hold != other.hold and is_mutual:
        if not is_later:
            return None
        words = f"{where} holds the same for the group {other.hold}: it takes somebody who is in {one.hold} and {other.hold}"
        return _finding(Severity.WARNING, "contradictory-holds", one, words, "Name one group, if that isn't meant.")
    if is_mutual and one.forbids == other.forbids and is_later:
        return _finding(Severity.WARNING, "duplicate", one, f"it says the same as {where}", "Remove one of the two.")
    return None
