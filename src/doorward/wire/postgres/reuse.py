"""Using an upstream session again, sans-I/O: how it is made as new, and how one tells that it is.

``DISCARD ALL`` undoes what the manual lists under "DISCARD": settings, roles, prepared statements, cursors, plans, temporary
tables, LISTEN, session advisory locks, what sequences gave. It leaves the seed of ``random()``, the session's own temporary
schema, and whatever libraries in the server's process remember. :class:`Reset` sets a new seed and finds the rest.

A session that waits is overtaken by ALTER ROLE, ALTER DATABASE, ALTER SYSTEM and login triggers, which only new ones heed.
:class:`Portrait` shows all of these: while it stays the same, the session is as good as a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from doorward.errors import ProtocolViolation
from doorward.wire.postgres import messages
from doorward.wire.postgres.framing_cy import FrameReader

IDLE = messages.ready_for_query(b"I")
"""What the upstream said last when it is ready and in no transaction."""

MAX_ANSWER_BYTES = 1 << 20

# Of these it is known that they remember nothing in the server's process but settings, which are reset. Others may keep
# connections (dblink), modes (isn) or global variables (PL/Perl, PL/Python): DISCARD ALL reaches none of them.
STATELESS_EXTENSIONS = frozenset(
    {
        "btree_gin", "btree_gist", "citext", "cube", "earthdistance", "fuzzystrmatch", "hstore", "intarray", "ltree",
        "pg_stat_statements", "pg_trgm", "pgcrypto", "plpgsql", "seg", "tablefunc", "unaccent", "uuid-ossp", "vector",
    }
)  # fmt: skip
STATELESS_LANGUAGES = frozenset({"internal", "c", "sql", "plpgsql"})

# Everything is named with its schema: search_path is whatever the role or the client made it.
_PORTRAIT = """/* doorward: compare */ SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_database(), session_user,
 current_user, pg_catalog.current_setting('role'), pg_catalog.pg_is_in_recovery(),
 (SELECT r::pg_catalog.text FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) session_user),
 (SELECT r.rolvaliduntil OPERATOR(pg_catalog.<) pg_catalog.now() FROM pg_catalog.pg_roles r
  WHERE r.rolname OPERATOR(pg_catalog.=) session_user),
 (SELECT ROW(d.datallowconn, d.datconnlimit, pg_catalog.has_database_privilege(d.oid, 'CONNECT'))::pg_catalog.text
  FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()),
 (SELECT pg_catalog.string_agg(ROW(s.xmin, s.setdatabase, s.setrole)::pg_catalog.text, ' ' ORDER BY s.setdatabase, s.setrole)
  FROM pg_catalog.pg_db_role_setting s),
 (SELECT pg_catalog.count(*) FROM pg_catalog.pg_event_trigger t WHERE t.evtevent OPERATOR(pg_catalog.=) 'login')"""
_LOGIN_TRIGGERS = 10

_NEW_SEED = """pg_catalog.setseed(pg_catalog.hashtextextended(pg_catalog.gen_random_uuid()::pg_catalog.text, 0)
 ::pg_catalog.float8 OPERATOR(pg_catalog./) 9223372036854775808::pg_catalog.float8)::pg_catalog.text"""


@dataclass(frozen=True, slots=True)
class _Leftover:
    """Something that must not be there after a reset: how to ask, and which answer shows that it is not."""

    what: str
    question: str
    is_fine: Callable[[str | None], bool]


def _none(answer: str | None) -> bool:
    return answer == "0"


def _all_in(known: frozenset[str]) -> Callable[[str | None], bool]:
    return lambda answer: answer is not None and known.issuperset(answer.split(" "))


def _count(source: str) -> str:
    return f"(SELECT pg_catalog.count(*) FROM {source})"  # noqa: S608 - our own words alone


def _names(column: str, table: str) -> str:
    return f"(SELECT pg_catalog.string_agg({column}, ' ') FROM pg_catalog.{table})"  # noqa: S608 - our own words alone


LEFTOVERS = (
    _Leftover("a temporary schema", "pg_catalog.pg_my_temp_schema()", _none),
    _Leftover("prepared statements", _count("pg_catalog.pg_prepared_statement()"), _none),
    _Leftover("cursors", _count("pg_catalog.pg_cursor()"), _none),
    _Leftover("channels that it listens to", _count("pg_catalog.pg_listening_channels()"), _none),
    _Leftover("extensions that may remember", _names("extname", "pg_extension"), _all_in(STATELESS_EXTENSIONS)),
    _Leftover("languages that may remember", _names("lanname", "pg_language"), _all_in(STATELESS_LANGUAGES)),
    _Leftover(
        "functions in C of its own",
        _count(
            """pg_catalog.pg_proc p WHERE p.prolang OPERATOR(pg_catalog.=) 13::pg_catalog.oid
 AND p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
 WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
 AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e')"""
        ),
        _none,
    ),
)
"""What no session may be used again with. ``c`` has number 13 among languages, and what users define has numbers from 16384."""

_LEFTOVERS = "/* doorward: check */ SELECT " + ",\n ".join((*(left.question for left in LEFTOVERS), _NEW_SEED))


class _OwnStatements:
    """A few statements of our own, sent in one go: feed the answers until ``done``.

    *trouble* tells why the answers are not to be relied on; empty when they are. *row* is the last row that came.
    """

    def __init__(self, *statements: str) -> None:
        self._statements = statements
        self._reader = FrameReader(MAX_ANSWER_BYTES)
        self._awaited = len(statements)
        self.row: tuple[str | None, ...] = ()
        self.trouble = ""
        self.done = False

    def ask(self) -> bytes:
        """The messages to send: each statement alone, as DISCARD ALL must be."""
        return b"".join(map(messages.query, self._statements))

    def receive(self, data: bytes) -> None:
        """Take bytes from the upstream. Raises ProtocolViolation for anything that answers no such statement."""
        reader = self._reader
        reader.feed(data)
        while reader.next():
            if self.done or reader.kind not in b"TDCZENAS":
                raise ProtocolViolation("The upstream said something that it was not asked.")
            if reader.kind == ord("D"):
                values = messages.read_data_row(reader.body())
                self.row = tuple(None if value is None else value.decode("utf-8", "replace") for value in values)
            elif reader.kind == ord("E"):
                self.trouble = f"a statement failed with SQLSTATE {messages.read_fields(reader.body()).get('C')}"
            elif reader.kind == ord("Z"):
                if reader.frame() != IDLE:
                    self.trouble = "it is in a transaction"
                self._awaited -= 1
                self.done = not self._awaited
        if reader.oversize or (self.done and reader.waiting):
            raise ProtocolViolation("The upstream said more than it was asked.")


class Reset(_OwnStatements):
    """Makes a session as new. Notifications and settings that it reports meanwhile are of its past, and are dropped."""

    def __init__(self) -> None:
        super().__init__("/* doorward: reset */ DISCARD ALL", _LEFTOVERS)

    @property
    def blemish(self) -> str:
        """Why the session may not be used again; empty when it may. To be asked once it is ``done``."""
        if self.trouble or len(self.row) != len(LEFTOVERS) + 1:
            return self.trouble or "it answered something else"
        answers = zip(LEFTOVERS, self.row, strict=False)  # the last is the seed's, which is empty
        return next((f"it has {left.what}" for left, answer in answers if not left.is_fine(answer)), "")


class Portrait(_OwnStatements):
    """Shows what a session is, with the settings that the server reported to it.

    *parameters* are these, as they were when the session began, *process_id* its own by BackendKeyData.
    """

    def __init__(self, parameters: dict[str, str], process_id: int) -> None:
        self._values = [parameters[name] for name in sorted(parameters)]
        self._process_id = process_id
        quoted = [_literal(name) for name in sorted(parameters)]
        super().__init__(",\n ".join((_PORTRAIT, *(f"pg_catalog.current_setting({name})" for name in quoted))))

    @property
    def features(self) -> tuple[str | None, ...]:
        """To be compared with those of another time; empty when the session can't be used again. Ask once it is ``done``.

        What the server told at the start must be what it says now: behind a pooler, it may not even be the same process.
        """
        fixed = self.row[: _LOGIN_TRIGGERS + 1]
        if self.trouble or list(self.row[len(fixed) :]) != self._values or fixed[0] != str(self._process_id):
            return ()
        return self.row if fixed[_LOGIN_TRIGGERS] == "0" else ()


def _literal(text: str) -> str:
    """*text* as an SQL constant, whatever standard_conforming_strings says."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
