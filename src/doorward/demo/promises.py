"""The seven promises, each a function from what was observed to a list of findings. Nothing here asks anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from doorward.demo.clients import Fetched, Heard


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of a promise, and whether it holds."""

    text: str
    holds: bool


def nothing_hidden_in(text: str, hidden: Iterable[object]) -> bool:
    """Whether none of the *hidden* values occurs in *text*; empty ones are nobody's secret."""
    return not any(str(value) in text for value in hidden if value is not None and str(value))


def masked_in_psql(heard: Heard, hidden: Sequence[object], clear: Sequence[object], before: int) -> list[Finding]:
    """Step 1: *hidden* values are nowhere, *clear* ones are there, and there was something to hide."""
    return [
        Finding("psql got its rows, and the clear columns in them", heard.code == 0 and _all_in(heard.output, clear)),
        Finding(
            f"none of the {len(hidden)} protected values that the database holds reached it",
            len(hidden) >= before and nothing_hidden_in(heard.everything, hidden),
        ),
    ]


def masked_in_driver(
    fetched: Fetched, truth: Sequence[Mapping[str, Any]], hidden_names: Sequence[str], chain: str
) -> list[Finding]:
    """Step 2: hidden columns differ from the truth in every row and keep their type; the others are exactly the truth."""
    rows = [dict(zip(fetched.names, row, strict=True)) for row in fetched.rows]
    paired = list(zip(rows, truth, strict=False))
    hidden = [
        (row[name], true[name]) for row, true in paired for name in hidden_names if name in row and true[name] is not None
    ]
    clear = [(row[name], true[name]) for row, true in paired for name in row if name not in hidden_names]
    everything = " ".join(str(value) for row in fetched.rows for value in row)
    return [
        Finding("every column came in binary, by the extended protocol", fetched.is_binary and len(rows) == len(truth) > 0),
        Finding(
            "protected values are masked and keep their types",
            bool(hidden)
            and all(got != true and type(got) is type(true) for got, true in hidden)
            and nothing_hidden_in(everything, (true for _got, true in hidden)),
        ),
        Finding("the other values are exactly those in the database", bool(clear) and all(got == true for got, true in clear)),
        Finding(f"the record says {chain or 'nothing'}", chain == "report-bot for alice"),
    ]


def drop_refused(heard: Heard, before: int, after: int) -> list[Finding]:
    """Step 3: an error that explains, a session that goes on, and a table that is there."""
    explains = "Doorward refused DROP TABLE" in heard.errors and "no-drop-of-data" in heard.errors and "HINT:" in heard.errors
    return [
        Finding("psql got an error that names the rule and says what to do", explains),
        Finding("the session went on: its next statement was answered", heard.code == 0 and str(before) in heard.output),
        Finding(f"the database still has the table, with {after:,} rows", 0 < before == after),
    ]


@dataclass(frozen=True, slots=True)
class Held:
    """What was seen of a held statement, in the order of seeing."""

    link: str
    shown_while_waiting: bool
    column_before: bool
    by_asker: Heard
    waits_after_asker: bool
    column_after_asker: bool
    by_approver: Heard
    client: Heard
    column_at_end: bool


def held_until_approved(seen: Held) -> list[Finding]:
    """Step 4: nothing happens before another person's yes, and then the same session gets what it asked for."""
    return [
        Finding("psql showed at once where to approve, and waited", bool(seen.link) and seen.shown_while_waiting),
        Finding(
            "Alice could not approve her own, and nothing had changed in the database",
            seen.by_asker.code == 1 and seen.waits_after_asker and not seen.column_before and not seen.column_after_asker,
        ),
        Finding("Bob approved", seen.by_approver.code == 0),
        Finding(
            "the same psql session completed, and the database has the new column",
            seen.client.code == 0 and "ALTER TABLE" in seen.client.output and seen.column_at_end,
        ),
    ]


def deletes_stopped(heard: Heard, rejections: Sequence[Heard], before: int, after: int) -> list[Finding]:
    """Step 5: both forms are stopped, with a reason, and no row is gone."""
    both = len(rejections) == 2 and all(said.code == 0 for said in rejections) and heard.errors.count("ERROR:") == 2
    return [
        Finding(
            "both were held, Bob said no to both, and psql got his reason", both and heard.errors.count("whole table") >= 2
        ),
        Finding("the session went on: its next statement was answered", heard.code == 0 and str(before) in heard.output),
        Finding(f"the database still has all {after:,} rows", 0 < before == after and f"DELETE {before}" not in heard.output),
    ]


# What the log must have of each earlier step: a pattern of its statement, and what its row says.
EXPECTED_ROWS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Alice's masked read", "FROM customers", {"chain": "alice", "verdict": "allow"}),
    ("the agent's read, for Alice", "FROM customers", {"chain": "report-bot for alice", "verdict": "allow"}),
    ("the refused DROP", "DROP TABLE orders", {"chain": "alice", "verdict": "deny"}),
    ("the held ALTER that Bob approved", "ALTER TABLE customers", {"verdict": "hold", "answered_by": "bob"}),
    ("the DELETE that Bob rejected", "^DELETE FROM orders", {"verdict": "hold", "answered_by": "bob"}),
    ("the DELETE hidden in a CTE", "WITH gone AS", {"verdict": "hold", "answered_by": "bob"}),
)


def all_in_log(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Step 6: the log has every step, with who, decision, rule, rows and what was masked."""
    findings = []
    for told, pattern, fields in EXPECTED_ROWS:
        found = [
            row for row in rows if re.search(pattern, row["text"]) and all(row[name] == value for name, value in fields.items())
        ]
        findings.append((told, any(row["rules"] for row in found)))
    missing = [told for told, is_there in findings if not is_there]
    reads = [row for row in rows if row["verdict"] == "allow" and "FROM customers" in row["text"] and row["rows"] > 0]
    masked = {column["name"] for row in reads for column in row["columns"]}
    return [
        Finding(
            "every step is in it, with identity chain, decision and rule"
            + (f"; missing: {', '.join(missing)}" if missing else ""),
            not missing,
        ),
        Finding("reads say how many rows, and which columns were masked", bool(reads) and {"email", "phone"} <= masked),
    ]


def log_intact_and_damage_named(sound: Heard, damaged: Heard, index: int) -> list[Finding]:
    """Step 7: the log verifies; with one byte changed it does not, and the entry is named."""
    words = " ".join(damaged.output.split())
    return [
        Finding("the log is intact", sound.code == 0 and "intact" in sound.output and "NOT INTACT" not in sound.output),
        Finding(
            f"one byte changed in a copy is found, and entry {index} is named",
            damaged.code == 1 and "NOT INTACT" in words and f"entry {index}" in words,
        ),
    ]


def _all_in(text: str, values: Iterable[object]) -> bool:
    return all(str(value) in text for value in values)
