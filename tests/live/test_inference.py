"""Inference on live connections: what is refused and said, what is counted, noted and held."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from doorward.model.upstream import Upstream
from doorward.policy.load import default_texts
from tests.live.conftest import SCHEMA, Shop
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database
from tests.live.test_holds import Waiting

pytestmark = pytest.mark.live

CLEARED = """
@id("security-sees-mail")
@description("Security sees e-mail addresses.")
permit (principal in Group::"security", action == Action::"unmask", resource == Label::"email");

@id("developers-see-tokens")
@description("Developers see tokens of names and numbers.")
@mask("token")
permit (principal in Group::"developers", action == Action::"scan", resource)
when { resource in [Label::"person_name", Label::"national_id", Label::"card"] };
"""
LITTLE = '@probes("4")'


@pytest.fixture(scope="module")
def strict(postgres18: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop under the packaged rules, with budgets of four questions."""
    policy = tmp_path_factory.mktemp("inference") / "policy"
    policy.mkdir(parents=True)
    for name, text in default_texts().items():
        (policy / name).write_text(text.replace('@probes("200")', LITTLE).replace('@probes("500")', LITTLE))
    (policy / "96-clear.cedar").write_text(CLEARED)
    with fresh_database(postgres18) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", database.host, database.port, database.name, role.name, role.password)
        with running_doorward(upstream, policy.parent) as doorward:
            yield Shop(database, doorward)


def test_a_restricted_column_is_only_compared_and_the_denial_says_so(strict: Shop) -> None:
    """By text and by parameter; the session goes on."""
    with strict.doorward.connect() as connection:
        for statement, parameters in (
            ("SELECT id FROM customers WHERE ssn LIKE '123%'", None),
            ("SELECT id FROM customers WHERE ssn LIKE %s", ("123%",)),
            ("SELECT id FROM customers ORDER BY ssn", None),
            ("SELECT id FROM (SELECT id, left(ssn, 3) AS x FROM customers) s WHERE x = '123'", None),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
                connection.execute(statement.encode(), parameters)
            assert "public.customers.ssn (national_id)" in str(refused.value.diag.message_detail)
            assert "column = ..." in str(refused.value.diag.message_hint)
        found = connection.execute("SELECT id FROM customers WHERE ssn = %s AND card_number IS NOT NULL", ("123-45-6789",))
        assert found.fetchall() == [(1,)]
        assert connection.execute("SELECT count(ssn) FROM customers").fetchone() == (2,)


def test_questions_are_counted_noted_and_held_and_an_approval_lets_one_through(strict: Shop) -> None:
    """Four different ones are permitted here; the same one again is free, and nothing else is slowed."""
    entries = strict.doorward.entries
    with strict.doorward.connect() as connection:
        question = "SELECT id FROM customers WHERE card_number = %s"
        for guess in ("1", "2", "2", "3", "2", "4"):
            assert connection.execute(question, (guess,)).fetchall() == []
        (noted,) = [e for e in entries("inference.noted") if e["column"] == "public.customers.card_number"]
        assert (noted["state"], noted["probes"], noted["most_probes"]) == ("half", 2, 4)
        assert noted["identity"]["chain"] == "alice"
        waiting = Waiting(connection, question, ("4111111111111111",))
        request = strict.doorward.pending_request()
        assert request.rules == ("beyond-inference-budget",)
        assert "public.customers.card_number" in request.reason
        assert waiting.is_waiting
        strict.doorward.answer(request.id, "bob", approved=True)
        waiting.end()
        assert waiting.result == [(1,)]
        beyond = [e for e in entries("inference.noted") if e["state"] == "beyond"]
        assert [e["execution"] for e in beyond] == [e["execution"] for e in entries("hold.requested")]
        assert connection.execute(question, ("2",)).fetchall() == []
        assert connection.execute("SELECT count(*) FROM orders WHERE status LIKE 'p%'").fetchone() == (2000,)


def test_prepared_statements_and_cursors_are_counted_like_what_they_run(strict: Shop) -> None:
    """PREPARE tells nothing yet; each EXECUTE with another value does."""
    with strict.doorward.connect() as connection:
        connection.execute("PREPARE by_mail(text) AS SELECT id FROM customers WHERE email = $1")
        for guess in ("a@x.org", "b@x.org", "c@x.org"):
            connection.execute(f"EXECUTE by_mail('{guess}')".encode())
        waiting = Waiting(connection, "EXECUTE by_mail('alice@example.com')")
        request = strict.doorward.pending_request()
        strict.doorward.answer(request.id, "bob", approved=False)
        waiting.end()
        assert isinstance(waiting.error, psycopg.errors.InsufficientPrivilege)


def test_services_are_not_counted_and_agents_only_look_up(strict: Shop) -> None:
    """An application finds customers all day."""
    with strict.doorward.connect("nightly-etl") as service:
        for number in range(10):
            service.execute("SELECT id FROM customers WHERE email = %s", (f"{number}@example.org",))
        service.execute("SELECT id FROM customers WHERE lower(email) LIKE 'a%' ORDER BY full_name")
    with strict.doorward.connect("report-bot") as agent:
        assert agent.execute("SELECT id FROM customers WHERE full_name = 'Alice Example'").fetchall() == [(1,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            agent.execute("SELECT id FROM customers WHERE full_name LIKE 'A%'")


def test_values_shown_in_clear_are_entries_of_their_own(strict: Shop) -> None:
    """Which columns, how many rows, what for; and whoever is cleared may search by them uncounted."""
    with strict.doorward.connect("bob") as connection:
        connection.execute("SET doorward.purpose = 'refund 4711'")
        for letter in "abcdefgh":
            connection.execute("SELECT email, full_name FROM customers WHERE email LIKE %s ORDER BY email", (f"{letter}%",))
        connection.execute("SELECT id FROM customers")
    entries = strict.doorward.wait_for(lambda: len(found := strict.doorward.entries("values.shown")) == 2 and found)
    assert [entry["rows"] for entry in entries] == [1, 1]
    assert [column["source"] for column in entries[0]["columns"]] == ["public.customers.email"]
    assert (entries[0]["identity"]["chain"], entries[0]["purpose"]) == ("bob", "refund 4711")


def test_tokens_are_the_same_for_the_same_value_in_every_format(strict: Shop) -> None:
    """So that a client's own join on masked values finds what belongs together; calculated values are masked whole."""
    with strict.doorward.connect() as connection:
        texts, binaries = (
            connection.cursor(binary=binary).execute("SELECT ssn, full_name, ssn FROM customers ORDER BY id").fetchall()
            for binary in (False, True)
        )
        assert texts == binaries
        assert texts[0][0] == texts[0][2] != texts[1][0]
        assert all(str(value).startswith("tok_") for row in texts for value in row)
        assert connection.execute("SELECT upper(ssn) FROM customers WHERE id = 1").fetchone() == ("***",)


def test_a_client_that_wants_to_know_is_told_once_a_result_what_was_masked(strict: Shop) -> None:
    """Others hear nothing, and nor does one whose result is clear."""
    told: list[str] = []
    with psycopg.connect(strict.doorward.dsn("alice", options="-c doorward.notices=on"), autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: told.append(f"{notice.message_primary}\n{notice.message_detail}"))
        rows = connection.execute("SELECT id, email, upper(email) FROM customers ORDER BY id").fetchall()
        assert [row[0] for row in rows] == [1, 2]
        connection.execute("SELECT id FROM customers")
        for _ in range(2):
            connection.execute("SELECT email FROM customers WHERE id = %s", (1,), prepare=True)
    assert told[0] == (
        "Doorward masked 2 columns of this result.\nemail: masked, for it holds email\n"
        "upper: masked whole, for nothing proves that it is calculated from clear columns alone"
    )
    assert told[1:] == ["Doorward masked 1 column of this result.\nemail: masked, for it holds email"] * 2
