"""Free text and documents on a real server: people see them with what was found in them replaced, by every road."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from doorward.control.operators import LOCAL
from doorward.model.catalog import Label
from doorward.model.upstream import Upstream
from doorward.policy.load import default_texts
from tests.live.conftest import SCHEMA, Shop
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live

NOTE = "Call back on Monday. Reach her at carol@example.net or 4111 1111 1111 1111, password=hunter2secret, lamp LMP-4711"
FOUND = ("carol@example.net", "4111 1111 1111 1111", "hunter2secret", "LMP-4711")
DOCUMENT = {"topic": "billing", "email": "carol@example.net", "lines": [{"card": "4111111111111111", "open": True}]}


RULE = """
@id("people-see-free-text-scanned")
@description("People see free text with the personal data and secrets found in it replaced.")
permit (principal is Human, action == Action::"scan", resource in LabelClass::"free text");
"""
OWN = """
[[detector]]
name = "lamp-number"
type = "LAMP"
pattern = "LMP-[0-9]{4}"
[detector.tests]
finds = ["lamp LMP-1234"]
ignores = ["LMP-12"]
"""


@pytest.fixture(scope="module")
def tickets(postgres15: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A table of notes and documents, labelled as free text, and a rule by which people see it scanned."""
    policy = tmp_path_factory.mktemp("scanning") / "policy"
    (policy / "detectors").mkdir(parents=True)
    for name, text in default_texts().items():
        (policy / name).write_text(text)
    (policy / "96-scan.cedar").write_text(RULE)
    (policy / "detectors" / "own.toml").write_text(OWN)
    with fresh_database(postgres15) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", database.host, database.port, database.name, role.name, role.password)
        with running_doorward(upstream, policy.parent) as doorward:
            yield from _with_tickets(Shop(database, doorward))


def _with_tickets(shop: Shop) -> Iterator[Shop]:
    role = shop.doorward.control.settings.upstream.user
    shop.database.execute(
        "CREATE TABLE tickets (id int PRIMARY KEY, body text, short varchar(20), extra json, more jsonb, n int)"
    )
    shop.database.execute(f"GRANT ALL ON tickets TO {role}")
    written = json.dumps(DOCUMENT)
    shop.database.execute(f"INSERT INTO tickets SELECT g, '{NOTE} #' || g, 'to carol@example.net', '{written}', '{written}', 7 "
                          "FROM generate_series(1, 500) g; INSERT INTO tickets VALUES (501)")  # fmt: skip

    def rows() -> list[object]:
        found = [row for row in shop.doorward.control.office.catalog.rows() if row.relation.name == "tickets"]
        return found if len(found) == 6 else []

    found = shop.doorward.wait_for(rows, seconds=20)
    for row in found:
        label = Label.NONE if row.column.name == "id" else Label.FREE_TEXT  # type: ignore[attr-defined]
        key = (row.relation.oid, row.column.number)  # type: ignore[attr-defined]
        shop.doorward.do(shop.doorward.control.office.catalog.decide(LOCAL, "shop", *key, label, "written by people"))

    def is_scanned() -> bool:
        with shop.doorward.connect() as alice:
            return bool(alice.execute("SELECT body FROM tickets WHERE id = 1").fetchone() != ("***",))

    assert shop.doorward.wait_for(is_scanned, seconds=60), "masked whole until the scanner is made"
    yield shop


SELECT = "SELECT id, body, short, extra, more, n FROM tickets ORDER BY id"


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("prepared", [False, True])
def test_people_see_what_is_left_when_what_was_found_is_replaced(tickets: Shop, *, binary: bool, prepared: bool) -> None:
    """In text and binary, a row or hundreds; documents stay documents, and what is neither is masked whole."""
    with tickets.doorward.connect() as alice, alice.cursor(binary=binary) as cursor:
        rows = cursor.execute(SELECT, prepare=prepared).fetchall()
    assert len(rows) == 501
    for number, body, short, extra, more, n in rows[:500]:
        assert body.startswith("Call back on Monday. Reach her at ")
        assert body.endswith(f"#{number}")
        assert short.startswith("to ")
        assert len(short) <= 20
        assert not any(found in text for found in FOUND for text in (body, short, str(extra), str(more)))
        assert extra["topic"] == more["topic"] == "billing"
        assert extra["lines"][0]["open"] is True
        assert "4111111111111111" not in json.dumps([extra, more])
        assert n == 0
    assert rows[500][1:] == (None,) * 5


def test_a_name_that_the_row_says_is_found_in_its_text(tickets: Shop) -> None:
    """Without any cue beside it: the row itself says whose name it is."""
    sql = "SELECT full_name, 'x' AS other, body FROM customers, tickets WHERE customers.id = 1 AND tickets.id = 500"
    tickets.database.execute("UPDATE tickets SET body = 'the lamp of example is still dark' WHERE id = 500")
    try:
        with tickets.doorward.connect() as alice:
            row = alice.execute(sql).fetchone()
    finally:
        tickets.database.execute(f"UPDATE tickets SET body = '{NOTE} #500' WHERE id = 500")
    assert row is not None
    assert "example" not in row[2]
    assert row[2].startswith("the lamp of ")


def test_agents_see_masks(tickets: Shop) -> None:
    """Nothing of a text is for them, by default."""
    with tickets.doorward.connect("report-bot") as bot:
        row = bot.execute("SELECT body, extra, more FROM tickets WHERE id = 1").fetchone()
    assert row == ("***", {}, {})


@pytest.mark.parametrize("expression", ["body || ''", "left(body, 60)", "extra ->> 'email'", "more::text", "tickets::text"])
def test_what_is_made_of_a_text_is_masked_whole(tickets: Shop, expression: str) -> None:
    """A scan could be fooled by a value cut or turned; only bare columns are scanned."""
    with tickets.doorward.connect() as alice:
        shown = str(alice.execute(f"SELECT {expression} FROM tickets WHERE id = 1").fetchone())
    assert "Monday" not in shown
    assert "billing" not in shown
    assert not any(found in shown for found in FOUND)


def test_a_cursor_is_scanned_too(tickets: Shop) -> None:
    """Fetched in parts."""
    with tickets.doorward.connect() as alice, alice.transaction(), alice.cursor(name="slow") as cursor:
        cursor.itersize = 100
        bodies = [row[0] for row in cursor.execute("SELECT body FROM tickets WHERE id <= 500")]
    assert len(bodies) == 500
    assert not any(found in body for found in FOUND for body in bodies)
    assert all(body.startswith("Call back") for body in bodies)


def test_copy_of_free_text_is_refused(tickets: Shop) -> None:
    """COPY is not scanned: it is refused as for other protected columns."""
    with tickets.doorward.connect() as alice, alice.cursor() as cursor, pytest.raises(psycopg.errors.InsufficientPrivilege):
        list(cursor.copy("COPY tickets TO STDOUT").__enter__())


def test_the_record_says_what_was_scanned(tickets: Shop) -> None:
    """Apart from what was masked and what was shown."""
    with tickets.doorward.connect() as alice:
        alice.execute("SELECT id, body FROM tickets WHERE id = 2").fetchone()

    def noted() -> bool:
        columns = [column for entry in tickets.doorward.entries("statement.outcome") for column in entry["columns"]]
        scanned = {"label": "free_text", "name": "body", "source": "public.tickets.body", "treatment": "scanned"}
        return scanned in columns

    assert tickets.doorward.wait_for(noted, seconds=10)


def test_nobody_sees_any_of_a_free_text_until_a_rule_says_so(shop: Shop) -> None:
    """A scan is no proof: by the packaged rules texts are masked whole."""
    role = shop.doorward.control.settings.upstream.user
    shop.database.execute("CREATE TABLE memos (id int, notes text); INSERT INTO memos VALUES (1, 'the lamp is dark')")
    shop.database.execute(f"GRANT ALL ON memos TO {role}")
    try:
        shop.doorward.wait_for(
            lambda: any(row.relation.name == "memos" for row in shop.doorward.control.office.catalog.rows()), seconds=20
        )
        with shop.doorward.connect() as alice:
            assert alice.execute("SELECT notes FROM memos").fetchone() == ("***",)
    finally:
        shop.database.execute("DROP TABLE memos")
