"""What a client may see of an error or notice raised while protected data was in reach.

Messages, details, hints and context carry values ("invalid input syntax for type integer: ..."). What is known to be made
of the statement's own words, or of nothing, is kept; the rest is replaced by the condition's name.
"""

from __future__ import annotations

import re

from doorward.wire.postgres.messages import Fields

# Conditions whose message is the same every time (errcodes.txt and the places that raise them).
_FIXED = frozenset(
    {
        "25P02",  # current transaction is aborted
        "57014",  # canceling statement due to user request or a timeout
        "57P01", "57P02", "57P03",  # the server is going away
        "40001", "40P01",  # serialization failure, deadlock
        "25001", "25006", "25P01",  # transaction states
        "34000", "26000",  # the client's own names of portals and statements
        "22012",  # division by zero
    }
)  # fmt: skip

_WORDS = {
    "22": "A value was not valid for the operation.",
    "23": "A constraint was violated.",
    "42": "The statement does not fit the database's objects.",
    "53": "The server is short of resources.",
    "54": "A limit of the server was exceeded.",
    "55": "An object is not in the state that is needed.",
    "57": "The server ended the statement.",
    "P0": "A function raised an error.",
}
_CONSTRAINT_WORDS = {
    "23502": "A column that may not be NULL was given NULL",
    "23503": "A foreign key was violated",
    "23505": "A unique key was violated",
    "23514": "A check was violated",
    "23P01": "An exclusion constraint was violated",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}\Z")
_SQLSTATE = re.compile(r"[0-9A-Z]{5}\Z")

WITHHELD = "The database's own words are withheld because protected values may be in them; the audit log has them."


# The only contexts that are about the client's own input; others name code that ran beside the statement: triggers, views'
# functions, defaults. What such code says may be of anything.
_OWN_CONTEXT = re.compile(r"(COPY |JSON data, line )[^\n]*\Z")


def is_of_the_statement(message: Fields) -> bool:
    """Whether an error or notice comes from the statement itself, not from code in the database that ran because of it."""
    context = message.get("W")
    return not context or bool(_OWN_CONTEXT.match(context))


def clean(error: Fields, *, shown: bool) -> Fields:
    """*error* as the client may see it: whole when *shown*, else without anything that can carry a value."""
    if shown:
        return error
    sqlstate = error.get("C")
    if not _SQLSTATE.match(sqlstate):
        sqlstate = "XX000"
    severity = error.get("V") or error.get("S")
    pairs = [("S", severity), ("V", severity), ("C", sqlstate)]
    if (sqlstate in _FIXED or _points_into_the_text(error, sqlstate)) and not _was_raised_inside(error):
        pairs.append(("M", error.get("M")))
        if error.get("P"):
            pairs.append(("P", error.get("P")))
        return Fields(tuple(pairs))
    text = _WORDS.get(sqlstate[:2], "The statement failed.")
    constraint = error.get("n")
    if sqlstate in _CONSTRAINT_WORDS:
        text = _CONSTRAINT_WORDS[sqlstate]
        text += f": {constraint}." if _NAME.match(constraint) else "."
        pairs += [(field, error.get(field)) for field in "stcn" if _NAME.match(error.get(field))]
    return Fields((*pairs, ("M", text), ("D", WITHHELD)))


def _points_into_the_text(error: Fields, sqlstate: str) -> bool:
    """Whether the statement failed before it ran: only then does an error of class 42 point into the statement's text."""
    return sqlstate.startswith("42") and bool(error.get("P"))


def _was_raised_inside(error: Fields) -> bool:
    """Whether a function, or a query that the server itself runs, raised it: these choose condition and words freely."""
    return bool(error.get("W") or error.get("q") or error.get("p"))
