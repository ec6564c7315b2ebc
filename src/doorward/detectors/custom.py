"""Detectors of the operator's own: TOML files in the policy folder, each with its tests beside it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from doorward.detectors import spans
from doorward.detectors.banking import is_iban
from doorward.detectors.check_digits import luhn, mod_97_10, verhoeff
from doorward.detectors.context import BEFORE_CHARACTERS, Hint
from doorward.detectors.rules import RULES, Rule
from doorward.detectors.scanner import Scanner
from doorward.detectors.spans import Candidate
from doorward.errors import PolicyInvalid

MAX_REPEATS = 512  # of one part of a pattern
MAX_WAYS = 20_000  # in which one place of a text can be read: what keeps a pattern from being slow on purpose or by accident

CHECKS: Mapping[str, Callable[[str], bool]] = {
    "luhn": luhn,
    "verhoeff": verhoeff,
    "mod-97-10": mod_97_10,
    "iban": is_iban,
}
_NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")
_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,30}")
_FIELDS = {"name", "type", "pattern", "check", "near", "tests"}
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector as it was written, with the texts that it must and must not find something in."""

    name: str
    type: str
    pattern: str
    check: str
    near: tuple[str, ...]
    finds: tuple[str, ...]
    ignores: tuple[str, ...]
    file: str

    @property
    def rule(self) -> Rule:
        """What a Scanner takes."""
        return Rule(self.name, self.type, (self.pattern,), self._finder())

    def _finder(self) -> Callable[[str, Hint], Iterator[Candidate]]:
        pattern = re.compile(rf"(?<![0-9A-Za-z_])(?:{self.pattern})(?![0-9A-Za-z_])")
        check = CHECKS.get(self.check)
        near = re.compile("|".join(map(re.escape, self.near)), re.IGNORECASE) if self.near else None
        type_, name = self.type, self.name

        def find(text: str, hint: Hint) -> Iterator[Candidate]:
            for match in pattern.finditer(text):
                before = text[max(0, match.start() - BEFORE_CHARACTERS) : match.start()]
                if near is not None and not near.search(before):
                    continue
                if check is None or check(_NOT_ALNUM.sub("", match.group()).upper()):
                    yield Candidate(*match.span(), type_, name, spans.CERTAIN)

        return find


@dataclass(frozen=True, slots=True)
class Failure:
    """A test of a detector that did not come out as written. *should_find* says which way it was meant."""

    detector: Detector
    text: str
    should_find: bool


def read_detectors(files: Mapping[str, str]) -> tuple[Detector, ...]:
    """The detectors in *files*, name of a TOML file to its text, in the order of the names.

    Raises PolicyInvalid, which names file and detector, for anything unknown, unsafe or missing: nothing is half loaded.
    """
    found: list[Detector] = []
    for file in sorted(files):
        try:
            content = tomllib.loads(files[file])
        except tomllib.TOMLDecodeError as error:
            raise PolicyInvalid(f"{file} is no TOML: {error}.", "See docs/detectors.md for the form of a detector.") from error
        rows = content.pop("detector", [])
        if content or not isinstance(rows, list):
            raise PolicyInvalid(f"{file} has something beside [[detector]] tables.", "See docs/detectors.md for the form.")
        found.extend(_detector(file, row) for row in rows)
    names = [detector.name for detector in found] + [rule.name for rule in RULES]
    for detector in found:
        if names.count(detector.name) > 1:
            raise PolicyInvalid(
                f"{detector.file}: the name {detector.name!r} is taken.", "Give each detector a name of its own."
            )
    return tuple(found)


def _detector(file: str, row: Any) -> Detector:
    name = row.get("name", "") if isinstance(row, dict) else ""
    where = f"{file}, detector {name!r}"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PolicyInvalid(f"{where}: a name is small letters, digits and dashes.", "Name it, for example employee-number.")
    if unknown := sorted(set(row) - _FIELDS):
        raise PolicyInvalid(f"{where}: nothing is known of {', '.join(unknown)}.", f"Known are {', '.join(sorted(_FIELDS))}.")
    type_ = row.get("type", "")
    if not isinstance(type_, str) or not _TYPE.fullmatch(type_) or type_ == spans.UNSCANNED:
        raise PolicyInvalid(f"{where}: the type is a word in capitals.", f"One of {', '.join(spans.TYPES)}, or your own.")
    pattern, check = row.get("pattern", ""), row.get("check", "")
    if check and check not in CHECKS:
        raise PolicyInvalid(f"{where}: there is no check {check!r}.", f"Known are {', '.join(CHECKS)}.")
    fault = fault_of_pattern(pattern) if isinstance(pattern, str) else "it is no text"
    if fault:
        raise PolicyInvalid(
            f"{where}: the pattern can't be used, for {fault}.", "See docs/detectors.md for what patterns may use."
        )
    tests = row.get("tests", {})
    finds, ignores = (_texts(tests.get(key, []), where) for key in ("finds", "ignores"))
    if not finds or set(tests) - {"finds", "ignores"}:
        raise PolicyInvalid(f"{where}: it has no tests.", "Add [detector.tests] with finds = [...] and ignores = [...].")
    return Detector(name, type_, pattern, check, _texts(row.get("near", []), where), finds, ignores, file)


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise PolicyInvalid(f"{where}: a list of texts was expected.", 'Write it like ["one", "two"].')
    return tuple(value)


def fault_of_pattern(pattern: str) -> str:
    """Why *pattern* is refused, in words that follow "for"; empty when it is of the safe subset.

    Safe is what both engines read alike and in time that the text's length bounds: characters, classes, groups,
    alternatives and repeats with an upper limit.
    """
    if not pattern.isascii():
        return "it has letters beyond ASCII"
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"it is no regular expression ({error})"
    if parsed.state.flags & ~re.UNICODE:
        return "it sets flags"
    if parsed.getwidth()[0] < 3:
        return "it can match fewer than three characters"
    fault, ways = _walk(parsed, in_repeat=False)
    if fault:
        return fault
    if ways > MAX_WAYS:
        return "its repeats can be combined in too many ways"
    return ""


_PLAIN = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "RANGE", "CATEGORY"})


def _walk(parsed: Any, *, in_repeat: bool) -> tuple[str, int]:
    ways = 1
    for operation, argument in parsed:
        word = str(operation)
        fault, inner = "", 1
        if word in _PLAIN:
            continue
        if word in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, part = argument
            if most is _constants.MAXREPEAT or most > MAX_REPEATS:
                return f"a repeat has no upper limit, or one above {MAX_REPEATS}: write {{1,64}} for +", 0
            if in_repeat and most != least:
                return "a repeat stands inside another", 0
            fault, inner = _walk(part, in_repeat=in_repeat or most > 1)
            inner *= int(most) - int(least) + 1
        elif word == "SUBPATTERN":
            if argument[1] or argument[2]:
                return "it sets flags", 0
            fault, inner = _walk(argument[3], in_repeat=in_repeat)
        elif word == "BRANCH":
            inner = 0
            for branch in argument[1]:
                fault, more = _walk(branch, in_repeat=in_repeat)
                inner += more
                if fault:
                    break
        elif word == "AT" and str(argument) in ("AT_BOUNDARY",):
            continue
        else:
            fault = "it looks around, refers back or anchors"
        if fault:
            return fault, 0
        ways *= inner
    return "", ways


def failures_of(detectors: tuple[Detector, ...], *, plain: bool = False) -> list[Failure]:
    """The tests that fail, each detector among all others as when it is at work."""
    scanner = Scanner([detector.rule for detector in detectors], plain=plain)
    failed = []
    for detector in detectors:
        for text, should_find in [*((text, True) for text in detector.finds), *((text, False) for text in detector.ignores)]:
            found = any(span.rule == detector.name for span in scanner.find(text))
            if found is not should_find:
                failed.append(Failure(detector, text, should_find))
    return failed
