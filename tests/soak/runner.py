"""Soaks a whole Doorward: ``make soak``, or ``python -m tests.soak.runner``.

Clients of every manner come and go, many of them killed or cut off. In the end, memory must be flat, nothing may be left open,
the log must be sound, and it must agree one to one with the server's own statement log. Exit status: 0, or 1 if anything of it
fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doorward.audit.checkpoint import load_vkey
from doorward.audit.day_keys import opener
from doorward.audit.reader import LogReader
from doorward.audit.verify import verify
from doorward.control.operators import LOCAL, Operator
from doorward.model.approval import RequestState
from doorward.model.catalog import Label
from doorward.model.upstream import Upstream
from tests.bench.processes import descendants, resident_kib
from tests.live.running import Running, running_doorward
from tests.live.servers import DEBIAN_15, Database, fresh_database, running_server
from tests.soak.flatness import Flatness, flatness
from tests.soak.reconcile import PREFIX, Intents, differences, statements_logged

ROOT = Path(__file__).parents[2]
APPLICATION = "soak"
NAMES = ("alice", "nightly-etl", "report-bot")
CLIENTS_A_PROCESS = 20
READING_SECONDS = 2.0
KILL_SECONDS = (2.0, 8.0)
ENDING_SECONDS = 30.0
# What the gateway opens beside sessions may differ by a few: a file of the log that is being turned, the link.
SPARE_FILES = 4
SHOWN = 10
PROTECTED = {"email"}

SCHEMA = """
CREATE TABLE soak (id int PRIMARY KEY, email text, note text, amount int NOT NULL DEFAULT 0);
INSERT INTO soak SELECT n, 'person' || n || '@example.com', 'a note', n FROM generate_series(1, 1000) n;
CREATE TABLE soak_counter (n int); INSERT INTO soak_counter VALUES (0);
CREATE TABLE soak_loaded (n int, words text);
ANALYZE;
"""


@dataclass
class Soak:
    """One soak on its way."""

    running: Running
    database: Database
    gateways: tuple[int, ...]
    rate: float
    dice: random.Random
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    readings_kib: list[float] = field(default_factory=list)
    kills: int = 0
    answers: int = 0

    def start_worker(self, clients: int) -> None:
        """One more process of clients."""
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.client", str(clients)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        dsns = {name: self.running.dsn(name, sslmode="disable", application_name=APPLICATION) for name in NAMES}
        assert worker.stdin is not None
        asked = {"dsns": dsns, "rate": self.rate, "seed": self.dice.getrandbits(32)}
        worker.stdin.write(json.dumps(asked).encode() + b"\n")
        worker.stdin.flush()
        self.workers.append(worker)

    def kill_one(self, clients: int) -> None:
        """Kill a process of clients, whatever they are doing, and start another."""
        worker = self.workers.pop(self.dice.randrange(len(self.workers)))
        _end(worker)
        self.kills += 1
        self.start_worker(clients)

    def answer_holds(self) -> None:
        """Answer what waits, in favour or not; some is given up on before that."""
        office = self.running.control.office
        bob = next(record.principal for record in office.principals.all(LOCAL) if record.principal.name == "bob")
        for question in office.desk.questions(LOCAL, RequestState.PENDING):
            if self.dice.random() < 0.5:
                continue
            with contextlib.suppress(Exception):  # whoever asked may be gone by now
                request = question.record.request.id
                self.running.do(office.desk.answer(request, Operator(bob), self.dice.random() < 0.6, "looked at it"))
                self.answers += 1

    def soak(self, seconds: float, clients: int) -> None:
        """Let clients live for *seconds*, and kill some of them all the time."""
        full, rest = divmod(clients, CLIENTS_A_PROCESS)
        sizes = [CLIENTS_A_PROCESS] * full + [rest] * bool(rest)
        for size in sizes:
            self.start_worker(size)
        started = time.monotonic()
        next_kill = started + self.dice.uniform(*KILL_SECONDS)
        next_word = started
        while (now := time.monotonic()) < started + seconds:
            with contextlib.suppress(FileNotFoundError):  # a gateway that died is a finding, not the end
                self.readings_kib.append(resident_kib(self.gateways))
            self.answer_holds()
            if now >= next_kill:
                self.kill_one(sizes[0])
                next_kill = now + self.dice.uniform(*KILL_SECONDS)
            if now >= next_word:
                self._tell(now - started, seconds)
                next_word = now + max(5.0, seconds / 60)
            time.sleep(max(0.0, READING_SECONDS - (time.monotonic() - now)))
        for worker in self.workers:
            _end(worker)
        self.workers.clear()

    def _tell(self, passed: float, seconds: float) -> None:
        sessions = self.database.execute(f"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%{APPLICATION}'")
        entries = LogReader(self.running.data.log).size()
        print(
            f"[{_clock(passed)} of {_clock(seconds)}] {sessions[0][0]:>4} sessions, {entries:>9,} entries,"
            f" {self.kills} kills, {self.answers} answers, gateway {(self.readings_kib or [0])[-1] / 1024:.1f} MiB",
            flush=True,
        )


def judge(soak: Soak, files_before: int) -> Iterator[tuple[str, str]]:
    """What was found: a line and a fault, which is empty when all is well."""
    left = _until_none_is_left(soak)
    yield "sessions at the server when all clients are gone", "" if not left else f"{left} are left"
    yield "the gateway is the one that was started", "" if _gateways() == soak.gateways else "it died and was started again"
    files = _open_sockets(_gateways())
    surplus = "" if files <= files_before + SPARE_FILES else f"{files} are open, {files_before} were"
    yield f"sockets of the gateway ({files_before} before, {files} after)", surplus
    try:
        memory: Flatness | None = flatness(soak.readings_kib)
    except ValueError as why:
        yield "memory of the gateway", str(why)
    else:
        assert memory is not None
        yield f"memory of the gateway ({memory})", "" if memory.is_flat else "it grew"


def judge_log(soak: Soak) -> Iterator[tuple[str, str]]:
    """The same for the log, once Doorward has ended."""
    log = soak.running.data.log
    report = verify(log, str(load_vkey(log)))
    yield "the log verifies", "" if report.is_sound else "; ".join(map(str, report.problems))
    intents, opened, closed, ends = Intents(), 0, 0, 0
    readable = opener(soak.running.data.day_keys, soak.running.data.wrapping_key).readable
    for _index, raw in LogReader(log).entries():
        entry: dict[str, Any] = json.loads(readable(raw))
        intents.take(entry)
        opened += entry["kind"] == "session.opened"
        closed += entry["kind"] == "session.closed"
        ends += entry["kind"] == "service.stopped"
    yield f"sessions closed of {opened:,} opened", "" if opened == closed else f"{opened - closed} were not"
    unfinished = intents.without_outcome()
    yield "every intent has its outcome", "" if not unfinished else f"{len(unfinished)} have none: {unfinished[0]}"
    with (soak.database.server.directory / "log").open(errors="replace") as lines:
        logged = statements_logged(lines, APPLICATION, soak.database.name)
    for kind, number in sorted(intents.statuses.items()):
        yield f"  {number:>9,} {kind}", ""
    found = list(differences(intents, logged))
    title = f"{logged.total():,} statements in the server's log, {intents.forwarded.total():,} in ours"
    title += f" and {intents.in_doubt.total():,} in doubt, one to one"
    yield title, "" if not found else f"{len(found)} differ:\n    " + "\n    ".join(found[:SHOWN])
    yield "there was something to compare", "" if logged.total() > 100 else "there was next to nothing"


def _gateways() -> tuple[int, ...]:
    """The processes on the data path of the Doorward that runs here."""
    found = []
    for process_id in descendants(os.getpid()):
        with contextlib.suppress(OSError):  # a process of the server's that ended meanwhile
            if b"gateway_side" in Path(f"/proc/{process_id}/cmdline").read_bytes():
                found.append(process_id)
    return tuple(found)


def _until_none_is_left(soak: Soak) -> int:
    deadline = time.monotonic() + ENDING_SECONDS
    while True:
        query = f"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%{APPLICATION}'"
        left = int(soak.database.execute(query)[0][0])
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


def _open_sockets(process_ids: Sequence[int]) -> int:
    found = 0
    for process_id in process_ids:
        for file in Path(f"/proc/{process_id}/fd").iterdir():
            with contextlib.suppress(OSError):
                found += os.readlink(file).startswith("socket:")
    return found


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()
    assert worker.stdin is not None
    worker.stdin.close()


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"


def _label(running: Running) -> None:
    catalog = running.control.office.catalog
    for row in catalog.rows():
        label = Label.EMAIL if row.column.name in PROTECTED else Label.NONE
        if row.column.label is not label:
            running.do(catalog.decide(LOCAL, row.upstream, row.relation.oid, row.column.number, label, "a table of the soak"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.partition("\n\n")[2])
    parser.add_argument("--minutes", type=float, default=30.0, help="default 30")
    parser.add_argument("--clients", type=int, default=200, help="default 200, twenty to a process")
    parser.add_argument("--rate", type=float, default=1.5, help="steps a second of each client; default 1.5")
    parser.add_argument("--seed", type=int, default=None, help="of the dice; default: another each time")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    print(f"soak: {options.minutes:g} minutes, {options.clients} clients, seed {seed}", flush=True)
    settings = {"max_connections": str(2 * options.clients + 60), "log_statement": "all", "log_line_prefix": PREFIX}
    with running_server(DEBIAN_15, 15, settings) as server, fresh_database(server) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream(APPLICATION, "postgresql", server.host, server.port, database.name, role.name, role.password)
        return _soaked(options, upstream, database, random.Random(seed))


def _soaked(options: argparse.Namespace, upstream: Upstream, database: Database, dice: random.Random) -> int:
    faults = 0
    with tempfile.TemporaryDirectory(prefix="doorward-soak-") as folder:
        with running_doorward(upstream, Path(folder)) as running:
            _label(running)
            for name in NAMES:
                running.secret(name, hours=options.minutes / 60 + 1)
            soak = Soak(running, database, _gateways(), options.rate, dice)
            before = _open_sockets(soak.gateways)
            soak.soak(options.minutes * 60, options.clients)
            print("clients are gone; judging", flush=True)
            faults += _say(judge(soak, before))
        faults += _say(judge_log(soak))
    print(f"soak: {'all is well' if not faults else f'{faults} faults'}")
    return 1 if faults else 0


def _say(findings: Iterator[tuple[str, str]]) -> int:
    faults = 0
    for line, fault in findings:
        faults += bool(fault)
        print(f"{'FAIL' if fault else '  ok'}  {line}" + (f": {fault}" if fault else ""), flush=True)
    return faults


if __name__ == "__main__":
    sys.exit(main())
