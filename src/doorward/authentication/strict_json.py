"""JSON objects from strangers: bounded, without a name twice, without numbers that are none. Pure."""

from __future__ import annotations

import json
from typing import Any, NoReturn

MOST_DEPTH = 16


class NotStrict(ValueError):
    """The text is not such an object. The message holds nothing of it."""


def read_object(text: bytes, most_bytes: int) -> dict[str, Any]:
    """The object that *text* spells. Raises NotStrict.

    RFC 7519, section 4: who takes the second of two members with one name may read another text than who takes the first.
    """
    if len(text) > most_bytes:
        raise NotStrict("it is too long")
    try:
        # UTF-8 without a mark of byte order (RFC 8259, section 8.1).
        found = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
    except NotStrict:
        raise
    except (ValueError, RecursionError):
        raise NotStrict("it is not JSON") from None
    if not isinstance(found, dict):
        raise NotStrict("it is not a JSON object")
    if _is_deeper_than(found, MOST_DEPTH):
        raise NotStrict("it is nested too deeply")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrict("a name is in it twice")
    return found


def _refuse_constant(_word: str) -> NoReturn:
    raise NotStrict("a number in it is none")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise NotStrict("a number in it is none")
    return number


def _is_deeper_than(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper_than(one, levels - 1) for one in inner)
