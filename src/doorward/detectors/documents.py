"""JSON as it was written: every key, string and number with its place, so that a value is replaced and the rest stays."""

from __future__ import annotations

import json
import re
from typing import NamedTuple, NoReturn

MAX_DEPTH = 256  # deeper than data is; json.loads has a limit of its own, which depends on the interpreter
MAX_LEAVES = 200_000

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")


class Leaf(NamedTuple):
    """A string, number or key. *start* and *end* are the places of its content: inside the quotes of a string.

    *key* is the nearest key above, *parent* the key above that, *siblings* the number of the object it is in.
    """

    start: int
    end: int
    text: str
    is_string: bool
    is_key: bool
    key: str
    parent: str
    siblings: int


class Unreadable(ValueError):
    """The document is too deep or has too many leaves to be read within its bound."""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)


def leaves_of(text: str) -> list[Leaf] | None:
    """All leaves in order, or None when *text* is no JSON (RFC 8259). Raises Unreadable."""
    if not text.isascii() and "\ufeff" in text[:1]:
        return None
    try:
        _DECODER.decode(text)
    except RecursionError as error:
        raise Unreadable("too deep") from error
    except ValueError:
        return None
    return _walk(text)


def _walk(text: str) -> list[Leaf]:
    """The leaves of what json has found to be well-formed."""
    leaves: list[Leaf] = []
    # For each open bracket: whether it is an object, its number, the key in force, the key above it.
    is_object, number, key, parent = False, 0, "", ""
    stack: list[tuple[bool, int, str, str]] = []
    objects = 0
    awaits_key = False
    for match in _TOKEN.finditer(text):
        token = match.group()
        sign = token[0]
        if sign == '"':
            start, end = match.start() + 1, match.end() - 1
            content = token[1:-1]
            if "\\" in content:
                content = json.loads(token)
            if awaits_key:
                key, awaits_key = content, False
                leaves.append(Leaf(start, end, content, True, True, key, parent, number))
            else:
                leaves.append(Leaf(start, end, content, True, False, key, parent, number))
        elif sign in "{[":
            if len(stack) >= MAX_DEPTH:
                raise Unreadable("too deep")
            stack.append((is_object, number, key, parent))
            is_object = sign == "{"
            if is_object:
                objects += 1
                number, parent, awaits_key = objects, key, True
        elif sign in "}]":
            is_object, number, key, parent = stack.pop()
            awaits_key = False
        elif sign == ",":
            awaits_key = is_object
        elif sign in "-0123456789":
            leaves.append(Leaf(match.start(), match.end(), token, False, False, key, parent, number))
        if len(leaves) > MAX_LEAVES:
            raise Unreadable("too many leaves")
    return leaves


def places_of(written: str) -> list[int]:
    """For a string as written between its quotes: where each character of its content starts, and the end."""
    places: list[int] = []
    at = 0
    for match in _ESCAPE.finditer(written):
        places.extend(range(at, match.start()))
        places.append(match.start())
        at = match.end()
    places.extend(range(at, len(written) + 1))
    return places
