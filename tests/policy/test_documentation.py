"""The examples that people copy are rules that load."""

import json
import re
from pathlib import Path

import pytest

from doorward.model.decision import Facts
from doorward.policy.floors import FLOORS
from doorward.policy.load import ACTIONS, default_texts, load
from doorward.policy.request import statement_context
from doorward.policy.rules import ANNOTATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```cedar\n(.*?)```", PAGE, re.DOTALL)


def test_examples_of_the_page_load_together_with_the_defaults() -> None:
    """Each by itself would not notice an id given twice."""
    examples = {f"example-{number}.cedar": text for number, text in enumerate(EXAMPLES)}
    assert len(load(default_texts() | examples).rules) == len(load(default_texts()).rules) + 7


def test_commented_example_of_the_unmask_file_loads() -> None:
    """Taking away the slashes is all that is asked of its reader."""
    text = default_texts()["95-unmask.cedar"]
    opened = re.sub(r"^//   ", "", text, flags=re.MULTILINE)
    assert "support-sees-contact-data" in load({"95-unmask.cedar": opened}).by_id


@pytest.mark.parametrize(
    ("file", "rule", "old"),
    [
        ("70-copies.cedar", "no-copies-of-protected-values", "when { context.copies_protected };"),
        ("85-functions.cedar", "unlisted-functions-need-review", "unless { context.unlisted_functions.isEmpty() };"),
    ],
)
def test_commented_exception_can_be_put_in(file: str, rule: str, old: str) -> None:
    """The clause in the comment fits the rule that it is for."""
    text = default_texts()[file]
    clause = re.search(r"^//   (unless .*;)$", text, re.MULTILINE)
    assert clause
    kept = old.removesuffix(";") if old.startswith("when") else ""
    assert rule in load({file: text.replace(old, f"{kept} {clause[1]}", 1)}).by_id


def test_page_names_every_fact_action_annotation_and_floor() -> None:
    """What can be written is what can be read about."""
    told = json.loads(statement_context(Facts("read", ()), "u", "d", approved=False))
    facts = [name for name in told if name != "time"] + [f"time.{part}" for part in told["time"]]
    names = [*facts, *ACTIONS, *(floor.rule for floor in FLOORS), *(f'@{name}("' for name in ANNOTATIONS)]
    assert not [name for name in names if f"`{name}" not in PAGE]
