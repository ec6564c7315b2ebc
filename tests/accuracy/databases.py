"""Whole sample databases with their values: read, sampled and labelled as a running Doorward does, beside Presidio.

The databases are other people's and not part of this repository: ``--databases FOLDER`` names a folder with plain SQL files
that ``psql`` can load, ``chinook.sql`` and ``northwind.sql``. Presidio runs in an interpreter of its own that has
presidio-analyzer and presidio-structured, ``--presidio PYTHON``; it sees the same sampled values.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from doorward.catalog.sampling import is_sampled, question, sample
from doorward.catalog.snapshot import read_snapshot
from doorward.model.catalog import Relation, RelationKind
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import UpstreamQuerier
from tests.accuracy.scores import HEADING, binary, by_label
from tests.live.servers import DEBIAN_15, Database, Server, fresh_database, running_server

GOLD = Path(__file__).parent / "databases.csv"
PRESIDIO = Path(__file__).parent / "presidio_columns.py"
# What a dump does to the server as a whole is left out: it is loaded into a database that is there already.
_NOT_OURS = re.compile(r"^(\\c|\\connect|DROP DATABASE|CREATE DATABASE)\b.*$", re.MULTILINE | re.IGNORECASE)
Found = dict[tuple[str, str], str]


def run(say: Callable[[str], None], folder: Path | None, presidio: Path | None) -> bool:
    """Print the scores of each database that is there; whether they are what they should be."""
    files = sorted(folder.glob("*.sql")) if folder and folder.is_dir() else []
    if not files:
        say("\nDatabases with values: none given; --databases FOLDER names a folder with chinook.sql and northwind.sql")
        return True
    with GOLD.open(newline="") as file:
        gold = list(csv.DictReader(file))
    good = True
    with running_server(DEBIAN_15, 15) as server:
        for path in files:
            certain = {(r["table"], r["column"]): r["label"] for r in gold if r["source"] == path.stem}
            if certain:
                good = _one(say, server, path, certain, presidio) and good
    return good


def _one(say: Callable[[str], None], server: Server, path: Path, gold: Found, presidio: Path | None) -> bool:
    with fresh_database(server) as database:
        _load(server, database, path)
        by_name, by_value, values = asyncio.run(_read(server, database))
    say(f"\nDatabase {path.stem} with its values")
    say(HEADING)
    results = {"names and types": by_name, "names, types and values": by_value}
    if presidio is not None:
        results["Presidio on the same values"] = _presidio(presidio, values)
    scores = {}
    for title, found in results.items():
        pairs = [(label, found.get(key, "none")) for key, label in gold.items() if not label.endswith("?")]
        scores[title] = binary(pairs)
        say(scores[title].line(title))
        if title == "names, types and values":
            for label, score in by_label(pairs).items():
                say(score.line(f"  label {label}"))
    full = scores["names, types and values"]
    return full.precision >= 0.9 and full.recall >= 0.9


def _load(server: Server, database: Database, path: Path) -> None:
    text = _NOT_OURS.sub("", path.read_text(encoding="utf-8"))
    with server.connect(dbname=database.name) as connection:
        connection.execute(text.encode())
        connection.execute(b"ANALYZE")


async def _read(server: Server, database: Database) -> tuple[Found, Found, dict[str, dict[str, list[str]]]]:
    """What names say, what values add, and the values that were sampled, by table and column."""
    upstream = Upstream("sample", "postgresql", server.host, server.port, database.name, server.user, server.password)
    querier = UpstreamQuerier(upstream)
    try:
        plain = await read_snapshot(querier, "sample", {})
        own = [r for r in plain.relations if not r.is_system and r.kind is RelationKind.TABLE]
        voted = await sample(querier, own, 60, time.monotonic)
        full = await read_snapshot(querier, "sample", {}, sampled=voted.votes)
        values = {relation.name: await _values(querier, relation) for relation in own}
    finally:
        await querier.close()
    return _found(plain.relations), _found(full.relations), values


async def _values(querier: UpstreamQuerier, relation: Relation) -> dict[str, list[str]]:
    columns = [column for column in relation.columns if is_sampled(column)]
    if not columns:
        return {}
    rows = await querier.query(question(relation, columns))
    return {
        column.name: [value for value in (row[place] for row in rows) if value is not None]
        for place, column in enumerate(columns)
    }


def _found(relations: tuple[Relation, ...]) -> Found:
    return {
        (relation.name, column.name): column.likely_label.value
        for relation in relations
        if not relation.is_system
        for column in relation.columns
    }


def _presidio(python: Path, values: dict[str, dict[str, list[str]]]) -> Found:
    ended = subprocess.run(
        [str(python), str(PRESIDIO)],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
        env={**os.environ, "TQDM_DISABLE": "1"},
    )
    return {(table, column): label for table, column, label in json.loads(ended.stdout)}
