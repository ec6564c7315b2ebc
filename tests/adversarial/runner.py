"""Plays a corpus of attacks, and the set of ordinary work, through a whole Doorward on real servers.

    python -m tests.adversarial.runner [--corpus FILE] [--server 15|18] [--only ID] [--json]

The last line is ``leaked 0 of N, ran 0 of M, blocked wrongly 0 of B``; anything but zeros is also the exit status.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.adversarial import benign, corpus
from tests.adversarial.corpus import Entry
from tests.adversarial.play import FORMS, Outcome, play
from tests.adversarial.stage import Stage, staged
from tests.live.servers import DEBIAN_15, Server, _binaries_18, running_server

OWN = sorted(corpus.FOLDER.glob("*.json"))
ROLES = ("app", "superuser")


@dataclass
class Report:
    """What was played and what went wrong, by id: a line each."""

    leak_ids: set[str] = field(default_factory=set)
    guardrail_ids: set[str] = field(default_factory=set)
    benign_ids: set[str] = field(default_factory=set)
    leaked: dict[str, str] = field(default_factory=dict)
    ran: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    plays: int = 0

    def take(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.plays += 1
        entry = outcome.entry
        if entry.control:
            return
        if entry.limit:
            if outcome.fault:
                self.known.setdefault(entry.id, f"{entry.limit} ({outcome.fault})")
            return
        ids, faults = self.leak_ids, self.leaked
        if entry.kind != "leak":
            ids, faults = self.guardrail_ids, self.ran
        ids.add(entry.id)
        if outcome.fault:
            faults.setdefault(entry.id, f"{outcome.fault} (PostgreSQL {outcome.version}, {outcome.form})")

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong that this version promises to stop."""
        return not (self.leaked or self.ran or self.blocked)

    def lines(self) -> Iterator[str]:
        """The report for people."""
        for word, faults in (("leaked", self.leaked), ("ran", self.ran), ("blocked wrongly", self.blocked)):
            yield from (f"{word}: {name}: {fault}" for name, fault in sorted(faults.items()))
        yield from (f"known limit: {name}: {why}" for name, why in sorted(self.known.items()))
        yield (
            f"leaked {len(self.leaked)} of {len(self.leak_ids)}, ran {len(self.ran)} of {len(self.guardrail_ids)}, "
            f"blocked wrongly {len(self.blocked)} of {len(self.benign_ids)}"
        )

    def as_json(self) -> str:
        """The report for machines."""
        return json.dumps(
            {
                "leaked": self.leaked, "leak_entries": len(self.leak_ids), "ran": self.ran,
                "guardrail_entries": len(self.guardrail_ids), "blocked_wrongly": self.blocked,
                "benign_entries": len(self.benign_ids), "known_limits": self.known, "plays": self.plays,
            },
            indent=1,
        )  # fmt: skip


@contextlib.contextmanager
def server_of(version: int) -> Iterator[Server]:
    """A server of that version."""
    with running_server(DEBIAN_15 if version == 15 else _binaries_18(), version) as server:
        yield server


def forms_of(entry: Entry, wanted: Sequence[str] = FORMS) -> list[str]:
    """The forms in which *entry* is worth playing: one, if none of its statements is a plain text."""
    if not any(isinstance(step, str) for step in entry.statements):
        return [wanted[0]]
    return list(wanted)


def attack(stage: Stage, entries: Sequence[Entry], report: Report, forms: Sequence[str], *, verbose: bool = False) -> None:
    """Play all *entries* that fit the stage's server."""
    for entry in entries:
        if entry.versions and stage.server.version not in entry.versions:
            continue
        for form in forms_of(entry, forms):
            began = time.monotonic()
            outcome = play(entry, stage, form)
            report.take(outcome)
            if verbose and time.monotonic() - began > 1:
                print(f"--- {entry.id} took {time.monotonic() - began:.1f} s")
            if verbose:
                print(f"--- {entry.id} {form}: {outcome.fault or 'stopped'}")
                for event in outcome.events:
                    print("   ", event)


def work(stage: Stage, items: Sequence[benign.Benign], report: Report, forms: Sequence[str]) -> None:
    """Do the ordinary work."""
    for item in items:
        if item.versions and stage.server.version not in item.versions:
            continue
        for form in item.forms_of(forms):
            fault = benign.wrong(item, stage, form)
            report.plays += 1
            if item.known:
                if fault:
                    report.known[item.id] = f"{item.known}: {fault}"
                else:
                    report.blocked.setdefault(item.id, "is marked as a known limit and works: unmark it")
                continue
            report.benign_ids.add(item.id)
            if fault:
                report.blocked.setdefault(item.id, f"{fault} (PostgreSQL {stage.server.version}, {form})")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="tests.adversarial.runner", description="Attack a whole Doorward.")
    parser.add_argument("--corpus", type=Path, action="append", help="a file in the corpus format; default: our own")
    parser.add_argument(
        "--fixture", type=Path, default=None, help="loaded before each entry; default: ours, or the file's neighbour"
    )
    parser.add_argument("--server", type=int, choices=(15, 18), action="append")
    parser.add_argument("--form", choices=FORMS, action="append")
    parser.add_argument("--only", action="append", help="ids, or beginnings of ids")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="print everything that was received")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    files = options.corpus or OWN
    wanted = tuple(options.only or ("",))
    entries = [entry for path in files for entry in corpus.load(path) if entry.id.startswith(wanted)]
    items = [item for item in benign.load() if item.id.startswith(wanted)]
    fixture = options.fixture or _neighbour(files[0])
    report = Report()
    for version in options.server or (15, 18):
        with server_of(version) as server:
            for role in ROLES:
                cast = [entry for entry in entries if (entry.role == "app") == (role == "app")]
                if not cast and not (items and role == "app"):
                    continue
                with staged(server, role, fixture) as stage:
                    attack(stage, cast, report, options.form or FORMS, verbose=options.verbose)
                    if role == "app":
                        work(stage, items, report, options.form or FORMS)
    print(report.as_json() if options.json else "\n".join(report.lines()))
    return 0 if report.is_clean else 1


def _neighbour(file: Path) -> Path:
    beside = file.with_name("fixture_postgres.sql")
    return beside if beside.exists() else corpus.FIXTURE


if __name__ == "__main__":
    sys.exit(main())
