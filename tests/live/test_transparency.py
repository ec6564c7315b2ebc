"""Random dialogues with a real server, directly and through a Doorward that asks for nothing: the same answers."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import hypothesis
import psycopg
import pytest

from doorward.model.upstream import Upstream
from doorward.wire.postgres import messages
from doorward.wire.postgres.framing_cy import FrameReader
from tests.live.running import running_doorward
from tests.live.servers import Database, Server, fresh_database
from tests.patience import either, examples
from tests.wire.postgres.dialogues import ENDING, compared, dialogues

pytestmark = [pytest.mark.live, pytest.mark.timeout(either(120, 3_600))]

ANSWER_SECONDS = 20.0
END = messages.query("ROLLBACK") + messages.query("DEALLOCATE ALL") + messages.query("SELECT 'the end'")
RESET = "TRUNCATE t; INSERT INTO t VALUES ('one'), ('two'), ('three')"
TEXTS = (
    "SELECT x FROM t", "SELECT count(*), 'x' AS y FROM t", "SELECT missing", "SELECT 1/0", "INSERT INTO t VALUES ('new')",
    "UPDATE t SET x = 'changed' WHERE x = 'one'", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s",
    "DECLARE k CURSOR FOR SELECT x FROM t", "FETCH 2 FROM k", "CLOSE k", "COPY t TO STDOUT", "SET LOCAL work_mem = 100",
)  # fmt: skip
BY_QUERY = ("PREPARE c AS SELECT x FROM t", "EXECUTE c", "DEALLOCATE c", "not even SQL")
# Doorward refuses EXECUTE of what a message prepared when that is itself about names.
BY_A = {messages.query("EXECUTE a"), messages.query("EXECUTE b")}
# Told as they come, about nothing that was asked.
ASIDE = {"N", "S"}


@dataclass
class Road:
    """A way to the server: one session, begun again when a dialogue has ended it."""

    dsn: str
    connection: psycopg.Connection[object] | None = None
    wire: socket.socket = field(init=False)

    def talk(self, sent: bytes) -> list[tuple[str, object]] | None:
        """The answers to *sent*; None when the session was ended over it. Fails when the last of them does not come."""
        if self.connection is None:
            self.connection = psycopg.connect(self.dsn, autocommit=True)
            self.wire = socket.socket(fileno=os.dup(self.connection.fileno()))
            self.wire.settimeout(ANSWER_SECONDS)
        received = b""
        with contextlib.suppress(ConnectionError):
            self.wire.sendall(sent + END)
            while chunk := self.wire.recv(65_536):
                received += chunk
                if received.endswith(b"the endC\0\0\0\rSELECT 1\0Z\0\0\0\x05I"):
                    return [told for told in compared(received) if told[0] not in ASIDE]
        self.close()
        return None

    def close(self) -> None:
        """End the session."""
        if self.connection is not None:
            self.wire.close()
            self.connection.close()
            self.connection = None


@dataclass
class Roads:
    """Both ways, and the database at their end."""

    database: Database
    direct: Road
    through: Road


@pytest.fixture(scope="module")
def roads(postgres15: Server) -> Iterator[Roads]:
    """One server, reached both ways by the same role."""
    with fresh_database(postgres15) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute("CREATE TABLE t (x text)")
        upstream = Upstream("road", "postgresql", database.host, database.port, database.name, role.name, role.password)
        with running_doorward(upstream) as running:
            through = Road(running.dsn("nightly-etl", sslmode="disable"))
            made = Roads(database, Road(f"{database.dsn(role)}?sslmode=disable"), through)
            yield made
            made.direct.close()
            made.through.close()


@examples(25, 1_500)
@hypothesis.given(dialogues(unnamed=True, size=10, texts=TEXTS, by_query=BY_QUERY))
def test_a_real_server_answers_the_same_through_doorward(roads: Roads, sent: list[bytes]) -> None:
    """Message by message; where the one way ends the session, so does the other."""
    told = []
    for road in (roads.direct, roads.through):
        roads.database.execute(RESET)
        told.append(road.talk(b"".join([*sent, *(message for message in ENDING if message not in BY_A)])))
    assert told[1] == told[0]


def test_the_end_is_recognised() -> None:
    """What the roads wait for is what a server sends."""
    reader = FrameReader(1 << 20)
    reader.feed(b"D\0\0\0\x11\0\1\0\0\0\x07the endC\0\0\0\rSELECT 1\0Z\0\0\0\x05I")
    assert [chr(reader.kind) for _ in range(3) if reader.next()] == ["D", "C", "Z"]
