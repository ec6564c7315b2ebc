"""Everything bad that may be shown at a door, and the tests that show it: a list that must stay true."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
COVERED: dict[str, tuple[str, ...]] = {
    "expired": (
        "authentication/test_tokens.py::test_a_token_that_says_the_wrong_thing_is_refused",
        "authentication/test_signing_in.py::test_an_expired_secret_is_refused",
        "authentication/test_delegation.py::test_a_token_of_ours_that_says_something_else_is_refused",
        "live/test_workload_tokens.py::test_every_forged_variant_is_refused",
        "control/test_api_keys.py::test_a_key_is_shown_once_and_kept_as_a_verifier",
        "control/test_local_accounts.py::test_a_link_is_good_once_for_a_day_and_the_last_one_counts",
    ),
    "forged": (
        "authentication/test_tokens.py::test_a_token_changed_anywhere_is_refused",
        "authentication/test_tokens.py::test_a_part_replaced_by_anything_is_refused",
        "authentication/test_tokens.py::test_a_key_in_the_token_is_not_believed",
        "authentication/test_delegation.py::test_no_byte_of_a_token_can_be_changed",
        "authentication/test_delegation.py::test_a_token_of_another_key_is_refused",
        "live/test_workload_tokens.py::test_every_forged_variant_is_refused",
        "live/test_sign_in.py::test_an_answer_that_this_browser_did_not_ask_for_is_refused",
    ),
    "replayed": (
        "authentication/test_replays.py::test_the_second_use_is_refused",
        "authentication/test_replays.py::test_what_was_issued_before_the_start_is_refused",
        "authentication/test_scram.py::test_a_recorded_exchange_cannot_be_played_again",
        "control/test_workloads.py::test_a_token_may_be_good_once",
        "control/test_sign_ins.py::test_a_code_for_a_command_line_is_used_up_by_being_tried",
        "control/test_local_accounts.py::test_a_code_counts_once",
        "control/test_local_accounts.py::test_a_recovery_code_is_good_once_however_it_is_spelled",
    ),
    "wrong audience, wrong issuer": (
        "authentication/test_tokens.py::test_a_token_that_says_the_wrong_thing_is_refused",
        "authentication/test_delegation.py::test_a_token_of_ours_that_says_something_else_is_refused",
        "control/test_workloads.py::test_other_issuers_and_trust_domains_are_refused",
        "control/test_issuer_watch.py::test_a_description_of_somebody_else_is_not_believed",
        "live/test_token_exchange.py::test_a_token_for_a_database_does_not_open_the_tools",
        "live/test_workload_tokens.py::test_every_forged_variant_is_refused",
    ),
    "alg=none": (
        "authentication/test_tokens.py::test_alg_none_is_refused",
        "authentication/test_tokens.py::test_other_algorithms_are_refused",
        "authentication/test_delegation.py::test_a_token_without_signature_or_with_a_shared_secret_is_refused",
        "live/test_workload_tokens.py::test_every_forged_variant_is_refused",
    ),
    "key confusion": (
        "authentication/test_tokens.py::test_a_public_key_is_nobodys_secret",
        "authentication/test_tokens.py::test_a_key_is_used_with_its_own_algorithm_alone",
        "authentication/test_delegation.py::test_a_token_without_signature_or_with_a_shared_secret_is_refused",
    ),
    "chains too deep or cyclic": (
        "authentication/test_delegation.py::test_a_chain_is_of_people_and_one_agent",
        "authentication/test_delegation.py::test_a_token_of_ours_that_says_something_else_is_refused",
        "live/test_token_exchange.py::test_another_agent_can_not_make_a_chain_longer",
    ),
    "chains that name a revoked actor": (
        "live/test_token_exchange.py::test_a_stopped_or_revoked_agent_has_no_use_of_its_token",
        "control/test_lookup.py::test_revoked_owner_closes_the_door_for_the_agent_too",
    ),
    "clock skew": (
        "authentication/test_tokens.py::test_clocks_may_differ_by_a_minute",
        "authentication/test_tokens.py::test_no_setting_makes_the_skew_unbounded",
        "control/test_local_accounts.py::test_clocks_may_be_off_by_a_step",
        "authentication/test_attempts.py::test_a_clock_that_goes_back_lets_nobody_through",
    ),
    "provider down": (
        "control/test_sign_ins.py::test_while_the_provider_is_away_who_is_in_stays_in_until_their_time",
        "control/test_issuer_watch.py::test_an_issuer_that_is_away_keeps_its_keys_for_a_day",
        "live/test_workload_tokens.py::test_an_issuer_that_is_away_does_not_end_what_is_open",
    ),
    "SCIM garbage": (
        "live/test_scim.py::test_garbage_is_refused_in_scims_own_words",
        "api/test_scim_patch.py::test_no_message_crashes_it",
        "control/test_people.py::test_no_garbage_crashes_it_or_makes_an_administrator",
        "control/test_people.py::test_a_name_that_can_not_be_kept_is_refused",
    ),
    "brute force": (
        "authentication/test_attempts.py::test_whoever_is_guessed_at_from_everywhere_comes_in_from_a_place_of_their_own",
        "authentication/test_attempts.py::test_memory_is_bounded_and_a_flood_of_names_pushes_none_out",
        "authentication/test_signing_in.py::test_guessing_at_the_port_is_slow_and_locks_nobody_else_out",
        "mcp_server/test_door.py::test_guessing_at_the_tools_is_slow_and_locks_nobody_out",
        "mcp_server/test_door.py::test_guessing_at_the_exchange_of_tokens_is_slow",
        "console/test_accounts.py::test_many_guesses_at_once_do_not_slip_through",
        "api/test_app.py::test_failed_attempts_are_slowed_by_address",
    ),
}


@pytest.mark.parametrize("what", COVERED)
def test_each_kind_of_bad_input_has_its_tests(what: str) -> None:
    """By names that are there: a test that is renamed or removed is missed here."""
    missing = []
    for named in COVERED[what]:
        file, _, name = named.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        if name not in functions:
            missing.append(named)
    assert not missing
