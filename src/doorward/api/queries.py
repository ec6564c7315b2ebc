"""Query strings as filters, the same for the API and the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from doorward.clock import now_us
from doorward.control.filters import Filters
from doorward.control.moments import moment_us
from doorward.control.projection.disclosing import Wanted
from doorward.control.record import LIMIT
from doorward.errors import InvalidRequest
from doorward.model.approval import RequestState
from doorward.model.catalog import Label

FILTER_WORDS = (
    "who", "for_whom", "party", "table", "label", "verdict", "action", "status", "text", "kind", "session", "subject"
)  # fmt: skip
TIMES = ("since", "until")
LOG_QUERY = (*FILTER_WORDS, *TIMES, "before", "after", "limit")
DISCLOSURE_QUERY = ("column", "label", "who", *TIMES, "clear")


def filters_from(query: Mapping[str, str], most: int = LIMIT) -> Filters:
    """Filters from a query string; *since* and *until* are times of ISO 8601, UTC unless they say otherwise, or ``90d``."""
    since_us, until_us = times_from(query)
    found = Filters(
        since_us=since_us,
        until_us=until_us,
        before=whole_number(query["before"], "before") if query.get("before") else None,
        after=whole_number(query.get("after") or "-1", "after"),
        limit=min(most, whole_number(query.get("limit") or "50", "limit")),
    )
    words: dict[str, Any] = {word: query.get(word, "").strip() for word in FILTER_WORDS}
    return replace(found, **words)


def wanted_from(query: Mapping[str, str]) -> Wanted:
    """Which disclosures are asked for."""
    since_us, until_us = times_from(query)
    column, label, who = (query.get(word, "").strip() for word in ("column", "label", "who"))
    return Wanted(column, label, who, since_us, until_us, query.get("clear", "") in ("1", "true", "yes"))


def times_from(query: Mapping[str, str]) -> tuple[int, int]:
    """Both ends of a stretch of time; 0 where none was given."""
    now = now_us()
    return moment_us(query.get("since", ""), now), moment_us(query.get("until", ""), now, is_end=True)


def state_from(query: Mapping[str, str]) -> RequestState | None:
    """The state asked for; None for all."""
    word = query.get("state", "")
    try:
        return RequestState(word) if word else None
    except ValueError:
        raise InvalidRequest("There is no such state.", f"Use one of {_words(RequestState)}.") from None


def label_from(word: str) -> Label:
    """The label of this name."""
    try:
        return Label(word)
    except ValueError:
        raise InvalidRequest("There is no such label.", f"Use one of {_words(Label)}.") from None


def whole_number(text: str, name: str) -> int:
    """A number from a URL."""
    try:
        return int(text[:20])
    except ValueError:
        raise InvalidRequest(f"{name} is not a whole number.") from None


def _words(kind: type[RequestState] | type[Label]) -> str:
    return ", ".join(member.value for member in kind)
