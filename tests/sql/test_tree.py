"""Bare fields are told apart as the library describes them."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import FieldDescriptor
from postgast import pg_query_pb2

from doorward.sql.parse import parse
from doorward.sql.tree import BARE_FIELDS, children, constant

# The types whose bare fields the walk must recognise; a bare RangeVar is also known by its content.
NEEDED = {"TypeName", "SelectStmt", "FuncCall", "CreateStmt", "VariableSetStmt", "RangeVar"}
# In statements that no text can hold.
UNREACHABLE = {("PLAssignStmt", "val")}


def bare_fields() -> set[tuple[str, str, str]]:
    found = set()
    for message in pg_query_pb2.DESCRIPTOR.message_types_by_name.values():
        for field in message.fields:
            if field.type == FieldDescriptor.TYPE_MESSAGE and message.name != "Node" and field.message_type.name in NEEDED:
                found.add((message.name, field.json_name, field.message_type.name))
    return found


def test_every_bare_field_that_matters_is_named() -> None:
    missing = {
        (message, field)
        for message, field, kind in bare_fields()
        if BARE_FIELDS.get(field) != kind and kind != "RangeVar" and (message, field) not in UNREACHABLE
    }
    assert not missing


def test_bare_relations_are_known_by_content() -> None:
    tree = parse("ALTER TABLE a ATTACH PARTITION b FOR VALUES IN (1)")[0]["AlterTableStmt"]
    command = tree["cmds"][0]["AlterTableCmd"]["def"]["PartitionCmd"]
    assert ("RangeVar", "b") in [(kind, fields.get("relname")) for kind, fields in children(command)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("0", 0),
        ("'x'", "x"),
        ("''", ""),
        ("true", True),
        ("false", False),
        ("1.5", 1.5),
        ("'x'::text", "x"),
        ("NULL", None),
    ],
)
def test_literals_have_their_values(text: str, value: object) -> None:
    node = parse(f"SELECT {text}")[0]["SelectStmt"]["targetList"][0]["ResTarget"]["val"]
    assert constant(node) == value


@pytest.mark.parametrize("text", ["a", "$1", "1 + 1", "1e400", "f()"])
def test_everything_else_is_no_literal(text: str) -> None:
    node = parse(f"SELECT {text}")[0]["SelectStmt"]["targetList"][0]["ResTarget"]["val"]
    with pytest.raises(ValueError, match=r"liter|number"):
        constant(node)
