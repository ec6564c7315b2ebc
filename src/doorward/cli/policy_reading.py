"""``doorward policy show`` and ``diff``: rules in words, and what differs between two sets of them."""

from __future__ import annotations

import re
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from doorward.cli.client import data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.policy_texts import Folder, Texts, texts_of
from doorward.cli.terminal import OK, REFUSED, console, say_json, verdict_text
from doorward.errors import InvalidRequest

if TYPE_CHECKING:
    from doorward.policy.rules import Rule
    from doorward.rehearsal.differences import CaseDifference, RuleDifference

Source = Annotated[bool, typer.Option("--source", help="With the Cedar text.")]
Side = Annotated[Path, typer.Argument(help="A folder of *.cedar files, or the word packaged or current.", metavar="A|B")]


def show(folder: Folder = None, source: Source = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show rules in words: what each says, whom it asks, what it limits.

    Example: doorward policy show --source
    """
    from doorward.policy.load import load

    texts = texts_of(folder, data_dir)
    in_force = load(texts.files)
    if as_json:
        say_json({"where": texts.where, "version": in_force.version, "rules": [_as_json(rule) for rule in in_force.rules]})
        return
    out = console()
    out.print(Text(f"{texts.where}, version {in_force.version}", style="dim"))
    file = ""
    for rule in in_force.rules:
        if rule.file != file:
            file = rule.file
            out.print(Text(f"\n{file}", style="bold"))
        out.print(Padding(in_words(rule), (0, 0, 0, 2), expand=False))
        if source:
            out.print(Padding(Text(rule.source, style="dim"), (0, 0, 0, 4), expand=False))


def in_words(rule: Rule) -> Text:
    """A rule on a line or two: its effect, its id, what it says, and what it asks for."""
    effect = "hold" if rule.hold else "deny" if rule.forbids else "allow"
    line = Text(f"{'forbids' if effect == 'deny' else 'holds' if effect == 'hold' else 'permits':8}")
    line.stylize(verdict_text(effect).style)
    line.append(rule.id, style="cyan").append(f"  {rule.description}", style="default")
    notes = []
    if rule.hold:
        people = f"{rule.quorum} people of " if rule.quorum > 1 else ""
        notes.append(f"asks {people}{rule.hold}, for {rule.hold_seconds // 60 or 1} min")
    if rule.row_limit:
        notes.append(f"at most {rule.row_limit:,} rows")
    if rule.parameters:
        notes.append(f"values are {rule.parameters.value} in the log")
    if rule.require:
        notes.append(f"needs a {' and a '.join(sorted(rule.require))}")
    return line.append(f"  ({'; '.join(notes)})", style="dim") if notes else line


def _as_json(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "effect": "forbid" if rule.forbids else "permit",
        "description": rule.description,
        "file": rule.file,
        "line": rule.line,
        "hold": rule.hold,
        "hold_seconds": rule.hold_seconds,
        "quorum": rule.quorum,
        "row_limit": rule.row_limit,
        "parameters": rule.parameters.value if rule.parameters else "",
        "require": sorted(rule.require),
        "source": rule.source,
    }


def explain(
    name: Annotated[str, typer.Option("--as", help="A person, service or agent of the data directory.")],
    action: Annotated[str, typer.Argument(metavar="ACTION", help="read, write, define, destroy, grant, unmask, approve ...")],
    folder: Folder = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Tell which rules have a say when somebody does something, for everybody whom they act for, and on which conditions.

    What becomes of one statement by the rules in force tells doorward explain.

    Example: doorward policy explain write --as alice
    """
    from doorward.policy.reading import ACTIONS
    from doorward.rehearsal.concerning import chain_of, rules_concerning

    if action not in ACTIONS:
        raise InvalidRequest(f"There is no action {action}.", f"There are {', '.join(ACTIONS)}.")
    texts = texts_of(folder, data_dir)
    told = [(one, rules_concerning(texts.files, one, action)) for one in chain_of(data_directory(data_dir).store, name)]
    if as_json:
        say_json([{"who": one.name, "kind": one.kind, "rules": [_as_json(rule) for rule in rules]} for one, rules in told])
        return
    out = console()
    for one, rules in told:
        groups = f", in {', '.join(one.groups)}" if one.groups else ""
        out.print(Text(f"{one.name}", style="bold cyan").append(f"  {one.kind}{groups}", style="dim"))
        for rule in sorted(rules, key=lambda rule: (rule.forbids, bool(rule.hold))):
            out.print(Padding(in_words(rule), (0, 0, 0, 2), expand=False))
            conditions = _conditions(rule)
            if conditions:
                out.print(Padding(Text(conditions, style="dim"), (0, 0, 0, 10), expand=False))
        if not any(not rule.forbids for rule in rules):
            out.print(Padding(Text("no rule permits it", style="red"), (0, 0, 0, 2), expand=False))
    if len(told) > 1:
        out.print("[dim]all of them are judged, and the strictest outcome counts[/]")


def _conditions(rule: Rule) -> str:
    """What stands behind a rule's scope, on one line."""
    found = re.search(r"\)\s*((?:when|unless)\s*\{.*);\s*$", rule.source, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def diff(before: Side, after: Side, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Tell what differs between two sets of rules, and what it changes for the shipped cases. Ends with 1 if anything does.

    A folder may be the word packaged, or current for the rules of the data directory.

    Example: doorward policy diff current ./policy
    """
    from doorward.rehearsal.cases import read_cases
    from doorward.rehearsal.defaults import default_cases
    from doorward.rehearsal.differences import case_differences, rule_differences

    one, other = _side(before, data_dir), _side(after, data_dir)
    rules = rule_differences(one.files, other.files)
    cases = case_differences(one.files, other.files, read_cases(default_cases()))
    if as_json:
        say_json(
            {
                "before": one.where,
                "after": other.where,
                "rules": [{"id": found.id, "change": found.change} for found in rules],
                "cases": [_case_as_json(found) for found in cases],
            }
        )
    else:
        _show(rules, cases)
    raise typer.Exit(REFUSED if rules or cases else OK)


def _side(given: Path, data_dir: Path | None) -> Texts:
    from doorward.policy.load import default_texts

    if str(given) == "packaged":
        return Texts("the packaged rules", None, default_texts())
    return texts_of(None if str(given) == "current" else given, data_dir)


def _case_as_json(found: CaseDifference) -> dict[str, Any]:
    return {
        "case": found.after.case.name,
        "who": found.after.case.identity.chain,
        "before": found.before.trial.decision.verdict.value,
        "after": found.after.trial.decision.verdict.value,
        "rules": [reason.rule for reason in found.after.trial.decision.reasons],
    }


_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def _show(rules: tuple[RuleDifference, ...], cases: tuple[CaseDifference, ...]) -> None:
    out = console()
    for found in rules:
        sign, style = _SIGNS[found.change]
        rule = found.after or found.before
        assert rule is not None
        out.print(Text(f"{sign} ", style=f"bold {style}").append(in_words(rule)))
        if found.before is not None and found.after is not None:
            lines = unified_diff(found.before.source.splitlines(), found.after.source.splitlines(), lineterm="", n=1)
            for line in list(lines)[3:]:
                shade = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
                out.print(Padding(Text(line, style=shade), (0, 0, 0, 4), expand=False))
    if not rules:
        out.print("[green]no rule says anything else[/]")
    out.print()
    for case in cases:
        out.print(Text(case.after.case.title))
        out.print(Padding(_outcome(case), (0, 0, 0, 4), expand=False))
    out.print(f"{len(cases)} of the shipped cases come out otherwise")


def _outcome(case: CaseDifference) -> Text:
    """What came of a case before, and what comes of it now."""
    one, other = case.before.trial, case.after.trial
    told = verdict_text(one.decision.verdict.value)
    if other.decision.verdict is not one.decision.verdict:
        told.append(" -> ", style="dim").append(verdict_text(other.decision.verdict.value))
    for words, labels in (("shows", other.shown - one.shown), ("no longer shows", one.shown - other.shown)):
        if labels:
            told.append(f", {words} {', '.join(sorted(label.value for label in labels))}", style="magenta")
    return told.append(f"  by {', '.join(reason.rule for reason in other.decision.reasons)}", style="dim")
