"""Write src/doorward/sql/functions.json: which built-in functions, operators and types a statement may use on anything.

    python scripts/list_functions.py /usr/lib/postgresql/15/bin [another bin directory ...]

Each server is started on an empty data directory and a socket of its own (run as a user that PostgreSQL accepts, or as
root, in which case the system user `postgres` runs it). The rules below are the review: change them, run the script, and
read the difference of the data file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from doorward.sql.functions import DANGEROUS

OUTPUT = Path(__file__).parents[1] / "src/doorward/sql/functions.json"

FUNCTIONS = """
    SELECT json_build_array(p.proname, p.provolatile, l.lanname, p.prokind, p.proargtypes::regtype[]::text)
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'pg_catalog'::regnamespace"""
OPERATORS = "SELECT DISTINCT to_jsonb(oprname::text) FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace"
TYPES = """
    SELECT to_jsonb(typname::text) FROM pg_type
    WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm')"""

# Describe the schema, the session or the server's version, never rows: what psql, drivers and mappers ask.
_INTROSPECTION = """
    pg_get_function_arg_default pg_get_function_sqlbody
    aclcontains aclexplode acldefault acl_has_any array_to_string col_description current_catalog current_database
    current_query current_role current_schema current_schemas current_user format_type getdatabaseencoding
    has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
    has_function_privilege has_language_privilege has_largeobject_privilege has_parameter_privilege
    has_schema_privilege has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege
    has_type_privilege icu_unicode_version inet_client_addr inet_client_port inet_server_addr inet_server_port
    makeaclitem obj_description pg_available_extension_versions pg_available_extensions pg_backend_pid pg_basetype
    pg_char_to_encoding pg_client_encoding pg_collation_actual_version pg_collation_for pg_collation_is_visible
    pg_column_compression pg_column_is_updatable pg_column_size pg_conf_load_time pg_conversion_is_visible
    pg_database_size pg_describe_object pg_encoding_max_length pg_encoding_to_char pg_extension_update_paths
    pg_filenode_relation pg_function_is_visible pg_get_acl pg_get_catalog_foreign_keys pg_get_expr
    pg_get_constraintdef pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result
    pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_object_address pg_get_partition_constraintdef
    pg_get_partkeydef pg_get_publication_tables pg_get_replica_identity_index pg_get_ruledef pg_get_serial_sequence
    pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions pg_get_triggerdef
    pg_get_userbyid pg_get_viewdef pg_has_role pg_identify_object pg_identify_object_as_address
    pg_index_column_has_property pg_index_has_property pg_indexam_has_property pg_indexes_size pg_is_in_recovery
    pg_is_other_temp_schema pg_jit_available pg_my_temp_schema pg_opclass_is_visible pg_operator_is_visible
    pg_opfamily_is_visible pg_options_to_table pg_partition_ancestors pg_partition_root pg_partition_tree
    pg_postmaster_start_time pg_relation_filenode pg_relation_is_publishable pg_relation_is_updatable
    pg_relation_size pg_safe_snapshot_blocking_pids pg_sequence_parameters pg_settings_get_flags pg_size_bytes
    pg_size_pretty pg_statistics_obj_is_visible pg_table_is_visible pg_table_size pg_tablespace_databases
    pg_tablespace_location pg_tablespace_size pg_timezone_abbrevs pg_timezone_abbrevs_abbrevs
    pg_timezone_abbrevs_zone pg_timezone_names pg_total_relation_size pg_trigger_depth pg_ts_config_is_visible
    pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible pg_typeof
    row_security_active session_user shobj_description to_regclass to_regcollation to_regnamespace to_regoper
    to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_regtypemod system_user unicode_version user
    version
    pg_stat_get_numscans pg_stat_get_lastscan pg_stat_get_live_tuples pg_stat_get_dead_tuples
    pg_stat_get_tuples_returned pg_stat_get_tuples_fetched pg_stat_get_tuples_inserted pg_stat_get_tuples_updated
    pg_stat_get_tuples_deleted pg_stat_get_tuples_hot_updated pg_stat_get_tuples_newpage_updated
    pg_stat_get_mod_since_analyze pg_stat_get_ins_since_vacuum pg_stat_get_blocks_fetched pg_stat_get_blocks_hit
    pg_stat_get_last_vacuum_time pg_stat_get_last_autovacuum_time pg_stat_get_last_analyze_time
    pg_stat_get_last_autoanalyze_time pg_stat_get_vacuum_count pg_stat_get_autovacuum_count
    pg_stat_get_analyze_count pg_stat_get_autoanalyze_count
"""
INTROSPECTION = frozenset(_INTROSPECTION.split())

# Not immutable, yet they compute from their arguments, the clock, the time zone, chance, or what this session did.
_COMPUTE = """
    array_sample array_shuffle get_current_ts_config jsonb_populate_record_valid mxid_age quote_literal quote_nullable
    regclass xml age array_in array_out array_recv array_send array_to_json array_agg array_to_tsvector clock_timestamp concat
    concat_ws convert convert_from convert_to currval date_add date_bin date_part date_subtract date_trunc
    enum_first enum_last enum_range extract format gen_random_uuid generate_series json_agg json_agg_strict
    json_array_elements json_array_elements_text json_build_array json_build_object json_each json_each_text
    json_extract_path json_extract_path_text json_object json_object_agg json_object_agg_strict
    json_object_agg_unique json_object_agg_unique_strict json_object_keys json_populate_record
    json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_to_tsvector json_typeof jsonb_agg
    jsonb_agg_strict jsonb_build_array jsonb_build_object jsonb_object_agg jsonb_object_agg_strict
    jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_path_exists_tz jsonb_path_match_tz
    jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
    jsonb_populate_recordset jsonb_set_lax jsonb_to_record jsonb_to_recordset jsonb_to_tsvector justify_interval
    lastval length lower make_timestamptz nextval now overlaps phraseto_tsquery plainto_tsquery pg_sleep
    pg_sleep_for pg_sleep_until querytree random random_normal row_to_json setseed similar_escape
    statement_timestamp string_agg timeofday timezone to_ascii to_char to_date to_json to_jsonb to_number
    to_timestamp to_tsquery to_tsvector transaction_timestamp ts_debug ts_headline ts_lexize ts_parse ts_token_type
    txid_current txid_current_if_assigned txid_current_snapshot txid_status pg_current_snapshot pg_current_xact_id
    pg_current_xact_id_if_assigned pg_visible_in_snapshot uuidv4 uuidv7 websearch_to_tsquery xmlagg
    xml_is_well_formed xpath xpath_exists pg_input_error_info pg_input_is_valid date timestamp timestamptz time
    timetz text varchar numeric int4 money cash_words sum avg min max count any_value
"""
COMPUTE = frozenset(_COMPUTE.split())

# Overloads with these arguments serve the server itself; no statement can call them with data.
SERVER_TYPES = re.compile(r"\b(internal|cstring|pg_ddl_command)\b")

# Grammar of its own, not in pg_proc: the walk names them in pg_catalog.
_GRAMMAR = """
    current_date current_time current_timestamp localtime localtimestamp current_role current_user user session_user
    current_catalog current_schema system bernoulli
"""
GRAMMAR = frozenset(_GRAMMAR.split())


def is_safe(name: str, volatility: str, language: str, kind: str, arguments: str) -> bool:
    """Whether this overload may be evaluated on anything: built in, and it computes from its arguments alone.

    IMMUTABLE built-in functions do by definition, and so do aggregates and window functions; the others were looked at.
    """
    if name in INTROSPECTION or name in COMPUTE:
        return True
    return language != "c" and "refcursor" not in arguments and (volatility == "i" or kind in ("a", "w"))


def catalog(bin_directory: Path) -> dict[str, list[Any]]:
    """What a fresh server of this version has."""
    folder = Path(tempfile.mkdtemp(prefix="functions-"))
    run_as: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        run_as = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def run(program: str, *arguments: str, output: int = subprocess.DEVNULL) -> str:
        command = [str(bin_directory / program), *arguments]
        return subprocess.run(command, check=True, text=True, stdout=output, cwd=folder, **run_as).stdout

    try:
        run("initdb", "-D", f"{folder}/files", "-A", "trust", "-U", "postgres", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
        run("pg_ctl", "-D", f"{folder}/files", "-l", f"{folder}/log", "-o", options, "-w", "start")
        try:
            return {name: _rows(run, folder, query) for name, query in QUERIES.items()}
        finally:
            run("pg_ctl", "-D", f"{folder}/files", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


QUERIES = {"functions": FUNCTIONS, "operators": OPERATORS, "types": TYPES}


def _rows(run: Callable[..., str], folder: Path, query: str) -> list[Any]:
    text = run("psql", "-h", str(folder), "-U", "postgres", "-At", "-c", query, output=subprocess.PIPE)
    return [json.loads(line) for line in text.splitlines()]


def main(bin_directories: list[str]) -> None:
    """Read each server, apply the rules to the union, write the file."""
    catalogs = [catalog(Path(directory).resolve()) for directory in bin_directories]
    overloads: dict[str, list[bool]] = defaultdict(list)
    names = set()
    for name, *rest in (row for found in catalogs for row in found["functions"]):
        names.add(name)
        if not SERVER_TYPES.search(rest[-1]):
            overloads[name].append(is_safe(name, *rest))
    safe = {name for name, verdicts in overloads.items() if all(verdicts) and not DANGEROUS.match(name)} | GRAMMAR
    lists = {
        "safe": safe,
        "dangerous": {name for name in names if DANGEROUS.match(name)},
        "unlisted": {name for name in names - safe if not DANGEROUS.match(name)},
        "operators": {row for found in catalogs for row in found["operators"]},
        "types": {row for found in catalogs for row in found["types"]},
    }
    OUTPUT.write_text(json.dumps({key: sorted(values) for key, values in lists.items()}, indent=0) + "\n")
    for key, values in lists.items():
        print(f"{key}: {len(values)}")


if __name__ == "__main__":
    main(sys.argv[1:])
