"""Every command and kind of object that an analysis can name, for whoever checks what others wrote about them."""

from __future__ import annotations

from doorward.sql.actions import OBJECTS, STATEMENTS, TRANSACTIONS, Effect

OBJECT_KINDS = frozenset(
    {word for word, _ in OBJECTS.values()}
    | {row.object_kind for row in STATEMENTS.values() if isinstance(row, Effect) and row.object_kind}
)

# What the rows that are functions can come to.
_ON_OBJECTS = ("DROP {}", "ALTER {}", "RENAME {}", "MOVE {}", "COMMENT ON {}", "CREATE {}", "CREATE {} AS")
_OTHERS = ("SELECT INTO", "COPY", "GRANT", "REVOKE", "SET", "RESET", "FETCH", "MOVE", "VACUUM", "ANALYZE")

COMMANDS = frozenset(
    {row.tag for row in STATEMENTS.values() if isinstance(row, Effect)}
    | {tag for _, tag, _ in TRANSACTIONS.values()}
    | {form.format(word.upper()) for form in _ON_OBJECTS for word, _ in OBJECTS.values()}
    | set(_OTHERS)
)
