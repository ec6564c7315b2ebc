"""Records what real clients and a real server say to each other as seeds: ``python -m tests.fuzz.record``.

What is kept is what the fuzzed functions take, in pieces short enough for their inputs. Sign-ins are of a server that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psycopg

from tests.live.servers import DEBIAN_15, Server, running_server

SEEDS = Path(__file__).parent / "seeds"
MOST_SEED_BYTES, MOST_PIECE_BYTES = 4_000, 255
CLIENT, SERVER = 0, 1
Said = list[tuple[int, bytes]]


@contextlib.contextmanager
def tap(server: Server) -> Iterator[tuple[int, Said]]:
    """A port that leads to *server*, and all that is said over one connection to it."""
    said: Said = []

    def pump(source: socket.socket, target: socket.socket, who: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                said.append((who, data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def carry() -> None:
        with listening.accept()[0] as client, socket.create_connection((server.host, server.port)) as upstream:
            back = threading.Thread(target=pump, args=(upstream, client, SERVER))
            back.start()
            pump(client, upstream, CLIENT)
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        carrying = threading.Thread(target=carry)
        carrying.start()
        yield listening.getsockname()[1], said
        carrying.join(10)


def _dsn(server: Server, port: int) -> str:
    return f"postgresql://{server.user}:{server.password}@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable"


def _psycopg(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TEMP TABLE t (id int, note text)")
        connection.execute("INSERT INTO t VALUES (%s, %s)", (1, "one"), prepare=True)
        with connection.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write_row((2, "two"))
        with connection.cursor().copy("COPY t TO STDOUT") as copy:
            list(copy.rows())
        with connection.pipeline():
            connection.execute("SELECT 1")
            connection.execute("SELECT %s::text", ("x",))
        with connection.cursor("c") as cursor:
            cursor.execute("SELECT * FROM t")
            cursor.fetchmany(1)
        with contextlib.suppress(psycopg.Error):
            connection.execute("SELECT 1/0")


def _asyncpg(dsn: str) -> None:
    async def talk() -> None:
        connection = await asyncpg.connect(dsn.partition("?")[0], ssl=False)
        await connection.fetch("SELECT n, n::text FROM generate_series(1, $1::int) n", 3)
        async with connection.transaction():
            await connection.execute("LISTEN here; NOTIFY here, 'payload'")
        await connection.close()

    asyncio.run(talk())


def _psql(dsn: str) -> None:
    script = "\\d\nSELECT 1 AS a, NULL AS b;\nBEGIN;\nSELECT nothing;\nROLLBACK;\n"
    subprocess.run(["psql", "-X", "-q", dsn], input=script.encode(), check=False, capture_output=True)


def _split(said: Said) -> tuple[Said, Said]:
    """Start-up, and what comes behind the first ReadyForQuery."""
    for number, (who, data) in enumerate(said):
        if who == SERVER and data.endswith(b"Z\0\0\0\x05I"):
            return said[: number + 1], said[number + 1 :]
    raise AssertionError("the server was never ready")


def _all_of(said: Said, wanted: int) -> bytes:
    return b"".join(data for who, data in said if who == wanted)[:MOST_SEED_BYTES]


def _as_steps(said: Said) -> bytes:
    """As the target ``exchange`` takes it: who, how many bytes, the bytes."""
    steps = b"\x01"
    for who, data in said:
        for start in range(0, len(data), MOST_PIECE_BYTES):
            piece = data[start : start + MOST_PIECE_BYTES]
            steps += bytes([who, len(piece)]) + piece
    return steps[:MOST_SEED_BYTES]


def main() -> None:
    """Record all clients anew."""
    talks: dict[str, Callable[[str], None]] = {"psycopg": _psycopg, "asyncpg": _asyncpg, "psql": _psql}
    with running_server(DEBIAN_15, 15) as server:
        for name, talk in talks.items():
            with tap(server) as (port, said):
                talk(_dsn(server, port))
            opening, conversation = _split(said)
            seeds = {
                "signing_in": b"\x10" + _all_of(opening, CLIENT),
                "upstream": b"\x40\x01" + _all_of(opening, SERVER),
                "framing": b"\xff\x30\x00" + _all_of(conversation, SERVER),
                "exchange": _as_steps(conversation),
            }
            for target, seed in seeds.items():
                (SEEDS / target).mkdir(parents=True, exist_ok=True)
                (SEEDS / target / name).write_bytes(seed)


if __name__ == "__main__":
    main()
