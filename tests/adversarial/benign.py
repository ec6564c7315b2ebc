"""Ordinary statements: they run, what is protected is masked, and everything else is as the database gave it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.adversarial.client import Client, Event
from tests.adversarial.corpus import RAW_SECRETS, blob
from tests.adversarial.stage import Stage

FILE = Path(__file__).parent / "benign.json"


@dataclass(frozen=True)
class Benign:
    """One ordinary statement. *columns* has a letter a result column of the last result: c clear, m masked; "" means all clear.

    *known* says in words which limit of this version it meets: then it is expected to be blocked, and is a pin of that.
    """

    id: str
    cls: str
    statements: tuple[str, ...]
    columns: str
    setup: tuple[str, ...] = ()
    principal: str = "alice"
    known: str = ""


def load(path: Path = FILE) -> list[Benign]:
    """The ordinary statements."""
    return [
        Benign(
            row["id"],
            row["cls"],
            tuple(row["statements"]),
            row.get("columns", ""),
            tuple(row.get("setup", ())),
            row.get("principal", "alice"),
            row.get("known", ""),
        )
        for row in json.loads(path.read_text("utf-8"))
    ]


def wrong(work: Benign, stage: Stage, form: str) -> str:
    """How *work* was blocked or masked wrongly; empty when it went as it should."""
    stage.prepare(work.setup)
    direct = Client(stage.server.host, stage.server.port, stage.upstream.user, stage.upstream.password, "postgres")
    expected = _run(direct, work, form)
    stage.prepare(work.setup)
    received = _run(stage.client(work.principal), work, form)
    for kind, contents in expected:
        if kind == "E":
            return f"the statement itself is wrong: {contents.get('M')}"
    for kind, contents in received:
        if kind in "E?X":
            return f"refused: {contents.get('M')} {contents.get('D', '')}" if kind == "E" else "no answer"
    return _compare(work, _last_rows(expected), _last_rows(received)) or _seen(work, received)


def _run(client: Client, work: Benign, form: str) -> list[Event]:
    try:
        if client.sign_in():
            client.events.clear()
            for statement in work.statements:
                if form == "simple":
                    client.query(statement)
                else:
                    client.extended(statement, (), (1,) if form == "binary" else (), describe=True)
    finally:
        client.close()
    return client.events


def _last_rows(events: list[Event]) -> list[list[bytes | None]]:
    rows: list[list[bytes | None]] = []
    for kind, contents in events:
        if kind == "T":
            rows = []
        elif kind == "D":
            rows.append(contents)
    return rows


def _compare(work: Benign, expected: list[list[bytes | None]], received: list[list[bytes | None]]) -> str:
    if len(expected) != len(received):
        return f"{len(received)} rows in place of {len(expected)}"
    if not expected:
        return "no row came: the statement proves nothing" if work.columns else ""
    letters = work.columns or "c" * len(expected[0])
    if len(letters) != len(expected[0]):
        return f"{len(expected[0])} columns, {len(letters)} letters"
    for position, letter in enumerate(letters):
        same = [row[position] for row in expected] == [row[position] for row in received]
        if letter == "c" and not same:
            return f"column {position} is masked"
        if letter == "m" and same and any(row[position] is not None for row in expected):
            return f"column {position} is not masked"
    return ""


def _seen(work: Benign, received: list[Event]) -> str:
    everything = blob(received)
    found = [secret for secret in RAW_SECRETS if secret in everything and not any(secret in s for s in work.statements)]
    return f"shows {found[0]}" if found else ""
