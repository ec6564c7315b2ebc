"""``doorward policy test``: the cases that stand beside the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from doorward.cli.options import AsJson, DataDir
from doorward.cli.policy_texts import Folder, Texts, texts_of
from doorward.cli.terminal import OK, REFUSED, console, one_line, say_json
from doorward.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from doorward.rehearsal.verdicts import Outcome

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Name the cases that passed, too.")]


def run_cases_beside(
    folder: Folder = None, verbose: Verbose = False, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Run the cases in the folder tests beside the rules; ends with 1 when one does not come out as it says.

    A case names who sends what, and what must come of it; docs/policy-testing.md has the form. Statements are analysed and
    decided by the very code of the gateway, against a catalog that the file describes; nothing is connected to.

    Example: doorward policy test ./policy
    """
    from doorward.rehearsal.cases import read_cases
    from doorward.rehearsal.verdicts import run_cases

    texts = texts_of(folder, data_dir)
    outcomes = run_cases(texts.files, read_cases(case_texts(texts)))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    silent = rules_without_case(texts, outcomes)
    if as_json:
        told = [_as_json(outcome) for outcome in outcomes]
        say_json({"where": texts.where, "cases": told, "failed": len(failed), "rules_without_case": silent})
    else:
        _show(outcomes, failed, silent, texts.where, verbose=verbose)
    raise typer.Exit(REFUSED if failed else OK)


def case_texts(texts: Texts) -> dict[str, str]:
    """The test files beside *texts*. Raises ConfigurationInvalid when there is none."""
    from doorward.config import read_texts
    from doorward.rehearsal.defaults import default_cases

    if texts.folder is None:
        return default_cases()
    found = read_texts(texts.folder / "tests", "*.toml")
    if not found:
        raise ConfigurationInvalid(
            f"There are no cases in {texts.folder / 'tests'}.",
            "Write some: docs/policy-testing.md has the form of a test file.",
        )
    return found


def rules_without_case(texts: Texts, outcomes: tuple[Outcome, ...]) -> list[str]:
    """The rules that had no say in any case, in order."""
    from doorward.policy.load import load

    said = frozenset().union(*(outcome.rules for outcome in outcomes))
    return [rule.id for rule in load(texts.files).rules if rule.id not in said]


def _as_json(outcome: Outcome) -> dict[str, Any]:
    case, decision = outcome.case, outcome.trial.decision
    return {
        "file": case.file,
        "name": case.name,
        "who": case.identity.chain,
        "passed": outcome.passed,
        "verdict": decision.verdict.value,
        "rules": [reason.rule for reason in decision.reasons],
        "differences": [{"what": one.what, "expected": one.expected, "got": one.got} for one in outcome.differences],
    }


def _show(outcomes: tuple[Outcome, ...], failed: list[Outcome], silent: list[str], where: str, *, verbose: bool) -> None:
    out = console()
    for outcome in outcomes:
        if outcome.passed:
            if verbose:
                out.print(Text("passed  ", style="green").append(outcome.case.title, style="default"))
            continue
        out.print(Text("failed  ", style="bold red").append(outcome.case.title, style="bold"))
        if outcome.case.statement:
            out.print(Padding(Text(one_line(outcome.case.statement), style="dim"), (0, 0, 0, 8), expand=False))
        for one in outcome.differences:
            line = Text(f"{one.what:10}", style="default").append(f" - {one.expected}", style="red")
            out.print(Padding(line, (0, 0, 0, 8), expand=False))
            out.print(Padding(Text(" " * 10).append(f" + {one.got}", style="green"), (0, 0, 0, 8), expand=False))
        for reason in outcome.trial.decision.reasons:
            out.print(Padding(Text(f"{reason.rule}: {reason.text}", style="dim"), (0, 0, 0, 8), expand=False))
    if silent:
        out.print(Text("no case has anything from: ", style="yellow").append(", ".join(silent), style="default"))
    told = f"{len(outcomes)} cases of {where}: {len(outcomes) - len(failed)} passed, {len(failed)} failed"
    out.print(Text(told, style="red" if failed else "green"))
