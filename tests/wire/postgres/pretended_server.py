"""A small PostgreSQL: its message loop (manual, "Message Flow") over a handful of statements, and what it ran.

Errors skip to the next Sync, COPY swallows Flush and Sync, output of the extended protocol stays in a buffer until it is asked
for: what an exchange must keep step with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from doorward.model.result import ResultColumn
from doorward.wire.postgres import messages
from doorward.wire.postgres.framing_cy import FrameReader

CLEAR, SECRET = b"clear value", b"secret value"
_COLUMN = ResultColumn("c", 0, 0, 25, -1, -1, 0)


class StatementFailed(Exception):
    """The statement fails with an SQLSTATE."""


@dataclass
class _Portal:
    text: str
    rows: list[bytes]
    columns: bool


@dataclass
class PretendedServer:
    """Feed it bytes, take what it sends. *ran* has every text that took effect, inner texts of EXECUTE and FETCH too."""

    ran: list[str] = field(default_factory=list)
    status: bytes = b"I"
    dead: bool = False
    skipping: bool = False
    statements: dict[str, str] = field(default_factory=dict)
    portals: dict[str, _Portal] = field(default_factory=dict)
    _reader: FrameReader = field(default_factory=lambda: FrameReader(1 << 20))
    _held: list[bytes] = field(default_factory=list)
    _sent: list[bytes] = field(default_factory=list)
    _copy: list[str] | None = None  # the statements that follow the COPY which is running
    _copy_is_simple: bool = False

    def receive(self, data: bytes) -> bytes:
        """Handle *data*; return what was flushed."""
        self._reader.feed(data)
        while not self.dead and self._reader.next():
            self._handle(chr(self._reader.kind), self._reader.body())
        sent = b"".join(self._sent)
        self._sent.clear()
        return sent

    def _handle(self, kind: str, body: bytes) -> None:
        if self._copy is not None:
            self._in_copy(kind)
            return
        if kind in "dcf" or (self.skipping and kind not in "SX"):
            return
        try:
            self._HANDLERS[kind](self, body)
        except StatementFailed as failed:
            self._fail(str(failed), extended=kind in "PBEDCH")

    def _fail(self, sqlstate: str, *, extended: bool) -> None:
        self._put(messages.fields("ERROR", sqlstate, "failed", SECRET.decode()).encode(b"E"))
        self._flush()  # errors never wait
        if self.status == b"T":
            self.status = b"E"
        if extended:
            self.skipping = True
        else:
            self._be_ready()

    def _in_copy(self, kind: str) -> None:
        if kind in "dHS":
            return
        remaining, simple = self._copy, self._copy_is_simple
        assert remaining is not None
        self._copy = None
        if kind == "f":
            self._fail("57014", extended=not simple)
        elif kind == "c":
            self._put(messages.message(b"C", b"COPY 1\0"))
            if simple:
                self._run_simple(remaining)
        else:
            # It did not read the message's body: it no longer knows where it is.
            self._put(messages.fields("FATAL", "08P01", "terminating connection").encode(b"E"))
            self._flush()
            self.dead = True

    def _put(self, message: bytes) -> None:
        self._held.append(message)

    def _flush(self) -> None:
        self._sent += self._held
        self._held.clear()

    def _be_ready(self) -> None:
        self._put(messages.ready_for_query(self.status))
        self._flush()
        if self.status == b"I":
            self.portals.clear()

    # --- simple -------------------------------------------------------------------------------------------------------

    def _query(self, body: bytes) -> None:
        self.statements.pop("", None)
        self.portals.pop("", None)
        texts = [text.strip() for text in body[:-1].decode().split(";") if text.strip()]
        if not all(map(_is_known, texts)):
            raise StatementFailed("42601")
        if not texts:
            self._put(messages.message(b"I", b""))
        try:
            self._run_simple(texts)
        except StatementFailed as failed:
            self._fail(str(failed), extended=False)

    def _run_simple(self, texts: list[str]) -> None:
        while texts:
            text = texts.pop(0)
            try:
                self._check(text)
                portal = self._open(text)
                if portal.columns:
                    self._put(messages.row_description([_COLUMN]))
                self._finish(portal, 0, texts)
            except StatementFailed as failed:
                self._fail(str(failed), extended=False)
                return
            if self._copy is not None:
                self._copy_is_simple = True
                return
        self._be_ready()

    # --- extended -----------------------------------------------------------------------------------------------------

    def _parse(self, body: bytes) -> None:
        name, raw = messages.read_parse(body)
        text = raw.decode()
        if not name:
            self.statements.pop("", None)
        if not _is_known(text):
            raise StatementFailed("42601")
        self._check(text)
        if name in self.statements:
            raise StatementFailed("42P05")
        self.statements[name] = text
        self._put(messages.PARSE_COMPLETE)

    def _check(self, text: str) -> None:
        if self.status == b"E" and text not in ("ROLLBACK", "COMMIT"):
            raise StatementFailed("25P02")
        if "missing" in text:
            raise StatementFailed("42P01")

    def _bind(self, body: bytes) -> None:
        bind = messages.read_bind(body)
        if bind.statement not in self.statements:
            raise StatementFailed("26000")
        if bind.portal and bind.portal in self.portals:
            raise StatementFailed("42P03")
        text = self.statements[bind.statement]
        self._check(text)
        self.portals[bind.portal] = self._open(text)
        self._put(b"2\0\0\0\x04")

    def _describe(self, body: bytes) -> None:
        target, name = messages.read_target(body)
        if target == "S":
            if name not in self.statements:
                raise StatementFailed("26000")
            text = self.statements[name]
            if self.status == b"E" and self._has_columns(text):
                raise StatementFailed("25P02")
            self._put(messages.message(b"t", b"\0\0"))
        else:
            if name not in self.portals:
                raise StatementFailed("34000")
            text = self.portals[name].text
        self._put(messages.row_description([_COLUMN]) if self._has_columns(text) else messages.message(b"n", b""))

    def _execute(self, body: bytes) -> None:
        name, maximum = messages.read_execute(body)
        if name not in self.portals:
            raise StatementFailed("34000")
        portal = self.portals[name]
        self._check(portal.text)
        self._finish(portal, maximum, [])
        if self._copy is not None:
            self._copy_is_simple = False
            self._flush()

    def _close(self, body: bytes) -> None:
        target, name = messages.read_target(body)
        (self.statements if target == "S" else self.portals).pop(name, None)
        self._put(messages.CLOSE_COMPLETE)

    def _sync(self, body: bytes) -> None:
        self.skipping = False
        self._be_ready()

    def _on_flush(self, body: bytes) -> None:
        self._flush()

    def _quit(self, body: bytes) -> None:
        self.dead = True

    _HANDLERS = {  # noqa: RUF012
        "Q": _query, "P": _parse, "B": _bind, "D": _describe, "E": _execute, "C": _close, "S": _sync, "H": _on_flush,
        "X": _quit,
    }  # fmt: skip

    # --- statements ---------------------------------------------------------------------------------------------------

    def _has_columns(self, text: str) -> bool:
        word, _, rest = text.partition(" ")
        if word == "EXECUTE":
            return self.statements.get(rest, "").startswith("SELECT")
        return word in ("SELECT", "FETCH")

    def _open(self, text: str) -> _Portal:
        return _Portal(text, self._rows_of(text), self._has_columns(text))

    def _rows_of(self, text: str) -> list[bytes]:
        if text.startswith("SELECT"):
            value = SECRET if "secret" in text else CLEAR
            return [messages.data_row([value])] * 3
        return []

    def _finish(self, portal: _Portal, maximum: int, remaining: list[str]) -> None:
        text = portal.text
        self.ran.append(text)
        word, _, rest = text.partition(" ")
        if text == "SELECT 1/0":
            raise StatementFailed("22012")
        if word == "SELECT":
            self._give(portal, maximum)
            return
        if word == "FETCH":
            source = self.portals.get(rest.removeprefix("ALL FROM "))
            if source is None:
                raise StatementFailed("34000")
            self.ran.append(source.text)
            portal.rows = source.rows
            self._give(portal, 0, "FETCH")
            return
        if word == "EXECUTE":
            if rest not in self.statements:
                raise StatementFailed("26000")
            self.ran.append(self.statements[rest])
            portal.rows = self._rows_of(self.statements[rest])
            self._give(portal, 0)
            return
        if text == "COPY t TO STDOUT":
            self._put(messages.message(b"H", b"\0\0\x01\0\0"))
            self._put(messages.message(b"d", b"1\n") * 2 + messages.COPY_DONE)
            self._put(messages.message(b"C", b"COPY 2\0"))
            return
        if word == "COPY":
            self._copy = remaining
            self._put(messages.message(b"G", b"\0\0\x01\0\0"))
            self._flush()
            return
        self._put(messages.message(b"C", self._change(word, rest).encode() + b"\0"))

    def _give(self, portal: _Portal, maximum: int, tag: str = "SELECT") -> None:
        rows = portal.rows
        given = rows[:maximum] if maximum else rows
        portal.rows = rows[len(given) :]
        for row in given:
            self._put(row)
        if maximum and portal.rows:
            self._put(messages.message(b"s", b""))
        else:
            self._put(messages.message(b"C", f"{tag} {len(given)}\0".encode()))

    def _change(self, word: str, rest: str) -> str:
        if word == "PREPARE":
            name, _, text = rest.partition(" AS ")
            if name in self.statements:
                raise StatementFailed("42P05")
            self.statements[name] = text
        elif word == "DEALLOCATE":
            if self.statements.pop(rest, None) is None:
                raise StatementFailed("26000")
        elif word == "DECLARE":
            name, _, text = rest.partition(" CURSOR FOR ")
            if self.status != b"T" or name in self.portals:
                raise StatementFailed("42P03")
            self.portals[name] = self._open(text)
            return "DECLARE CURSOR"
        elif word == "CLOSE":
            if self.portals.pop(rest, None) is None:
                raise StatementFailed("34000")
            return "CLOSE CURSOR"
        elif word == "BEGIN":
            self.status = b"T"
        elif word in ("COMMIT", "ROLLBACK"):
            self.status = b"I"
            self.portals.clear()
        elif word == "DELETE":
            return "DELETE 1"
        return word


_KNOWN = re.compile(
    r"(SELECT (clear|secret|missing|1/0)|PREPARE \w+ AS SELECT (clear|secret)|EXECUTE \w+|DEALLOCATE \w+|BEGIN|COMMIT|ROLLBACK"
    r"|DECLARE \w+ CURSOR FOR SELECT (clear|secret)|FETCH ALL FROM \w+|CLOSE \w+|COPY t (FROM STDIN|TO STDOUT)|DELETE FROM held"
    r"|DROP TABLE t)\Z"
)


def _is_known(text: str) -> bool:
    return _KNOWN.match(text) is not None
