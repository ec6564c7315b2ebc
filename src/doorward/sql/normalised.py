"""A statement's text without its literals and comments: what may be told of it to those who may not know the values.

A reading of its own, by the lexical rules alone (manual, "Lexical Structure", with ``standard_conforming_strings`` on): it
works for texts of any form and length. A test compares it with PostgreSQL's own scanner. Names stay, whatever they say.
"""

from __future__ import annotations

import re

_REST = "…"

# A string goes on behind white space with a line break in it, and by the rules that it began with.
_BREAK = r"(?:[ \t\f\v]*[\n\r](?:[ \t\f\v\n\r]|--[^\n\r]*(?=[\n\r]))*)"
_PLAIN = r"'(?:[^']|'')*'"
_ESCAPED = r"'(?:[^'\\]|\\.|'')*'"
_TOKEN = re.compile(
    rf"""
    (?P<string> [eE]{_ESCAPED}(?:{_BREAK}{_ESCAPED})* | (?:[uU]&)?{_PLAIN}(?:{_BREAK}{_PLAIN})*
              | [bBxX]'[^']*'(?:{_BREAK}'[^']*')*
              | \$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?)\$.*?\$(?P=tag)\$ )
  | (?P<comment> --[^\n\r]* )
  | (?P<nested> /\* )
  | (?P<unended> (?:[eEbBxX]|[uU]&)?' | \$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?\$ )
  | (?P<kept> [A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]* | \$[0-9]+ | "(?:[^"]|"")*" | [ \t\n\r\f\v]+ | \.\. )
  | (?P<number> 0[xXoObB][0-9A-Fa-f_]+
              | (?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)? )
  | (?P<open> " )
  | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_ENDS = re.compile(r"/\*|\*/")


def normalised(text: str) -> str:
    """*text* with ``?`` for a number, ``'?'`` for a string, a space for a comment; cut where a quote never ends."""
    parts: list[str] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        assert found is not None, "the last branch takes any letter"
        position = found.end()
        kind = found.lastgroup
        if kind == "tag":
            kind = "string"
        if kind == "string":
            parts.append("'?'")
        elif kind == "number":
            parts.append("?")
        elif kind == "comment":
            parts.append(" ")
        elif kind == "nested":
            position = _end_of_comment(text, position)
            parts.append(" ")
        elif kind in ("unended", "open"):
            parts.append(_REST)
            break
        else:
            parts.append(found[0])
    return "".join(parts)


def _end_of_comment(text: str, position: int) -> int:
    depth = 1
    for found in _COMMENT_ENDS.finditer(text, position):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    return len(text)
