"""Plays queries on two states of one database that differ in protected cells alone, and says what told them apart.

What comes through must be the same in both states but for the masks of bare columns, and no protected value may be in it in
any spelling. Errors are compared too: which of them there was, never whether there was one.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from doorward.model.masking import Mask
from doorward.model.result import ResultColumn

FORMS = ("simple", "extended", "binary", "prepared", "cursor", "copy")
SHOWN = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})


@dataclass
class Answer:
    """What came back: cells with the bare column that each result column is, if it is one; or how it was refused."""

    rows: list[tuple[bytes | None, ...]] = field(default_factory=list)
    origins: list[tuple[int, int]] = field(default_factory=list)
    error: str = ""
    sqlstate: str = ""

    @property
    def everything(self) -> bytes:
        """All of it, for whoever looks for values."""
        cells = [cell for row in self.rows for cell in row if cell is not None]
        return b"\x1f".join([*cells, self.error.encode()])


def ask(connection: psycopg.Connection[Any], sql: str, form: str, *, changes: bool) -> Answer:
    """Send *sql* in this form of the protocol; what *changes* something is rolled back."""
    pgconn = connection.pgconn
    if not changes and form not in ("prepared", "cursor"):
        return _ask(pgconn, sql.encode(), form)
    pgconn.exec_(b"BEGIN")
    try:
        return _ask(pgconn, sql.encode(), form)
    finally:
        pgconn.exec_(b"ROLLBACK")
        if form == "prepared":
            pgconn.exec_(b"DEALLOCATE ALL")


def _ask(pgconn: PGconn, sql: bytes, form: str) -> Answer:
    if form == "copy":
        return _copied(pgconn, sql)
    if form in ("extended", "binary"):
        result = pgconn.exec_params(sql, [], result_format=1 if form == "binary" else 0)
    else:
        before, asked = {
            "simple": (b"", sql),
            "prepared": (b"PREPARE p AS " + sql, b"EXECUTE p"),
            "cursor": (b"DECLARE c CURSOR FOR " + sql, b"FETCH ALL FROM c"),
        }[form]
        if before:
            begun = pgconn.exec_(before)
            if begun.status not in SHOWN:
                return _refused(begun)
        result = pgconn.exec_(asked)
    if result.status not in SHOWN:
        return _refused(result)
    rows = [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]
    return Answer(rows, [(result.ftable(at), result.ftablecol(at)) for at in range(result.nfields)])


def _copied(pgconn: PGconn, sql: bytes) -> Answer:
    result = pgconn.exec_(b"COPY (" + sql + b") TO STDOUT")
    if result.status != ExecStatus.COPY_OUT:
        return _refused(result)
    answer = Answer(origins=[(0, 0)])
    while True:
        size, data = pgconn.get_copy_data(0)
        if size <= 0:
            break
        answer.rows.append((bytes(data),))
    ended = pgconn.get_result()
    while pgconn.get_result() is not None:
        pass
    return answer if ended is None or ended.status in SHOWN else _refused(ended)


def _refused(result: PGresult) -> Answer:
    state = result.error_field(DiagnosticField.SQLSTATE) or b""
    return Answer(error=result.error_message.decode(), sqlstate=state.decode())


def ask_directly(connection: psycopg.Connection[Any], sql: str) -> tuple[Answer, list[ResultColumn]]:
    """What the database itself answers, and how it describes it."""
    pgconn = connection.pgconn
    pgconn.exec_(b"BEGIN")
    try:
        result = pgconn.exec_params(sql.encode(), [])
        if result.status not in SHOWN:
            return _refused(result), []
        columns = [
            ResultColumn(
                (result.fname(at) or b"").decode(), result.ftable(at), result.ftablecol(at), result.ftype(at),
                result.fsize(at), result.fmod(at), 0,
            )
            for at in range(result.nfields)
        ]  # fmt: skip
        rows = [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]
        return Answer(rows, [(column.table_oid, column.attribute_number) for column in columns]), columns
    finally:
        pgconn.exec_(b"ROLLBACK")


def masked(answer: Answer, masks: Sequence[Mask]) -> Answer:
    """*answer* as a client would see it that is shown nothing of what is masked at all."""
    rows = [tuple(cell if mask is Mask.NONE else b"***" for cell, mask in zip(row, masks, strict=True)) for row in answer.rows]
    return Answer(rows, answer.origins)


# What tells ----------------------------------------------------------------------------------------------------------


def spellings(canary: str) -> list[bytes]:
    """How a value may be written: as it is, in capitals, backwards, in hexadecimal, in base64, shifted, as a binary number."""
    raw = canary.encode()
    if canary.isdigit():
        return [raw, raw[::-1], int(canary).to_bytes(4, "big")]
    shifted = codecs.encode(canary, "rot13").encode()
    return [raw[1:-1], raw.upper()[1:-1], raw[::-1], raw.hex().encode(), base64.b64encode(raw)[:-4], shifted]


@dataclass(frozen=True)
class Canaries:
    """The protected values of a world, in all spellings: one search finds any of them."""

    pattern: re.Pattern[bytes]
    words: frozenset[str]

    @classmethod
    def of(cls, words: Sequence[str]) -> Canaries:
        """Look for *words*."""
        listed = [re.escape(spelling) for word in words for spelling in spellings(word)]
        return cls(re.compile(b"|".join(listed)), frozenset(words))

    def shown(self, answer: Answer) -> str:
        """A protected value that is in *answer*; empty when there is none."""
        found = self.pattern.search(answer.everything)
        return f"shows {found[0]!r}" if found else ""


def differs(one: Answer, two: Answer, protected: frozenset[tuple[int, int]]) -> str:
    """What told two states apart; empty when nothing did. Bare protected columns have masks that show what policy shows."""
    if one.error or two.error:
        if one.error and two.error and (one.sqlstate, one.error) != (two.sqlstate, two.error):
            return f"errors differ: {one.error!r} and {two.error!r}"
        return ""
    if one.origins != two.origins or len(one.rows) != len(two.rows):
        return f"{len(one.rows)} rows and {len(two.rows)}"
    kept = [at for at, origin in enumerate(one.origins) if origin not in protected]
    counted = [Counter(tuple(row[at] for at in kept) for row in answer.rows) for answer in (one, two)]
    if counted[0] == counted[1]:
        return ""
    only = next(iter(counted[0] - counted[1]), None), next(iter(counted[1] - counted[0]), None)
    return f"columns {kept} differ: {only[0]} and {only[1]}"
