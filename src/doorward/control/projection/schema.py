"""The tables of the projection, and the views that published queries are written against.

Whatever repeats is kept once and named by a number: chains, texts, names. Rows are keyed by their entry's index in the log.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

# Another number makes every projection of an older one be built anew. There is no migration: the log has everything.
VERSION = 7

TABLES = (
    # *last* is the leaf hash of the entry before *cursor*: by it a projection knows its log.
    """CREATE TABLE state (
        version INTEGER NOT NULL, cursor INTEGER NOT NULL, last BLOB NOT NULL, is_indexed INTEGER NOT NULL)""",
    """CREATE TABLE chains (
        id INTEGER PRIMARY KEY, chain TEXT NOT NULL, principal TEXT NOT NULL, principal_kind TEXT NOT NULL,
        speaker TEXT NOT NULL, speaker_kind TEXT NOT NULL, parties TEXT NOT NULL, uses INTEGER NOT NULL,
        UNIQUE (chain, principal, parties))""",
    "CREATE TABLE texts (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, text TEXT NOT NULL, uses INTEGER NOT NULL)",
    # Three letters at a time: finds parts of words, whatever their case, as people search.
    "CREATE VIRTUAL TABLE texts_found USING fts5(text, content = 'texts', content_rowid = 'id', tokenize = 'trigram')",
    # *class* is kind, verdict, action, status, upstream, rules, tags, label, column, treatment or purpose.
    """CREATE TABLE names (
        id INTEGER PRIMARY KEY, class TEXT NOT NULL, name TEXT NOT NULL, uses INTEGER NOT NULL, UNIQUE (class, name))""",
    """CREATE TABLE sessions (
        id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, opened INTEGER, opened_us INTEGER, closed INTEGER,
        closed_us INTEGER, chain INTEGER, upstream INTEGER, client TEXT, application TEXT, tls TEXT, proven_by TEXT,
        credential TEXT, upstream_pid INTEGER, upstream_use INTEGER, cause TEXT)""",
    # *outcome*, *answer* and *request* are what is known to have come after an intent.
    """CREATE TABLE happenings (
        entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kind INTEGER NOT NULL, chain INTEGER NOT NULL, text INTEGER NOT NULL,
        verdict INTEGER, action INTEGER, status INTEGER, session INTEGER, upstream INTEGER, reach INTEGER, rules INTEGER,
        tags INTEGER, purpose INTEGER, row_count INTEGER, masked INTEGER, byte_count INTEGER, duration_us INTEGER,
        error_code TEXT, outcome INTEGER, answer INTEGER, execution TEXT, request TEXT)""",
    # What a statement touches: JSON arrays of names, in order. There are far fewer combinations than statements.
    """CREATE TABLE reaches (
        id INTEGER PRIMARY KEY, objects TEXT NOT NULL, labels TEXT NOT NULL, uses INTEGER NOT NULL,
        UNIQUE (objects, labels))""",
    """CREATE TABLE disclosures (
        source INTEGER NOT NULL, entry INTEGER NOT NULL, position INTEGER NOT NULL, at_us INTEGER NOT NULL,
        chain INTEGER NOT NULL, label INTEGER NOT NULL, treatment INTEGER NOT NULL, purpose INTEGER NOT NULL,
        row_count INTEGER NOT NULL, PRIMARY KEY (source, entry, position)) WITHOUT ROWID""",
    # The same by day, added up: years of it are asked for at once.
    """CREATE TABLE disclosed_days (
        source INTEGER NOT NULL, day INTEGER NOT NULL, chain INTEGER NOT NULL, label INTEGER NOT NULL,
        treatment INTEGER NOT NULL, purpose INTEGER NOT NULL, times INTEGER NOT NULL, row_count INTEGER NOT NULL,
        first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, last INTEGER NOT NULL,
        PRIMARY KEY (source, day, chain, label, treatment, purpose)) WITHOUT ROWID""",
    """CREATE TABLE changes (
        entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, by TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL,
        details TEXT NOT NULL)""",
    """CREATE TABLE holds (
        entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, request TEXT NOT NULL, execution TEXT NOT NULL,
        approvers TEXT NOT NULL, binding TEXT NOT NULL, expires_us INTEGER NOT NULL)""",
    """CREATE TABLE answers (
        entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, request TEXT NOT NULL, execution TEXT NOT NULL,
        state TEXT NOT NULL, by TEXT NOT NULL, by_id TEXT NOT NULL, reason TEXT NOT NULL, others TEXT NOT NULL)""",
    # What became of a request while it went on waiting: yeses of several, yeses taken back, others who are asked as well.
    """CREATE TABLE moves (
        entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, request TEXT NOT NULL, event TEXT NOT NULL, by TEXT NOT NULL,
        by_id TEXT NOT NULL, reason TEXT NOT NULL)""",
    # Access for a time, broken glass as well; what is a list in the entry is a JSON array here.
    """CREATE TABLE accesses (
        entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, access TEXT NOT NULL, kind TEXT NOT NULL, speaker TEXT NOT NULL,
        speaker_id TEXT NOT NULL, speaker_kind TEXT NOT NULL, by TEXT NOT NULL, by_id TEXT NOT NULL, upstream TEXT NOT NULL,
        labels TEXT NOT NULL, actions TEXT NOT NULL, tables TEXT NOT NULL, row_limit INTEGER NOT NULL,
        until_us INTEGER NOT NULL, reason TEXT NOT NULL, ticket TEXT NOT NULL, request TEXT NOT NULL)""",
    """CREATE TABLE access_ends (
        entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, access TEXT NOT NULL, state TEXT NOT NULL, by TEXT NOT NULL,
        by_id TEXT NOT NULL, reason TEXT NOT NULL)""",
    """CREATE TABLE glass_reviews (
        entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, access TEXT NOT NULL, by TEXT NOT NULL, by_id TEXT NOT NULL,
        word TEXT NOT NULL)""",
    # Which intents name which access.
    """CREATE TABLE access_uses (
        access TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (access, entry)) WITHOUT ROWID""",
    """CREATE TABLE policies (
        version TEXT PRIMARY KEY, first INTEGER NOT NULL, first_us INTEGER NOT NULL, last INTEGER NOT NULL,
        last_us INTEGER NOT NULL, uses INTEGER NOT NULL)""",
    "CREATE TABLE open_executions (execution TEXT PRIMARY KEY, entry INTEGER NOT NULL) WITHOUT ROWID",
    # When entries of a stretch were written: clocks are set back, so an index alone does not tell the time.
    "CREATE TABLE stretches (first INTEGER PRIMARY KEY, earliest_us INTEGER NOT NULL, latest_us INTEGER NOT NULL)",
)

DAY_US = 86_400_000_000

# Made once a projection that is built from the start has its rows: several times faster than along the way.
INDEXES = (
    "CREATE INDEX IF NOT EXISTS happenings_of_chain ON happenings (chain)",
    "CREATE INDEX IF NOT EXISTS happenings_of_text ON happenings (text)",
    "CREATE INDEX IF NOT EXISTS happenings_of_reach ON happenings (reach) WHERE reach IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS happenings_of_session ON happenings (session) WHERE session IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS happenings_of_verdict ON happenings (verdict) WHERE verdict IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS happenings_of_action ON happenings (action) WHERE action IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS happenings_of_kind ON happenings (kind)",
    "CREATE INDEX IF NOT EXISTS happenings_of_request ON happenings (request) WHERE request IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS sessions_of_process ON sessions (upstream_pid)",
    "CREATE INDEX IF NOT EXISTS answers_of_request ON answers (request)",
    "CREATE INDEX IF NOT EXISTS holds_of_request ON holds (request)",
    "CREATE INDEX IF NOT EXISTS access_uses_of_entry ON access_uses (entry)",
    "CREATE INDEX IF NOT EXISTS changes_of_act ON changes (act)",
    "CREATE INDEX IF NOT EXISTS changes_of_subject ON changes (subject)",
    "INSERT INTO texts_found (texts_found) VALUES ('rebuild')",
)

VIEWS = (
    """CREATE VIEW statement_runs AS
        SELECT h.entry, h.at_us, c.chain, c.principal, c.principal_kind, c.speaker, c.speaker_kind, c.parties,
            t.text AS statement,
            v.name AS verdict, a.name AS action, s.name AS status, n.session, u.name AS upstream, x.objects, x.labels,
            r.name AS rules, g.name AS tags, p.name AS purpose, h.row_count, h.masked, h.byte_count,
            h.duration_us, h.error_code, h.outcome, h.answer, h.execution, h.request
        FROM happenings h JOIN names k ON k.id = h.kind JOIN chains c ON c.id = h.chain JOIN texts t ON t.id = h.text
            LEFT JOIN names v ON v.id = h.verdict LEFT JOIN names a ON a.id = h.action LEFT JOIN names s ON s.id = h.status
            LEFT JOIN sessions n ON n.id = h.session LEFT JOIN names u ON u.id = h.upstream
            LEFT JOIN reaches x ON x.id = h.reach LEFT JOIN names r ON r.id = h.rules LEFT JOIN names g ON g.id = h.tags
            LEFT JOIN names p ON p.id = h.purpose
        WHERE k.name = 'statement.intent'""",
    """CREATE VIEW disclosed AS
        SELECT d.entry, d.at_us, o.name AS source, l.name AS label, w.name AS treatment, p.name AS purpose, d.row_count,
            c.chain, c.principal, c.speaker, c.speaker_kind
        FROM disclosures d JOIN names o ON o.id = d.source JOIN names l ON l.id = d.label JOIN names w ON w.id = d.treatment
            JOIN names p ON p.id = d.purpose JOIN chains c ON c.id = d.chain""",
    """CREATE VIEW sign_ins AS
        SELECT s.opened AS entry, s.opened_us AS at_us, c.chain, c.principal, c.principal_kind, c.speaker, c.speaker_kind,
            c.parties, u.name AS upstream, s.session, s.client, s.application, s.tls, s.proven_by, s.credential,
            s.upstream_pid, s.upstream_use, s.closed, s.closed_us, s.cause
        FROM sessions s JOIN chains c ON c.id = s.chain JOIN names u ON u.id = s.upstream WHERE s.opened IS NOT NULL""",
    """CREATE VIEW refused_sign_ins AS
        SELECT h.entry, h.at_us, c.chain AS claimed, t.text AS told
        FROM happenings h JOIN names k ON k.id = h.kind JOIN chains c ON c.id = h.chain JOIN texts t ON t.id = h.text
        WHERE k.name = 'signin.refused'""",
    """CREATE VIEW principals AS
        SELECT a.subject AS name, json_extract(a.details, '$.id') AS id, json_extract(a.details, '$.kind') AS kind,
            json_extract(a.details, '$.groups') AS groups, json_extract(a.details, '$.acting_for') AS acting_for,
            a.by AS added_by, a.entry AS added, a.at_us AS added_us, r.entry AS revoked, r.at_us AS revoked_us,
            r.by AS revoked_by
        FROM changes a LEFT JOIN changes r ON r.act = 'principal.revoked'
            AND json_extract(r.details, '$.id') = json_extract(a.details, '$.id')
        WHERE a.act = 'principal.added'""",
)


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file."""
    for statement in (*TABLES, *VIEWS):
        connection.execute(statement)
    connection.execute("INSERT INTO state VALUES (?, 0, x'', 0)", (VERSION,))


def open_writing(path: Path) -> sqlite3.Connection:
    """A connection to write *path* with, made if it is not there, for its owner alone."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    # Rollback journal, not WAL: SQLite up to 3.51.2 can corrupt a WAL database that two connections share.
    for pragma in ("journal_mode = TRUNCATE", "synchronous = NORMAL", "cache_size = -65536", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def open_reading(path: Path) -> sqlite3.Connection:
    """A connection that can't change *path*. Raises sqlite3.OperationalError when there is none."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=5)
    connection.execute("PRAGMA cache_size = -32768")
    return connection
