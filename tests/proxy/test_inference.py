"""The counts of what is learned: distinct questions, rows, windows, and who is counted apart."""

from __future__ import annotations

from doorward.model.catalog import Label
from doorward.model.decision import Budget, Verdict
from doorward.model.identity import Identity
from doorward.proxy import inference
from doorward.proxy.inference import Meter, Used, held
from tests.proxy.attempts import ALICE, ALLOWED, BOT_FOR_ALICE

HERSELF = Identity(ALICE, (), "scram-sha-256", "c")
BUDGET = Budget("public.people.ssn", Label.NATIONAL_ID, 4, 100, 60, "security", "look-up")


def ask(meter: Meter, question: str, now: int = 0, who: Identity = HERSELF, budget: Budget = BUDGET) -> list[Used]:
    return meter.ask(who, "shop", (budget,), question, (b"p",), now, approved=False)


def test_half_is_noted_once_and_what_goes_beyond_each_time() -> None:
    """The same question is asked for nothing."""
    meter = Meter(b"k")
    assert ask(meter, "1") == ask(meter, "1") == []
    assert [used.probes for used in ask(meter, "2")] == [2]
    assert ask(meter, "3") == ask(meter, "4") == []
    assert [used.is_beyond for used in ask(meter, "5")] == [used.is_beyond for used in ask(meter, "6")] == [True]
    assert ask(meter, "2") == []


def test_parameters_make_questions_differ() -> None:
    """And NULL is not the empty value."""
    meter = Meter(b"k")
    for parameters in ((None,), (b"",), (b"", b""), (b"a",)):
        meter.ask(HERSELF, "shop", (BUDGET,), "q", parameters, 0, approved=False)
    assert meter.ask(HERSELF, "shop", (BUDGET,), "q", (b"b",), 0, approved=False)[0].is_beyond


def test_values_in_one_statement_count_each() -> None:
    meter = Meter(b"k")
    (used,) = ask(meter, "IN (1, 2, 3, 4, 5)", budget=Budget("c", Label.CARD, 4, 0, 60, "security", "r", times=5))
    assert used.is_beyond


def test_rows_count_too_and_an_approved_execution_is_counted_but_not_stopped() -> None:
    meter = Meter(b"k")
    ask(meter, "1")
    meter.learned(HERSELF, "shop", (BUDGET,), 100, 0)
    assert ask(meter, "2")[0].is_beyond
    used = meter.ask(HERSELF, "shop", (BUDGET,), "2", (b"p",), 0, approved=True)
    assert [one.is_beyond for one in used] == [False]
    assert ask(meter, "2") == []


def test_a_window_ends_and_people_columns_and_upstreams_are_counted_apart() -> None:
    """An agent for alice is not alice."""
    meter = Meter(b"k")
    for question in "1234":
        ask(meter, question)
    assert ask(meter, "5", now=59_999_999)[0].is_beyond
    assert ask(meter, "5", who=BOT_FOR_ALICE) == []
    assert ask(meter, "5", budget=Budget("other", Label.CARD, 4, 0, 60, "security", "r")) == []
    assert meter.ask(HERSELF, "other", (BUDGET,), "5", (), 0, approved=False) == []
    assert ask(meter, "5", now=60_000_000) == []


def test_memory_is_bounded() -> None:
    """The oldest count goes; questions that don't fit are counted each time."""
    meter = Meter(b"k")
    for number in range(inference.MOST_COUNTS + 10):
        ask(meter, "1", budget=Budget(f"c{number}", Label.CARD, 4, 0, 60, "security", "r"), now=number)
    assert len(meter._counts) == inference.MOST_COUNTS
    for number in range(inference.MOST_QUESTIONS_KEPT + 10):
        ask(meter, str(number), budget=Budget("c", Label.CARD, 1_000_000, 0, 60, "security", "r"), now=10**6)
    assert max(len(count.questions) for count in meter._counts.values()) == inference.MOST_QUESTIONS_KEPT


def test_what_goes_beyond_waits_for_everybody_concerned() -> None:
    """The words name columns and counts, never values."""
    used = [Used(BUDGET, 4, 7, True), Used(Budget("c", Label.CARD, 1, 0, 60, "fraud", "r"), 1, 0, True)]
    decision = held(ALLOWED, used)
    assert (decision.verdict, decision.approvers) == (Verdict.HOLD, "fraud+security")
    assert "4 different questions" in decision.reasons[0].text
    assert "public.people.ssn (national_id)" in decision.reasons[0].text
