"""Finds the literals of a text without parsing it, so that texts which differ in literals alone are known to be alike.

Runs compiled or interpreted. What it says is trusted only together with a parse tree: a literal may vary when the tree of
the first such text had a constant starting exactly there, in a place where its value changes nothing
(:mod:`doorward.sql.varying`). Whatever is not plain and short is no literal here and stays part of the text.
"""

from __future__ import annotations

try:
    import cython
except ModuleNotFoundError:  # pragma: no cover - depends on the installation
    from doorward import _cython as cython  # type: ignore[no-redef]

# Longer texts are parsed each time: they are rare, and their cost is elsewhere.
LONGEST_BYTES = 2048
# More digits may be of another type (int8, numeric), and a longer list of literals is no statement of every day.
_MOST_DIGITS = 9
_MOST_LITERALS = 64

# What stands for a literal in a skeleton. Texts that hold these bytes themselves have none.
_NUMBER = 1
_STRING = 2


def is_compiled() -> bool:
    """Whether this module runs as compiled code."""
    return bool(cython.compiled)


@cython.cfunc
@cython.inline
def _starts_word(byte: cython.int) -> cython.bint:
    return (97 <= byte <= 122) or (65 <= byte <= 90) or byte == 95 or byte >= 128


@cython.cfunc
@cython.inline
def _is_digit(byte: cython.int) -> cython.bint:
    return 48 <= byte <= 57


def skeleton(text: bytes) -> tuple[bytes, tuple[bytes, ...], tuple[int, ...]] | None:
    """*text* with a mark in place of each literal, the literals, and the offsets in *text* where they start.

    A literal is a run of at most nine digits that is a token of its own, or a string in plain single quotes (manual, "Lexical
    Structure", with ``standard_conforming_strings`` on). None for a text without literals or with anything that makes their
    bounds a matter of interpretation: comments, dollar quotes, prefixed strings, control bytes, too long or too many.
    """
    size: cython.Py_ssize_t = len(text)
    position: cython.Py_ssize_t = 0
    start: cython.Py_ssize_t
    copied: cython.Py_ssize_t = 0
    byte: cython.int
    following: cython.int
    if size > LONGEST_BYTES:
        return None
    parts: list[bytes] = []
    literals: list[bytes] = []
    starts: list[int] = []
    while position < size:
        byte = text[position]
        if _starts_word(byte):
            position += 1
            while position < size and (_starts_word(text[position]) or _is_digit(text[position]) or text[position] == 36):
                position += 1
            # E'..', B'..', X'..', N'..' and U&'..' follow other rules.
            if position < size and (text[position] == 39 or text[position] == 38):
                return None
        elif _is_digit(byte):
            start = position
            while position < size and _is_digit(text[position]):
                position += 1
            following = text[position] if position < size else 32
            if following == 46 or following == 36 or _starts_word(following) or position - start > _MOST_DIGITS:
                while position < size and (
                    text[position] == 46 or text[position] == 36 or _starts_word(text[position]) or _is_digit(text[position])
                ):
                    position += 1
            else:
                parts.append(text[copied:start])
                parts.append(b"\x01")
                literals.append(text[start:position])
                starts.append(start)
                copied = position
        elif byte == 39:
            start = position
            position += 1
            while True:
                position = text.find(b"'", position)
                if position < 0:
                    return None
                position += 1
                if position < size and text[position] == 39:
                    position += 1
                    continue
                break
            parts.append(text[copied:start])
            parts.append(b"\x02")
            literals.append(text[start:position])
            starts.append(start)
            copied = position
        elif byte == 34:
            position = text.find(b'"', position + 1)
            if position < 0:
                return None
            position += 1
        elif byte == 36 or byte == 46:
            # $1 is a parameter, .5 and 1.5 are numbers we leave alone; $$ quotes.
            position += 1
            if byte == 36 and (position >= size or not _is_digit(text[position])):
                return None
            while position < size and _is_digit(text[position]):
                position += 1
        elif byte == 45 or byte == 47:
            position += 1
            if position < size and (text[position] == 45 if byte == 45 else text[position] == 42):
                return None
        elif byte < 32 and byte != 9 and byte != 10 and byte != 13:
            return None
        else:
            position += 1
    if not literals or len(literals) > _MOST_LITERALS:
        return None
    parts.append(text[copied:])
    return b"".join(parts), tuple(literals), tuple(starts)
