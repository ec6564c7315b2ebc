"""Settings are let through by list, everywhere by the same one."""

from __future__ import annotations

import pytest

from doorward.sql.analyze import analyze
from doorward.sql.settings import check_setting, check_shown

REFUSED = [
    "role",
    "session_authorization",
    "session_replication_role",
    "row_security",
    "backslash_quote",
    "debug_print_rewritten",
    "debug_print_parse",
    "log_statement",
    "log_min_messages",
    "local_preload_libraries",
    "session_preload_libraries",
    "lo_compat_privileges",
    "transform_null_equals",
    "temp_tablespaces",
    "allow_system_table_mods",
    "my.custom",
    "auto_explain.log_min_duration",
    "zero_damaged_pages",
    "transaction_snapshot",
    "replication",
    "options",
]


@pytest.mark.parametrize("name", REFUSED)
def test_unlisted_settings_are_refused_even_to_reset(name: str) -> None:
    assert name in check_setting(name, "on")
    assert name in check_setting(name.upper(), None)


@pytest.mark.parametrize(
    ("name", "value", "fine"),
    [
        ("search_path", "a, b", True),
        ("Application_Name", "x", True),
        ("client_encoding", "utf-8", True),
        ("client_encoding", "UNICODE", True),
        ("client_encoding", "LATIN1", False),
        ("client_encoding", "SJIS", False),
        ("standard_conforming_strings", "ON", True),
        ("standard_conforming_strings", "off", False),
        ("standard_conforming_strings", "0", False),
        ("escape_string_warning", "off", False),
        ("client_min_messages", "warning", True),
        ("client_min_messages", "log", False),
        ("client_min_messages", "debug5", False),
        ("default_tablespace", "", True),
        ("default_tablespace", "other", False),
        ("search_path", None, True),
    ],
)
def test_values_are_looked_at_where_they_matter(name: str, value: str | None, fine: bool) -> None:
    assert (check_setting(name, value) == "") is fine


def test_custom_settings_may_not_be_read() -> None:
    assert check_shown("my.x")
    assert not check_shown("server_version")


@pytest.mark.parametrize(
    ("call", "is_checked"),
    [
        ("set_config('search_path', '', false)", True),
        ("set_config('search_path', 'evil', false)", False),
        ("set_config('search_path', $1, false)", False),
        ("set_config('jit', $1, false)", True),
        ("set_config('client_encoding', $1, false)", False),
        ("set_config($1, 'x', false)", False),
    ],
)
def test_set_config_is_harmless_only_when_its_setting_is(call: str, is_checked: bool) -> None:
    """A parameter may bring any value, so it is taken only by settings that take any; a path is only emptied."""
    statement = analyze(f"SELECT {call}").statements[0]
    assert ("set_config" in statement.checked_functions) is is_checked
