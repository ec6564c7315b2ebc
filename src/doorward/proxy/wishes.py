"""What a client wants of Doorward itself: bounds on its own connection, and reports of what becomes of its executions.

It says so with the connection (libpq: ``options='-c doorward.read_only=on'``), and the database never sees it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from doorward.errors import InvalidRequest
from doorward.model.bounds import Bounds

MOST_ROWS = 1_000_000_000
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
_OWN_BOUNDS = "the-clients-own-bounds"


@dataclass(frozen=True, slots=True)
class Wishes:
    """*bounds* are those that the client puts on itself.

    *report* is a word of the client's own by which it knows the notices that tell it what becomes of each execution; empty for
    none. No row can hold it: the database never learns it. *notices* asks to be told, in words, which columns of a result are
    masked.
    """

    bounds: tuple[Bounds, ...] = ()
    report: str = ""
    notices: bool = False


NONE = Wishes()


def read_wishes(said: Mapping[str, str]) -> Wishes:
    """The wishes that *said* spells. Raises InvalidRequest for what is not understood."""
    if not said:
        return NONE
    read_only = _switch("read_only", said.get("read_only", "off"))
    notices = _switch("notices", said.get("notices", "off"))
    rows = _count(said.get("rows", "0"))
    report = said.get("report", "")
    if report and not _NONCE.fullmatch(report):
        raise _unclear("report", "8 to 64 letters, digits, - and _ of your own choice")
    bounds = (Bounds(_OWN_BOUNDS, "This connection, as its client asked,", read_only, rows=rows),) if read_only or rows else ()
    return Wishes(bounds, report, notices)


_SWITCHES = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


def _switch(name: str, value: str) -> bool:
    found = _SWITCHES.get(value.lower())
    if found is None:
        raise _unclear(name, "on or off")
    return found


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(MOST_ROWS)) and int(value) <= MOST_ROWS):
        raise _unclear("rows", f"a number up to {MOST_ROWS}")
    return int(value)


def _unclear(name: str, wanted: str) -> InvalidRequest:
    return InvalidRequest(f"The setting doorward.{name} is not understood.", f"Give {wanted}.", sqlstate="22023")
