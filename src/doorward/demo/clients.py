"""The real clients of the tour: psql and doorward as processes of their own, psycopg as a library; and what they heard."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doorward.demo.cast import Player

CLIENT_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Heard:
    """All that a client received. *shown* is the command as a person would type it."""

    shown: str
    output: str
    errors: str
    code: int

    @property
    def everything(self) -> str:
        """Output and errors together: nothing that must not be seen may be in either."""
        return f"{self.output}\n{self.errors}"


class LivePsql:
    """A psql that runs on its own; what it prints to standard error can be read while it waits."""

    def __init__(self, player: Player, statements: Sequence[str]) -> None:
        command = ["psql", "-X", "-P", "pager=off"]
        for statement in statements:
            command += ["-c", statement]
        self.shown = "psql" + "".join(f' -c "{statement}"' for statement in statements)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=_psql_environment(player),
        )
        self._output: list[str] = []
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, self._output), daemon=True),
            threading.Thread(target=self._read, args=(self._process.stderr, self._errors), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def is_waiting(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def errors_so_far(self) -> str:
        """What standard error has by now."""
        return "".join(self._errors)

    def await_words(self, words: str, *, times: int = 1) -> bool:
        """Wait until *words* have been printed to standard error so often; False when it ends first or takes too long."""
        deadline = time.monotonic() + CLIENT_SECONDS
        while self.errors_so_far().count(words) < times:
            if time.monotonic() > deadline or (not self.is_waiting and not any(r.is_alive() for r in self._readers)):
                return self.errors_so_far().count(words) >= times
            time.sleep(0.01)
        return True

    def finish(self) -> Heard:
        """Wait for its end, and end it when it takes too long."""
        try:
            self._process.wait(CLIENT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(5)
        return Heard(self.shown, "".join(self._output), self.errors_so_far(), self._process.returncode)

    def __enter__(self) -> LivePsql:
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_waiting:
            self._process.kill()
            self._process.wait()

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        with stream:
            lines.extend(iter(stream.readline, ""))


def psql(player: Player, *statements: str) -> Heard:
    """Run *statements* in one psql session."""
    with LivePsql(player, statements) as live:
        return live.finish()


def doorward(data: Path, *arguments: str, player: Player | None = None, width: int = 100, colours: bool = False) -> Heard:
    """Run the ``doorward`` command, as *player* where it has to be somebody."""
    environment = {**os.environ, "DOORWARD_DATA_DIR": str(data), "COLUMNS": str(width)}
    environment |= {"FORCE_COLOR": "1"} if colours else {"NO_COLOR": "1"}
    environment |= {"DOORWARD_USER": player.name, "DOORWARD_SECRET": player.secret} if player else {}
    ended = subprocess.run(
        [sys.executable, "-m", "doorward", *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        timeout=CLIENT_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    shown = " ".join(f"'{word}'" if " " in word else word for word in ("doorward", *arguments))
    return Heard(shown, ended.stdout, ended.stderr, ended.returncode)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a driver gave: column names, rows as Python values, and whether each column came in binary."""

    shown: str
    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_binary: bool


def psycopg_fetch(player: Player, statement: str, parameters: tuple[Any, ...]) -> Fetched:
    """Run *statement* by the extended protocol, results in binary."""
    import psycopg

    with (
        psycopg.connect(player.url, application_name="report-bot", connect_timeout=10) as connection,
        connection.cursor(binary=True) as cursor,
    ):
        cursor.execute(statement.encode(), parameters)
        rows = tuple(cursor.fetchall())
        result = cursor.pgresult
        assert result is not None
        binary = all(result.fformat(position) == 1 for position in range(result.nfields))
        names = tuple(column.name for column in cursor.description or ())
    shown = f'cursor = connection.cursor(binary=True)\ncursor.execute("{statement}", {parameters!r})'
    return Fetched(shown, names, rows, binary)


def _psql_environment(player: Player) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {
        "PGHOST": player.host,
        "PGPORT": str(player.port),
        "PGUSER": player.name,
        "PGPASSWORD": player.secret,
        "PGDATABASE": player.database,
        "PGSSLMODE": "prefer",
        "PGCONNECT_TIMEOUT": "10",
        "PSQL_PAGER": "",
    }
