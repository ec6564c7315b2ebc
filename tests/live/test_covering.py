"""A session beside Doorward is found; what came through it is known; and the probes are refused, and proven to be."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from doorward.control.coverage import Compared
from doorward.control.operators import LOCAL
from doorward.control.probing import PROBE, PROBES
from doorward.control.projection.finding import Finder
from doorward.control.projection.keeping import FILE
from doorward.control.server_log import beside_in
from doorward.errors import ConfigurationInvalid
from tests.live.conftest import Shop

pytestmark = pytest.mark.live


def compare(shop: Shop) -> Compared:
    (compared,) = shop.doorward.do(shop.doorward.control.office.coverage.compare(LOCAL))
    return compared


def test_direct_connection_is_found_and_the_others_are_known(shop: Shop) -> None:
    """As another role, and with Doorward's own login: the name alone proves nothing."""
    upstream = shop.doorward.control.settings.upstream
    with shop.doorward.connect() as through:
        through.execute("SELECT 1")
        before = compare(shop)
        assert before.beside == ()
        assert before.sessions > before.own >= 1
        direct = psycopg.connect(
            host=upstream.host,
            port=upstream.port,
            dbname=upstream.database,
            user=upstream.user,
            password=upstream.password,
            application_name="doorward catalog",
        )
        with direct, shop.database.connect() as other:
            processes = {direct.info.backend_pid, other.info.backend_pid}
            found = compare(shop)
            assert {one.pid for one in found.beside} == processes
        checks = [e for e in shop.doorward.entries("administered") if e["act"] == "coverage.checked"]
        assert [check["details"]["beside"] for check in checks[-2:]] == ["0", "2"]
        assert str(min(processes)) in checks[-1]["details"]["told"]


def test_servers_log_shows_who_came_past(shop: Shop, tmp_path: Path) -> None:
    """By process and time, in both forms that the server writes."""
    doorward = shop.doorward
    with doorward.connect() as through:
        through.execute("SELECT 1")
        opened = doorward.wait_for(lambda: doorward.entries("session.opened"))[-1]
        index = Finder(doorward.data.index / FILE)
        doorward.wait_for(lambda: index.last_opened(opened["upstream_pid"]), 30)
    started = psycopg.connect(doorward.dsn("alice")).execute(
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
    )
    begun = f"{started.fetchone()[0]} UTC"  # type: ignore[index]
    ours, theirs = opened["upstream_pid"], 4_000_001
    rows = [
        {"pid": pid, "user": "u", "dbname": "d", "session_start": begun, "application_name": "psql"} for pid in (ours, theirs)
    ]
    as_json = tmp_path / "server.json"
    as_json.write_text("\n".join(map(json.dumps, [*rows, {"pid": 1, "backend_type": "checkpointer"}])))
    fields = [["t", "u", "d", str(row["pid"]), "", "", "", "", begun, *[""] * 13, "psql"] for row in rows]
    as_csv = tmp_path / "server.csv"
    as_csv.write_text("\n".join(",".join(row) for row in fields) + "\n")
    for path in (as_json, as_csv):
        found = beside_in(path, index)
        assert (found.sessions, [one.pid for one in found.beside]) == (2, [theirs])
    as_csv.write_text("not a log\n")
    with pytest.raises(ConfigurationInvalid, match="can't be read"):
        beside_in(as_csv, index)


def test_probes_are_refused_and_the_log_shows_it(shop: Shop) -> None:
    """Their service has no secret left afterwards."""
    doorward = shop.doorward
    tried = doorward.do(doorward.control.office.probing.probe(LOCAL))
    assert [(one.probe, one.refused, one.verdict) for one in tried] == [(name, True, "deny") for name in PROBES]
    entries = doorward.entries()
    for one in tried:
        assert entries[one.entry]["identity"]["chain"] == PROBE
    recorded = [e for e in entries if e.get("act") == "probe.tried"]
    assert [e["details"]["refused"] for e in recorded[-len(PROBES) :]] == ["yes"] * len(PROBES)
    left = doorward.do(_secrets_of_the_probe(shop))
    assert all(secret.revoked_us for secret in left)


async def _secrets_of_the_probe(shop: Shop):  # type: ignore[no-untyped-def]
    return shop.doorward.control.office.secrets.of(LOCAL, PROBE)
