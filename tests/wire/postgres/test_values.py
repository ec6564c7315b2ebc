"""Masks as values: of the column's type, in its format, within its length, for real servers and drivers."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any

import asyncpg
import pytest

from doorward.control.operators import LOCAL
from doorward.model.catalog import Label
from doorward.model.masking import Mask
from doorward.model.result import ResultColumn
from doorward.model.upstream import Upstream
from doorward.wire.postgres import messages, rows_cy
from doorward.wire.postgres.values import _ZEROES, TEXT_LIKE, operation_for
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, fresh_database

# A type and a value of it that is not what its mask looks like.
SAMPLES: dict[str, str] = {
    "bool": "t", "bytea": "\\xdeadbeef", '"char"': "q", "name": "somename", "int8": "987654321", "int2": "4321",
    "int4": "87654",
    "oid": "98765", "text": "hush hush", "varchar": "hush hush", "varchar(2)": "qz", "varchar(20)": "hush hush", "char(1)": "q",
    "char(12)": "hush", "json": '{"q": 98765}', "jsonb": '{"q": 98765}', "xml": "<q>98765</q>", "point": "(9,87)",
    "cidr": "10.98.0.0/16", "inet": "10.9.8.7", "float4": "9.875", "float8": "98.765", "macaddr": "08:00:2b:01:02:03",
    "macaddr8": "08:00:2b:01:02:03:04:05", "money": "98.76", "date": "1987-06-05", "time": "09:08:07", "timetz": "09:08:07+02",
    "timestamp": "1987-06-05 09:08:07", "timestamptz": "1987-06-05 09:08:07+00", "interval": "98 days", "numeric": "98.765",
    "numeric(8,3)": "98.765", "uuid": "98765432-1234-1234-1234-123456789abc", "tsvector": "'hush':1", "int4range": "[98,765)",
    "int8range": "[98,765)", "numrange": "[98,765)", "tsrange": "[1987-06-05,1987-06-07)",
    "tstzrange": "[1987-06-05,1987-06-07)",
    "daterange": "[1987-06-05,1987-06-07)", "bool[]": "{t,f}", "bytea[]": '{"\\\\xdeadbeef"}', '"char"[]': "{q}",
    "name[]": "{somename}", "int2[]": "{987}", "int4[]": "{98765}", "int8[]": "{98765}", "text[]": "{hush}",
    "char(4)[]": "{hush}",
    "varchar[]": "{hush}", "float4[]": "{9.875}", "float8[]": "{9.875}", "oid[]": "{98765}", "macaddr[]": "{08:00:2b:01:02:03}",
    "inet[]": "{10.9.8.7}", "timestamp[]": "{1987-06-05}", "date[]": "{1987-06-05}", "time[]": "{09:08:07}",
    "timestamptz[]": "{1987-06-05}", "interval[]": "{98 days}", "numeric[]": "{98.765}", "json[]": "{98765}",
    "cidr[]": "{10.98.0.0/16}",
    "money[]": "{98.76}", "uuid[]": "{98765432-1234-1234-1234-123456789abc}", "jsonb[]": "{98765}",
    # Of these no value is known to be harmless: they become NULL.
    "bit(4)": "1010", "varbit": "10101", "line": "{9,8,7}", "box": "(9,8),(7,6)", "circle": "<(9,8),7>", "tsquery": "'hush'",
    "pg_lsn": "98/765", "mood": "glum", "mood[]": "{glum}", "pair": "(987,hush)", "positive": "98765", "short_text": "hush",
    "int4multirange": "{[98,765)}",
}  # fmt: skip
DEFINITIONS = """
    CREATE TYPE mood AS ENUM ('glum', 'glad');
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE DOMAIN short_text AS varchar(6);
"""
NULLED = {"bit(4)", "varbit", "line", "box", "circle", "tsquery", "pg_lsn", "mood", "mood[]", "pair", "int4multirange"}


def text_column(type_oid: int, modifier: int = -1, form: int = 0) -> ResultColumn:
    return ResultColumn("c", 1, 1, type_oid, -1, modifier, form)


@pytest.mark.parametrize("mask", list(Mask))
@pytest.mark.parametrize("form", [0, 1])
def test_only_mask_none_keeps_a_value(mask: Mask, form: int) -> None:
    """For every type that is known and one that is not."""
    for oid in [*TEXT_LIKE, *_ZEROES, 999_999]:
        operation = operation_for(mask, text_column(oid, form=form))
        assert (operation.code == rows_cy.KEEP) == (mask is Mask.NONE)


@pytest.mark.parametrize("limit", range(1, 12))
@pytest.mark.parametrize("type_oid", [1042, 1043])
@pytest.mark.parametrize("mask", [mask for mask in Mask if mask not in (Mask.NONE, Mask.SCAN)])
@pytest.mark.parametrize("value", ["", "q", "quite", "é" * 11, "4111-1111-1111"])
def test_masks_are_no_longer_than_the_column(limit: int, type_oid: int, mask: Mask, value: str) -> None:
    """varchar(n) and char(n) hold n characters."""
    operation = operation_for(mask, text_column(type_oid, limit + 4))
    run = messages.data_row([value[:limit].encode()])
    masked, _count = rows_cy.mask_rows(run, 0, len(run), [operation.code], [operation.constant])
    shown = messages.read_data_row(masked[5:])[0]
    assert shown is not None
    assert len(shown.decode()) <= limit


@pytest.mark.live
def test_every_mask_is_a_value_of_its_type_to_the_server(database: Database) -> None:
    """Each type's own input and receive functions take it, and find the same value in both."""
    with database.connect() as connection:
        for oid, zero in _ZEROES.items():
            (name,) = connection.execute("SELECT %s::oid::regtype::text", [oid]).fetchone() or ("",)
            if name == "xml" and database.server.version == 18:
                continue  # that server is built without libxml
            connection.execute(f"DROP TABLE IF EXISTS one; CREATE TABLE one (c {name})".encode())
            for form, value in (("text", zero.text.replace(b"\\", b"\\\\") + b"\n"), ("binary", _binary_copy(zero.binary))):
                with connection.cursor().copy(f"COPY one FROM STDIN (FORMAT {form})".encode()) as copy:
                    copy.write(value)
            found = connection.execute("SELECT DISTINCT c::text FROM one").fetchall()
            assert len(found) == 1, (name, found)
            (array_of,) = connection.execute("SELECT typcategory FROM pg_type WHERE oid = %s", [oid]).fetchone() or ("",)
            assert (zero.text == b"{}") == (array_of == "A" or name in ("json", "jsonb")), name


def _binary_copy(value: bytes) -> bytes:
    """A file of COPY's binary format with one row of one field (manual, COPY, "Binary Format")."""
    header = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    return header + b"\0\x01" + len(value).to_bytes(4, "big") + value + b"\xff\xff"


@pytest.fixture(scope="module", params=["postgres15", "postgres18"])
def protected(request: pytest.FixtureRequest) -> Iterator[tuple[Database, Running]]:
    """A table with a column of every type, each under a secret label, behind a Doorward."""
    with fresh_database(request.getfixturevalue(request.param)) as made:
        made.execute(DEFINITIONS)
        columns = ", ".join(f"c{at} {name}" for at, name in enumerate(SAMPLES))
        made.execute(f"CREATE TABLE vault (id int PRIMARY KEY, {columns})")
        with made.connect() as connection:
            # PostgreSQL 18 is here built without libxml.
            given = [None if name == "xml" and made.server.version == 18 else value for name, value in SAMPLES.items()]
            connection.execute(f"INSERT INTO vault VALUES (1{', %s' * len(SAMPLES)})".encode(), given)
            connection.execute(b"INSERT INTO vault VALUES (2)")
            (oid,) = connection.execute("SELECT 'vault'::regclass::oid::int").fetchone() or (0,)
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, made.user, made.password, "disable")
        with running_doorward(upstream) as running:
            catalog = running.control.office.catalog
            name = next(iter(catalog.snapshots))
            running.do(catalog.decide(LOCAL, name, oid, 1, Label.NONE))
            for at in range(len(SAMPLES)):
                running.do(catalog.decide(LOCAL, name, oid, at + 2, Label.SECRET))
            yield made, running


def check(values: list[Any], originals: list[Any], where: str, names: Iterable[str] = SAMPLES) -> None:
    """No original; the type of the original, or None where no mask is known."""
    for name, value, original in zip(names, values, originals, strict=True):
        if name == "xml" and original is None:
            continue
        assert value != original or name in ("bool",), (where, name)
        if name in NULLED:
            assert value is None, (where, name)
        else:
            assert type(value) is type(original), (where, name, value)


@pytest.mark.live
@pytest.mark.parametrize("binary", [False, True])
def test_psycopg_parses_every_masked_value(protected: tuple[Database, Running], binary: bool) -> None:
    """In text and in binary."""
    made, running = protected
    with made.connect() as direct, running.connect() as masked:
        if binary:
            direct.execute("SET bytea_output = 'hex'")
        query = "SELECT * FROM vault ORDER BY id"
        originals = direct.cursor(binary=binary).execute(query).fetchall()
        rows = masked.cursor(binary=binary).execute(query).fetchall()
    assert [row[0] for row in rows] == [1, 2]
    check(list(rows[0][1:]), list(originals[0][1:]), f"psycopg, binary {binary}")
    assert set(rows[1][1:]) == {None}


@pytest.mark.live
def test_asyncpg_parses_every_masked_value(protected: tuple[Database, Running]) -> None:
    """It is strict about binary values. Types that it asks the catalog about are left out."""
    made, running = protected
    of_users = ("mood", "mood[]", "pair", "positive", "short_text", "int4multirange")
    names = [name for name in SAMPLES if name not in of_users and not name.endswith(("[]", "range"))]
    query = f"SELECT {', '.join(f'c{at}' for at, name in enumerate(SAMPLES) if name in names)} FROM vault WHERE id = 1"

    async def read(dsn: str, **options: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn, **options)
        try:
            return await connection.fetch(query)
        finally:
            await connection.close()

    async def both() -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
        direct = await read(made.dsn())
        options = {"user": "alice", "password": running.secret("alice"), "database": made.name, "ssl": False}
        return direct, await read(f"postgresql://127.0.0.1:{running.control.port}", **options)

    originals, rows = asyncio.run(both())
    check(list(rows[0].values()), list(originals[0].values()), "asyncpg", names)


@pytest.mark.live
def test_psql_shows_no_original(protected: tuple[Database, Running]) -> None:
    """Text, as people see it, and in a cursor, in JSON, and as a whole row."""
    made, running = protected
    psql = str(made.server.binaries / "psql")
    for query in (
        "SELECT * FROM vault WHERE id = 1", "SELECT vault FROM vault", "SELECT to_jsonb(vault) FROM vault",
        "BEGIN; DECLARE c CURSOR FOR SELECT * FROM vault; FETCH ALL FROM c",
    ):  # fmt: skip
        steps = [part for text in query.split("; ") for part in ("-c", text)]
        shown = subprocess.run([psql, "-AXt", running.dsn("alice"), *steps], capture_output=True, text=True, timeout=60)
        for value in SAMPLES.values():
            assert len(value) < 4 or value.strip("{}'\"") not in shown.stdout, (query, value)
        assert shown.returncode == 0 or "Doorward" in shown.stderr, shown.stderr


@pytest.mark.parametrize("type_oid", [25, 1043, 114, 3802, 23, 17])
def test_only_texts_and_documents_are_scanned(type_oid: int) -> None:
    """What can't be replaced in part is masked whole."""
    scanned = type_oid in (25, 1043, 114, 3802)
    operation = operation_for(Mask.SCAN, ResultColumn("c", 1, 1, type_oid, -1, -1, 0))
    assert (operation.code == rows_cy.SCAN) is scanned
    if not scanned:
        assert operation == operation_for(Mask.FULL, ResultColumn("c", 1, 1, type_oid, -1, -1, 0))
