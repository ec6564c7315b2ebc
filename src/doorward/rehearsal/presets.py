"""The cases of the packaged rules that still hold once something was laid over the rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from doorward.rehearsal.cases import read_cases
from doorward.rehearsal.verdicts import run_cases

_HEADING = re.compile(r"^\[.*$", re.MULTILINE)
_CASE = "[[case]]"


def cases_that_hold(texts: Mapping[str, str], cases: Mapping[str, str]) -> dict[str, str]:
    """*cases*, file name to TOML, without those that don't come out as they say under *texts*."""
    outcomes = run_cases(texts, read_cases(cases))
    failed = {(outcome.case.file, outcome.case.number) for outcome in outcomes if not outcome.passed}
    return {name: "".join(_kept(text, name, failed)) for name, text in cases.items()}


def _kept(text: str, file: str, failed: set[tuple[str, int]]) -> Iterator[str]:
    """The tables of a file, without the cases that *failed*."""
    starts = [heading.start() for heading in _HEADING.finditer(text)]
    yield text[: starts[0]] if starts else text
    number = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if text.startswith(_CASE, start):
            number += 1
            if (file, number) in failed:
                continue
        yield text[start:end]
