"""Copies of the log of a whole Doorward: they arrive, and a receiver that stalls is nobody's business but its own."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from doorward.config import read_upstream
from doorward.shipping.exporting import read_cursor
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live


def test_a_stalled_receiver_delays_no_statement_and_no_other_receiver(postgres15: Server, tmp_path: Path) -> None:
    """Statements run, the other copy arrives with all of them in order and without their values, and the end is not held up."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    out = tmp_path / "copy.jsonl"
    with fresh_database(postgres15) as database, socket.create_server(("127.0.0.1", 0)) as stalled:
        port = stalled.getsockname()[1]
        (data / "export.toml").write_text(
            f'[[destination]]\nname = "stalled"\nkind = "json"\nto = "http://127.0.0.1:{port}"\ntimeout_seconds = 60\n\n'
            f'[[destination]]\nname = "copy"\nkind = "file"\nto = "{out}"\n'
        )
        role = database.new_role()
        with running_doorward(read_upstream(database.dsn(role), "shop"), data) as running:
            with running.connect() as client:
                for number in range(50):
                    assert client.execute(f"SELECT {number} + 1000000").fetchone() == (number + 1_000_000,)  # type: ignore[arg-type]
            signed = running.wait_for(lambda: len(running.entries("statement.outcome")) >= 50 and len(running.entries()))
            running.wait_for(lambda: read_cursor(running.data.export, "copy").entries >= signed, seconds=30)
            assert read_cursor(running.data.export, "stalled").entries == 0
            begun = time.monotonic()
        assert time.monotonic() - begun < 30, "it must not wait for the stalled receiver"
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert [event["metadata"]["sequence"] for event in events] == list(range(len(events)))
    texts = {event.get("query_info", {}).get("query_string") for event in events}
    assert "SELECT ? + ?" in texts
    assert "1000000" not in " ".join(filter(None, texts))
    started = next(e for e in events if e.get("api", {}).get("operation") == "configuration.taken_up")
    assert "copy (file)" in started["unmapped"]["details"]["exports"]
