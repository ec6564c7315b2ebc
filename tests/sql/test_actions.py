"""The allow-list is complete: every statement and object of the grammar has a row."""

from __future__ import annotations

import pytest
from postgast import pg_query_pb2

from doorward.model.statement import Action
from doorward.sql.actions import ALTER_SUBCOMMANDS, OBJECTS, STATEMENTS, TRANSACTIONS, effect_of

# Not statements a text can hold: what the analyser or PL/pgSQL makes, and containers.
INTERNAL = {"RawStmt", "SetOperationStmt", "PLAssignStmt", "ReplicaIdentityStmt", "ReturnStmt"}


def enum_values(name: str) -> set[str]:
    return {value.name for value in pg_query_pb2.DESCRIPTOR.enum_types_by_name[name].values}


def test_every_statement_node_has_a_row() -> None:
    nodes = {name for name in pg_query_pb2.DESCRIPTOR.message_types_by_name if name.endswith("Stmt")}
    assert len(nodes) > 100
    assert nodes - INTERNAL == set(STATEMENTS)


@pytest.mark.parametrize("node", sorted(STATEMENTS))
def test_every_row_answers_with_a_tag(node: str) -> None:
    effect = effect_of(node, {})
    assert effect.tag
    assert effect.refusal or effect.action not in (Action.ADMINISTER, Action.UNKNOWN)


@pytest.mark.parametrize("node", sorted(INTERNAL | {"NeverHeardOfStmt"}))
def test_unlisted_nodes_are_unknown_and_say_so(node: str) -> None:
    effect = effect_of(node, {})
    assert effect.action is Action.UNKNOWN
    assert effect.refusal


def test_every_kind_of_object_has_a_row() -> None:
    assert enum_values("ObjectType") - {"OBJECT_TYPE_UNDEFINED"} == set(OBJECTS)


@pytest.mark.parametrize("kind", sorted(OBJECTS))
def test_dropping_any_object_is_at_least_destroying(kind: str) -> None:
    effect = effect_of("DropStmt", {"removeType": kind})
    assert effect.action.severity >= Action.DESTROY.severity
    assert effect.object_kind


def test_dropping_an_object_of_no_known_kind_is_unknown() -> None:
    assert effect_of("DropStmt", {"removeType": "OBJECT_NEW"}).action is Action.UNKNOWN


def test_every_transaction_command_has_a_row() -> None:
    assert enum_values("TransactionStmtKind") - {"TRANSACTION_STMT_KIND_UNDEFINED"} == set(TRANSACTIONS)


def test_special_table_changes_exist_in_the_grammar() -> None:
    assert set(ALTER_SUBCOMMANDS) <= enum_values("AlterTableType")
