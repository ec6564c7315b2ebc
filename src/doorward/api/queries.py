"""Query strings as filters, the same for the API and the console."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from doorward.control.filters import Filters
from doorward.control.record import LIMIT
from doorward.errors import InvalidRequest
from doorward.model.approval import RequestState
from doorward.model.catalog import Label

FILTER_WORDS = ("who", "for_whom", "table", "label", "verdict", "text", "kind", "session")
LOG_QUERY = (*FILTER_WORDS, "since", "before", "after", "limit")


def filters_from(query: Mapping[str, str]) -> Filters:
    """Filters from a query string; *since* is an ISO 8601 time or date, UTC unless it says otherwise."""
    words = {word: query.get(word, "").strip() for word in FILTER_WORDS}
    return Filters(
        who=words["who"],
        for_whom=words["for_whom"],
        table=words["table"],
        label=words["label"],
        verdict=words["verdict"],
        text=words["text"],
        kind=words["kind"],
        session=words["session"],
        since_us=_since(query.get("since", "").strip()),
        before=whole_number(query["before"], "before") if query.get("before") else None,
        after=whole_number(query.get("after") or "-1", "after"),
        limit=min(LIMIT, whole_number(query.get("limit") or "50", "limit")),
    )


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


def _since(text: str) -> int:
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest("since is not a time.", "Write it as 2027-01-31 or 2027-01-31T08:00.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def _words(kind: type[RequestState] | type[Label]) -> str:
    return ", ".join(member.value for member in kind)
