"""A PostgreSQL server's own log (jsonlog, csvlog), held against the sessions that came through Doorward."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from doorward.control.coverage import SKEW_US
from doorward.control.projection.finding import Finder
from doorward.errors import ConfigurationInvalid

# Fields of csvlog (PostgreSQL manual, "Error Reporting and Logging").
_TIME, _USER, _DATABASE, _PID, _STARTED, _APPLICATION = 0, 1, 2, 3, 8, 22
_MOST_FIELD = 1 << 26


@dataclass(slots=True)
class LoggedSession:
    """One session that the server logged and Doorward did not open. *application* is its own claim."""

    pid: int
    user: str
    database: str
    application: str
    first: str
    lines: int

    def as_told(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LogCompared:
    """How many sessions the log had, and which of them did not come through Doorward."""

    sessions: int
    beside: tuple[LoggedSession, ...]


def beside_in(path: Path, index: Finder) -> LogCompared:
    """Compare the server's log at *path* with Doorward's sessions. Raises ConfigurationInvalid, or sqlite3.Error.

    A server process counts as Doorward's if a session was opened in it between its start and the next process of its number.
    Doorward's own questions have no session: they are told as what they are, sessions beside, with the name that they claim.
    """
    csv.field_size_limit(_MOST_FIELD)
    found: dict[tuple[int, str], LoggedSession] = {}
    starts: dict[int, list[int]] = {}
    for session in _read(path):
        key = (session.pid, session.first)
        known = found.get(key)
        if known is None:
            found[key] = session
            starts.setdefault(session.pid, []).append(_micros(session.first))
        else:
            known.lines += 1
            known.application = known.application or session.application
    connection = index.connect()
    try:
        beside = []
        for session in found.values():
            start_us = _micros(session.first)
            later = min((start for start in starts[session.pid] if start > start_us), default=1 << 62)
            query = "SELECT count(*) FROM sessions WHERE upstream_pid = ? AND opened_us >= ? AND opened_us < ?"
            if not connection.execute(query, (session.pid, start_us - SKEW_US, later)).fetchone()[0]:
                beside.append(session)
    finally:
        connection.close()
    return LogCompared(len(found), tuple(beside))


def _read(path: Path) -> Iterator[LoggedSession]:
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            is_json = lines.read(1) == "{"
            lines.seek(0)
            sessions = (_from_json(json.loads(line)) for line in lines) if is_json else map(_from_csv, csv.reader(lines))
            for session in sessions:
                if session is not None:
                    yield session
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigurationInvalid(
            f"{path} can't be read as a server's log: {error}.",
            "Set log_destination to jsonlog or csvlog, and log_connections on.",
        ) from None


def _from_json(row: dict[str, Any]) -> LoggedSession | None:
    user, database = str(row.get("user", "")), str(row.get("dbname", ""))
    started = str(row.get("session_start", ""))
    # A line without a user is of a process of the server itself, or of a client that has not signed in.
    if not user or not database or row.get("backend_type", "client backend") not in ("client backend", "walsender"):
        return None
    return LoggedSession(int(row.get("pid", 0)), user, database, str(row.get("application_name", "")), started, 1)


def _from_csv(row: list[str]) -> LoggedSession | None:
    if len(row) <= _APPLICATION:
        raise ValueError("it is no csvlog")
    if not row[_USER] or not row[_DATABASE]:
        return None
    return LoggedSession(int(row[_PID]), row[_USER], row[_DATABASE], row[_APPLICATION], row[_STARTED], 1)


def _micros(text: str) -> int:
    """``2027-01-31 08:00:00 UTC``, to the second: as the server writes when a session began."""
    date, _, zone = text.rpartition(" ")
    if zone not in ("UTC", "GMT"):
        raise ConfigurationInvalid(f"The server's log has times in {zone[:20]}.", "Set log_timezone to UTC.")
    return int(datetime.strptime(date, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 1_000_000
