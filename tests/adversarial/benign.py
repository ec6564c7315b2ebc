"""Ordinary work: it runs, what is protected is masked, and everything else is as the database gave it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.adversarial.client import Client, Event
from tests.adversarial.corpus import RAW_SECRETS, blob
from tests.adversarial.stage import DATABASE, Stage

FOLDER = Path(__file__).parent / "benign"
# A masked cell shorter than this may be what it was by chance: a zero, an initial.
TELLING = 4


@dataclass(frozen=True)
class Benign:
    """One piece of ordinary work.

    A statement is a text, or ``{"sql": ..., "params": [...]}``; ``{oid:schema.name}`` stands for a relation's number.
    *columns* has a letter a result column of the last result: c clear, m masked; "" means all clear. *only_reads* says that
    nothing has to be made anew after it, *forms* in which forms of the protocol its client sends it. *known* says in words
    which limit of this version it meets: then it is expected to be blocked, and is a pin of that.
    """

    id: str
    cls: str
    statements: tuple[Any, ...]
    columns: str
    setup: tuple[str, ...] = ()
    principal: str = "alice"
    known: str = ""
    versions: tuple[int, ...] = ()
    only_reads: bool = False
    forms: tuple[str, ...] = ()

    def forms_of(self, wanted: Sequence[str]) -> list[str]:
        """The forms of *wanted* to do it in: those of its client, or else its client's first one."""
        return [form for form in wanted if not self.forms or form in self.forms] or [self.forms[0]]

    @property
    def texts(self) -> str:
        """Everything that it sends."""
        return json.dumps(self.statements)


def load(folder: Path = FOLDER) -> list[Benign]:
    """All of it, file by file. A file is a list, or an object: *items*, the *fixture* that they are about, their *forms*."""
    return [item for path in sorted(folder.glob("*.json")) for item in _items(path)]


def _items(path: Path) -> Iterator[Benign]:
    contents = json.loads(path.read_text("utf-8"))
    about = contents if isinstance(contents, dict) else {"items": contents}
    fixture = (path.with_name(about["fixture"]).read_text("utf-8"),) if "fixture" in about else ()
    for row in about["items"]:
        yield Benign(
            id=row["id"],
            cls=row["cls"],
            statements=tuple(row["statements"]),
            columns=row.get("columns", ""),
            setup=(*fixture, *row.get("setup", ())),
            principal=row.get("principal", "alice"),
            known=row.get("known", ""),
            versions=tuple(row.get("versions", ())),
            only_reads=bool(fixture) and not row.get("changes", False),
            forms=tuple(about.get("forms", ())),
        )


def wrong(work: Benign, stage: Stage, form: str) -> str:
    """How *work* was blocked or masked wrongly; empty when it went as it should."""
    expected, received = both(work, stage, form)
    for kind, contents in expected:
        if kind == "E":
            return f"the statement itself is wrong: {contents.get('M')}"
    for kind, contents in received:
        if kind in "E?X":
            return f"refused: {contents.get('M')} {contents.get('D', '')}" if kind == "E" else "no answer"
    return _compare(work, last_rows(expected), last_rows(received)) or _seen(work, received)


def both(work: Benign, stage: Stage, form: str) -> tuple[list[Event], list[Event]]:
    """What the database gives for *work*, and what comes through Doorward."""
    stage.prepare(work.setup, keep=work.only_reads)
    direct = Client(stage.server.host, stage.server.port, stage.upstream.user, stage.upstream.password, DATABASE)
    expected = _run(direct, work, stage, form)
    stage.prepare(work.setup, keep=work.only_reads)
    return expected, _run(stage.client(work.principal), work, stage, form)


def _run(client: Client, work: Benign, stage: Stage, form: str) -> list[Event]:
    try:
        if client.sign_in():
            client.events.clear()
            for statement in work.statements:
                _send(client, statement, stage, form)
    finally:
        client.close()
    return client.events


def _send(client: Client, statement: Any, stage: Stage, form: str) -> None:
    formats = (1,) if form == "binary" else ()
    if isinstance(statement, dict):
        params = [None if value is None else _numbered(value, stage) for value in statement["params"]]
        client.extended(_numbered(statement["sql"], stage), params, formats, describe=True)
    elif form == "simple":
        client.query(_numbered(statement, stage))
    else:
        client.extended(_numbered(statement, stage), (), formats, describe=True)


def _numbered(text: str, stage: Stage) -> str:
    return re.sub(r"\{oid:([^}]+)\}", lambda found: str(stage.oid(found[1])), text)


def last_rows(events: list[Event]) -> list[list[bytes | None]]:
    """The rows of the last result."""
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
        pairs = [(row[position], shown[position]) for row, shown in zip(expected, received, strict=True)]
        same = all(before == after for before, after in pairs)
        if letter == "c" and not same:
            return f"column {position} is masked"
        if letter == "m" and same and any(before is not None for before, _ in pairs):
            return f"column {position} is not masked"
        if letter == "m" and any(before == after and before and len(before) > TELLING for before, after in pairs):
            return f"column {position} is not masked in every row"
    return ""


def _seen(work: Benign, received: list[Event]) -> str:
    everything = blob(received)
    found = [secret for secret in RAW_SECRETS if secret in everything and secret not in work.texts]
    return f"shows {found[0]}" if found else ""
