"""Snapshots of real PostgreSQL servers: what is read, and how labels travel."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable, Mapping

import psycopg
import pytest

from doorward.catalog.codec import decode, encode
from doorward.catalog.introspection.postgres_system import CLEAR, PROTECTED
from doorward.catalog.snapshot import never_clear, read_mark, read_snapshot
from doorward.errors import DoorwardError
from doorward.model.catalog import Label, Relation, RelationKind, Snapshot
from tests.catalog.querying import LibpqQuerier
from tests.live.servers import Database, Role

pytestmark = pytest.mark.live


def snap(
    database: Database,
    verdicts: Mapping[tuple[int, int], Label] | None = None,
    clear: Callable[[str], bool] = never_clear,
    role: Role | None = None,
) -> Snapshot:
    with database.connect(role) as connection:
        return asyncio.run(read_snapshot(LibpqQuerier(connection), "shop", verdicts or {}, clear))


def relation(snapshot: Snapshot, name: str) -> Relation:
    (found,) = snapshot.by_name[name]
    return found


def labels(snapshot: Snapshot, name: str) -> dict[str, Label]:
    return {column.name: column.label for column in relation(snapshot, name).columns}


def test_an_ordinary_role_reads_everything_it_needs(database: Database) -> None:
    """No privilege on a table or its rows is needed to know its columns."""
    database.execute(
        """CREATE SCHEMA crm; CREATE DOMAIN phone AS text; CREATE TYPE mood AS ENUM ('a');
        CREATE TABLE crm.people (id int PRIMARY KEY, email varchar(80), home phone, m mood, note text, plain int);
        COMMENT ON COLUMN crm.people.plain IS 'floor';
        CREATE MATERIALIZED VIEW crm.copies AS SELECT id, email FROM crm.people;
        CREATE FUNCTION crm.shout(text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)';
        CREATE OPERATOR crm.!!! (rightarg = text, function = crm.shout)"""
    )
    role = database.new_role()
    database.execute(f"GRANT USAGE ON SCHEMA crm TO {role.name}")
    snapshot = snap(database, role=role)
    people = relation(snapshot, "people")
    assert people.kind is RelationKind.TABLE
    assert people.schema == "crm"
    assert [(c.number, c.name, c.type_name) for c in people.columns][:4] == [
        (1, "id", "integer"), (2, "email", "character varying(80)"), (3, "home", "phone"), (4, "m", "mood"),
    ]  # fmt: skip
    assert relation(snapshot, "copies").kind is RelationKind.MATERIALIZED_VIEW
    assert labels(snapshot, "copies") == {"id": Label.NONE, "email": Label.EMAIL}
    assert snapshot.user_functions == {"shout"}
    assert snapshot.user_operators == {"!!!"}
    assert {"phone", "mood", "people"} <= snapshot.user_types
    assert not {"int4", "text", "date"} & snapshot.user_types
    assert snapshot.server_version.startswith(str(database.server.version))


def test_a_cast_between_built_in_types_that_runs_a_function_taints_its_target(database: Database) -> None:
    """``::bool`` may then run somebody's code; a cast from a user's own type does not change what ``::text`` means."""
    database.execute(
        """CREATE FUNCTION f(money) RETURNS date LANGUAGE sql IMMUTABLE AS 'SELECT date ''2020-01-01''';
        CREATE CAST (money AS date) WITH FUNCTION f(money);
        CREATE TYPE pair AS (a int, b int);
        CREATE FUNCTION g(pair) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''x''::text';
        CREATE CAST (pair AS text) WITH FUNCTION g(pair)"""
    )
    types = snap(database).user_types
    assert "date" in types
    assert "text" not in types


def test_labels_follow_natural_keys_but_not_surrogate_ones(database: Database) -> None:
    """A foreign key carries a label exactly when what it refers to is protected; chains count."""
    database.execute(
        """CREATE TABLE users (id int PRIMARY KEY, username text UNIQUE);
        CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, owner text UNIQUE REFERENCES users (username));
        CREATE TABLE likes (post int REFERENCES posts, who text REFERENCES posts (owner))"""
    )
    snapshot = snap(database)
    assert labels(snapshot, "posts") == {"id": Label.NONE, "user_id": Label.NONE, "owner": Label.ONLINE_ID}
    assert labels(snapshot, "likes") == {"post": Label.NONE, "who": Label.ONLINE_ID}


def test_partitions_and_children_share_labels_by_name(database: Database) -> None:
    """Reading a parent shows its children's rows, so the more protected label wins both ways."""
    database.execute(
        """CREATE TABLE event (id int, k text, day date) PARTITION BY RANGE (day);
        CREATE TABLE event_2024 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE thing (k text); CREATE TABLE thing_more (extra int) INHERITS (thing)"""
    )
    plain = snap(database)
    key = {
        name: (relation(plain, name).oid, 2 if name.startswith("event") else 1)
        for name in ("event", "event_2024", "thing_more")
    }
    assert labels(plain, "event_2024")["k"] is Label.NONE
    judged = snap(database, {key["event"]: Label.SECRET, key["thing_more"]: Label.HEALTH})
    assert labels(judged, "event_2024")["k"] is Label.SECRET
    assert labels(judged, "thing")["k"] is Label.HEALTH
    told_apart = snap(database, {key["event"]: Label.SECRET, key["event_2024"]: Label.NONE})
    assert labels(told_apart, "event_2024")["k"] is Label.NONE
    assert labels(told_apart, "event")["k"] is Label.SECRET


VIEWS = """
CREATE TABLE person (id int PRIMARY KEY, email text, city text, born int, plan text);
CREATE TABLE sale (id int PRIMARY KEY, buyer int, amount numeric);
CREATE VIEW bare AS SELECT p.id, p.email AS contact, p.plan FROM person p;
CREATE VIEW nested AS SELECT contact AS c2, plan FROM (SELECT * FROM bare) x;
CREATE VIEW deep AS WITH w AS (SELECT c2 FROM nested) SELECT c2 AS c3 FROM w;
CREATE VIEW derived AS SELECT lower(email) AS l, plan || 'x' AS p FROM person;
CREATE VIEW totals AS SELECT buyer, sum(amount) AS s, count(*) AS n FROM sale GROUP BY buyer;
CREATE VIEW joined AS SELECT p.email, t.s, t.n FROM person p JOIN totals t ON t.buyer = p.id;
CREATE VIEW either AS SELECT plan FROM person UNION ALL SELECT email FROM person;
CREATE VIEW inner_either AS SELECT plan FROM (SELECT plan FROM person UNION SELECT email FROM person) u;
CREATE VIEW looped AS WITH RECURSIVE r(v) AS (SELECT plan FROM person UNION SELECT p.email FROM r JOIN person p ON p.plan = r.v)
  SELECT v FROM r;
CREATE VIEW plans AS SELECT upper(plan) AS p FROM person;
CREATE VIEW filtered AS SELECT upper(plan) AS p FROM person WHERE email LIKE 'a%';
CREATE VIEW whole AS SELECT row_to_json(p) AS j FROM person p;
CREATE VIEW whole_text AS SELECT p::text AS t FROM person p;
CREATE VIEW merged AS SELECT id, plan FROM person p FULL JOIN (SELECT id, email AS plan FROM person) q USING (id, plan);
CREATE VIEW statistics AS SELECT most_common_vals::text AS v FROM pg_stats;
CREATE VIEW raw_statistics AS SELECT stavalues1::text AS v FROM pg_statistic;
CREATE VIEW own AS SELECT relname || 'x' AS v FROM pg_class;
CREATE VIEW constant AS SELECT 1 AS one, 'a'::text AS a;
"""


def test_view_columns_follow_their_sources(database: Database) -> None:
    """Bare columns take the label of what they show, through views, subqueries and CTEs."""
    database.execute(VIEWS)
    snapshot = snap(database, clear=lambda definition: True)
    assert labels(snapshot, "bare") == {"id": Label.NONE, "contact": Label.EMAIL, "plan": Label.NONE}
    assert labels(snapshot, "nested") == {"c2": Label.EMAIL, "plan": Label.NONE}
    assert labels(snapshot, "deep") == {"c3": Label.EMAIL}
    assert labels(snapshot, "joined") == {"email": Label.EMAIL, "s": Label.NONE, "n": Label.NONE}


@pytest.mark.parametrize(
    ("view", "column"),
    [
        ("derived", "l"), ("derived", "p"), ("either", "plan"), ("inner_either", "plan"), ("looped", "v"), ("filtered", "p"),
        ("whole", "j"), ("whole_text", "t"), ("merged", "plan"), ("statistics", "v"), ("raw_statistics", "v"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database", ["postgres18"], indirect=True)
def test_what_may_show_protected_values_is_unclassified(database: Database, view: str, column: str) -> None:
    """Even when every function is vouched for: whole rows, set operations, filters, statistics of the contents."""
    database.execute(VIEWS)
    assert labels(snap(database, clear=lambda definition: True), view)[column] is Label.UNCLASSIFIED


def test_the_same_views_are_as_protected_on_every_version(database: Database) -> None:
    """All of the above on each server, in one reading."""
    database.execute(VIEWS)
    snapshot = snap(database, clear=lambda definition: True)
    for view, column in (("either", "plan"), ("inner_either", "plan"), ("looped", "v"), ("whole", "j"), ("merged", "plan")):
        assert labels(snapshot, view)[column] is Label.UNCLASSIFIED, view


def test_expressions_over_clear_columns_are_clear_only_if_vouched_for(database: Database) -> None:
    """Column by column: a view may touch a table with protected columns if it names none of them."""
    database.execute(VIEWS)
    vouched, unvouched = snap(database, clear=lambda definition: True), snap(database)
    for view in ("totals", "plans", "own", "constant"):
        computed = [label for name, label in labels(vouched, view).items() if name != "buyer"]
        assert computed
        assert set(computed) == {Label.NONE}, view
        assert Label.UNCLASSIFIED in labels(unvouched, view).values(), view


def test_a_view_that_cannot_be_described_is_unclassified(database: Database) -> None:
    """Without USAGE on a schema the view names, nothing is known of its columns."""
    database.execute("CREATE SCHEMA hidden; CREATE TABLE hidden.t (plan text); CREATE VIEW v AS SELECT plan FROM hidden.t")
    snapshot = snap(database, clear=lambda definition: True, role=database.new_role())
    assert labels(snapshot, "v") == {"plan": Label.UNCLASSIFIED}


def test_an_operators_verdict_wins(database: Database) -> None:
    """On tables, on what derives from them, and on view columns themselves."""
    database.execute(VIEWS)
    first = snap(database)
    person, derived = relation(first, "person"), relation(first, "derived")
    verdicts = {(person.oid, 2): Label.NONE, (person.oid, 5): Label.HEALTH, (derived.oid, 1): Label.EMAIL}
    judged = snap(database, verdicts)
    assert labels(judged, "person")["email"] is Label.NONE
    assert labels(judged, "nested") == {"c2": Label.NONE, "plan": Label.HEALTH}
    assert labels(judged, "derived")["l"] is Label.EMAIL
    assert judged.epoch != first.epoch


def test_system_relations_are_vouched_for_by_name(database: Database) -> None:
    """What psql and ORMs read is clear; contents, credentials and other people's statements are not."""
    snapshot = snap(database)
    system = {(r.schema, r.name): r for r in snapshot.relations if r.is_system}
    for name in ("pg_class", "pg_attribute", "pg_type", "pg_proc", "pg_roles", "pg_database", "pg_attrdef", "pg_enum"):
        assert not system["pg_catalog", name].is_protected, name
        assert len(system["pg_catalog", name].columns) > 2
    assert not system["information_schema", "columns"].is_protected
    for name in ("pg_statistic", "pg_stats", "pg_authid", "pg_shadow", "pg_largeobject", "pg_user_mappings"):
        assert ("pg_catalog", name) not in system
    assert not {"rolpassword", "attmissingval"} & {c.name for r in system.values() for c in r.columns}
    activity = {c.name: c.label for c in system["pg_catalog", "pg_stat_activity"].columns}
    subscription = {c.name: c.label for c in system["pg_catalog", "pg_subscription"].columns}
    assert (subscription["subname"], subscription["subconninfo"]) == (Label.NONE, Label.SECRET)
    assert (activity["pid"], activity["query"], activity["client_addr"]) == (Label.NONE, Label.UNCLASSIFIED, Label.IP)


@pytest.mark.parametrize(
    "command",
    [
        "\\d", "\\d+", "\\dt+", "\\dn+", "\\di", "\\dv", "\\df", "\\l", "\\du", "\\dT", "\\dp", "\\dx", "\\d person",
        "\\d+ person", "\\d+ bare", "\\d+ event", "\\sv bare", "\\sf f",
    ],
)  # fmt: skip
def test_what_psql_reads_to_describe_things_is_clear(database: Database, command: str) -> None:
    """Every system relation in the queries behind a psql command is vouched for and holds no protected column."""
    database.execute(VIEWS + "CREATE TABLE event (id int) PARTITION BY RANGE (id);")
    database.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    ran = subprocess.run(
        [database.server.binaries / "psql", "-XE", database.dsn(), "-c", command],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    snapshot = snap(database)
    system = {r.name: r for r in snapshot.relations if r.is_system}
    read = set(re.findall(r"(?:FROM|JOIN|,)\s+pg_catalog\.(pg_\w+)(?!\w|\()", ran.stdout))
    assert read or command.startswith(("\\sv", "\\sf"))
    assert {name for name in read if name not in system or system[name].is_protected} == set()


def test_every_protected_system_column_is_listed_as_a_column() -> None:
    """A misspelt name in the table of exceptions would silently protect nothing."""
    for (name, column), label in PROTECTED.items():
        assert any(column in relations.get(name, ()) for relations in CLEAR.values())
        assert label.is_protected


def test_a_relation_of_the_same_name_outside_the_system_schemas_is_not_vouched_for(database: Database) -> None:
    """public.pg_class is a user's table."""
    database.execute("CREATE TABLE public.pg_class (email text)")
    (mine,) = [r for r in snap(database).by_name["pg_class"] if r.schema == "public"]
    assert not mine.is_system
    assert mine.is_protected


CHANGES = (
    "CREATE TABLE extra (a int)",
    "ALTER TABLE person ADD COLUMN x text",
    "ALTER TABLE person RENAME COLUMN plan TO plan2",
    "ALTER TABLE person DROP COLUMN born",
    "ALTER TABLE person ALTER COLUMN born TYPE bigint",
    "CREATE OR REPLACE VIEW plans AS SELECT email AS p FROM person",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "COMMENT ON COLUMN person.plan IS 'e-mail'",
    "ALTER TABLE sale ADD FOREIGN KEY (buyer) REFERENCES person",
    "CREATE TYPE t AS ENUM ('a')",
    "CREATE SCHEMA s2",
    "DROP VIEW constant",
)


def test_the_mark_changes_with_the_catalog_and_only_then(database: Database) -> None:
    """Every sort of change is seen by the next poll; rows, statistics and temporary tables are not changes."""
    database.execute(VIEWS)

    with database.connect() as connection, database.connect() as other:
        querier = LibpqQuerier(connection)
        before = asyncio.run(read_mark(querier))
        other.execute("INSERT INTO person VALUES (1, 'a@example.com'); CREATE TEMP TABLE mine (a int, b text); ANALYZE")
        assert asyncio.run(read_mark(querier)) == before
        for change in CHANGES:
            with other.transaction(force_rollback=True):
                other.execute(change.encode())
                inside = asyncio.run(read_mark(LibpqQuerier(other)))
            assert inside != before, change
        assert asyncio.run(read_mark(querier)) == before


def test_a_snapshot_survives_the_way_to_a_gateway(database: Database) -> None:
    """Encoding loses nothing, and equal catalogs have equal epochs."""
    database.execute(VIEWS)
    snapshot = snap(database)
    assert decode(encode(snapshot)) == snapshot
    assert decode(encode(snapshot)).labels == snapshot.labels
    assert snap(database).epoch == snapshot.epoch
    database.execute("ALTER TABLE person ADD COLUMN phone text")
    assert snap(database).epoch != snapshot.epoch


def test_temporary_relations_are_left_out(database: Database) -> None:
    """They belong to one session, and come and go."""
    with database.connect() as connection:
        connection.execute("CREATE TEMP TABLE passing (email text)")
        snapshot = asyncio.run(read_snapshot(LibpqQuerier(connection), "shop", {}))
    assert "passing" not in snapshot.by_name


def test_a_catalog_that_cannot_be_read_is_an_error(database: Database) -> None:
    """Half a snapshot would leave columns unknown; better none."""
    with database.connect() as connection:
        connection.execute("SET statement_timeout = '1ms'")
        connection.execute("BEGIN")
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT 1/0")
        with pytest.raises(DoorwardError):
            asyncio.run(read_snapshot(LibpqQuerier(connection), "shop", {}))


def test_what_is_computed_from_a_protected_column_is_protected(database: Database) -> None:
    """A generated column's own name tells nothing; one computed from clear columns stays clear."""
    database.execute(
        """CREATE TABLE people (id int PRIMARY KEY, ssn text, size int,
        low text GENERATED ALWAYS AS (lower(ssn)) STORED, twice int GENERATED ALWAYS AS (size * 2) STORED)"""
    )
    found = labels(snap(database), "people")
    assert found["low"] is Label.UNCLASSIFIED
    assert found["twice"] is Label.NONE


def test_a_row_type_is_unclassified_and_a_domain_speaks_by_its_name(database: Database) -> None:
    """Rows, arrays of rows and domains over rows hold columns that have no labels of their own."""
    database.execute(
        """CREATE TYPE pair AS (a text, b text); CREATE DOMAIN few AS pair; CREATE DOMAIN ssn_number AS text;
        CREATE TABLE things (id int, p pair, ps pair[], f few, v ssn_number, plain int[])"""
    )
    found = labels(snap(database), "things")
    assert [found[name] for name in ("p", "ps", "f")] == [Label.UNCLASSIFIED] * 3
    assert found["v"] is Label.NATIONAL_ID
    assert found["plain"] is Label.NONE


def test_a_view_that_picks_rows_by_a_protected_column_counts_as_protected(database: Database) -> None:
    """Its columns are clear, its errors and plans are not."""
    database.execute(
        """CREATE TABLE people (id int PRIMARY KEY, ssn text); CREATE VIEW few AS SELECT id FROM people WHERE ssn LIKE '1%';
        CREATE VIEW more AS SELECT id FROM few; CREATE VIEW plain AS SELECT id FROM people"""
    )
    snapshot = snap(database)
    assert labels(snapshot, "few") == {"id": Label.NONE}
    assert [relation(snapshot, name).is_protected for name in ("few", "more", "plain")] == [True, True, False]
    assert decode(encode(snapshot)) == snapshot
