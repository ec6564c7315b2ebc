"""Rules that are published while sessions run, on a real server with two gateways."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from doorward.control.operators import LOCAL
from doorward.errors import PolicyInvalid
from doorward.model.upstream import Upstream
from doorward.policy.load import default_texts
from tests.live.conftest import SCHEMA, Shop
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live

NEVER = """
@id("nobody-reads-orders")
@description("Orders are closed.")
forbid (principal, action == Action::"read", resource) when { context.objects.contains("public.orders") };
"""


@pytest.fixture(scope="module")
def two(postgres15: Server) -> Iterator[Shop]:
    """The shop behind two gateways."""
    with fresh_database(postgres15) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", database.host, database.port, database.name, role.name, role.password)
        with running_doorward(upstream, workers=2) as doorward:
            yield Shop(database, doorward)


def test_running_sessions_meet_new_rules_at_their_next_execution(two: Shop) -> None:
    """A prepared statement that ran a hundred times is refused, on each gateway; after the rollback it runs again."""
    policies = two.doorward.control.office.policies
    sessions = [two.doorward.connect("alice") for _ in range(6)]
    try:
        for session in sessions:
            session.prepare_threshold = 1
        _run(sessions, 20)
        row = two.doorward.do(policies.publish(LOCAL, {**default_texts(), "zz.cedar": NEVER}, "closed"))
        two.doorward.wait_for(lambda: all(map(_is_refused, sessions)))
        two.doorward.do(policies.roll_back(LOCAL, 0, "open again"))
        two.doorward.wait_for(lambda: not any(map(_is_refused, sessions)))
        _run(sessions, 5)
    finally:
        for session in sessions:
            session.close()
    refused = two.doorward.wait_for(lambda: [e for e in two.doorward.entries("statement.intent") if e["verdict"] == "deny"])
    assert {entry["policy"] for entry in refused} == {row.version}
    assert {entry["rules"][0] for entry in refused} == {"nobody-reads-orders"}


def test_rules_that_cannot_be_used_change_nothing_for_anybody(two: Shop) -> None:
    """While statements run on all gateways, a broken set is refused; each statement is decided by the rules of before."""
    policies = two.doorward.control.office.policies
    before = policies.in_force.version
    ended = threading.Event()
    failures: list[Exception] = []

    all_read = threading.Barrier(4)

    def read() -> None:
        with two.doorward.connect("alice") as session:
            session.execute("SELECT count(*) FROM orders")
            all_read.wait(60)
            while not ended.is_set():
                try:
                    session.execute("SELECT count(*) FROM orders")
                except psycopg.Error as error:
                    failures.append(error)

    two.doorward.secret("alice")
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        all_read.wait(60)
        for name in sorted(default_texts()):
            texts = {**default_texts(), "zz.cedar": NEVER, name: default_texts()[name] + "permit ("}
            with pytest.raises(PolicyInvalid, match=name):
                two.doorward.do(policies.publish(LOCAL, texts, "broken"))
    finally:
        ended.set()
        for thread in threads:
            thread.join(20)
    assert not failures
    assert policies.in_force.version == before
    latest = two.doorward.wait_for(lambda: two.doorward.entries("statement.intent")[-3:])
    assert {entry["policy"] for entry in latest} == {before}


def _run(sessions: list[psycopg.Connection[tuple[object, ...]]], times: int) -> None:
    for session in sessions:
        for number in range(times):
            assert session.execute("SELECT amount FROM orders WHERE id = %s", (number + 1,)).fetchone()


def _is_refused(session: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        session.execute("SELECT amount FROM orders WHERE id = %s", (1,))
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False
