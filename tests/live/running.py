"""A whole Doorward in front of a test database: both processes, people, secrets, and what its log says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from doorward.assembly.control_side import ControlProcess
from doorward.audit.day_keys import opener
from doorward.audit.reader import LogReader
from doorward.config import DataDirectory, Settings
from doorward.control.operators import LOCAL, Operator
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream

T = TypeVar("T")
START_SECONDS = 40


@dataclass
class Running:
    """A running Doorward. *name* of a principal in, connection strings out."""

    control: ControlProcess
    data: DataDirectory
    database: str
    loop: asyncio.AbstractEventLoop
    secrets: dict[str, str] = field(default_factory=dict)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a control function in the control process's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def secret(self, name: str, hours: float = 1.0) -> str:
        """A fresh secret of *name*, kept for its connection strings."""
        self.secrets[name] = self.do(self.control.office.secrets.mint(LOCAL, name, hours)).secret
        return self.secrets[name]

    def dsn(self, name: str, **options: str) -> str:
        """A libpq connection string for *name*."""
        given = {
            "host": "127.0.0.1",
            "port": str(self.control.port),
            "user": name,
            "password": self.secrets.get(name) or self.secret(name),
            "dbname": self.database,
            "connect_timeout": "15",
            **options,
        }
        return " ".join(f"{key}='{value}'" for key, value in given.items())

    def connect(self, name: str = "alice", **options: Any) -> psycopg.Connection[Any]:
        """An autocommit psycopg connection as *name*."""
        return psycopg.connect(self.dsn(name), autocommit=True, **options)

    def entries(self, kind: str = "") -> list[dict[str, Any]]:
        """The log so far, with what is sealed in it as it was sent."""
        readable = opener(self.data.day_keys, self.data.wrapping_key).readable
        found = [json.loads(readable(entry)) for _index, entry in LogReader(self.data.log).entries()]
        return [entry for entry in found if not kind or entry["kind"] == kind]

    def outcomes_of(self, intent: dict[str, Any]) -> list[dict[str, Any]]:
        """What became of a recorded execution: waited for, since an outcome may be written after its client has the answer."""
        execution = intent["execution"]
        return self.wait_for(lambda: [e for e in self.entries("statement.outcome") if e["execution"] == execution])

    def wait_for(self, condition: Callable[[], T], seconds: float = 10) -> T:
        """What *condition* gives once it is true of anything; fails when it never is."""
        deadline = time.monotonic() + seconds
        while True:
            found = condition()
            if found:
                return found
            assert time.monotonic() < deadline, "it did not come about in time"
            time.sleep(0.02)

    def pending_request(self) -> Any:
        """The one request that waits."""
        from doorward.model.approval import RequestState

        questions = self.wait_for(lambda: self.control.office.desk.questions(LOCAL, RequestState.PENDING))
        return questions[0].record.request

    def answer(self, request_id: str, by: str, *, approved: bool, reason: str = "looked at it") -> None:
        """Answer a request as *by*."""
        record = next(r for r in self.control.office.principals.all(LOCAL) if r.principal.name == by)
        self.do(self.control.office.desk.answer(request_id, Operator(record.principal), approved, reason))


@contextlib.contextmanager
def running_doorward(upstream: Upstream, directory: Path | None = None, **settings: Any) -> Iterator[Running]:
    """Start a Doorward for *upstream* with alice, bob, nightly-etl and report-bot; end and remove it afterwards."""
    path = directory or Path(tempfile.mkdtemp(prefix="doorward-test-"))
    data = DataDirectory(path)
    control = ControlProcess(Settings(data, upstream, port=0, console_port=0, **settings))
    ready = threading.Event()
    failure: list[BaseException] = []
    loop = asyncio.new_event_loop()

    def serve() -> None:
        try:
            loop.run_until_complete(control.run(lambda _control: ready.set()))
        except BaseException as error:
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=serve, name="control process")
    thread.start()
    try:
        assert ready.wait(START_SECONDS), "Doorward did not start in time"
        if failure:
            raise failure[0]
        running = Running(control, data, upstream.database, loop)
        _people(running)
        yield running
    finally:
        # Twice: what a test left under way is not waited for.
        for _ in range(2):
            loop.call_soon_threadsafe(control.stop)
        thread.join(30)
        loop.close()
        if directory is None:
            shutil.rmtree(path, ignore_errors=True)
    if failure:
        raise failure[0]


def _people(running: Running) -> None:
    principals = running.control.office.principals
    known = {record.principal.name for record in principals.all(LOCAL)}
    for kind, name, groups, acting_for in (
        (PrincipalKind.HUMAN, "alice", ("developers",), None),
        (PrincipalKind.HUMAN, "bob", ("security",), None),
        (PrincipalKind.SERVICE, "nightly-etl", ("pipelines",), None),
        (PrincipalKind.AGENT, "report-bot", (), "alice"),
    ):
        if name not in known:
            running.do(principals.add(LOCAL, kind, name, groups, acting_for))
