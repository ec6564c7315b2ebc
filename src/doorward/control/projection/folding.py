"""Entries into rows, in the log's order: what is told of an intent later is joined to it.

One thing because rows of one entry lean on those of others, and all are written at once.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

from doorward.control.projection.schema import DAY_US
from doorward.control.views import Sequel, decode_entry, view
from doorward.model.entry import (
    AccessBegun,
    AccessEnded,
    Administered,
    Entry,
    GlassReviewed,
    HoldAnswered,
    HoldMoved,
    HoldRequested,
    IdentityStamp,
    SessionClosed,
    SessionOpened,
    StatementIntent,
    StatementOutcome,
)

STRETCH = 1000
# How many texts, and sessions, are known without asking the file.
KNOWN = 100_000

# The columns of a row of happenings, in their order.
(_AT, _KIND, _CHAIN, _TEXT, _VERDICT, _ACTION, _STATUS, _SESSION, _UPSTREAM) = range(1, 10)
(_REACH, _RULES, _TAGS, _PURPOSE, _ROWS, _MASKED, _BYTES, _DURATION, _ERROR) = range(10, 19)
(_OUTCOME, _ANSWER, _EXECUTION, _REQUEST) = range(19, 23)
_WIDTH = 23
# An intent names what it ran by: the request that was approved, or every access for a time that fitted it.
_ACCESS = "agr_"
# What stands for an intent's status until its outcome is known.
_UNTIL_TOLD = {"deny": "refused", "hold": "waiting"}
Row = list[Any]


class Folding:
    """Turns entries into rows of *connection*, which nobody else writes. What was folded is there after :meth:`flush`."""

    def __init__(self, connection: sqlite3.Connection, *, finds_texts: bool) -> None:
        self._connection = connection
        self.finds_texts = finds_texts  # whether the search for texts is kept up along the way
        self._chains: dict[tuple[str, str, str], int] = {}
        self._names: dict[tuple[str, str], int] = {}
        self._texts: dict[str, int] = {}
        self._sessions: dict[str, int] = {}
        self._reaches: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
        self._reaches_by_id: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._uses: dict[str, Counter[int]] = {table: Counter() for table in ("chains", "names", "texts", "reaches")}
        for number, objects, labels in connection.execute("SELECT id, objects, labels FROM reaches"):
            key = (tuple(json.loads(objects)), tuple(json.loads(labels)))
            self._reaches[key], self._reaches_by_id[number] = number, key
        self._happenings: dict[int, Row] = {}
        self._disclosures: list[tuple[int, ...]] = []
        self._open: dict[str, int] = dict(connection.execute("SELECT execution, entry FROM open_executions"))
        self._days: dict[tuple[int, ...], list[int]] = {}
        self._changes: list[tuple[Any, ...]] = []
        self._holds: list[tuple[Any, ...]] = []
        self._answers: list[tuple[Any, ...]] = []
        self._moves: list[tuple[Any, ...]] = []
        self._accesses: list[tuple[Any, ...]] = []
        self._access_ends: list[tuple[Any, ...]] = []
        self._glass_reviews: list[tuple[Any, ...]] = []
        self._access_uses: list[tuple[str, int]] = []
        self._policies: dict[str, list[int]] = {}
        self._begun: set[str] = set()
        self._ended: set[str] = set()
        self._stretches: dict[int, tuple[int, int]] = {}
        self._folds: dict[type, Callable[[int, Any], None]] = {
            StatementIntent: self._intent,
            StatementOutcome: self._outcome,
            HoldRequested: self._requested,
            HoldMoved: self._moved,
            HoldAnswered: self._answered,
            AccessBegun: self._access_begun,
            AccessEnded: self._access_ended,
            GlassReviewed: self._glass_reviewed,
            SessionOpened: self._opened,
            SessionClosed: self._closed,
            Administered: self._administered,
        }

    def fold(self, index: int, raw: bytes) -> None:
        """Take in the entry at *index*. One of a kind that is not known here is left out; its place in the count is kept."""
        try:
            entry = decode_entry(raw)
        except (KeyError, msgspec.DecodeError):
            return
        first, at_us = index - index % STRETCH, entry.at_us
        earliest, latest = self._stretches.get(first, (at_us, at_us))
        self._stretches[first] = (min(earliest, at_us), max(latest, at_us))
        self._folds.get(type(entry), self._told)(index, entry)

    def flush(self) -> None:
        """Write what was folded, inside the caller's transaction."""
        many = self._connection.executemany
        marks = ", ".join("?" * _WIDTH)
        many(f"INSERT INTO happenings VALUES ({marks})", self._happenings.values())  # noqa: S608 - marks alone
        many("INSERT OR REPLACE INTO disclosures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._disclosures)
        many(
            """INSERT INTO disclosed_days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                times = times + excluded.times, row_count = row_count + excluded.row_count,
                first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us),
                last = max(last, excluded.last)""",
            [(*key, *figures) for key, figures in self._days.items()],
        )
        many("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)", self._changes)
        many("INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?, ?)", self._holds)
        many("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._answers)
        many("INSERT INTO moves VALUES (?, ?, ?, ?, ?, ?, ?)", self._moves)
        many(f"INSERT INTO accesses VALUES ({', '.join('?' * 18)})", self._accesses)  # noqa: S608 - marks alone
        many("INSERT INTO access_ends VALUES (?, ?, ?, ?, ?, ?, ?)", self._access_ends)
        many("INSERT INTO glass_reviews VALUES (?, ?, ?, ?, ?, ?)", self._glass_reviews)
        many("INSERT OR IGNORE INTO access_uses VALUES (?, ?)", self._access_uses)
        many(
            """INSERT INTO policies VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (version) DO UPDATE SET
                last = excluded.last, last_us = excluded.last_us, uses = uses + excluded.uses""",
            [(version, *facts) for version, facts in self._policies.items()],
        )
        many(
            """INSERT INTO stretches VALUES (?, ?, ?) ON CONFLICT (first) DO UPDATE SET
                earliest_us = min(earliest_us, excluded.earliest_us), latest_us = max(latest_us, excluded.latest_us)""",
            [(first, *times) for first, times in self._stretches.items()],
        )
        for table, uses in self._uses.items():
            many(f"UPDATE {table} SET uses = uses + ? WHERE id = ?", [(n, i) for i, n in uses.items()])  # noqa: S608
            uses.clear()
        many("DELETE FROM open_executions WHERE execution = ?", [(execution,) for execution in self._ended])
        fresh = [(execution, self._open[execution]) for execution in self._begun if execution in self._open]
        many("INSERT OR REPLACE INTO open_executions VALUES (?, ?)", fresh)
        self._ended.clear()
        self._begun.clear()
        for written in (self._disclosures, self._changes, self._holds, self._answers, self._moves, self._access_uses):
            written.clear()
        for told in (self._accesses, self._access_ends, self._glass_reviews):
            told.clear()
        for keyed in (self._happenings, self._policies, self._stretches, self._days):
            keyed.clear()
        for known in (self._texts, self._sessions):
            if len(known) > KNOWN:
                known.clear()

    # --- statements -------------------------------------------------------------------------------------------------

    def _intent(self, index: int, entry: StatementIntent) -> None:
        verdict = entry.verdict
        chain = self._chain_of(entry.identity)
        row = self._row(index, entry, chain, entry.statement)
        row[_VERDICT] = self._name("verdict", verdict)
        row[_ACTION] = self._name("action", entry.action)
        row[_STATUS] = self._name("status", _UNTIL_TOLD.get(verdict, "open"))
        row[_PURPOSE] = self._name("purpose", purpose_of(entry))
        row[_SESSION] = self._session(entry.session)
        row[_UPSTREAM] = self._name("upstream", entry.upstream)
        row[_EXECUTION] = entry.execution
        if entry.grant and entry.grant.startswith(_ACCESS):
            self._access_uses += [(access, index) for access in entry.grant.split("+")]
        elif entry.grant:
            row[_REQUEST] = entry.grant
        row[_REACH] = self._reach(entry.objects, entry.labels)
        row[_RULES], row[_TAGS] = self._name("rules", ", ".join(entry.rules)), self._name("tags", "; ".join(entry.tags))
        policy = self._policies.get(entry.policy)
        if policy is None:
            self._policies[entry.policy] = [index, entry.at_us, index, entry.at_us, 1]
        else:
            policy[2], policy[3], policy[4] = index, entry.at_us, policy[4] + 1
        self._open[entry.execution] = index
        self._begun.add(entry.execution)

    def _outcome(self, index: int, entry: StatementOutcome) -> None:
        intent = self._open.pop(entry.execution, None)
        if intent is None:
            return
        self._ended.add(entry.execution)
        facts: dict[int, Any] = {
            _STATUS: self._name("status", entry.status),
            _ROWS: entry.rows,
            _MASKED: entry.masked,
            _BYTES: entry.result_bytes,
            _DURATION: entry.duration_us,
            _ERROR: entry.error_code,
            _OUTCOME: index,
        }
        chain, at_us, reach, purpose = self._amend(intent, facts)
        shown = {column.label for column in entry.columns}
        if shown:
            objects, labels = self._reaches_by_id[reach]
            if not shown <= set(labels):
                # A label of a result column alone is found by, too.
                self._amend(intent, {_REACH: self._reach(objects, (*labels, *sorted(shown - set(labels))))})
        for position, column in enumerate(entry.columns):
            label = self._name("label", column.label)
            source = self._name("column", column.source or f"(computed) {column.name}")
            treatment = self._name("treatment", column.treatment)
            self._disclosures.append((source, intent, position, at_us, chain, label, treatment, purpose, entry.rows))
            day = self._days.setdefault(
                (source, at_us // DAY_US, chain, label, treatment, purpose), [0, 0, at_us, at_us, intent]
            )
            day[0] += 1
            day[1] += entry.rows
            day[2], day[3], day[4] = min(day[2], at_us), max(day[3], at_us), max(day[4], intent)

    def _requested(self, index: int, entry: HoldRequested) -> None:
        self._holds.append(
            (index, entry.at_us, entry.request, entry.execution, entry.approvers, entry.binding, entry.expires_us)
        )
        intent = self._open.get(entry.execution)
        if intent is not None:
            self._amend(intent, {_REQUEST: entry.request})

    def _answered(self, index: int, entry: HoldAnswered) -> None:
        intent = self._open.get(entry.execution)
        if intent is not None:
            self._amend(intent, {_STATUS: self._name("status", entry.state), _ANSWER: index, _REQUEST: entry.request})
        others = json.dumps([person.id for person in entry.others or ()])
        answer = (index, entry.at_us, entry.request, entry.execution, entry.state, entry.by, entry.by_id, entry.reason, others)
        self._answers.append(answer)
        self._told(index, entry)
        self._happenings[index][_EXECUTION] = entry.execution
        self._happenings[index][_REQUEST] = entry.request

    def _moved(self, index: int, entry: HoldMoved) -> None:
        self._told(index, entry)
        self._moves.append((index, entry.at_us, entry.request, entry.event, entry.by, entry.by_id, entry.reason))

    # --- access for a time --------------------------------------------------------------------------------------------

    def _access_begun(self, index: int, entry: AccessBegun) -> None:
        self._told(index, entry)
        lists = (json.dumps(entry.labels), json.dumps(entry.actions), json.dumps(entry.tables))
        whose = (entry.speaker.name, entry.speaker.id, entry.speaker.kind, entry.by, entry.by_id, entry.upstream)
        rest = (entry.row_limit, entry.until_us, entry.reason, entry.ticket, entry.request)
        self._accesses.append((index, entry.at_us, entry.access, entry.access_kind, *whose, *lists, *rest))

    def _access_ended(self, index: int, entry: AccessEnded) -> None:
        self._told(index, entry)
        self._access_ends.append((index, entry.at_us, entry.access, entry.state, entry.by, entry.by_id, entry.reason))

    def _glass_reviewed(self, index: int, entry: GlassReviewed) -> None:
        self._told(index, entry)
        self._glass_reviews.append((index, entry.at_us, entry.access, entry.by, entry.by_id, entry.word))

    # --- everything else ----------------------------------------------------------------------------------------------

    def _opened(self, index: int, entry: SessionOpened) -> None:
        self._told(index, entry)
        identity = entry.identity
        facts = {
            "opened": index,
            "opened_us": entry.at_us,
            "chain": self._chain_of(identity),
            "upstream": self._name("upstream", entry.upstream),
            "client": entry.client,
            "application": entry.application,
            "tls": entry.tls,
            "proven_by": identity.proven_by,
            "credential": identity.credential,
            "upstream_pid": entry.upstream_pid or None,
            "upstream_use": entry.upstream_use or None,
        }
        self._note_session(entry.session, facts)

    def _closed(self, index: int, entry: SessionClosed) -> None:
        self._told(index, entry)
        self._note_session(entry.session, {"closed": index, "closed_us": entry.at_us, "cause": entry.cause})
        self._sessions.pop(entry.session, None)

    def _administered(self, index: int, entry: Administered) -> None:
        self._told(index, entry)
        details = json.dumps(entry.details, ensure_ascii=False)
        self._changes.append((index, entry.at_us, entry.by, entry.act, entry.subject, details))

    def _told(self, index: int, entry: Entry) -> None:
        """The row that people are shown for *entry*; none for what another's row tells."""
        told = view(index, entry, Sequel())
        if told is None:
            return
        identity = getattr(entry, "identity", None)
        if isinstance(identity, IdentityStamp):
            chain = self._chain_of(identity)
        else:
            chain = self._chain(told.chain, told.principal, "", told.chain, "", told.parties)
        row = self._row(index, entry, chain, told.text)
        for place, name_class, name in (
            (_VERDICT, "verdict", told.verdict),
            (_STATUS, "status", told.status),
            (_UPSTREAM, "upstream", told.upstream),
            (_ACTION, "action", told.action),
        ):
            if name:
                row[place] = self._name(name_class, name)
        if told.session:
            row[_SESSION] = self._session(told.session)
        labels = (*told.labels, *dict.fromkeys(column.label for column in told.columns))
        if told.objects or labels:
            row[_REACH] = self._reach(told.objects, labels)

    # --- what is kept once --------------------------------------------------------------------------------------------

    def _row(self, index: int, entry: Entry, chain: int, text: str) -> Row:
        row: Row = [None] * _WIDTH
        row[0], row[_AT], row[_KIND], row[_CHAIN] = index, entry.at_us, self._name("kind", entry.kind), chain
        row[_TEXT] = self._text(text)
        self._happenings[index] = row
        return row

    def _amend(self, intent: int, facts: dict[int, Any]) -> tuple[int, int, int, int]:
        """Tell *facts* of an intent that was folded; its chain, time, reach and purpose."""
        row = self._happenings.get(intent)
        if row is not None:
            for place, fact in facts.items():
                row[place] = fact
            return row[_CHAIN], row[_AT], row[_REACH], row[_PURPOSE]
        sets = ", ".join(f"{_COLUMNS[place]} = ?" for place in facts)
        self._connection.execute(f"UPDATE happenings SET {sets} WHERE entry = ?", (*facts.values(), intent))  # noqa: S608
        query = "SELECT chain, at_us, reach, purpose FROM happenings WHERE entry = ?"
        chain, at_us, reach, purpose = self._connection.execute(query, (intent,)).fetchone()
        return chain, at_us, reach, purpose

    def _chain_of(self, identity: IdentityStamp) -> int:
        parties = (identity.principal.id, *(actor.id for actor in identity.actors))
        speaker = identity.actors[-1] if identity.actors else identity.principal
        return self._chain(
            identity.chain, identity.principal.name, identity.principal.kind, speaker.name, speaker.kind, parties
        )

    def _chain(self, chain: str, principal: str, kind: str, speaker: str, speaker_kind: str, parties: tuple[str, ...]) -> int:
        key = (chain, principal, " ".join(parties))
        known = self._chains.get(key)
        if known is None:
            known = self._kept("chains", "chain = ? AND principal = ? AND parties = ?", (chain, principal, json.dumps(parties)))
            if known is None:
                known = self._keep("chains", (chain, principal, kind, speaker, speaker_kind, json.dumps(parties)))
            self._chains[key] = known
        self._uses["chains"][known] += 1
        return known

    def _name(self, name_class: str, name: str) -> int:
        key = (name_class, name)
        known = self._names.get(key)
        if known is None:
            known = self._kept("names", "class = ? AND name = ?", key)
            if known is None:
                known = self._keep("names", key)
            self._names[key] = known
        self._uses["names"][known] += 1
        return known

    def _text(self, text: str) -> int:
        known = self._texts.get(text)
        if known is None:
            digest = blake2b(text.encode(), digest_size=16).digest()
            known = self._kept("texts", "digest = ?", (digest,))
            if known is None:
                known = self._keep("texts", (digest, text))
                if self.finds_texts:
                    self._connection.execute("INSERT INTO texts_found (rowid, text) VALUES (?, ?)", (known, text))
            self._texts[text] = known
        self._uses["texts"][known] += 1
        return known

    def _reach(self, objects: tuple[str, ...], labels: tuple[str, ...]) -> int:
        key = (objects, labels)
        known = self._reaches.get(key)
        if known is None:
            # All that are in the file are in memory.
            known = self._keep("reaches", (json.dumps(objects), json.dumps(labels)))
            self._reaches[key], self._reaches_by_id[known] = known, key
        self._uses["reaches"][known] += 1
        return known

    def _session(self, session: str) -> int:
        known = self._sessions.get(session)
        if known is None:
            known = self._kept("sessions", "session = ?", (session,))
            if known is None:
                cursor = self._connection.execute("INSERT INTO sessions (session) VALUES (?)", (session,))
                known = cursor.lastrowid or 0
            self._sessions[session] = known
        return known

    def _note_session(self, session: str, facts: dict[str, Any]) -> None:
        sets = ", ".join(f"{name} = ?" for name in facts)
        known = self._session(session)
        self._connection.execute(f"UPDATE sessions SET {sets} WHERE id = ?", (*facts.values(), known))  # noqa: S608

    def _kept(self, table: str, condition: str, values: tuple[Any, ...]) -> int | None:
        found = self._connection.execute(f"SELECT id FROM {table} WHERE {condition}", values).fetchone()  # noqa: S608
        return found[0] if found else None

    def _keep(self, table: str, values: tuple[Any, ...]) -> int:
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} VALUES (NULL, {marks}, 0)"  # noqa: S608 - marks alone
        return self._connection.execute(statement, values).lastrowid or 0


def purpose_of(entry: StatementIntent) -> str:
    """What it was for: proven with the identity, or else as the client claims, which is said of it."""
    proven = entry.identity.proof.get("purpose", "") if entry.identity.proof else ""
    claimed = entry.claimed.get("purpose", "") if entry.claimed else ""
    return proven or (f"claimed: {claimed}" if claimed else "")


_COLUMNS = {
    _STATUS: "status",
    _REACH: "reach",
    _ROWS: "row_count",
    _MASKED: "masked",
    _BYTES: "byte_count",
    _DURATION: "duration_us",
    _ERROR: "error_code",
    _OUTCOME: "outcome",
    _ANSWER: "answer",
    _REQUEST: "request",
}
