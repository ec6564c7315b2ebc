"""A rule and its annotations: what a policy carries beside its Cedar condition, and what is refused.

Annotations are obligations. One that is not in the table is refused when the rules are loaded, so that none is ever
ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from doorward.model.decision import Parameters

# How long a held statement waits when its rule doesn't say: long enough to be seen, short enough for a person at psql.
DEFAULT_HOLD_SECONDS = 600
LONGEST_HOLD_SECONDS = 86_400
DEFAULT_WINDOW_SECONDS = 3_600
LARGEST_ROW_LIMIT = 1_000_000_000
# More people than this are not found in the time that a statement can wait.
LARGEST_QUORUM = 9

# What a client may have to say -> the field of Circumstances that has it.
REQUIREMENTS = {"reason": "purpose", "ticket": "ticket"}

# What a permit of scan may ask for in place of scanning.
TOKEN = "token"

# Joins the groups of a hold that several rules ask for; no group name in a rule may hold it.
GROUP_JOINT = "+"

_RULE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_GROUP_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_WHOLE_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy of a policy folder. *line* is where it starts in *file*, *source* its Cedar text.

    *hold* is the approver group of a forbid that can be lifted by an approval, and empty for one that can't; *quorum* is how
    many people of it must say yes. After *escalate_seconds* without an answer the group *escalate* may answer as well.
    *row_limit* is 0 for a permit without one, *parameters* None for one that says nothing of them. *require* is what the client
    must have said: a reason, a ticket, or both.
    *probes* and *learned_rows* bound what is learned of a column in *window_seconds*; more than that waits for the group
    *beyond*.
    """

    id: str
    file: str
    line: int
    forbids: bool
    description: str
    source: str
    reason: str = ""
    advice: str = ""
    hold: str = ""
    hold_seconds: int = 0
    quorum: int = 1
    escalate: str = ""
    escalate_seconds: int = 0
    row_limit: int = 0
    parameters: Parameters | None = None
    require: frozenset[str] = frozenset()
    probes: int = 0
    learned_rows: int = 0
    window_seconds: int = 0
    beyond: str = ""
    mask: str = ""

    @property
    def text(self) -> str:
        """What users are told: the reason, or else the description."""
        return self.reason or self.description


def _words(value: str) -> str:
    return "" if value.strip() else "needs words"


def _rule_id(value: str) -> str:
    return "" if _RULE_ID.fullmatch(value) else "must be lower-case words joined by hyphens"


def _group(value: str) -> str:
    return "" if _GROUP_NAME.fullmatch(value) else "must be one group name: letters, digits, '_', '.' or '-'"


def _number_up_to(largest: int, value: str) -> str:
    fits = _WHOLE_NUMBER.fullmatch(value) is not None and int(value) <= largest
    return "" if fits else f"must be a whole number from 1 to {largest}"


def _hold_seconds(value: str) -> str:
    return _number_up_to(LONGEST_HOLD_SECONDS, value)


def _within(value: str) -> str:
    fits = _DURATION.fullmatch(value) is not None and _seconds(value) <= LONGEST_HOLD_SECONDS
    return "" if fits else 'must be a duration of at most a day: "90s", "30m", "2h"'


def _seconds(duration: str) -> int:
    """The seconds of a faultless duration."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _quorum(value: str) -> str:
    return _number_up_to(LARGEST_QUORUM, value)


def _row_limit(value: str) -> str:
    return _number_up_to(LARGEST_ROW_LIMIT, value)


def _parameters(value: str) -> str:
    words = [way.value for way in Parameters]
    return "" if value in words else f"must be one of: {', '.join(words)}"


def _mask(value: str) -> str:
    return "" if value == TOKEN else f'must be "{TOKEN}"'


def _require(value: str) -> str:
    words = value.split()
    known = " and ".join(f'"{word}"' for word in REQUIREMENTS)
    return "" if words and set(words) <= set(REQUIREMENTS) else f"must be of {known}, with a space between two"


# Annotation -> the effects it is allowed on, and what is wrong with a value ("" for nothing).
ANNOTATIONS = {
    "id": (("permit", "forbid"), _rule_id),
    "description": (("permit", "forbid"), _words),
    "reason": (("permit", "forbid"), _words),
    "advice": (("permit", "forbid"), _words),
    "hold": (("forbid",), _group),
    "hold_seconds": (("forbid",), _hold_seconds),
    "within": (("forbid",), _within),
    "quorum": (("forbid",), _quorum),
    "escalate": (("forbid",), _group),
    "escalate_after": (("forbid",), _within),
    "row_limit": (("permit",), _row_limit),
    "parameters": (("permit",), _parameters),
    "require": (("permit", "forbid"), _require),
    "probes": (("permit",), _row_limit),
    "learned_rows": (("permit",), _row_limit),
    "window_seconds": (("permit",), _hold_seconds),
    "beyond": (("permit",), _group),
    "mask": (("permit",), _mask),
}

_OF_A_HOLD = ("hold_seconds", "within", "quorum", "escalate", "escalate_after")


def annotation_fault(effect: str, annotations: Mapping[str, str]) -> str:
    """What is wrong with the annotations of a policy, in words; empty when nothing is."""
    for name, value in annotations.items():
        if name not in ANNOTATIONS:
            meant = get_close_matches(name, ANNOTATIONS, n=1)
            told = f"; did you mean @{meant[0]}? It knows " if meant else "; it knows "
            return f"@{name} is not an annotation that Doorward knows{told}" + ", ".join(f"@{n}" for n in ANNOTATIONS)
        effects, fault_of = ANNOTATIONS[name]
        if effect not in effects:
            return f"@{name} means nothing on a {effect}"
        if fault := fault_of(value):
            return f'@{name}("{value}") {fault}'
    for name in ("id", "description"):
        if name not in annotations:
            return f"@{name} is missing"
    for name in _OF_A_HOLD:
        if name in annotations and "hold" not in annotations:
            return f"@{name} needs a @hold beside it"
    if effect == "forbid" and "require" in annotations and "hold" not in annotations:
        return "@require on a forbid needs a @hold beside it: nothing can be said that lifts a plain one"
    if "within" in annotations and "hold_seconds" in annotations:
        return "@within and @hold_seconds say the same; one of them is enough"
    if "escalate_after" in annotations and "escalate" not in annotations:
        return "@escalate_after needs an @escalate beside it"
    if "escalate_after" in annotations and _seconds(annotations["escalate_after"]) >= _hold_time(annotations):
        return "@escalate_after must come before the time to answer is over"
    bounds = [name for name in ("probes", "learned_rows") if name in annotations]
    if bounds and "beyond" not in annotations:
        return f"@{bounds[0]} needs a @beyond beside it: the group that more than that waits for"
    if not bounds and (left := [name for name in ("beyond", "window_seconds") if name in annotations]):
        return f"@{left[0]} needs @probes or @learned_rows beside it"
    return ""


def _hold_time(annotations: Mapping[str, str]) -> int:
    if "within" in annotations:
        return _seconds(annotations["within"])
    return int(annotations.get("hold_seconds", DEFAULT_HOLD_SECONDS))


def _escalation_time(annotations: Mapping[str, str]) -> int:
    """Half of the time to answer, unless the rule says when."""
    if "escalate" not in annotations:
        return 0
    if "escalate_after" in annotations:
        return _seconds(annotations["escalate_after"])
    return max(1, _hold_time(annotations) // 2)


def rule_of(effect: str, annotations: Mapping[str, str], file: str, line: int, source: str) -> Rule:
    """The rule that faultless *annotations* make."""
    hold = annotations.get("hold", "")
    return Rule(
        id=annotations["id"],
        file=file,
        line=line,
        forbids=effect == "forbid",
        description=annotations["description"],
        source=source,
        reason=annotations.get("reason", ""),
        advice=annotations.get("advice", ""),
        hold=hold,
        hold_seconds=_hold_time(annotations) if hold else 0,
        quorum=int(annotations.get("quorum", 1)),
        escalate=annotations.get("escalate", ""),
        escalate_seconds=_escalation_time(annotations),
        row_limit=int(annotations.get("row_limit", 0)),
        parameters=Parameters(annotations["parameters"]) if "parameters" in annotations else None,
        require=frozenset(annotations.get("require", "").split()),
        probes=int(annotations.get("probes", 0)),
        learned_rows=int(annotations.get("learned_rows", 0)),
        window_seconds=int(annotations.get("window_seconds", DEFAULT_WINDOW_SECONDS)) if "beyond" in annotations else 0,
        beyond=annotations.get("beyond", ""),
        mask=annotations.get("mask", ""),
    )
