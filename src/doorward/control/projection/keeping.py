"""Keeps the projection up with the log: from where it stopped, or from the start when it is lost, damaged or of another log."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from doorward.audit.merkle import leaf_hash
from doorward.audit.reader import LogReader
from doorward.control.projection.folding import Folding
from doorward.control.projection.schema import INDEXES, VERSION, create, open_writing
from doorward.errors import Conflict

FILE = "record.db"
LOCK_FILE = "record.lock"
# Entries a transaction: small where a console waits for them, large where a long log is read from the start.
STEP = 2_000
BUILD_STEP = 20_000
# A projection further behind than this is built without indexes first.
FAR_BEHIND = 100_000

Progress = Callable[[int, int], None]


class Keeper:
    """The one writer of the projection in *folder*, of the log that *reader* reads. Only what is signed is taken in.

    Raises Conflict when another process keeps it.
    """

    def __init__(self, folder: Path, reader: LogReader) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / FILE
        self._reader = reader
        self._lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._connection: sqlite3.Connection | None = None
        self._folding: Folding | None = None
        self.cursor = 0
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise Conflict("Another process keeps the search index of this log.", "It is kept up by that one.") from None

    def close(self) -> None:
        """Let go of the projection. Safe to call twice."""
        self._let_go()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def interrupt(self) -> None:
        """Cut off what another thread does at present; it is undone."""
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    def rebuild(self, progress: Progress = lambda done, size: None) -> int:
        """Throw the projection away and make it anew from the whole log; how many entries it covers."""
        self._discard()
        return self.catch_up(progress)

    def catch_up(self, progress: Progress = lambda done, size: None) -> int:
        """Take in everything that is signed by now; how many entries the projection covers."""
        while self.step():
            progress(self.cursor, self._signed())
        return self.cursor

    def step(self) -> bool:
        """Take in some of what is new; whether there may be more. A projection that can't be used is made anew."""
        try:
            return self._step()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                self._let_go()  # a full disk, a reader that stays: not the file's fault
                raise
            self._discard()
            return self._step()

    def _step(self) -> bool:
        connection, folding = self._opened()
        size = self._signed()
        if size < self.cursor:  # an older copy of the log was put in place
            self._discard()
            connection, folding = self._opened()
        is_building = not folding.finds_texts
        stop = min(size, self.cursor + (BUILD_STEP if is_building else STEP))
        if stop == self.cursor:
            return self._finish(connection, folding) if is_building else False
        connection.execute("BEGIN IMMEDIATE")
        try:
            raw = b""
            for index, raw in self._reader.entries(self.cursor, stop):
                folding.fold(index, raw)
            folding.flush()
            connection.execute("UPDATE state SET cursor = ?, last = ?", (stop, leaf_hash(raw)))
            connection.execute("COMMIT")
        except BaseException:
            # What was interned in memory may not be in the file.
            self._let_go()
            raise
        self.cursor = stop
        return stop < size or is_building

    def _finish(self, connection: sqlite3.Connection, folding: Folding) -> bool:
        connection.execute("BEGIN IMMEDIATE")
        for statement in INDEXES:
            connection.execute(statement)
        connection.execute("UPDATE state SET is_indexed = 1")
        connection.execute("COMMIT")
        folding.finds_texts = True
        return True

    def _opened(self) -> tuple[sqlite3.Connection, Folding]:
        if self._connection is None or self._folding is None:
            self._connection = open_writing(self._path)
            if not self._is_of_this_log():
                self._discard()
                self._connection = open_writing(self._path)
                self._connection.execute("BEGIN IMMEDIATE")
                create(self._connection)
                self._connection.execute("COMMIT")
            cursor, is_indexed = self._connection.execute("SELECT cursor, is_indexed FROM state").fetchone()
            self.cursor = cursor
            self._folding = Folding(self._connection, finds_texts=bool(is_indexed))
            if not is_indexed and self._signed() - cursor < FAR_BEHIND:
                self._finish(self._connection, self._folding)
        return self._connection, self._folding

    def _is_of_this_log(self) -> bool:
        assert self._connection is not None
        try:
            found = self._connection.execute("SELECT version, cursor, last FROM state").fetchone()
        except sqlite3.OperationalError:
            return False  # new, or of something else
        if found is None or found[0] != VERSION or found[1] > self._signed():
            return False
        cursor, last = found[1:]
        return not cursor or any(leaf_hash(raw) == last for _index, raw in self._reader.entries(cursor - 1, cursor))

    def _signed(self) -> int:
        checkpoint = self._reader.checkpoint()
        return checkpoint.size if checkpoint else 0

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._folding = None

    def _discard(self) -> None:
        self._let_go()
        for path in (self._path, self._path.with_name(f"{FILE}-journal")):
            path.unlink(missing_ok=True)
        self.cursor = 0
