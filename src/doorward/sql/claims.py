"""What a program says of itself in a comment: job, run, route. For the record alone, and marked there as claimed.

Two ways of saying it are read: sqlcommenter's (``/*job='nightly',run='17'*/``, values encoded as in addresses), and dbt's, one
JSON object (``/* {"app": "dbt", "node_id": "model.shop.orders"} */``). Anybody may write anything: nothing is decided by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from doorward.model.claim import NAME, claims_of
from doorward.sql.settings import CLAIMS

# Longer comments are prose.
MOST_COMMENT = 2_000

_FIRST = re.compile(rf"\s*/\*((?:(?!\*/|/\*).){{1,{MOST_COMMENT}}})\*/", re.DOTALL)
_LAST = re.compile(rf"/\*((?:(?!\*/|/\*).){{1,{MOST_COMMENT}}})\*/[\s;]*\Z", re.DOTALL)
_PAIR = re.compile(rf"\s*({NAME.pattern})\s*=\s*'((?:[^'\\]|\\.)*)'\s*", re.DOTALL)


def claims_in(text: str) -> tuple[tuple[str, str], ...]:
    """What the comment before or behind the statement says, by names in order; nothing for an ordinary comment."""
    if "*/" not in text:
        return ()
    found = [*_said(_FIRST.match(text)), *_said(_LAST.match(text, text.rfind("/*")))]
    # Rules are asked with what the connection says of these two. A comment that said otherwise would make the record lie.
    return claims_of((name, value) for name, value in found if name not in CLAIMS)


def _said(comment: re.Match[str] | None) -> Iterator[tuple[str, str]]:
    if comment is None:
        return
    said = comment[1].strip()
    yield from _object(said) if said.startswith("{") else _pairs(said)


def _pairs(said: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while matched := _PAIR.match(said, position):
        found.append((matched[1], unquote(re.sub(r"\\(.)", r"\1", matched[2], flags=re.DOTALL))))
        position = matched.end()
        if said[position : position + 1] != ",":
            break
        position += 1
    return found if position == len(said) else []


def _object(said: str) -> list[tuple[str, str]]:
    try:
        members = json.loads(said)
    except (ValueError, RecursionError):
        return []
    if not isinstance(members, dict):
        return []
    return [(name, str(value)) for name, value in members.items() if isinstance(value, str | int)]
