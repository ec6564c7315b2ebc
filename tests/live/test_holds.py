"""A held statement on live connections: approved, rejected, withdrawn, left, superseded."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from typing import Any

import psycopg
import pytest
from psycopg import errors

from doorward.control.operators import LOCAL, Operator
from doorward.errors import Conflict, DoorwardError, NotPermitted
from doorward.model.approval import RequestState
from doorward.policy.load import default_texts
from tests.live.conftest import Shop

pytestmark = pytest.mark.live

Parameters = tuple[object, ...] | None


class Waiting:
    """A statement run by psycopg in a thread of its own."""

    def __init__(
        self, connection: psycopg.Connection[Any], statement: str, parameters: tuple[object, ...] | None = None
    ) -> None:
        self.result: object = None
        self.error: psycopg.Error | None = None
        self._connection = connection
        self._work = (statement.encode(), parameters)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            cursor = self._connection.execute(*self._work)
            self.result = cursor.fetchall() if cursor.description else cursor.statusmessage
        except psycopg.Error as error:
            self.error = error

    @property
    def is_waiting(self) -> bool:
        """Whether it is not yet answered."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Wait for its end."""
        self._thread.join(15)
        assert not self._thread.is_alive(), "the statement must have ended"


COLUMNS = """SELECT coalesce(string_agg(c.relname || '.' || a.attname, ' ' ORDER BY c.relname, a.attname), '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')"""


@pytest.fixture(autouse=True)
def known_catalog(shop: Shop) -> None:
    """What the test before changed, and what values tell of columns, is known by now: else it would be asked for again."""
    control = shop.doorward.control

    async def is_settled() -> bool:
        relations = control.office.catalog.snapshots["shop"].relations
        columns = {(r.oid, c.number) for r in relations for c in r.columns}
        return columns <= control._sampled and not control._touched.is_set() and not control._reading.locked()

    def is_known() -> bool:
        relations = control.office.catalog.snapshots["shop"].relations
        known = sorted((r.name, c.name) for r in relations if r.schema == "public" for c in r.columns)
        return sorted(str(shop.truth(COLUMNS)).split()) == sorted(f"{table}.{column}" for table, column in known)

    shop.doorward.wait_for(lambda: is_known() and shop.doorward.do(is_settled()), seconds=30)


def column_exists(shop: Shop, name: str) -> bool:
    """Whether customers has a column *name*, as the database itself knows."""
    return bool(shop.truth(f"SELECT count(*) FROM pg_attribute WHERE attname = '{name}' AND attrelid = 'customers'::regclass"))


@pytest.mark.parametrize("extended", [False, True])
def test_an_approved_statement_runs_in_its_session_once(shop: Shop, extended: bool) -> None:
    """ALTER TABLE waits, nothing happens meanwhile, Bob approves, it completes on the same connection."""
    name = f"approved_{extended}".lower()
    with shop.doorward.connect() as connection:
        notices: list[str] = []
        connection.add_notice_handler(lambda notice: notices.append(f"{notice.message_primary} {notice.message_hint}"))
        if extended:
            statement, parameters = f"ALTER TABLE customers ADD COLUMN {name} int", ()
        else:
            statement, parameters = f"ALTER TABLE customers ADD COLUMN {name} int", None
        waiting = Waiting(connection, statement, parameters)
        request = shop.doorward.pending_request()
        assert request.chain == "alice"
        assert not column_exists(shop, name)
        with pytest.raises(NotPermitted):
            shop.doorward.answer(request.id, "alice", approved=True)
        assert waiting.is_waiting
        shop.doorward.answer(request.id, "bob", approved=True)
        waiting.end()
        assert waiting.error is None
        assert column_exists(shop, name)
        with pytest.raises(Conflict):
            shop.doorward.answer(request.id, "bob", approved=True)
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert any(request.id in notice for notice in notices)
    answered = next(e for e in shop.doorward.entries("hold.answered") if e["request"] == request.id)
    assert (answered["state"], answered["by"]) == ("approved", "bob")
    intents = [e for e in shop.doorward.entries("statement.intent") if name in e["statement"]]
    assert [(e["verdict"], e.get("grant")) for e in intents] == [("hold", None), ("allow", request.id)]
    shop.database.execute(f"ALTER TABLE customers DROP COLUMN {name}")


def test_a_rejected_statement_fails_and_the_session_goes_on(shop: Shop) -> None:
    """A no is an error in the client's words; nothing was run."""
    with shop.doorward.connect() as connection:
        waiting = Waiting(connection, "ALTER TABLE customers ADD COLUMN rejected int")
        shop.doorward.answer(shop.doorward.pending_request().id, "bob", approved=False, reason="not today")
        waiting.end()
        assert isinstance(waiting.error, errors.InsufficientPrivilege)
        assert "not today" in str(waiting.error)
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not column_exists(shop, "rejected")


def test_a_held_statement_in_a_transaction_keeps_its_place(shop: Shop) -> None:
    """Approved inside a transaction block it runs there: before COMMIT nothing is seen, after ROLLBACK nothing is left."""
    with psycopg.connect(shop.doorward.dsn("alice")) as connection:
        connection.execute("SELECT 1")
        waiting = Waiting(connection, "ALTER TABLE customers ADD COLUMN in_transaction int")
        request = shop.doorward.pending_request()
        assert request.in_transaction
        shop.doorward.answer(request.id, "bob", approved=True)
        waiting.end()
        assert waiting.error is None
        connection.rollback()
        assert not column_exists(shop, "in_transaction")


def test_a_rejection_in_a_transaction_aborts_it(shop: Shop) -> None:
    """As any other error would."""
    with psycopg.connect(shop.doorward.dsn("alice")) as connection:
        connection.execute("SELECT 1")
        waiting = Waiting(connection, "ALTER TABLE customers ADD COLUMN in_transaction int")
        shop.doorward.answer(shop.doorward.pending_request().id, "bob", approved=False)
        waiting.end()
        assert isinstance(waiting.error, errors.InsufficientPrivilege)
        with pytest.raises(errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        connection.rollback()


def test_cancelling_withdraws(shop: Shop) -> None:
    """A cancel request ends the wait, the request is withdrawn, an approval afterwards does nothing."""
    with shop.doorward.connect() as connection:
        waiting = Waiting(connection, "ALTER TABLE customers ADD COLUMN cancelled int")
        request = shop.doorward.pending_request()
        connection.cancel_safe()
        waiting.end()
        assert isinstance(waiting.error, errors.QueryCanceled)
        assert connection.execute("SELECT 1").fetchone() == (1,)
    shop.doorward.wait_for(lambda: _state(shop, request.id) is RequestState.WITHDRAWN)
    with pytest.raises(DoorwardError):
        shop.doorward.answer(request.id, "bob", approved=True)
    assert not column_exists(shop, "cancelled")


def test_psql_shows_the_request_at_once_and_ctrl_c_withdraws(shop: Shop) -> None:
    """What a person sees: a notice with the link while the statement waits; Ctrl-C ends the wait, not the session."""
    program = [str(shop.database.server.binaries / "psql"), "-X", shop.doorward.dsn("alice")]
    commands = ["-c", "ALTER TABLE customers ADD COLUMN interrupted int", "-c", "SELECT 'still here'"]
    with subprocess.Popen([*program, *commands], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        request = shop.doorward.pending_request()
        assert process.stderr is not None
        seen = ""
        while request.id not in seen:
            line = process.stderr.readline()
            assert line, "psql must show the request while it waits"
            seen += line
        assert "http://127.0.0.1" in seen
        process.send_signal(signal.SIGINT)
        _out, rest = process.communicate(timeout=15)
    assert "canceling statement due to user request" in rest
    shop.doorward.wait_for(lambda: _state(shop, request.id) is RequestState.WITHDRAWN)
    assert not column_exists(shop, "interrupted")


def test_a_client_that_goes_away_withdraws(shop: Shop) -> None:
    """Nobody is left to tell: the request ends, nothing runs."""
    program = [str(shop.database.server.binaries / "psql"), "-X", shop.doorward.dsn("alice")]
    process = subprocess.Popen([*program, "-c", "ALTER TABLE customers ADD COLUMN gone int"], stderr=subprocess.DEVNULL)
    request = shop.doorward.pending_request()
    process.kill()
    process.wait(10)
    shop.doorward.wait_for(lambda: _state(shop, request.id) is RequestState.WITHDRAWN)
    assert not column_exists(shop, "gone")


def test_what_a_client_left_waiting_has_its_outcome(shop: Shop) -> None:
    """Nothing was forwarded, and the record says so: no execution is left without an end."""
    connection = shop.doorward.connect()
    waiting = Waiting(connection, "ALTER TABLE customers ADD COLUMN left_waiting int")
    shop.doorward.pending_request()
    with socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)
    waiting.end()
    (intent,) = [e for e in shop.doorward.entries("statement.intent") if "left_waiting" in e["statement"]]
    assert [outcome["status"] for outcome in shop.doorward.outcomes_of(intent)] == ["refused"]


def test_what_changed_meanwhile_is_asked_for_again(shop: Shop) -> None:
    """The statement's objects became others between question and answer: the yes is not good for them."""
    with shop.doorward.connect() as connection:
        waiting = Waiting(connection, "ALTER TABLE moved ADD COLUMN x int; ALTER TABLE customers ADD COLUMN moved int")
        first = shop.doorward.pending_request()
        epoch = shop.doorward.control.office.catalog.snapshots["shop"].epoch
        shop.database.execute("CREATE TABLE moved (id int, email text); ALTER TABLE moved OWNER TO CURRENT_USER")
        shop.doorward.wait_for(lambda: shop.doorward.control.office.catalog.snapshots["shop"].epoch != epoch)
        shop.doorward.answer(first.id, "bob", approved=True)
        second = shop.doorward.wait_for(lambda: _pending_other_than(shop, first.id))
        assert waiting.is_waiting
        shop.doorward.answer(second, "bob", approved=False)
        waiting.end()
        assert isinstance(waiting.error, errors.InsufficientPrivilege)
    shop.database.execute("DROP TABLE moved")


def test_the_hidden_delete_is_held_too(shop: Shop) -> None:
    """DELETE without WHERE, alone and inside a CTE; agents are refused at once."""
    for statement in ("DELETE FROM orders", "WITH d AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM d"):
        with shop.doorward.connect() as connection:
            waiting = Waiting(connection, statement)
            shop.doorward.answer(shop.doorward.pending_request().id, "bob", approved=False)
            waiting.end()
            assert isinstance(waiting.error, errors.InsufficientPrivilege)
        with shop.doorward.connect("report-bot") as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement.encode())
    assert shop.truth("SELECT count(*) FROM orders") == 3000


def test_messages_after_a_held_one_wait_behind_it(shop: Shop) -> None:
    """Pipelined behind a held statement: they are read in order once it was answered."""
    with shop.doorward.connect() as connection:
        results: list[object] = []

        def pipeline() -> None:
            with connection.pipeline():
                first = connection.execute("SELECT 1")
                connection.execute("ALTER TABLE customers ADD COLUMN piped int")
                last = connection.execute("SELECT 2")
                results.extend([first.fetchone(), last.fetchone()])

        thread = threading.Thread(target=pipeline)
        thread.start()
        shop.doorward.answer(shop.doorward.pending_request().id, "bob", approved=True)
        thread.join(15)
        assert results == [(1,), (2,)]
    assert column_exists(shop, "piped")
    shop.database.execute("ALTER TABLE customers DROP COLUMN piped")


def _state(shop: Shop, request_id: str) -> RequestState:
    return shop.doorward.control.office.desk.question(LOCAL, request_id).record.state


def _pending_other_than(shop: Shop, request_id: str) -> str:
    waiting = shop.doorward.control.office.desk.questions(LOCAL, RequestState.PENDING)
    return next((question.record.request.id for question in waiting if question.record.request.id != request_id), "")


def test_like_statements_are_one_question_and_answered_at_once(shop: Shop) -> None:
    """Three connections ask the same of other values; one yes for all, and each runs what it asked, once."""
    queue = shop.doorward.control.office.queue
    bob = Operator(shop.doorward.control.office.principals.good("bob").principal)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(shop.doorward.connect()) for _ in range(3)]
        waiting = [Waiting(c, f"UPDATE orders SET status = status || '{n}'") for n, c in enumerate(connections)]
        (group,) = shop.doorward.wait_for(lambda: [g for g in queue.waiting(LOCAL) if len(g) == 3])
        connections[2].cancel_safe()
        waiting[2].end()
        ids = [question.record.request.id for question in group]
        words = shop.doorward.do(queue.answer(ids, bob, True, "all of them"))
        for one in waiting[:2]:
            one.end()
        assert sorted(word.state for word in words if not word.error) == ["approved", "approved"]
        assert [one.error is None for one in waiting] == [True, True, False]
    assert str(shop.truth("SELECT string_agg(DISTINCT right(status, 2), ' ') FROM orders")) in ("01", "10")
    shop.database.execute("UPDATE orders SET status = left(status, -2)")


def test_request_ids_can_not_be_guessed(shop: Shop) -> None:
    """They go into links."""
    with shop.doorward.connect() as connection:
        waiting = Waiting(connection, "ALTER TABLE customers ADD COLUMN guessed int")
        request = shop.doorward.pending_request()
        assert re.fullmatch(r"req_[0-9a-f]{24}", request.id)
        shop.doorward.answer(request.id, "bob", approved=False)
        waiting.end()


def test_a_table_that_changed_a_moment_ago_is_asked_for_again(shop: Shop) -> None:
    """Nobody has read the catalog since: an approval makes sure of it first, by the table's id and columns."""
    shop.database.execute("CREATE TABLE IF NOT EXISTS parts (id int); ALTER TABLE parts OWNER TO CURRENT_USER")
    shop.doorward.wait_for(
        lambda: any(r.name == "parts" for r in shop.doorward.control.office.catalog.snapshots["shop"].relations)
    )
    with shop.doorward.connect() as connection:
        waiting = Waiting(connection, "UPDATE parts SET id = 1")
        first = shop.doorward.pending_request()
        shop.database.execute("DROP TABLE parts; CREATE TABLE parts (id int)")
        shop.doorward.answer(first.id, "bob", approved=True)
        second = shop.doorward.wait_for(lambda: _pending_other_than(shop, first.id))
        assert waiting.is_waiting
        shop.doorward.wait_for(lambda: _state(shop, first.id) is RequestState.LAPSED)
        shop.doorward.answer(second, "bob", approved=False)
        waiting.end()
        assert isinstance(waiting.error, errors.InsufficientPrivilege)
    shop.database.execute("DROP TABLE parts")


@pytest.mark.parametrize("is_simple", [True, False])
def test_psql_waits_and_hears_that_it_does_until_time_is_up(shop: Shop, is_simple: bool) -> None:
    """A rule that gives four seconds: notices come, then an error, and psql goes on; simple and extended."""
    statement = "ALTER TABLE customers ADD COLUMN too_late int"
    asks = f"{statement};" if is_simple else f"{statement} \\bind \\g"
    if not is_simple and "15" in str(shop.database.server.binaries):
        pytest.skip("psql knows \\bind since 16")
    program = [str(shop.database.server.binaries / "psql"), "-X", shop.doorward.dsn("alice")]
    policies = shop.doorward.control.office.policies
    texts = default_texts()
    short = texts["40-schema-changes.cedar"].replace('@hold("security")', '@hold("security") @within("4s")')
    shop.doorward.do(policies.publish(LOCAL, texts | {"40-schema-changes.cedar": short}, "short waits"))
    try:
        ended = subprocess.run(
            program, input=f"{asks}\nSELECT 'still here';\n", capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        shop.doorward.do(policies.publish(LOCAL, texts, "as before"))
    assert "still waits for an approval" in ended.stderr
    assert "Nobody approved this statement in time." in ended.stderr
    assert "still here" in ended.stdout
    assert not column_exists(shop, "too_late")


@pytest.mark.parametrize(
    ("statement", "rows", "how"),
    [("DELETE FROM orders", 3000, "counted"), ("ALTER TABLE customers ADD COLUMN seen_by_approvers int", -1, "")],
)
def test_approvers_see_what_it_would_do_and_who_asks_does_not(shop: Shop, statement: str, rows: int, how: str) -> None:
    """Rows, or the table's size and what depends on it; made without running anything."""
    office = shop.doorward.control.office
    with shop.doorward.connect() as connection:
        waiting = Waiting(connection, statement)
        request = shop.doorward.pending_request()
        effect = shop.doorward.wait_for(lambda: office.effects.of(request.id), seconds=20)
        assert (effect.rows, effect.how, effect.none_because) == (rows, how, "")
        assert any("contacts" in name for table in effect.tables for name in table.dependents) == (rows < 0)
        seen = {
            name: office.effect_for(by, office.desk.question(by, request.id))
            for name in ("alice", "bob")
            for by in [Operator(office.principals.good(name).principal)]
        }
        assert seen == {"alice": None, "bob": effect}
        shop.doorward.answer(request.id, "bob", approved=False)
        waiting.end()
    assert shop.truth("SELECT count(*) FROM orders") == 3000
