"""What was understood of a statement from its text alone, before any catalog is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What a statement does to a resource, from the mildest to the one with most effect."""

    SESSION = "session"  # changes nothing but this session: BEGIN, SET of a listed name, FETCH
    READ = "read"
    WRITE = "write"
    DEFINE = "define"  # CREATE, ALTER, COMMENT
    DESTROY = "destroy"  # DROP, TRUNCATE
    GRANT = "grant"  # privileges, roles, ownership, row security
    ADMINISTER = "administer"  # the server itself: files, programs, settings, extensions
    UNKNOWN = "unknown"  # not on the list; always refused

    @property
    def severity(self) -> int:
        """Position in the order above; the worst of several actions is the one with the highest."""
        return _SEVERITY[self]


_SEVERITY = {action: position for position, action in enumerate(Action)}


class Use(Enum):
    """How a statement uses a relation."""

    READ = "read"
    WRITE = "write"
    DEFINE = "define"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class RelationName:
    """A relation as the statement spells it, identifier rules applied; *schema* is None when left to search_path."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class RelationUse:
    """One relation name and what is done to it."""

    relation: RelationName
    use: Use


class OutputKind(Enum):
    """What the text alone proves of a result column."""

    OPAQUE = "opaque"  # nothing is proven: treat as derived from everything the statement may see
    COLUMNS = "columns"  # derived only from the named columns of the statement's own relations
    COUNT = "count"  # count(*) or count(bare column) at the top level
    CONSTANT = "constant"  # from constants and parameters only


@dataclass(frozen=True, slots=True)
class Output:
    """One result column. *columns* are the last names of all column references it derives from (for COLUMNS)."""

    kind: OutputKind
    columns: tuple[str, ...] = ()


class WhereClause(Enum):
    """Whether an UPDATE or DELETE picks rows."""

    NOT_APPLICABLE = "not applicable"
    PRESENT = "present"
    MISSING = "missing"  # absent, or always true as far as the text shows


class Way(Enum):
    """How a column steers which rows come, how many, or in which order; from what tells least to what tells most."""

    COMPARE = "compare"  # column = constant or parameter, or IN a short list of them
    MATCH = "match"  # column = another bare column
    SEARCH = "search"  # any other condition on its one row, ORDER BY, GROUP BY, DISTINCT
    STEER = "steer"  # together with other rows' values, or as a number of rows: a single statement may tell all of it

    @property
    def gravity(self) -> int:
        """Position in the order above."""
        return _GRAVITY[self]


_GRAVITY = {way: position for position, way in enumerate(Way)}


@dataclass(frozen=True, slots=True)
class Origin:
    """A column that a value derives from, by name or, counted from 1, by position; the whole row where it has neither.

    *relation* is None where the text does not tell which it is of. *certain* says that the relation has it, or else that a
    function of that name is called on its row; without, a relation that has no such column isn't meant.
    """

    relation: RelationName | None
    name: str = ""
    position: int = 0
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Steering:
    """A place in a statement where a column steers rows: *times* is the number of values that it is held against.

    *matched* is what a column that MATCHes is held against; two whole rows of it stand for a NATURAL JOIN.
    """

    origin: Origin
    way: Way
    times: int = 1
    matched: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """One statement of a text.

    *node* is libpg_query's node name (``SelectStmt``); *tag* the command in words (``SELECT``, ``DROP TABLE``).
    *relations* lists every relation name anywhere in it, CTE names excepted where they can't be a table's.
    *functions*, *operators* and *types* are every name used that a catalog must vouch for, schema-qualified if so spelled.
    *outputs* is None when the text can't number the result columns (a star, a set operation, no result).
    *copies_data* says that values read may be stored by it (INSERT .. SELECT, UPDATE .. SET a = b, CREATE TABLE AS,
    SELECT INTO, MERGE), *copied_columns* the last names of column references that may flow, "*" for a star or whole row.
    What a wrapper carries or runs (PREPARE, DECLARE CURSOR, EXPLAIN, COPY (query)) is analysed in full and already merged
    into this statement's facts; what EXECUTE and FETCH run must be looked up under *prepared_name* and *cursor_name*.
    *aliases* are the names that the text itself gives to columns, *creates* the relations that come into being with it,
    *checked_functions* those whose constant arguments were found harmless (they need only not be shadowed).
    *temporary* says that all it creates or drops is spelled as temporary. *steering* lists where columns steer rows, apart
    from IS NULL and count() of a bare one; columns that need no protection are among them. *shown_parameters* are the numbers
    of parameters that name settings to be read: whoever has their values must look at them.
    """

    node: str
    tag: str
    action: Action
    relations: tuple[RelationUse, ...] = ()
    functions: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    outputs: tuple[Output, ...] | None = None
    where: WhereClause = WhereClause.NOT_APPLICABLE
    copies_data: bool = False
    copied_columns: tuple[str, ...] = ()
    transaction: str = ""  # for transaction control: begin, commit, rollback, savepoint, release, rollback to, prepare
    setting: str = ""  # the name a SET, RESET or SHOW is about, in lower case
    setting_value: str | None = None
    prepared_name: str = ""  # PREPARE, EXECUTE, DEALLOCATE
    cursor_name: str = ""  # DECLARE, FETCH, MOVE, CLOSE
    copy_direction: str = ""  # "in", "out", "file" or "program" for COPY
    explain: bool = False
    object_kind: str = ""  # what DEFINE, DESTROY, GRANT name: table, view, index, role, function, trigger ...
    refusal: str = ""  # why UNKNOWN or ADMINISTER, in words for the user
    aliases: tuple[str, ...] = ()
    creates: tuple[RelationName, ...] = ()
    checked_functions: tuple[str, ...] = ()
    temporary: bool = False
    steering: tuple[Steering, ...] = ()
    shown_parameters: frozenset[int] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether it reads or writes rows, or begins or ends a transaction, and leaves nothing else behind in the session.

        It is about no setting, prepared statement, cursor, savepoint or COPY.
        """
        if self.setting or self.prepared_name or self.cursor_name or self.copy_direction:
            return False
        if self.transaction:
            return self.transaction in _PLAIN_TRANSACTIONS
        sets = any(name.endswith("set_config") for name in (*self.functions, *self.checked_functions))
        return self.tag in _PLAIN_TAGS and self.action in (Action.READ, Action.WRITE) and not sets


_PLAIN_TRANSACTIONS = frozenset({"begin", "commit", "rollback"})
_PLAIN_TAGS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a text holds. *error* is set, and *statements* empty, when it must be refused unread.

    *varying* are the byte offsets of literals that could have any other value without a difference to all the rest. *claimed*
    is what a comment in it says of the program, for the record alone.
    """

    statements: tuple[ParsedStatement, ...]
    error: str = ""
    error_code: str = ""  # SQLSTATE to answer with when error is set
    varying: frozenset[int] = frozenset()
    claimed: tuple[tuple[str, str], ...] = ()

    @property
    def shows_settings(self) -> bool:
        """Whether a parameter of it names a setting to be read."""
        return any(statement.shown_parameters for statement in self.statements)

    @property
    def action(self) -> Action:
        """The worst action of all its statements; SESSION for an empty text."""
        if self.error:
            return Action.UNKNOWN
        return max((statement.action for statement in self.statements), key=lambda a: a.severity, default=Action.SESSION)
