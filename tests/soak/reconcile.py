"""Doorward's log against the server's own statement log, one to one.

An intent that was allowed and came to an end must stand in the server's log once; one that was denied or held must not (what is
approved goes out under an intent of its own); one that was cut off, or failed before the server logs it, may. What the server
logged beside that has no intent, and that must not be.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

# log_line_prefix, and what stands behind it: a statement of the simple protocol, or the run of a portal.
PREFIX = "%a|%d|"
_LOGGED = re.compile(r"^([^|]*)\|([^|]*)\|LOG:  (?:statement|execute (?!fetch from)[^:]*): (.*)$")


def statements_logged(lines: Iterable[str], application: str, database: str) -> Counter[str]:
    """How often the server ran each text for the sessions of *application*, whoever's they are, by its own log."""
    found: Counter[str] = Counter()
    for line in lines:
        matched = _LOGGED.match(line)
        if matched and matched[1].endswith(application) and matched[2] == database:
            found[matched[3]] += 1
    return found


@dataclass
class Intents:
    """The intents of a log by what the server must have of them. Takes entries in their order; see ``take``."""

    forwarded: Counter[str] = field(default_factory=Counter)
    in_doubt: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    _open: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, entry: dict[str, Any]) -> None:
        """One entry of the log: intents and outcomes; of the rest nothing is needed."""
        kind = entry["kind"]
        if kind == "statement.intent":
            self._open[entry["execution"]] = entry
        elif kind == "statement.outcome" and entry["execution"] in self._open:
            self._close(self._open.pop(entry["execution"]), entry)

    def _close(self, intent: dict[str, Any], outcome: dict[str, Any]) -> None:
        self.statuses[f"{intent['verdict']}, {outcome['status']}"] += 1
        if intent["verdict"] != "allow":
            self.stopped[intent["statement"]] += 1
        elif outcome["status"] == "done" or (outcome["status"] == "failed" and intent["protocol"] == "simple"):
            self.forwarded[intent["statement"]] += 1
        else:
            self.in_doubt[intent["statement"]] += 1

    def without_outcome(self) -> list[dict[str, Any]]:
        """Intents that are open by now."""
        return list(self._open.values())


def differences(intents: Intents, logged: Counter[str]) -> Iterator[str]:
    """A sentence for every text that does not stand in both logs as it must."""
    for text in intents.forwarded.keys() | logged.keys() | intents.in_doubt.keys():
        must, may, ran = intents.forwarded[text], intents.in_doubt[text], logged[text]
        if must <= ran <= must + may:
            continue
        wanted = f"{must}" if not may else f"{must} to {must + may}"
        stopped = f", and {intents.stopped[text]} stopped" if intents.stopped[text] else ""
        yield f"the server ran it {ran} times, the log has {wanted}{stopped}: {text[:200]}"
