"""How often the parser would repeat a part of a text: a bound taken before parsing, so that no small text fills the memory.

``SET (a, b, c) = (SELECT ...)`` appears in a raw parse tree once per column, source included; nested in one another such
assignments grow the tree exponentially. Tokens are counted first, and a text whose tree would be out of proportion is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# Bytes of text, repetitions counted, that are still parsed. A tree takes some forty bytes for each.
_REPEATED_LIMIT_BYTES = 2 << 20

# An assignment to several columns has ")" and then "=", only white space or comments between.
_MAYBE = re.compile(rb"\)[ \t\n\r\f\v]*(?:=|--|/\*)")
_SET = re.compile(rb"set", re.IGNORECASE)

_OPEN, _CLOSE = (40, 91), (41, 93)  # ( [ and ) ]
_COMMA, _SEMICOLON, _EQUALS = 44, 59, 61
_COMMENTS = (275, 276)  # SQL_COMMENT, C_COMMENT in libpg_query's token numbers


def multiplies_too_much(encoded: bytes, scan: Callable[[bytes], bytes]) -> bool:
    """Whether *encoded* could make a tree out of proportion to its length. *scan* is asked only when it might."""
    if not _MAYBE.search(encoded) or not _SET.search(encoded):
        return False
    tokens = [token for token in _tokens(scan(encoded)) if token[2] not in _COMMENTS]
    if not tokens:
        return False
    return _repeated_size(encoded, tokens) > _REPEATED_LIMIT_BYTES


def _repeated_size(encoded: bytes, tokens: list[tuple[int, int, int]]) -> int:
    groups: list[list[int]] = []  # for each open bracket: may it be a column list (1) or not (0), commas seen in it
    factors: list[tuple[int, int]] = []  # (depth it stands at, columns) of each assignment that we are inside of
    total, weight = 0, 1
    last = len(tokens) - 1
    for position, (start, end, kind) in enumerate(tokens):
        total += (end - start) * weight
        if kind in _OPEN:
            before = tokens[position - 1] if position else (0, 0, 0)
            is_list = before[2] == _COMMA or encoded[before[0] : before[1]].lower() == b"set"
            groups.append([int(is_list), 0])
        elif kind in _CLOSE and groups:
            is_list_group, commas = groups.pop()
            factors = [factor for factor in factors if factor[0] <= len(groups)]
            if is_list_group and position < last and tokens[position + 1][2] == _EQUALS:
                factors.append((len(groups), commas + 1))
        elif kind in (_COMMA, _SEMICOLON):
            if groups:
                groups[-1][1] += 1
            factors = [factor for factor in factors if factor[0] < len(groups)]
        else:
            continue
        weight = 1
        for _, columns in factors:
            weight *= columns
    return total


def _tokens(message: bytes) -> Iterator[tuple[int, int, int]]:
    """(start, end, token number) of each ScanToken in a ScanResult message (protocol buffers, fields 1, 2 and 4)."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        value, position = _varint(message, position)
        if tag & 7 != 2:
            continue
        end_of_token, fields = position + value, {1: 0, 2: 0, 4: 0}
        while position < end_of_token:
            field, position = _varint(message, position)
            fields[field >> 3], position = _varint(message, position)
        yield fields[1], fields[2], fields[4]


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
