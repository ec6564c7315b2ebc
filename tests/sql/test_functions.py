"""The lists of functions keep what they promise."""

from __future__ import annotations

import pytest

from doorward.sql import functions

SAFE = [
    "upper",
    "lower",
    "substr",
    "concat",
    "format",
    "coalesce",
    "now",
    "date_trunc",
    "count",
    "sum",
    "array_agg",
    "string_agg",
    "to_jsonb",
    "row_to_json",
    "md5",
    "generate_series",
    "unnest",
    "nextval",
    "currval",
    "pg_sleep",
    "random",
    "gen_random_uuid",
    "pg_get_viewdef",
    "pg_get_indexdef",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_functiondef",
    "format_type",
    "has_table_privilege",
    "obj_description",
    "col_description",
    "pg_table_is_visible",
    "current_schema",
    "current_schemas",
    "version",
    "pg_encoding_to_char",
    "pg_backend_pid",
    "current_database",
    "pg_get_userbyid",
    "pg_relation_size",
    "to_regclass",
    "quote_ident",
    "quote_literal",
    "pg_typeof",
    "current_user",
    "current_date",
    "pg_lsn",
    "pg_get_serial_sequence",
    "jsonb_path_query",
    "xpath",
    "to_tsvector",
    "extract",
    "timezone",
    "btrim",
    "rank",
    "lag",
    "percentile_cont",
]

DANGEROUS = [
    "pg_read_file",
    "pg_read_binary_file",
    "pg_ls_dir",
    "pg_stat_file",
    "lo_import",
    "lo_export",
    "lo_get",
    "lo_put",
    "lo_from_bytea",
    "lo_unlink",
    "loread",
    "query_to_xml",
    "table_to_xml",
    "schema_to_xml",
    "database_to_xml",
    "cursor_to_xml",
    "ts_stat",
    "ts_rewrite",
    "dblink",
    "dblink_exec",
    "crosstab",
    "connectby",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "set_config",
    "current_setting",
    "pg_reload_conf",
    "setval",
    "pg_notify",
    "pg_advisory_lock",
    "pg_try_advisory_lock",
    "pg_stat_get_activity",
    "pg_create_logical_replication_slot",
    "pg_switch_wal",
    "pg_logical_slot_get_changes",
    "pg_logical_emit_message",
    "pg_export_snapshot",
    "pg_rotate_logfile",
    "pg_promote",
]


@pytest.mark.parametrize("name", [name for name in SAFE if name != "coalesce"])
def test_everyday_functions_are_safe(name: str) -> None:
    assert functions.is_safe_function(name)
    assert not functions.is_dangerous_function(name)


@pytest.mark.parametrize("name", DANGEROUS)
def test_reaching_functions_are_dangerous_and_never_safe(name: str) -> None:
    assert functions.is_dangerous_function(name)
    assert not functions.is_safe_function(name)


def test_no_function_is_on_both_lists() -> None:
    lists = functions._lists()
    assert not lists["safe"] & lists["dangerous"]
    assert not lists["safe"] & lists["unlisted"]
    assert len(lists["safe"]) > 1000


def test_unknown_names_are_neither() -> None:
    assert not functions.is_safe_function("cleanup")
    assert not functions.is_dangerous_function("cleanup")
    assert not functions.is_builtin_function("cleanup")


def test_operators_and_types_are_the_built_in_ones() -> None:
    assert all(functions.is_builtin_operator(name) for name in ("=", "||", "->>", "~~*", "@@"))
    assert all(functions.is_builtin_type(name) for name in ("text", "int4", "jsonb", "regclass", "uuid", "_text"))
    assert not functions.is_builtin_type("orders")
    assert not functions.is_builtin_operator("=!=")
