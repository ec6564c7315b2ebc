"""Agents within their limits and tasks, and the switch that stops them, on live sessions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from psycopg import errors

from doorward.control.agents import Agents
from doorward.control.operators import LOCAL, Operator
from doorward.errors import InvalidRequest, NotFound, NotPermitted
from doorward.model.upstream import Upstream
from tests.live.conftest import SCHEMA
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def scene(postgres15: Server) -> Iterator[tuple[Database, Running]]:
    with fresh_database(postgres15) as made:
        made.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, made.user, made.password, "disable")
        with running_doorward(upstream) as running:
            yield made, running


@pytest.fixture
def running(scene: tuple[Database, Running]) -> Iterator[Running]:
    """With an agent of each test's own way, and nobody stopped."""
    running = scene[1]
    yield running
    for stop in running.control.office.agents._store.agents.stops():
        running.do(agents(running).resume(LOCAL, stop.scope, stop.name))
    running.do(
        agents(running).register(LOCAL, "report-bot", needs_task=False, upstreams=(), limits=dict.fromkeys(NO_LIMITS, 0))
    )
    for agent in agents(running).all(LOCAL):
        if agent.registration.task:
            running.do(agents(running).end_task(LOCAL, agent.record.principal.name))


NO_LIMITS = ("rows_per_statement", "rows_per_hour", "statements_per_minute", "sessions")


def agents(running: Running) -> Agents:
    return running.control.office.agents


def person(running: Running, name: str) -> Operator:
    return Operator(running.control.office.principals.good(name).principal)


# --- the switch -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "name"), [("agent", "report-bot"), ("owner", "alice"), ("all", "")])
def test_a_stop_ends_what_runs(scene: tuple[Database, Running], running: Running, scope: str, name: str) -> None:
    """And lets nobody in."""
    made, _running = scene
    ended: list[tuple[float, BaseException]] = []
    connection = running.connect("report-bot")
    idle = running.connect("report-bot")
    pid = connection.info.backend_pid
    person_connection = running.connect("alice")

    def run_long() -> None:
        try:
            connection.execute("SELECT count(*) FROM orders a, orders b, orders c")
        except psycopg.Error as error:
            ended.append((time.monotonic(), error))

    thread = threading.Thread(target=run_long)
    thread.start()
    active = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'active' AND query LIKE '%orders c%'"
    running.wait_for(lambda: made.execute(active)[0][0])
    began = time.monotonic()
    assert running.do(agents(running).stop(LOCAL, scope, name, "it reads too much")) >= 1
    running.wait_for(lambda: ended, 5)
    running.wait_for(lambda: not made.execute(active)[0][0], 5)
    thread.join(5)
    # Within a second on a machine of its own; tests share theirs.
    assert ended[0][0] - began < 4
    assert "stopped by operator" in str(ended[0][1])
    with pytest.raises(psycopg.Error):
        idle.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        running.connect("report-bot")
    running.wait_for(lambda: any(e["reason"] == "The agent is stopped." for e in running.entries("signin.refused")))
    assert person_connection.execute("SELECT 1").fetchone() == (1,)
    person_connection.close()
    entry = [e for e in running.entries("administered") if e["act"] == "agent.stopped"][-1]
    assert entry["details"] == {"scope": scope, "reason": "it reads too much"}
    running.do(agents(running).resume(LOCAL, scope, name))
    with running.connect("report-bot") as again:
        assert again.execute("SELECT 1").fetchone() == (1,)


def test_only_the_stop_that_was_made_is_undone(running: Running) -> None:
    running.do(agents(running).stop(LOCAL, "all"))
    running.do(agents(running).stop(LOCAL, "agent", "report-bot"))
    running.do(agents(running).resume(LOCAL, "agent", "report-bot"))
    with pytest.raises(psycopg.OperationalError):
        running.connect("report-bot")
    with pytest.raises(NotFound):
        running.do(agents(running).resume(LOCAL, "owner", "alice"))


def test_who_an_agent_acts_for_may_stop_it_and_others_may_not(running: Running) -> None:
    assert running.do(agents(running).stop(person(running, "alice"), "owner", "alice")) == 1
    assert running.do(agents(running).stop(person(running, "alice"), "agent", "report-bot")) == 1
    for scope, name in (("agent", "report-bot"), ("owner", "alice"), ("all", "")):
        with pytest.raises(NotPermitted):
            running.do(agents(running).stop(person(running, "bob"), scope, name))
    with pytest.raises(NotPermitted):
        running.do(agents(running).resume(person(running, "alice"), "owner", "alice"))


# --- limits ---------------------------------------------------------------------------------------------------------------


def limit(running: Running, **limits: int) -> None:
    running.do(agents(running).register(LOCAL, "report-bot", limits=limits))


def test_a_result_has_no_more_rows_than_the_agent_may_have(running: Running) -> None:
    limit(running, rows_per_statement=10)
    with running.connect("report-bot") as connection:
        assert len(connection.execute("SELECT id FROM orders LIMIT 10").fetchall()) == 10
        with pytest.raises(errors.ProgramLimitExceeded):
            connection.execute("SELECT id FROM orders LIMIT 11")


def test_an_hour_has_no_more_rows_than_the_agent_may_have(running: Running) -> None:
    limit(running, rows_per_hour=25)
    with running.connect("report-bot") as connection, running.connect("report-bot") as another:
        assert len(connection.execute("SELECT id FROM orders LIMIT 20").fetchall()) == 20
        with pytest.raises(errors.ProgramLimitExceeded, match="after 5 rows"):
            another.execute("SELECT id FROM orders LIMIT 20")
        with pytest.raises(errors.InsufficientPrivilege, match="limits-of-the-agent"):
            connection.execute("SELECT id FROM orders LIMIT 20")
    told = ("deny", ["limits-of-the-agent"])
    running.wait_for(lambda: any((e["verdict"], e["rules"]) == told for e in running.entries("statement.intent")))


def test_an_agent_sends_no_more_statements_a_minute_than_it_may(running: Running) -> None:
    limit(running, statements_per_minute=3)
    with running.connect("report-bot") as connection:
        for _ in range(3):
            connection.execute("SELECT 1")
        with pytest.raises(errors.InsufficientPrivilege, match="3 statements a minute"):
            connection.execute("SELECT 1")
    # Others are not counted.
    with running.connect("alice") as connection:
        for _ in range(9):
            connection.execute("SELECT 1")


def test_an_agent_has_no_more_sessions_than_it_may(running: Running) -> None:
    limit(running, sessions=1)
    with running.connect("report-bot"), pytest.raises(psycopg.OperationalError, match="1 sessions already"):
        running.connect("report-bot")


def test_an_agent_goes_nowhere_that_it_is_not_registered_for(running: Running) -> None:
    with pytest.raises(InvalidRequest):
        running.do(agents(running).register(LOCAL, "report-bot", upstreams=("elsewhere",)))
    running.do(agents(running).register(LOCAL, "report-bot", upstreams=("shop",), purpose="weekly report", model="m-1"))
    running.connect("report-bot").close()
    assert agents(running).one(LOCAL, "report-bot").registration.purpose == "weekly report"
    with pytest.raises(NotFound):
        agents(running).one(person(running, "bob"), "report-bot")


# --- tasks ----------------------------------------------------------------------------------------------------------------


def test_within_a_task_an_agent_reaches_nothing_beside_it(running: Running) -> None:
    tables = ("public.orders",)
    task = running.do(agents(running).give_task(LOCAL, "report-bot", 30, tables=tables, rows=30, ticket="OPS-17"))
    with running.connect("report-bot") as connection:
        assert len(connection.execute("SELECT id FROM orders LIMIT 20").fetchall()) == 20
        for text in ("SELECT id FROM customers", "SELECT 1 FROM orders JOIN customers USING (id)", "SELECT * FROM pg_class"):
            with pytest.raises(errors.InsufficientPrivilege, match=r"OPS-17 reaches public\.orders"):
                connection.execute(text)
        with pytest.raises(errors.ProgramLimitExceeded, match="after 10 rows"):
            connection.execute("SELECT id FROM orders")
        with pytest.raises(errors.InsufficientPrivilege, match="All the rows"):
            connection.execute("SELECT id FROM orders")
    proof = running.entries("statement.intent")[-1]["identity"]["proof"]
    assert proof == {"task": task.id, "ticket": "OPS-17"}


def test_an_explanation_knows_the_task(running: Running) -> None:
    def explained(text: str) -> tuple[str, list[str]]:
        office = running.control.office
        told = running.do(office.explaining.explain(LOCAL, text, "alice", via="report-bot"))
        return told.verdict, [rule.id for rule in told.rules]

    assert explained("SELECT id FROM customers") == ("allow", ["everyone-may-read", "agents-may-read"])
    running.do(agents(running).give_task(LOCAL, "report-bot", 30, tables=("public.orders",)))
    assert explained("SELECT id FROM customers") == ("deny", ["task-of-the-agent"])
    assert explained("SELECT id FROM orders")[0] == "allow"


def test_a_task_ends_by_itself_in_a_live_session(running: Running) -> None:
    running.do(agents(running).register(LOCAL, "report-bot", needs_task=True))
    with pytest.raises(psycopg.OperationalError):
        running.connect("report-bot")
    running.do(agents(running).give_task(person(running, "alice"), "report-bot", 2.5 / 60))
    with running.connect("report-bot") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)

        def is_over() -> bool:
            try:
                connection.execute("SELECT 1")
            except errors.InsufficientPrivilege as error:
                return "The time of the task is over" in str(error)
            return False

        running.wait_for(is_over)
    with pytest.raises(psycopg.OperationalError):
        running.connect("report-bot")
    with pytest.raises(NotFound):  # it is over already
        running.do(agents(running).end_task(LOCAL, "report-bot"))


def test_nobody_else_gives_tasks_and_no_one_gets_a_wrong_one(running: Running) -> None:
    give = agents(running).give_task
    with pytest.raises(NotPermitted):
        running.do(give(person(running, "bob"), "report-bot", 5))
    for minutes, tables, rows in ((0, (), 0), (1e9, (), 0), (5, ("orders",), 0), (5, (), -1)):
        with pytest.raises(InvalidRequest):
            running.do(give(LOCAL, "report-bot", minutes, tables=tables, rows=rows))
    with pytest.raises(InvalidRequest):
        running.do(give(LOCAL, "alice", 5))
    with pytest.raises(NotFound):
        running.do(agents(running).end_task(LOCAL, "report-bot"))


def test_a_stopped_agent_gets_no_tools(running: Running) -> None:
    secret = running.secret("report-bot")
    url = f"{running.control.console_url}/mcp/knowledge/databases"
    assert httpx.post(url, auth=("report-bot", secret), json={}).status_code == 200
    running.do(agents(running).stop(LOCAL, "all"))
    assert httpx.post(url, auth=("report-bot", secret), json={}).status_code == 401
