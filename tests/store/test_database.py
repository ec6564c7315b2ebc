"""The store on disk: what goes in comes out, and only its owner can look."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from doorward.errors import ConfigurationInvalid, Conflict, NotFound
from doorward.model.approval import Answer, RequestState
from doorward.model.catalog import Label
from doorward.model.identity import Principal, PrincipalKind
from doorward.model.upstream import Upstream
from doorward.store.database import SqlStore, open_store
from doorward.store.records import Credential, LabelVerdict, PrincipalRecord
from doorward.store.schema import METADATA, STEPS
from tests.approvals.requests import a_request

ALICE = PrincipalRecord(Principal("prn_a", PrincipalKind.HUMAN, "alice", ("approvers", "admins")), b"salt", 1)
BOT = PrincipalRecord(Principal("prn_b", PrincipalKind.AGENT, "bot", (), "alice"), b"pepper", 2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(tmp_path / "control.db")
    yield store
    store.close()


def a_credential(credential_id: str = "crd_1", created_us: int = 1) -> Credential:
    return Credential(credential_id, "prn_a", "laptop", 4096, b"salt", b"stored", b"server", created_us, 100)


def test_principals_come_back_as_they_went_in(store: SqlStore) -> None:
    """By name, by id, and all in order of name."""
    store.principals.add(BOT)
    store.principals.add(ALICE)
    assert store.principals.named("alice") == ALICE
    assert store.principals.by_id("prn_b") == BOT
    assert store.principals.all() == (ALICE, BOT)
    assert store.principals.named("nobody") is None
    assert store.principals.by_id("prn_z") is None


def test_name_is_taken_for_ever(store: SqlStore) -> None:
    """The log refers to names: after a revocation nobody else gets it."""
    store.principals.add(ALICE)
    store.principals.revoke("prn_a", 5)
    with pytest.raises(Conflict):
        store.principals.add(PrincipalRecord(Principal("prn_c", PrincipalKind.HUMAN, "alice"), b"", 9))


def test_revoking_a_principal_revokes_its_credentials_and_keeps_the_first_time(store: SqlStore) -> None:
    """In one transaction; a second revocation does not move the time."""
    store.principals.add(ALICE)
    store.credentials.add(a_credential())
    store.principals.revoke("prn_a", 5)
    store.principals.revoke("prn_a", 6)
    revoked, credential = store.principals.by_id("prn_a"), store.credentials.by_id("crd_1")
    assert revoked is not None
    assert revoked.revoked_us == 5
    assert credential is not None
    assert credential.revoked_us == 5


def test_groups_are_replaced_whole(store: SqlStore) -> None:
    """The old ones are gone; an unknown principal is an error."""
    store.principals.add(ALICE)
    assert store.principals.replace_groups("prn_a", ("readers",)).groups == ("readers",)
    with pytest.raises(NotFound):
        store.principals.replace_groups("prn_z", ())


def test_credentials_come_back_newest_first(store: SqlStore) -> None:
    """As they went in, with the marks of use and revocation."""
    store.principals.add(ALICE)
    older, newer = a_credential("crd_1", 1), a_credential("crd_2", 2)
    store.credentials.add(older)
    store.credentials.add(newer)
    assert store.credentials.of("prn_a") == (newer, older)
    store.credentials.touch("crd_1", 7)
    store.credentials.revoke("crd_1", 8)
    used = store.credentials.by_id("crd_1")
    assert used is not None
    assert (used.last_used_us, used.revoked_us) == (7, 8)
    assert not used.is_good_at(9)
    assert newer.is_good_at(99)
    assert not newer.is_good_at(100)
    assert store.credentials.by_id("crd_9") is None


def test_verdict_replaces_the_earlier_one_on_its_column(store: SqlStore) -> None:
    """One word a column, the last; other upstreams have their own."""
    first = LabelVerdict("shop", 7, 1, "mail", Label.EMAIL, "alice", "", 1)
    second = LabelVerdict("shop", 7, 1, "mail", Label.NONE, "ben", "test data", 2)
    for verdict in (first, second):
        store.verdicts.put(verdict)
    assert store.verdicts.of("shop") == (second,)
    assert store.verdicts.of("other") == ()


def test_request_is_settled_once(store: SqlStore) -> None:
    """The first answer stands; the request is kept whole."""
    request = a_request()
    answer = Answer(request.id, True, "prn_ben", "ben", "fine", 5)
    store.requests.add(request)
    store.requests.add(request)
    assert store.requests.settle(request.id, RequestState.PENDING, RequestState.APPROVED, 5, answer)
    assert not store.requests.settle(request.id, RequestState.PENDING, RequestState.EXPIRED, 6, None)
    record = store.requests.by_id(request.id)
    assert record is not None
    assert (record.request, record.state, record.answer, record.settled_us) == (request, RequestState.APPROVED, answer, 5)


def test_requests_are_listed_by_state_newest_first(store: SqlStore) -> None:
    """With a limit."""
    for number in (1, 2, 3):
        store.requests.add(a_request(id=f"req_{number}", asked_us=number))
    store.requests.settle("req_2", RequestState.PENDING, RequestState.REJECTED, 9, None)
    assert [r.request.id for r in store.requests.in_state(None, 2)] == ["req_3", "req_2"]
    assert [r.request.id for r in store.requests.in_state(RequestState.PENDING, -1)] == ["req_3", "req_1"]
    assert store.requests.by_id("req_9") is None


def test_upstream_is_kept_with_its_password_and_replaced_by_name(store: SqlStore) -> None:
    """The file is the owner's alone, so the password may be in it."""
    upstream = Upstream("shop", "postgresql", "127.0.0.1", 5432, "shop", "doorward", "hush", "require", observe=True)
    store.upstreams.put(Upstream("shop", "postgresql", "old", 1, "old", "old"))
    store.upstreams.put(upstream)
    assert store.upstreams.all() == (upstream,)


def test_file_is_its_owners_alone_and_has_a_rollback_journal(tmp_path: Path) -> None:
    """Even when it was there before with a wider mode."""
    path = tmp_path / "control.db"
    path.touch(0o644)
    store = open_store(path)
    with store.transaction() as connection:
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    store.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert journal == "delete"


def test_content_survives_reopening(tmp_path: Path) -> None:
    """Migration runs once and leaves data alone."""
    store = open_store(tmp_path / "control.db")
    store.principals.add(ALICE)
    store.close()
    again = open_store(tmp_path / "control.db")
    assert again.principals.all() == (ALICE,)
    again.close()


def test_block_that_raises_leaves_nothing(store: SqlStore) -> None:
    """DDL and DML alike are undone."""

    def fail_halfway() -> None:
        with store.transaction() as connection:
            connection.exec_driver_sql("CREATE TABLE passing (x)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    with store.transaction() as connection:
        assert not inspect(connection).has_table("passing")


def test_newer_database_is_refused(tmp_path: Path) -> None:
    """An old Doorward must not write what it does not understand."""
    path = tmp_path / "control.db"
    open_store(path).close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE schema_version SET version = ?", (len(STEPS) + 1,))
    raw.commit()
    raw.close()
    with pytest.raises(ConfigurationInvalid):
        open_store(path)


def test_steps_arrive_at_the_tables_that_the_code_uses(store: SqlStore) -> None:
    """The SQL of the steps and METADATA are written apart; they must agree on names and nullability."""
    with store.transaction() as connection:
        found = inspect(connection)
        for table in METADATA.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            assert set(found.get_pk_constraint(table.name)["constrained_columns"]) == {c.name for c in table.primary_key}
