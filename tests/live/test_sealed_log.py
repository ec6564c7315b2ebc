"""Personal values in the log: nowhere in its files, readable with the day's key, gone with it, and the log still verifies."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from doorward.audit.day_keys import DayKeys, opener
from doorward.audit.reader import LogReader
from doorward.audit.verify import verify
from doorward.audit.wrapping import wrapping_from
from doorward.config import read_upstream
from doorward.control.operators import LOCAL
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live

SECRET = "ann.example.com"
STATEMENTS = (
    f"SELECT '{SECRET}'",
    f"SELECT count(*) FROM people WHERE email = '{SECRET}' -- {SECRET}",
    f"INSERT INTO people VALUES (1, $${SECRET}$$)",
    f"selekt {SECRET}",
    f"SELECT '{SECRET * 1_000}'",
)


def test_values_are_sealed_and_go_with_their_key(postgres15: Server, tmp_path: Path) -> None:
    """Every way for a value to come in: literals, a comment, an error of the server, a text that is too long or is no SQL."""
    with fresh_database(postgres15) as database:
        role = database.new_role()
        database.execute("CREATE TABLE people (id int PRIMARY KEY, email text)")
        database.execute(f"GRANT ALL ON people TO {role.name}")
        with running_doorward(read_upstream(database.dsn(role), "shop"), tmp_path) as running:
            data = running.data
            running.do(running.control.office.principals.regroup(LOCAL, "nightly-etl", ("pipelines",)))
            with running.connect("nightly-etl") as client:
                for statement in (*STATEMENTS, STATEMENTS[2]):
                    try:
                        client.execute(statement.encode(), prepare=False)
                    except psycopg.Error:
                        continue
            intents = running.wait_for(lambda: _at_least(running.entries("statement.intent"), 6))
            texts = {entry["statement"] for entry in intents}
            assert set(STATEMENTS[:4]) < texts
            errors = running.wait_for(lambda: [e for e in running.entries("statement.outcome") if e.get("error")])
            assert any("duplicate key" in entry["error"] for entry in errors)
        files = [path for path in data.log.rglob("*") if path.is_file()]
        assert [str(path) for path in files if SECRET.encode() in path.read_bytes()] == []
        keys = DayKeys(data.day_keys, lambda: wrapping_from(data.wrapping_key))
        for state in keys.all():
            keys.erase(state.id, 1, "the test")
        readable = opener(data.day_keys, data.wrapping_key).readable
        left = [json.loads(readable(raw)) for _index, raw in LogReader(data.log).entries()]
        assert not any(SECRET in json.dumps(entry) for entry in left)
        assert "SELECT '?'" in {entry.get("statement") for entry in left}
        assert verify(data.log).is_sound


def _at_least(entries: list[dict[str, str]], count: int) -> list[dict[str, str]]:
    return entries if len(entries) >= count else []
