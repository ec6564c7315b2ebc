"""Networks that fail, between client and Doorward and between Doorward and server: nothing hangs, leaks, or goes unrecorded."""

from __future__ import annotations

import contextlib
import os
import random
import re
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream
from tests.live.faulty_network import NO_FAULT, Cut, Fault, Relay, Side, Way, relay
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database
from tests.live.watching import Held, Watch, watchable
from tests.patience import either

pytestmark = pytest.mark.live

# A client that got no answer for so long hangs. Doorward's own longest wait, for an upstream to answer, is shorter.
HANG_SECONDS = 25.0
# Longer than Doorward lets whoever does not read linger.
SETTLE_SECONDS = 20.0
SMALLEST_WINDOW_BYTES = 2_048
TAG = re.compile(r"/\* (\w+) \*/")
LOGGED = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)")


@dataclass
class Wires:
    """A Doorward between two relays, and every statement that was sent through them."""

    running: Running
    watch: Watch
    database: Database
    to_doorward: Relay
    to_server: Relay
    dsn: str
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    conversations: int = 0
    before: Held | None = None  # what the gateway holds while nobody is connected

    def converse(self, client_leg: Fault = NO_FAULT, server_leg: Fault = NO_FAULT, *, patience: float = 0.0) -> str:
        """Connect and talk in every way that there is; return how it ended. Fails when it hangs.

        With *patience*, in seconds, the client gives up after it: a network that stalls tells nobody.
        """
        self.conversations += 1
        self.to_doorward.faults.append(client_leg)
        self.to_server.faults.append(server_leg)
        told: list[str] = []
        client = threading.Thread(target=self._talk, args=(told, patience), name="client", daemon=True)
        client.start()
        client.join(HANG_SECONDS)
        # What the conversation did not come to must not meet the next one.
        self.to_doorward.faults.clear()
        self.to_server.faults.clear()
        assert not client.is_alive(), f"the client hangs: {client_leg} {server_leg}"
        return told[0]

    def tagged(self, text: str, step: int) -> bytes:
        """*text* with a comment by which it is found in both logs."""
        return f"/* x{self.run}n{self.conversations}s{step} */ {text}".encode()

    def _talk(self, told: list[str], patience: float) -> None:
        try:
            with psycopg.connect(self.dsn, autocommit=True) as connection, _giving_up_after(connection, patience):
                self._say_everything(connection)
            told.append("done")
        except AssertionError as error:
            told.append(f"wrong {error}")
        except (psycopg.Error, ValueError) as error:
            # psycopg itself stumbles with a ValueError over a connection that ends behind a result.
            told.append(f"{type(error).__name__}: {error}")

    def _say_everything(self, connection: psycopg.Connection[object]) -> None:
        say = self.tagged
        assert connection.execute(say("SELECT 1", 0)).fetchone() == (1,)
        assert connection.execute(say("SELECT %s::int + 1", 1), (1,)).fetchone() == (2,)
        for number in range(2):
            connection.execute(say("INSERT INTO parcels VALUES (%s, 'sent')", 2 + number), (number,), prepare=True)
        with connection.transaction():
            connection.execute(say("INSERT INTO parcels VALUES (9, 'in a transaction')", 4))
        with contextlib.suppress(psycopg.errors.DivisionByZero):
            connection.execute(say("SELECT 1/0", 5))
        with connection.pipeline():
            for number in range(3):
                connection.execute(say("INSERT INTO parcels VALUES (%s, 'in a pipeline')", 6 + number), (number,))
        with connection.cursor() as cursor:
            with cursor.copy(say("COPY parcels FROM STDIN", 9)) as copy:
                for number in range(100):
                    copy.write_row((number, "copied in"))
            with cursor.copy(say("COPY parcels TO STDOUT", 10)) as copy:
                assert sum(1 for _row in copy.rows()) > 100
        rows = connection.execute(say("SELECT n, repeat('x', 50) FROM generate_series(1, 300) n", 11)).fetchall()
        assert [row[0] for row in rows] == list(range(1, 301))

    def settled(self) -> Held:
        """What the gateway holds once it holds no more than before, or after enough time to let go."""
        assert self.before is not None
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            now = self.watch.held()
            is_settled = now.files <= self.before.files and now.sessions == 0 and now.tasks == self.before.tasks
            if is_settled or time.monotonic() > deadline:
                return now
            time.sleep(0.1)

    def seen_by_the_server(self) -> Counter[str]:
        """The tags of the statements that the server says it ran."""
        log = (self.database.server.directory / "log").read_text(errors="replace")
        return Counter(tag for line in LOGGED.findall(log) for tag in TAG.findall(line) if self.run in tag)


@contextlib.contextmanager
def _giving_up_after(connection: psycopg.Connection[object], seconds: float) -> Iterator[None]:
    """End the connection as its user would, by ending the client: without a word."""
    if not seconds:
        yield
        return
    timer = threading.Timer(seconds, _drop, (connection,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _drop(connection: psycopg.Connection[object]) -> None:
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def wires(server: Server, path: Path, window_bytes: int | None = None) -> Iterator[Wires]:
    """Client, relay, Doorward, relay, server; the server logs every statement."""
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(fresh_database(server))
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute("CREATE TABLE parcels (number int, state text)")
        database.execute("ALTER SYSTEM SET log_statement = 'all'")
        stack.callback(database.execute, "SELECT pg_reload_conf()")
        stack.callback(database.execute, "ALTER SYSTEM RESET log_statement")
        database.execute("SELECT pg_reload_conf()")
        to_server = stack.enter_context(relay(database.host, database.port, window_bytes=window_bytes))
        tells = stack.enter_context(watchable())
        upstream = Upstream(
            "depot", "postgresql", "127.0.0.1", to_server.port, database.name, role.name, role.password, tls="disable"
        )
        running = stack.enter_context(running_doorward(upstream, path))
        to_doorward = stack.enter_context(relay("127.0.0.1", running.control.port, window_bytes=window_bytes))
        dsn = running.dsn("nightly-etl", port=str(to_doorward.port), sslmode="disable", connect_timeout="20")
        made = Wires(running, Watch(running, tells), database, to_doorward, to_server, dsn)
        assert made.converse() == "done"
        running.wait_for(lambda: made.watch.held().sessions == 0)
        made.before = made.watch.held()
        yield made


def nothing_is_left(wired: Wires) -> None:
    """No file, task, session or connection more than before; every statement recorded, and what became of it."""
    after = wired.settled()
    assert wired.before is not None
    assert after.files <= wired.before.files, after
    assert after.sessions == after.upstream_connections == 0
    assert after.tasks == wired.before.tasks
    wired.running.wait_for(lambda: wired.to_doorward.open_connections == 0, SETTLE_SECONDS)
    # Nor has the server anybody left: a COPY that goes on there would keep its locks.
    waiting = "state = 'active' AND wait_event_type = 'Client'"
    left = f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {waiting}"
    wired.running.wait_for(lambda: wired.database.execute(left) == [(0,)], SETTLE_SECONDS)
    entries = wired.running.entries()
    opened = {entry["session"] for entry in entries if entry["kind"] == "session.opened"}
    closed = Counter(entry["session"] for entry in entries if entry["kind"] == "session.closed")
    assert set(closed) == opened
    assert set(closed.values()) <= {1}
    intents = [entry for entry in entries if entry["kind"] == "statement.intent"]
    outcomes = Counter(entry["execution"] for entry in entries if entry["kind"] == "statement.outcome")
    allowed = [entry["execution"] for entry in intents if entry["verdict"] == "allow"]
    assert [execution for execution in allowed if outcomes[execution] != 1] == []
    recorded = Counter(tag for entry in intents for tag in TAG.findall(entry["statement"]))
    seen = wired.seen_by_the_server()
    assert seen, "the server's own log is read"
    assert not seen - recorded


@pytest.fixture(scope="module")
def wired(postgres15: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wires]:
    """One for all tests of this module, after a conversation that went well."""
    with wires(postgres15, tmp_path_factory.mktemp("doorward")) as made:
        yield made


def _cut_points(total: int, count: int) -> list[int]:
    """From the first byte to the last, at random between."""
    dice = random.Random(total)
    return sorted({1, total - 1, *(dice.randrange(1, total) for _ in range(count - 2))})


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("cut", [Cut.RESET, Cut.CLOSE, Cut.HALF])
@pytest.mark.parametrize("leg", ["client", "server"])
@pytest.mark.parametrize("side", list(Side))
def test_a_cut_at_any_byte_leaves_nothing(wired: Wires, leg: str, side: Side, cut: Cut) -> None:
    """In the handshake, in a statement, in a transaction, a pipeline, a COPY, a result; in either direction of either leg."""
    assert wired.converse() == "done"
    carried = wired.to_doorward.carried[-1] if leg == "client" else wired.to_server.carried[-1]
    total = carried.client_bytes if side is Side.CLIENT else carried.server_bytes
    for point in _cut_points(total, either(4, 200)):
        way = Way(cut_after_bytes=point, cut=cut)
        fault = Fault(client=way) if side is Side.CLIENT else Fault(server=way)
        told = wired.converse(fault, NO_FAULT) if leg == "client" else wired.converse(NO_FAULT, fault)
        assert not told.startswith("wrong"), told
    nothing_is_left(wired)
    assert wired.converse() == "done"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("leg", ["client", "server"])
@pytest.mark.parametrize("side", list(Side))
def test_a_network_that_says_nothing_any_more_is_left_behind_with_the_client(wired: Wires, leg: str, side: Side) -> None:
    """Nobody is told that bytes don't arrive. When the client gives up, all of it ends, also what could not be sent."""
    assert wired.converse() == "done"
    carried = wired.to_doorward.carried[-1] if leg == "client" else wired.to_server.carried[-1]
    total = carried.client_bytes if side is Side.CLIENT else carried.server_bytes
    for point in _cut_points(total, either(3, 30))[1:]:
        way = Way(cut_after_bytes=max(point, 600), cut=Cut.STALL)
        fault = Fault(client=way) if side is Side.CLIENT else Fault(server=way)
        faults = (fault, NO_FAULT) if leg == "client" else (NO_FAULT, fault)
        told = wired.converse(*faults, patience=1.0)
        assert not told.startswith("wrong"), told
    nothing_is_left(wired)


def test_what_a_server_that_stalls_did_not_take_is_not_kept_for_it(wired: Wires) -> None:
    """A COPY fills all buffers towards it, then the session is ended: nobody is left to whom the rest would matter."""
    name = f"loader-{secrets.token_hex(4)}"
    principals = wired.running.control.office.principals
    wired.running.do(principals.add(LOCAL, PrincipalKind.SERVICE, name, ("pipelines",), None))
    dsn = wired.running.dsn(name, port=str(wired.to_doorward.port), sslmode="disable")
    wired.to_server.faults.append(Fault(client=Way(cut_after_bytes=1 << 20, cut=Cut.STALL)))
    told: list[str] = []

    def copy() -> None:
        try:
            with psycopg.connect(dsn) as connection, connection.cursor().copy("COPY parcels FROM STDIN") as copying:
                for number in range(4_000):
                    copying.write(b"%d\t%s\n" % (number, b"y" * 10_000))
        except psycopg.Error as error:
            told.append(str(error))

    client = threading.Thread(target=copy, name="copy")
    client.start()
    time.sleep(1.5)
    assert client.is_alive(), "the client is held back"
    wired.running.do(principals.revoke(LOCAL, name, "it takes too long"))
    client.join(HANG_SECONDS)
    assert told
    nothing_is_left(wired)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("block", "first"), [(1, None), (7, Side.CLIENT), (7, Side.SERVER)])
def test_crumbs_in_any_order_change_nothing(wired: Wires, block: int, first: Side | None) -> None:
    """One byte at a time, and one side always served before the other, on both legs."""
    fault = Fault(Way(block), Way(block), first)
    assert wired.converse(fault, fault) == "done"
    nothing_is_left(wired)


@pytest.mark.timeout(600)
def test_delays_change_nothing(wired: Wires) -> None:
    """Pieces that come late, on both legs, in both directions."""
    late = Fault(Way(1_000, delay_seconds=0.004), Way(1_000, delay_seconds=0.004))
    assert wired.converse(late, late) == "done"
    nothing_is_left(wired)


@pytest.mark.timeout(600)
def test_the_smallest_windows_change_nothing(postgres15: Server, tmp_path: Path) -> None:
    """Every writer is blocked most of the time."""
    with wires(postgres15, tmp_path, SMALLEST_WINDOW_BYTES) as narrow:
        assert narrow.converse(Fault(Way(500), Way(500), Side.CLIENT), Fault(Way(500), Way(500), Side.SERVER)) == "done"
        nothing_is_left(narrow)


@pytest.mark.timeout(1800)
def test_many_at_once_over_bad_wires_leave_nothing(wired: Wires) -> None:
    """Random faults on both legs of sessions that run side by side."""
    dice = random.Random(7)
    for _ in range(either(1, 50)):
        faults = [_any_fault(dice) for _ in range(2 * 8)]
        wired.to_doorward.faults.extend(faults[:8])
        wired.to_server.faults.extend(faults[8:])
        wired.conversations += 1
        told: list[str] = []
        clients = [threading.Thread(target=wired._talk, args=(told, 5.0), daemon=True) for _ in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(HANG_SECONDS)
        wired.to_doorward.faults.clear()
        wired.to_server.faults.clear()
        assert not [client for client in clients if client.is_alive()], "a client hangs"
        assert not [words for words in told if words.startswith("wrong")], told
    nothing_is_left(wired)


def _any_fault(dice: random.Random) -> Fault:
    def way() -> Way:
        cut_after = dice.choice([None, None, dice.randrange(1, 40_000)])
        return Way(dice.choice([50, 1_000, 1 << 16]), dice.choice([0.0, 0.0, 0.001]), cut_after, dice.choice(list(Cut)[:3]))

    return Fault(way(), way(), dice.choice([None, *Side]))
