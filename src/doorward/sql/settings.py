"""Which settings a client may change: in SET, RESET, set_config() and start-up parameters alike.

A setting is listed when it changes only how this session computes, shows or waits. Settings that change who the session is,
how its text is read, what the server logs or announces, or what a rule of the table's owner means are not listed.
"""

from __future__ import annotations

from collections.abc import Callable

from doorward.model.claim import MOST_VALUE

_ON = frozenset({"on", "true", "tru", "tr", "t", "yes", "ye", "y", "1"})


def _anything(value: str) -> bool:
    return True


def _only(*values: str) -> Callable[[str], bool]:
    allowed = frozenset(values)
    return lambda value: value.strip().lower() in allowed


def _utf8(value: str) -> bool:
    # pg_char_to_encoding() looks at letters and digits alone.
    return "".join(c for c in value.lower() if c.isalnum()) in ("utf8", "unicode")


_APPEARANCE = """
    application_name array_nulls bytea_output datestyle default_text_search_config extra_float_digits intervalstyle
    lc_messages lc_monetary lc_numeric lc_time quote_all_identifiers timezone timezone_abbreviations xmlbinary
    xmloption
"""

_WAITING = """
    client_connection_check_interval deadlock_timeout idle_in_transaction_session_timeout idle_session_timeout
    lock_timeout statement_timeout transaction_timeout
"""

_TRANSACTIONS = """
    default_transaction_deferrable default_transaction_isolation default_transaction_read_only synchronous_commit
    transaction_deferrable transaction_isolation transaction_read_only
"""

_PLANNING = """
    constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction
    default_statistics_target effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan
    enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg enable_hashjoin
    enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin
    enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
    enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate enable_self_join_elimination
    enable_seqscan enable_sort enable_tidscan from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size
    geqo_seed geqo_selection_bias geqo_threshold gin_fuzzy_search_limit hash_mem_multiplier jit jit_above_cost
    jit_inline_above_cost jit_optimize_above_cost join_collapse_limit maintenance_work_mem
    max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather
    min_parallel_index_scan_size min_parallel_table_scan_size parallel_leader_participation parallel_setup_cost
    parallel_tuple_cost plan_cache_mode random_page_cost recursive_worktable_factor seed seq_page_cost
    synchronize_seqscans temp_buffers work_mem
"""

# What a client may say of itself, for rules to ask and the record to keep; nothing in the server knows these names.
CLAIM_PREFIX = "doorward."
CLAIMS = frozenset({"purpose", "ticket"})


def _claim(value: str) -> bool:
    return len(value) <= MOST_VALUE and value.isprintable()


_ALLOWED: dict[str, Callable[[str], bool]] = {
    # How values look
    **dict.fromkeys(_APPEARANCE.split(), _anything),
    # How names resolve: an unqualified name is taken to mean every relation so called, so any path will do
    "search_path": _anything,
    # How long to wait
    **dict.fromkeys(_WAITING.split(), _anything),
    # Transactions
    **dict.fromkeys(_TRANSACTIONS.split(), _anything),
    # Planner and resources of this session
    **dict.fromkeys(_PLANNING.split(), _anything),
    # Only as they already are, or in the part of their range that changes nothing for the reader of the text
    "check_function_bodies": _anything,
    "client_encoding": _utf8,
    "client_min_messages": _only("notice", "warning", "error"),
    "default_table_access_method": _only("heap"),
    "default_tablespace": _only(""),
    "default_with_oids": _only("off", "false", "0"),
    "escape_string_warning": _only(*_ON),
    "standard_conforming_strings": _only(*_ON),
    # What the session is for, by its own word
    **dict.fromkeys((f"{CLAIM_PREFIX}{name}" for name in CLAIMS), _claim),
}


def check_setting(name: str, value: str | None) -> str:
    """Why a client may not give setting *name* the *value* (None: its default); empty when it may."""
    folded = name.lower()
    accepts = _ALLOWED.get(folded)
    if accepts is None:
        return f'The setting "{folded}" is not on the list of settings that a session may change.'
    if value is not None and not accepts(value):
        return f'The setting "{folded}" may not be given this value through the gateway.'
    return ""


def check_shown(name: str) -> str:
    """Why a client may not read setting *name*; empty when it may. Custom settings could carry anything between sessions."""
    if "." in name:
        return f'The setting "{name.lower()}" is a custom one and may not be read through the gateway.'
    return ""
