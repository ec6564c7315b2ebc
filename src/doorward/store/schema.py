"""The tables, and the ordered steps that bring an older database to them.

A step is never edited once released: a change is a new step. METADATA describes what all steps together arrive at.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    text,
)

from doorward.errors import ConfigurationInvalid

METADATA = MetaData()

PRINCIPALS = Table(
    "principals",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False, unique=True),
    Column("groups", Text, nullable=False),
    Column("acting_for", String),
    Column("salt", LargeBinary, nullable=False),
    Column("created_us", Integer, nullable=False),
    Column("revoked_us", Integer),
    Column("suspended_us", Integer),
)

CREDENTIALS = Table(
    "credentials",
    METADATA,
    Column("id", String, primary_key=True),
    Column("principal_id", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("iterations", Integer, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("stored_key", LargeBinary, nullable=False),
    Column("server_key", LargeBinary, nullable=False),
    Column("created_us", Integer, nullable=False),
    Column("expires_us", Integer, nullable=False),
    Column("revoked_us", Integer),
    Column("last_used_us", Integer),
    Column("kind", String, nullable=False),
    Column("upstream", String, nullable=False),
    Column("sign_in_id", String, nullable=False),
    Column("proof", String, nullable=False),  # JSON
    Column("digest", LargeBinary, nullable=False),
    Column("opens_api", Boolean, nullable=False),
)

SIGN_INS = Table(
    "sign_ins",
    METADATA,
    Column("id", String, primary_key=True),
    Column("principal_id", String, nullable=False),
    Column("via", String, nullable=False),
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("provider_session", String, nullable=False),
    Column("refresh_token", String, nullable=False),
    Column("digest", LargeBinary, unique=True),
    Column("created_us", Integer, nullable=False),
    Column("ends_us", Integer, nullable=False),
    Column("checked_us", Integer, nullable=False),
    Column("ended_us", Integer),
)

SUBJECTS = Table(
    "subjects",
    METADATA,
    Column("issuer", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("principal_id", String, nullable=False),
)

LOCAL_ACCOUNTS = Table(
    "local_accounts",
    METADATA,
    Column("principal_id", String, primary_key=True),
    Column("password", String, nullable=False),
    Column("totp_key", LargeBinary, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("recovery", Text, nullable=False),  # JSON
    Column("link_digest", LargeBinary, nullable=False),
    Column("link_ends_us", Integer, nullable=False),
    Column("set_up_us", Integer, nullable=False),
)

DIRECTORY = Table(
    "directory",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("principal_id", String, nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Column("active", Boolean, nullable=False),
    Column("created_us", Integer, nullable=False),
    Column("modified_us", Integer, nullable=False),
    UniqueConstraint("kind", "name"),
)

VERDICTS = Table(
    "verdicts",
    METADATA,
    Column("upstream", String, primary_key=True),
    Column("table_oid", Integer, primary_key=True),
    Column("attribute_number", Integer, primary_key=True),
    Column("column_name", String, nullable=False),
    Column("label", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at_us", Integer, nullable=False),
)

REQUESTS = Table(
    "requests",
    METADATA,
    Column("id", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    Column("asked_us", Integer, nullable=False),
    Column("settled_us", Integer),
    Column("voices", LargeBinary, nullable=False),  # JSON
)

ACCESSES = Table(
    "accesses",
    METADATA,
    Column("id", String, primary_key=True),
    Column("access", LargeBinary, nullable=False),  # JSON
    Column("until_us", Integer, nullable=False),
    Column("ended_us", Integer),
    Column("reviewed_by_id", String, nullable=False),
    Column("reviewed_by", String, nullable=False),
    Column("review", String, nullable=False),
)

DUTIES = Table(
    "duties",
    METADATA,
    Column("id", String, primary_key=True),
    Column("group", String, nullable=False),
    Column("principal_id", String, nullable=False),
    Column("from_us", Integer, nullable=False),
    Column("until_us", Integer, nullable=False),
    Column("named_by_id", String, nullable=False),
    Column("named_by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("ended_us", Integer),
)

UPSTREAMS = Table(
    "upstreams",
    METADATA,
    Column("name", String, primary_key=True),
    Column("engine", String, nullable=False),
    Column("host", String, nullable=False),
    Column("port", Integer, nullable=False),
    Column("database", String, nullable=False),
    Column("user", String, nullable=False),
    Column("password", String, nullable=False),
    Column("tls", String, nullable=False),
    Column("observe", Boolean, nullable=False),
    Column("reach", String, nullable=False),  # JSON
)

COLUMN_HISTORY = Table(
    "column_history",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("upstream", String, nullable=False),
    Column("table_oid", Integer, nullable=False),
    Column("attribute_number", Integer, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("change", String, nullable=False),
    Column("table_name", String, nullable=False),
    Column("column_name", String, nullable=False),
    Column("type_name", String, nullable=False),
    Column("label", String, nullable=False),
    Column("proposal", String, nullable=False),
    Column("label_before", String, nullable=False),
)

AGENTS = Table(
    "agents",
    METADATA,
    Column("principal_id", String, primary_key=True),
    Column("registration", String, nullable=False),  # JSON
)

AGENT_STOPS = Table(
    "agent_stops",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at_us", Integer, nullable=False),
)

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", String, primary_key=True),
    Column("review", LargeBinary, nullable=False),
    Column("started_us", Integer, nullable=False),
)

POLICIES = Table(
    "policies",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("version", String, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("texts", Text, nullable=False),
)

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE principals (
            id VARCHAR NOT NULL PRIMARY KEY, kind VARCHAR NOT NULL, name VARCHAR NOT NULL UNIQUE, "groups" TEXT NOT NULL,
            acting_for VARCHAR, salt BLOB NOT NULL, created_us INTEGER NOT NULL, revoked_us INTEGER)""",
        """CREATE TABLE credentials (
            id VARCHAR NOT NULL PRIMARY KEY, principal_id VARCHAR NOT NULL REFERENCES principals (id),
            purpose VARCHAR NOT NULL, iterations INTEGER NOT NULL, salt BLOB NOT NULL, stored_key BLOB NOT NULL,
            server_key BLOB NOT NULL, created_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, revoked_us INTEGER,
            last_used_us INTEGER)""",
        "CREATE INDEX credentials_of ON credentials (principal_id)",
        """CREATE TABLE verdicts (
            upstream VARCHAR NOT NULL, table_oid INTEGER NOT NULL, attribute_number INTEGER NOT NULL,
            column_name VARCHAR NOT NULL, label VARCHAR NOT NULL, "by" VARCHAR NOT NULL, reason VARCHAR NOT NULL,
            at_us INTEGER NOT NULL, PRIMARY KEY (upstream, table_oid, attribute_number))""",
        """CREATE TABLE requests (
            id VARCHAR NOT NULL PRIMARY KEY, state VARCHAR NOT NULL, request BLOB NOT NULL, answer BLOB,
            asked_us INTEGER NOT NULL, settled_us INTEGER)""",
        "CREATE INDEX requests_in_state ON requests (state, asked_us)",
        """CREATE TABLE upstreams (
            name VARCHAR NOT NULL PRIMARY KEY, engine VARCHAR NOT NULL, host VARCHAR NOT NULL, port INTEGER NOT NULL,
            "database" VARCHAR NOT NULL, "user" VARCHAR NOT NULL, password VARCHAR NOT NULL, tls VARCHAR NOT NULL)""",
    ),
    ("ALTER TABLE upstreams ADD COLUMN observe BOOLEAN NOT NULL DEFAULT FALSE",),
    ("ALTER TABLE upstreams ADD COLUMN reach VARCHAR NOT NULL DEFAULT '{}'",),
    (
        """CREATE TABLE column_history (
            number INTEGER NOT NULL PRIMARY KEY, upstream VARCHAR NOT NULL, table_oid INTEGER NOT NULL,
            attribute_number INTEGER NOT NULL, at_us INTEGER NOT NULL, change VARCHAR NOT NULL,
            table_name VARCHAR NOT NULL, column_name VARCHAR NOT NULL, type_name VARCHAR NOT NULL,
            label VARCHAR NOT NULL, proposal VARCHAR NOT NULL, label_before VARCHAR NOT NULL)""",
        "CREATE INDEX column_history_of ON column_history (upstream, table_oid, attribute_number)",
        "CREATE INDEX column_history_at ON column_history (at_us)",
    ),
    (
        "ALTER TABLE credentials ADD COLUMN kind VARCHAR NOT NULL DEFAULT 'secret'",
        "ALTER TABLE credentials ADD COLUMN upstream VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE credentials ADD COLUMN sign_in_id VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE credentials ADD COLUMN proof VARCHAR NOT NULL DEFAULT '{}'",
        "CREATE INDEX credentials_of_sign_in ON credentials (sign_in_id) WHERE sign_in_id <> ''",
    ),
    (
        "ALTER TABLE requests ADD COLUMN voices BLOB NOT NULL DEFAULT '[]'",
        """CREATE TABLE duties (
            id VARCHAR NOT NULL PRIMARY KEY, "group" VARCHAR NOT NULL,
            principal_id VARCHAR NOT NULL REFERENCES principals (id), from_us INTEGER NOT NULL, until_us INTEGER NOT NULL,
            named_by_id VARCHAR NOT NULL, named_by VARCHAR NOT NULL, reason VARCHAR NOT NULL, ended_us INTEGER)""",
    ),
    (
        """CREATE TABLE agents (
            principal_id VARCHAR NOT NULL PRIMARY KEY REFERENCES principals (id), registration VARCHAR NOT NULL)""",
        """CREATE TABLE agent_stops (
            scope VARCHAR NOT NULL, name VARCHAR NOT NULL, "by" VARCHAR NOT NULL, reason VARCHAR NOT NULL,
            at_us INTEGER NOT NULL, PRIMARY KEY (scope, name))""",
    ),
    (
        """CREATE TABLE reviews (
            id VARCHAR NOT NULL PRIMARY KEY, review BLOB NOT NULL, started_us INTEGER NOT NULL)""",
    ),
    (
        """CREATE TABLE policies (
            number INTEGER NOT NULL PRIMARY KEY, version VARCHAR NOT NULL, at_us INTEGER NOT NULL, "by" VARCHAR NOT NULL,
            reason VARCHAR NOT NULL, texts TEXT NOT NULL)""",
    ),
    (
        """CREATE TABLE accesses (
            id VARCHAR NOT NULL PRIMARY KEY, access BLOB NOT NULL, until_us INTEGER NOT NULL, ended_us INTEGER,
            reviewed_by_id VARCHAR NOT NULL, reviewed_by VARCHAR NOT NULL, review VARCHAR NOT NULL)""",
        "CREATE INDEX accesses_open ON accesses (until_us) WHERE ended_us IS NULL",
    ),
    (
        """CREATE TABLE sign_ins (
            id VARCHAR NOT NULL PRIMARY KEY, principal_id VARCHAR NOT NULL REFERENCES principals (id), via VARCHAR NOT NULL,
            issuer VARCHAR NOT NULL, subject VARCHAR NOT NULL, provider_session VARCHAR NOT NULL,
            refresh_token VARCHAR NOT NULL, digest BLOB UNIQUE, created_us INTEGER NOT NULL, ends_us INTEGER NOT NULL,
            checked_us INTEGER NOT NULL, ended_us INTEGER)""",
        """CREATE TABLE subjects (
            issuer VARCHAR NOT NULL, subject VARCHAR NOT NULL, principal_id VARCHAR NOT NULL REFERENCES principals (id),
            PRIMARY KEY (issuer, subject))""",
    ),
    (
        "ALTER TABLE principals ADD COLUMN suspended_us INTEGER",
        """CREATE TABLE directory (
            id VARCHAR NOT NULL PRIMARY KEY, kind VARCHAR NOT NULL, name VARCHAR NOT NULL, principal_id VARCHAR NOT NULL,
            body TEXT NOT NULL, active BOOLEAN NOT NULL, created_us INTEGER NOT NULL, modified_us INTEGER NOT NULL,
            UNIQUE (kind, name))""",
    ),
    (
        """CREATE TABLE local_accounts (
            principal_id VARCHAR NOT NULL PRIMARY KEY REFERENCES principals (id), password VARCHAR NOT NULL,
            totp_key BLOB NOT NULL, last_step INTEGER NOT NULL, recovery TEXT NOT NULL, link_digest BLOB NOT NULL,
            link_ends_us INTEGER NOT NULL, set_up_us INTEGER NOT NULL)""",
    ),
    (
        "ALTER TABLE credentials ADD COLUMN digest BLOB NOT NULL DEFAULT x''",
        "ALTER TABLE credentials ADD COLUMN opens_api BOOLEAN NOT NULL DEFAULT FALSE",
        "CREATE UNIQUE INDEX credentials_by_digest ON credentials (digest) WHERE digest <> x''",
    ),
)


def migrate(connection: Connection) -> int:
    """Run the steps that *connection*'s database has not seen, inside its transaction; return how many.

    Raises ConfigurationInvalid if a newer Doorward wrote the database.
    """
    if not inspect(connection).has_table("schema_version"):
        connection.execute(text("CREATE TABLE schema_version (version INTEGER NOT NULL)"))
        connection.execute(text("INSERT INTO schema_version VALUES (0)"))
    version = connection.execute(text("SELECT version FROM schema_version")).scalar_one()
    if version > len(STEPS):
        raise ConfigurationInvalid(
            f"The control database has schema version {version}; this Doorward knows up to {len(STEPS)}.",
            "Run the newer Doorward that wrote it, or give another data directory.",
        )
    missing = STEPS[version:]
    for statement in (statement for step in missing for statement in step):
        connection.execute(text(statement))
    connection.execute(text("UPDATE schema_version SET version = :version"), {"version": len(STEPS)})
    return len(missing)
