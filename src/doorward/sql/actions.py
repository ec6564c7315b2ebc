"""What each kind of statement does: the allow-list. A statement node without a row here is UNKNOWN and refused.

A row says the action, the command in words, and how the relations it names directly are used; rows whose answer depends on
the statement (DROP what? ALTER TABLE how?) name a function. Relations inside queries are found by the walk.

VACUUM, ANALYZE, CLUSTER and REINDEX are DEFINE: they change how an object is stored, not what it holds, and reach nothing
outside it. LOCK is WRITE: like a write it makes others wait. CALL is WRITE: the procedure's name goes among the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from doorward.model.statement import Action, Use
from doorward.sql.tree import Fields

_NOT_ANALYSED = "{} runs code that can't be analysed."
_SERVER = "{} changes the server itself, not the data in it."
_OUTSIDE = "{} opens the database to, or reaches, something outside it."
_IDENTITY = "{} would change who the session is; the identity was settled when the session began."


@dataclass(frozen=True, slots=True)
class Effect:
    """What one statement node does, before anything inside it is considered."""

    action: Action
    tag: str
    object_kind: str = ""
    refusal: str = ""
    use: Use = Use.DEFINE


Row = Effect | Callable[[Fields], Effect]

# ObjectType of the grammar -> (the word for people, what dropping it is).
OBJECTS: dict[str, tuple[str, Action]] = {
    "OBJECT_ACCESS_METHOD": ("access method", Action.ADMINISTER),
    "OBJECT_AGGREGATE": ("aggregate", Action.DESTROY),
    "OBJECT_AMOP": ("operator family member", Action.DESTROY),
    "OBJECT_AMPROC": ("operator family member", Action.DESTROY),
    "OBJECT_ATTRIBUTE": ("attribute", Action.DESTROY),
    "OBJECT_CAST": ("cast", Action.DESTROY),
    "OBJECT_COLUMN": ("column", Action.DESTROY),
    "OBJECT_COLLATION": ("collation", Action.DESTROY),
    "OBJECT_CONVERSION": ("conversion", Action.DESTROY),
    "OBJECT_DATABASE": ("database", Action.DESTROY),
    "OBJECT_DEFAULT": ("default", Action.DESTROY),
    "OBJECT_DEFACL": ("default privileges", Action.GRANT),
    "OBJECT_DOMAIN": ("domain", Action.DESTROY),
    "OBJECT_DOMCONSTRAINT": ("domain constraint", Action.DESTROY),
    "OBJECT_EVENT_TRIGGER": ("event trigger", Action.ADMINISTER),
    "OBJECT_EXTENSION": ("extension", Action.ADMINISTER),
    "OBJECT_FDW": ("foreign data wrapper", Action.ADMINISTER),
    "OBJECT_FOREIGN_SERVER": ("foreign server", Action.ADMINISTER),
    "OBJECT_FOREIGN_TABLE": ("foreign table", Action.DESTROY),
    "OBJECT_FUNCTION": ("function", Action.DESTROY),
    "OBJECT_INDEX": ("index", Action.DESTROY),
    "OBJECT_LANGUAGE": ("language", Action.ADMINISTER),
    "OBJECT_LARGEOBJECT": ("large object", Action.DESTROY),
    "OBJECT_MATVIEW": ("materialized view", Action.DESTROY),
    "OBJECT_OPCLASS": ("operator class", Action.DESTROY),
    "OBJECT_OPERATOR": ("operator", Action.DESTROY),
    "OBJECT_OPFAMILY": ("operator family", Action.DESTROY),
    "OBJECT_PARAMETER_ACL": ("parameter", Action.ADMINISTER),
    "OBJECT_POLICY": ("policy", Action.GRANT),
    "OBJECT_PROCEDURE": ("procedure", Action.DESTROY),
    "OBJECT_PUBLICATION": ("publication", Action.ADMINISTER),
    "OBJECT_PUBLICATION_NAMESPACE": ("publication", Action.ADMINISTER),
    "OBJECT_PUBLICATION_REL": ("publication", Action.ADMINISTER),
    "OBJECT_ROLE": ("role", Action.GRANT),
    "OBJECT_ROUTINE": ("routine", Action.DESTROY),
    "OBJECT_RULE": ("rule", Action.DESTROY),
    "OBJECT_SCHEMA": ("schema", Action.DESTROY),
    "OBJECT_SEQUENCE": ("sequence", Action.DESTROY),
    "OBJECT_SUBSCRIPTION": ("subscription", Action.ADMINISTER),
    "OBJECT_STATISTIC_EXT": ("statistics", Action.DESTROY),
    "OBJECT_TABCONSTRAINT": ("constraint", Action.DESTROY),
    "OBJECT_TABLE": ("table", Action.DESTROY),
    "OBJECT_TABLESPACE": ("tablespace", Action.ADMINISTER),
    "OBJECT_TRANSFORM": ("transform", Action.ADMINISTER),
    "OBJECT_TRIGGER": ("trigger", Action.DESTROY),
    "OBJECT_TSCONFIGURATION": ("text search configuration", Action.DESTROY),
    "OBJECT_TSDICTIONARY": ("text search dictionary", Action.DESTROY),
    "OBJECT_TSPARSER": ("text search parser", Action.ADMINISTER),
    "OBJECT_TSTEMPLATE": ("text search template", Action.ADMINISTER),
    "OBJECT_TYPE": ("type", Action.DESTROY),
    "OBJECT_USER_MAPPING": ("user mapping", Action.ADMINISTER),
    "OBJECT_VIEW": ("view", Action.DESTROY),
}

# Kinds that are relations: what a DROP or COMMENT names in full; and kinds whose name ends with one part too many.
RELATION_OBJECTS = frozenset(f"OBJECT_{kind}" for kind in ("TABLE", "VIEW", "MATVIEW", "FOREIGN_TABLE", "INDEX", "SEQUENCE"))
RELATION_PART_OBJECTS = frozenset(f"OBJECT_{kind}" for kind in ("COLUMN", "TRIGGER", "RULE", "POLICY", "TABCONSTRAINT"))

# How an ALTER TABLE subcommand differs from DEFINE.
ALTER_SUBCOMMANDS = {
    "AT_ChangeOwner": Action.GRANT,
    "AT_EnableRowSecurity": Action.GRANT,
    "AT_DisableRowSecurity": Action.GRANT,
    "AT_ForceRowSecurity": Action.GRANT,
    "AT_NoForceRowSecurity": Action.GRANT,
    "AT_DropColumn": Action.DESTROY,
}

# TransactionStmtKind -> (ParsedStatement.transaction, tag, what it does).
TRANSACTIONS = {
    "TRANS_STMT_BEGIN": ("begin", "BEGIN", Action.SESSION),
    "TRANS_STMT_START": ("begin", "START TRANSACTION", Action.SESSION),
    "TRANS_STMT_COMMIT": ("commit", "COMMIT", Action.SESSION),
    "TRANS_STMT_ROLLBACK": ("rollback", "ROLLBACK", Action.SESSION),
    "TRANS_STMT_SAVEPOINT": ("savepoint", "SAVEPOINT", Action.SESSION),
    "TRANS_STMT_RELEASE": ("release", "RELEASE", Action.SESSION),
    "TRANS_STMT_ROLLBACK_TO": ("rollback to", "ROLLBACK TO SAVEPOINT", Action.SESSION),
    "TRANS_STMT_PREPARE": ("prepare", "PREPARE TRANSACTION", Action.ADMINISTER),
    "TRANS_STMT_COMMIT_PREPARED": ("commit", "COMMIT PREPARED", Action.ADMINISTER),
    "TRANS_STMT_ROLLBACK_PREPARED": ("rollback", "ROLLBACK PREPARED", Action.ADMINISTER),
}


def effect_of(kind: str, fields: Fields) -> Effect:
    """What the statement node *kind* does. Nodes that are not on the list come back as UNKNOWN with a refusal."""
    row = STATEMENTS.get(kind)
    if row is None:
        name = kind.removesuffix("Stmt")
        return Effect(Action.UNKNOWN, name, refusal=f"{name} is not on the list of statements that are let through.")
    return row if isinstance(row, Effect) else row(fields)


def _object(fields: Fields, key: str) -> tuple[str, Action]:
    return OBJECTS.get(fields.get(key, ""), ("object", Action.UNKNOWN))


def _drop(fields: Fields) -> Effect:
    word, action = _object(fields, "removeType")
    tag = f"DROP {word.upper()}"
    refusal = _SERVER.format(tag) if action in (Action.ADMINISTER, Action.UNKNOWN) else ""
    return Effect(action, tag, word, refusal, Use.DESTROY)


def _on_object(verb: str, key: str) -> Callable[[Fields], Effect]:
    def effect(fields: Fields) -> Effect:
        word, dropping = _object(fields, key)
        # What may not be dropped without administering or granting may not be altered without it either.
        action = dropping if dropping.severity > Action.DESTROY.severity else Action.DEFINE
        tag = f"{verb} {word.upper()}"
        refusal = _SERVER.format(tag) if action in (Action.ADMINISTER, Action.UNKNOWN) else ""
        return Effect(action, tag, word, refusal)

    return effect


def _alter_table(fields: Fields) -> Effect:
    word, _ = _object(fields, "objtype")
    actions = [Action.DEFINE]
    for command in fields.get("cmds", ()):
        actions.append(ALTER_SUBCOMMANDS.get(command.get("AlterTableCmd", {}).get("subtype", ""), Action.DEFINE))
    worst = max(actions, key=lambda action: action.severity)
    return Effect(worst, f"ALTER {word.upper()}", word)


def _grant(fields: Fields) -> Effect:
    word, _ = _object(fields, "objtype")
    return Effect(Action.GRANT, "GRANT" if fields.get("is_grant") else "REVOKE", word)


def _copy(fields: Fields) -> Effect:
    incoming = fields.get("is_from", False)
    use = Use.WRITE if incoming else Use.READ
    if fields.get("is_program"):
        return Effect(Action.ADMINISTER, "COPY", refusal="COPY with PROGRAM runs a program on the database server.", use=use)
    if fields.get("filename"):
        return Effect(Action.ADMINISTER, "COPY", refusal="COPY with a file name reaches files of the database server.", use=use)
    return Effect(Action.WRITE if incoming else Action.READ, "COPY", use=use)


def _transaction(fields: Fields) -> Effect:
    row = TRANSACTIONS.get(fields.get("kind", ""))
    if row is None:
        return Effect(Action.UNKNOWN, "transaction", refusal="This transaction command is not known.")
    _, tag, action = row
    refusal = "" if action is Action.SESSION else f"{tag}: two-phase commit would outlive the session."
    return Effect(action, tag, refusal=refusal)


def _create_table_as(fields: Fields) -> Effect:
    word, _ = _object(fields, "objtype")
    return Effect(Action.DEFINE, f"CREATE {word.upper()} AS", word)


def _define(fields: Fields) -> Effect:
    word, _ = _object(fields, "kind")
    return Effect(Action.DEFINE, f"CREATE {word.upper()}", word)


def _create_function(fields: Fields) -> Effect:
    word = "procedure" if fields.get("is_procedure") else "function"
    return Effect(Action.DEFINE, f"CREATE {word.upper()}", word)


def _administer(tag: str, object_kind: str, why: str) -> Effect:
    return Effect(Action.ADMINISTER, tag, object_kind, why.format(tag))


def _define_as(tag: str, object_kind: str = "", use: Use = Use.DEFINE) -> Effect:
    return Effect(Action.DEFINE, tag, object_kind or tag.partition(" ")[2].lower(), use=use)


def _vacuum(fields: Fields) -> Effect:
    return _define_as("VACUUM" if fields.get("is_vacuumcmd") else "ANALYZE", "table")


STATEMENTS: dict[str, Row] = {
    # Queries and changes of rows
    "SelectStmt": Effect(Action.READ, "SELECT", use=Use.READ),
    "InsertStmt": Effect(Action.WRITE, "INSERT", use=Use.READ),
    "UpdateStmt": Effect(Action.WRITE, "UPDATE", use=Use.READ),
    "DeleteStmt": Effect(Action.WRITE, "DELETE", use=Use.READ),
    "MergeStmt": Effect(Action.WRITE, "MERGE", use=Use.READ),
    "CallStmt": Effect(Action.WRITE, "CALL", "procedure", use=Use.READ),
    "CopyStmt": _copy,
    "LockStmt": Effect(Action.WRITE, "LOCK TABLE", "table", use=Use.READ),
    "RefreshMatViewStmt": Effect(Action.WRITE, "REFRESH MATERIALIZED VIEW", "materialized view", use=Use.WRITE),
    "TruncateStmt": Effect(Action.DESTROY, "TRUNCATE TABLE", "table", use=Use.DESTROY),
    # Wrappers: what they carry decides; the walk finds it
    "PrepareStmt": Effect(Action.SESSION, "PREPARE", use=Use.READ),
    "DeclareCursorStmt": Effect(Action.SESSION, "DECLARE CURSOR", use=Use.READ),
    "ExplainStmt": Effect(Action.READ, "EXPLAIN", use=Use.READ),
    # The session
    "ExecuteStmt": Effect(Action.SESSION, "EXECUTE", use=Use.READ),
    "DeallocateStmt": Effect(Action.SESSION, "DEALLOCATE"),
    "FetchStmt": lambda fields: Effect(Action.SESSION, "MOVE" if fields.get("ismove") else "FETCH"),
    "ClosePortalStmt": Effect(Action.SESSION, "CLOSE CURSOR"),
    "TransactionStmt": _transaction,
    "ConstraintsSetStmt": Effect(Action.SESSION, "SET CONSTRAINTS", use=Use.READ),
    "VariableSetStmt": lambda fields: Effect(Action.SESSION, "RESET" if "RESET" in fields.get("kind", "") else "SET"),
    "VariableShowStmt": Effect(Action.SESSION, "SHOW"),
    "DiscardStmt": Effect(Action.SESSION, "DISCARD"),
    "ListenStmt": Effect(Action.SESSION, "LISTEN"),
    "UnlistenStmt": Effect(Action.SESSION, "UNLISTEN"),
    "NotifyStmt": Effect(Action.SESSION, "NOTIFY"),
    # Definitions
    "CreateStmt": _define_as("CREATE TABLE"),
    "CreateForeignTableStmt": _administer("CREATE FOREIGN TABLE", "foreign table", _OUTSIDE),
    "CreateTableAsStmt": _create_table_as,
    "ViewStmt": _define_as("CREATE VIEW"),
    "IndexStmt": _define_as("CREATE INDEX"),
    "CreateSeqStmt": _define_as("CREATE SEQUENCE"),
    "AlterSeqStmt": _define_as("ALTER SEQUENCE"),
    "CreateSchemaStmt": _define_as("CREATE SCHEMA"),
    "AlterTableStmt": _alter_table,
    "AlterTableMoveAllStmt": _administer("ALTER TABLE ALL IN TABLESPACE", "tablespace", _SERVER),
    "CreateFunctionStmt": _create_function,
    "AlterFunctionStmt": _define_as("ALTER FUNCTION"),
    "CreateTrigStmt": _define_as("CREATE TRIGGER"),
    "RuleStmt": _define_as("CREATE RULE"),
    "CreateDomainStmt": _define_as("CREATE DOMAIN"),
    "AlterDomainStmt": _define_as("ALTER DOMAIN"),
    "CompositeTypeStmt": _define_as("CREATE TYPE"),
    "CreateEnumStmt": _define_as("CREATE TYPE"),
    "CreateRangeStmt": _define_as("CREATE TYPE"),
    "AlterEnumStmt": _define_as("ALTER TYPE"),
    "AlterTypeStmt": _define_as("ALTER TYPE"),
    "AlterCollationStmt": _define_as("ALTER COLLATION"),
    "DefineStmt": _define,
    "CreateCastStmt": _define_as("CREATE CAST"),
    "CreateConversionStmt": _define_as("CREATE CONVERSION"),
    "CreateOpClassStmt": _define_as("CREATE OPERATOR CLASS"),
    "CreateOpFamilyStmt": _define_as("CREATE OPERATOR FAMILY"),
    "AlterOpFamilyStmt": _define_as("ALTER OPERATOR FAMILY"),
    "AlterOperatorStmt": _define_as("ALTER OPERATOR"),
    "CreateStatsStmt": _define_as("CREATE STATISTICS"),
    "AlterStatsStmt": _define_as("ALTER STATISTICS"),
    "AlterTSDictionaryStmt": _define_as("ALTER TEXT SEARCH DICTIONARY"),
    "AlterTSConfigurationStmt": _define_as("ALTER TEXT SEARCH CONFIGURATION"),
    "RenameStmt": _on_object("RENAME", "renameType"),
    "AlterObjectDependsStmt": _on_object("ALTER", "objectType"),
    "AlterObjectSchemaStmt": _on_object("MOVE", "objectType"),
    "CommentStmt": _on_object("COMMENT ON", "objtype"),
    "VacuumStmt": _vacuum,
    "ClusterStmt": _define_as("CLUSTER", "table"),
    "ReindexStmt": _define_as("REINDEX", "index"),
    "DropStmt": _drop,
    "DropdbStmt": Effect(Action.DESTROY, "DROP DATABASE", "database", use=Use.DESTROY),
    # Rights
    "GrantStmt": _grant,
    "GrantRoleStmt": Effect(Action.GRANT, "GRANT ROLE", "role"),
    "AlterDefaultPrivilegesStmt": Effect(Action.GRANT, "ALTER DEFAULT PRIVILEGES", "default privileges"),
    "AlterOwnerStmt": Effect(Action.GRANT, "ALTER OWNER"),
    "ReassignOwnedStmt": Effect(Action.GRANT, "REASSIGN OWNED", "role"),
    "DropOwnedStmt": Effect(Action.GRANT, "DROP OWNED", "role"),
    "CreateRoleStmt": Effect(Action.GRANT, "CREATE ROLE", "role"),
    "AlterRoleStmt": Effect(Action.GRANT, "ALTER ROLE", "role"),
    "DropRoleStmt": Effect(Action.GRANT, "DROP ROLE", "role"),
    "CreatePolicyStmt": Effect(Action.GRANT, "CREATE POLICY", "policy"),
    "AlterPolicyStmt": Effect(Action.GRANT, "ALTER POLICY", "policy"),
    "SecLabelStmt": Effect(Action.GRANT, "SECURITY LABEL", "security label"),
    # The server, and what lies outside it
    "DoStmt": Effect(Action.ADMINISTER, "DO", refusal=_NOT_ANALYSED.format("A DO block")),
    "AlterRoleSetStmt": _administer("ALTER ROLE SET", "role", "{} changes the settings of sessions to come."),
    "AlterDatabaseSetStmt": _administer("ALTER DATABASE SET", "database", "{} changes the settings of sessions to come."),
    "AlterSystemStmt": _administer("ALTER SYSTEM", "server", _SERVER),
    "CheckPointStmt": _administer("CHECKPOINT", "server", _SERVER),
    "LoadStmt": _administer("LOAD", "library", "{} loads a library into the server."),
    "CreateExtensionStmt": _administer("CREATE EXTENSION", "extension", _NOT_ANALYSED),
    "AlterExtensionStmt": _administer("ALTER EXTENSION", "extension", _NOT_ANALYSED),
    "AlterExtensionContentsStmt": _administer("ALTER EXTENSION", "extension", _SERVER),
    "CreatePLangStmt": _administer("CREATE LANGUAGE", "language", _SERVER),
    "CreateAmStmt": _administer("CREATE ACCESS METHOD", "access method", _SERVER),
    "CreateTransformStmt": _administer("CREATE TRANSFORM", "transform", _SERVER),
    "CreateEventTrigStmt": _administer("CREATE EVENT TRIGGER", "event trigger", _NOT_ANALYSED),
    "AlterEventTrigStmt": _administer("ALTER EVENT TRIGGER", "event trigger", _SERVER),
    "CreatedbStmt": _administer("CREATE DATABASE", "database", _SERVER),
    "AlterDatabaseStmt": _administer("ALTER DATABASE", "database", _SERVER),
    "AlterDatabaseRefreshCollStmt": _administer("ALTER DATABASE", "database", _SERVER),
    "CreateTableSpaceStmt": _administer("CREATE TABLESPACE", "tablespace", _SERVER),
    "DropTableSpaceStmt": _administer("DROP TABLESPACE", "tablespace", _SERVER),
    "AlterTableSpaceOptionsStmt": _administer("ALTER TABLESPACE", "tablespace", _SERVER),
    "CreateFdwStmt": _administer("CREATE FOREIGN DATA WRAPPER", "foreign data wrapper", _OUTSIDE),
    "AlterFdwStmt": _administer("ALTER FOREIGN DATA WRAPPER", "foreign data wrapper", _OUTSIDE),
    "CreateForeignServerStmt": _administer("CREATE SERVER", "foreign server", _OUTSIDE),
    "AlterForeignServerStmt": _administer("ALTER SERVER", "foreign server", _OUTSIDE),
    "CreateUserMappingStmt": _administer("CREATE USER MAPPING", "user mapping", _OUTSIDE),
    "AlterUserMappingStmt": _administer("ALTER USER MAPPING", "user mapping", _OUTSIDE),
    "DropUserMappingStmt": _administer("DROP USER MAPPING", "user mapping", _OUTSIDE),
    "ImportForeignSchemaStmt": _administer("IMPORT FOREIGN SCHEMA", "foreign table", _OUTSIDE),
    "CreatePublicationStmt": _administer("CREATE PUBLICATION", "publication", _OUTSIDE),
    "AlterPublicationStmt": _administer("ALTER PUBLICATION", "publication", _OUTSIDE),
    "CreateSubscriptionStmt": _administer("CREATE SUBSCRIPTION", "subscription", _OUTSIDE),
    "AlterSubscriptionStmt": _administer("ALTER SUBSCRIPTION", "subscription", _OUTSIDE),
    "DropSubscriptionStmt": _administer("DROP SUBSCRIPTION", "subscription", _OUTSIDE),
}

IDENTITY_SETTINGS = frozenset({"role", "session_authorization"})


def identity_refusal(tag: str) -> str:
    """Why a change of role is not let through."""
    return _IDENTITY.format(tag)
