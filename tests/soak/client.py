"""A process of clients, each a thread with sessions one after another: ``python -m tests.soak.client``.

Reads one line of JSON: connection strings by name, number of clients, statements a second of each, and a seed. Runs until it is
killed. Every statement's text has a number that no other has, so that two logs can be compared one to one.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import psycopg

SESSION_STEPS = (1, 60)
ABRUPT_SHARE = 0.3
HELD_STEPS = 20  # one held statement in so many steps of people
COPY_ROWS = 20


class Clients:
    """What the threads of this process share."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.dsns: dict[str, str] = asked["dsns"]
        self.pause_seconds = 1 / asked["rate"]
        self.seed = asked["seed"]
        self._numbers = count(1)

    def mark(self) -> str:
        """A comment that no other statement has."""
        return f"/* soak {self.seed}.{os.getpid()}.{next(self._numbers)} */"

    def live(self, place: int) -> None:
        """One client: sessions until the process ends."""
        dice = random.Random(f"{self.seed}.{place}")
        while True:
            try:
                self.session(dice)
            except (psycopg.Error, OSError):
                time.sleep(dice.uniform(0.1, 0.5))

    def session(self, dice: random.Random) -> None:
        """Connect as somebody, take steps, and leave: politely, or not."""
        name = dice.choice(sorted(self.dsns))
        connection = psycopg.connect(self.dsns[name], autocommit=True)
        try:
            for _ in range(dice.randint(*SESSION_STEPS)):
                step = dice.choice(AGENT_STEPS if name == "report-bot" else STEPS)
                if name == "alice" and dice.randrange(HELD_STEPS) == 0:
                    step = held
                with contextlib.suppress(psycopg.errors.DatabaseError):
                    step(connection, self.mark, dice)
                if connection.closed:
                    return
                time.sleep(dice.expovariate(1 / self.pause_seconds))
            if dice.random() < ABRUPT_SHARE:
                leave_abruptly(connection, self.mark, dice)
        finally:
            connection.close()


Mark = Callable[[], str]
Step = Callable[["psycopg.Connection[Any]", Mark, random.Random], None]


def text(words: str, mark: Mark) -> bytes:
    """A statement with its number."""
    return f"{words} {mark()}".encode()


def simple(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """A read by the simple protocol."""
    connection.execute(text(f"SELECT id, note FROM soak WHERE id = {dice.randint(1, 1000)}", mark)).fetchall()


def extended(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """A read with parameters."""
    connection.execute(text("SELECT id, email FROM soak WHERE id < %s", mark), [dice.randint(1, 50)], prepare=False).fetchall()


def prepared(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """One statement prepared and executed several times."""
    words = text("SELECT count(*) FROM soak WHERE id %% %s = 0", mark)
    for _ in range(3):
        connection.execute(words, [dice.randint(2, 9)], prepare=True).fetchall()


def written(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """A write of one row."""
    connection.execute(text("UPDATE soak SET amount = amount + 1 WHERE id = %s", mark), [dice.randint(1, 1000)])


def transaction(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """Several statements that end in COMMIT or ROLLBACK."""
    connection.execute(text("BEGIN", mark))
    written(connection, mark, dice)
    simple(connection, mark, dice)
    connection.execute(text(dice.choice(("COMMIT", "ROLLBACK")), mark))


def failing(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """An error of the server's, with and without parameters."""
    if dice.random() < 0.5:
        connection.execute(text("SELECT 1 / (id - id) FROM soak", mark))
    else:
        connection.execute(text("INSERT INTO soak (id, note) VALUES (%s, 'there already')", mark), [1])


def denied(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """What nobody may."""
    connection.execute(text(dice.choice(("COPY soak TO STDOUT", "SELECT pg_read_file('/etc/passwd')", "SELEC 1")), mark))


def held(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """What waits for an approver, or is given up on."""
    if dice.random() < 0.4:
        threading.Timer(dice.uniform(0.05, 0.5), connection.cancel_safe).start()
    connection.execute(text("UPDATE soak_counter SET n = n + 1", mark))


def copied_out(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """COPY of clear columns to the client."""
    with connection.cursor().copy(text("COPY (SELECT id, amount FROM soak) TO STDOUT", mark)) as copy:
        for _row in copy:
            pass


def copied_in(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """COPY from the client, some of them broken off."""
    with connection.cursor().copy(text("COPY soak_loaded FROM STDIN", mark)) as copy:
        for number in range(COPY_ROWS):
            if number == COPY_ROWS // 2 and dice.random() < 0.2:
                raise psycopg.errors.DataError("enough of this")
            copy.write_row((number, "a row"))


def cursor(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """A cursor of the server's, read in part."""
    connection.execute(text("BEGIN", mark))
    connection.execute(text("DECLARE looked CURSOR FOR SELECT id, email FROM soak", mark))
    connection.execute(text("FETCH 20 FROM looked", mark)).fetchall()
    connection.execute(text("CLOSE looked", mark))
    connection.execute(text("ROLLBACK", mark))


def cancelled(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """A statement that is given up on while it runs."""
    threading.Timer(dice.uniform(0.02, 0.2), connection.cancel_safe).start()
    connection.execute(text("SELECT pg_sleep(5)", mark))


def pipelined(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """Several statements in one go; an error in the middle skips the rest."""
    with connection.pipeline():
        for place in range(5):
            if place == 2 and dice.random() < 0.4:
                connection.execute(text("INSERT INTO soak (id, note) VALUES (%s, 'there already')", mark), [1])
            extended(connection, mark, dice)


STEPS: tuple[Step, ...] = (
    simple, simple, extended, extended, prepared, written, transaction, failing, denied, copied_out, copied_in, cursor,
    cancelled, pipelined,
)  # fmt: skip
AGENT_STEPS: tuple[Step, ...] = (simple, extended, prepared, denied, written, failing, cursor, pipelined)


def leave_abruptly(connection: psycopg.Connection[Any], mark: Mark, dice: random.Random) -> None:
    """Reset the connection: idle, in a transaction, or with an answer on its way."""
    way = dice.randrange(3)
    if way == 1:
        connection.execute(text("BEGIN", mark))
        written(connection, mark, dice)
    if way == 2:
        connection.pgconn.send_query(text("SELECT a.id, b.note FROM soak a, soak b", mark))
        time.sleep(dice.uniform(0, 0.05))
    with socket.socket(fileno=os.dup(connection.pgconn.socket)) as raw:
        # Closing resets the connection when nothing is to linger. libpq keeps a socket of its own under the same number, which
        # leads nowhere: the number must not go to somebody else.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with socket.socket() as nowhere:
            os.dup2(nowhere.fileno(), connection.pgconn.socket)


def main() -> None:
    """Start the threads, and wait for the end."""
    clients = Clients(json.loads(sys.stdin.readline()))
    for place in range(int(sys.argv[1])):
        threading.Thread(target=clients.live, args=(place,), daemon=True).start()
    # Whoever started this holds the other end: without them it ends.
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
