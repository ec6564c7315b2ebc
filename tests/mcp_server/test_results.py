"""Rows in a result are marked as data, and can't pass for anything else."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from doorward.mcp_server.gateway_client import Answer, Failure, Held, Question
from doorward.mcp_server.results import as_text, pending, told
from doorward.model.result import ResultColumn

QUESTION = Question("shop", "SELECT note FROM notes")
COLUMN = ResultColumn("note", 1, 1, 25, -1, -1, 0)


@given(st.lists(st.lists(st.text() | st.none(), min_size=1, max_size=1)))
def test_no_row_ends_the_part_that_is_marked(rows: list[list[str | None]]) -> None:
    text = as_text(told(Answer("ses_1.1", (COLUMN,), rows), QUESTION))
    fence = re.search(r"^<(untrusted-rows-[0-9a-f]{16})>$", text, re.M)
    assert fence is not None
    assert text.count(f"</{fence[1]}>") == 1
    assert text.endswith(f"</{fence[1]}>")


def test_two_results_are_marked_by_words_of_their_own() -> None:
    result = told(Answer("ses_1.1", (COLUMN,), [["x"]]), QUESTION)
    assert as_text(result) != as_text(result)


def test_a_refusal_says_what_can_be_done() -> None:
    result = told(Answer("ses_1.1", failure=Failure("42501", "Doorward refused it", "Rule x", "Ask.")), QUESTION)
    assert result["status"] == "refused"
    assert result["error"] == {"sqlstate": "42501", "message": "Doorward refused it", "why": "Rule x", "what_to_do": "Ask."}


def test_what_waits_says_how_to_go_on() -> None:
    assert pending("stm_1", None)["status"] == "running"
    told_of = pending("stm_1", Held("req_1", "http://here/approvals/req_1", "security", 5))
    assert (told_of["status"], told_of["approval"]) == ("approval_pending", "req_1")
