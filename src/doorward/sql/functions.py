"""Which functions, operators and types a statement may use on anything, by name.

A safe function computes from its arguments, or tells of the schema, the session or the clock; it reaches no rows, files,
settings, large objects, statistics or other sessions. What is safe was read from live servers' catalogs by
`scripts/list_functions.py`, whose rules are the review. Names that exist outside pg_catalog too are the catalog's matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

# Known to reach files, settings, large objects, other sessions, other servers, or to run a text as SQL. They are named to
# the user as dangerous; extension functions are listed too, since extensions may put them in any schema.
DANGEROUS = re.compile(
    r"""^(
      lo_ | lowrite$ | loread$ | pg_read_ | pg_ls_ | pg_stat_file$ | pg_file_ | pg_logdir_ls$
    | pg_current_logfile$ | pg_hba_file | pg_ident_file | pg_show_all_file | pg_show_all_settings$ | set_config$
    | current_setting$ | pg_reload_conf$ | pg_rotate_logfile | pg_terminate_backend$ | pg_cancel_backend$
    | pg_signal_ | pg_log_backend | pg_get_backend_memory | pg_notify$ | pg_advisory_ | pg_try_advisory_
    | pg_promote$ | pg_backup_ | pg_start_backup | pg_stop_backup | pg_switch_wal$ | pg_create_
    | pg_drop_replication | pg_copy_ | pg_logical_ | pg_replication_ | pg_sync_replication | pg_get_wal
    | pg_walfile | pg_split_walfile | pg_wal_replay | pg_export_snapshot$ | pg_prepared_xact | pg_lock_status$
    | pg_cursor$ | pg_prepared_statement$ | pg_stat_get_(?!(numscans|lastscan|live_tuples|dead_tuples|tuples_\w+
      |blocks_\w+|mod_since_analyze|ins_since_vacuum|last_(auto)?(vacuum|analyze)_time|(auto)?(vacuum|analyze)_count)$)
    | pg_stat_reset | pg_stat_clear | pg_stat_have
    | pg_stat_force | pg_restore_ | pg_clear_ | pg_import_system | pg_set_ | pg_nextoid$ | pg_stop_making
    | pg_extension_config_dump$ | binary_upgrade_ | query_to_xml | table_to_xml | schema_to_xml
    | database_to_xml | cursor_to_xml | ts_stat$ | ts_rewrite$ | setval$ | pg_sequence_last_value$
    | pg_get_sequence_data$ | xpath_table$ | dblink | crosstab | connectby$ | pg_mcv_list_items$ | pg_control_
    | pg_current_wal | pg_current_snapshot_lsn | pg_last_wal | pg_is_wal_replay | pg_config$ | pg_get_shmem
    | pg_get_dsm | pg_get_aios$ | brin_summarize | brin_desummarize | gin_clean | pg_event_trigger
    | unique_key_recheck$ | RI_FKey | suppress_redundant | tsvector_update_trigger | postgres_fdw_ | file_fdw_
    | heap_page_ | pageinspect | get_raw_page$ | pg_get_multixact_members$ | pg_stat_statements | adminpack
    | cron\. | plpgsql_
    )""",
    re.VERBOSE,
)


@cache
def _lists() -> dict[str, frozenset[str]]:
    text = files(__package__).joinpath("functions.json").read_text("utf-8")
    return {key: frozenset(names) for key, names in json.loads(text).items()}


def is_safe_function(name: str) -> bool:
    """Whether pg_catalog has functions of that bare name and all of them are safe."""
    return name in _lists()["safe"]


# Functions of the standard's schema that its views are made with, and that drivers call (JDBC's getPrimaryKeys): they compute
# from their arguments, or tell of indexes. Only a superuser can put others in their place.
_INFORMATION_SCHEMA = frozenset(
    f"information_schema._pg_{name}"
    for name in (
        "expandarray", "index_position", "truetypid", "truetypmod", "char_max_length", "char_octet_length",
        "numeric_precision", "numeric_precision_radix", "numeric_scale", "datetime_precision", "interval_type",
    )
)  # fmt: skip


def is_standard_function(qualified_name: str) -> bool:
    """Whether it is a safe one of information_schema, so spelled."""
    return qualified_name in _INFORMATION_SCHEMA


def is_dangerous_function(name: str) -> bool:
    """Whether a function of that bare name is known to reach beyond the statement, wherever it is defined."""
    return bool(DANGEROUS.match(name))


# Texts of definitions, with the constants that people wrote into them. Defaults, checks and indexes are left out: every tool
# that describes a table reads them.
_DEFINITIONS = frozenset(
    {
        "pg_get_viewdef", "pg_get_ruledef", "pg_get_functiondef", "pg_get_function_sqlbody", "pg_get_triggerdef",
        "pg_get_partition_constraintdef",
    }
)  # fmt: skip


def tells_definitions(name: Sequence[str]) -> bool:
    """Whether a function so called, qualified or not, gives the text of a definition, which may quote values."""
    return bool(name) and name[-1] in _DEFINITIONS


def is_definition(column: str) -> bool:
    """Whether a column of that name in a system catalog is such a text or prints as one; others so called are suspected too."""
    return column == "relpartbound"


def is_builtin_function(name: str) -> bool:
    """Whether pg_catalog has any function of that bare name, safe or not."""
    lists = _lists()
    return name in lists["safe"] or name in lists["unlisted"] or name in lists["dangerous"]


def is_builtin_operator(name: str) -> bool:
    """Whether pg_catalog has operators of that bare name. All of them compute from their arguments."""
    return name in _lists()["operators"]


def is_builtin_type(name: str) -> bool:
    """Whether pg_catalog has a base type of that bare name."""
    return name in _lists()["types"]
