"""``doorward policy``: rules checked, tried and shown before they are in force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from doorward.cli.client import ApiClient, NotRunning, data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.policy_cases import run_cases_beside
from doorward.cli.policy_init import init
from doorward.cli.policy_published import history, publish, roll_back
from doorward.cli.policy_reading import diff, explain, show
from doorward.cli.policy_replay import replay_rules
from doorward.cli.policy_texts import Folder, texts_of
from doorward.cli.terminal import OK, REFUSED, console, one_line, say_json

if TYPE_CHECKING:
    from doorward.config import DataDirectory
    from doorward.policy.check import Finding

policy = typer.Typer(
    no_args_is_help=True,
    help=(
        "Check, try and show the rules. Nothing here needs a database; docs/policy.md says how rules are written.\n\n"
        "[bold]Example:[/]  doorward policy check ./policy"
    ),
)

Strict = Annotated[bool, typer.Option("--strict", help="End with 1 on warnings, too.")]


@policy.command("check")
def check_rules(folder: Folder = None, strict: Strict = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Find what is wrong with rules: grammar, misspelled names, rules that never apply or are never reached.

    Names of people, groups, upstreams and tables are held against the data directory, those of functions against the Doorward
    that runs with it, if one does. Ends with 1 when a rule is wrong.

    Example: doorward policy check ./policy --strict
    """
    from doorward.policy.check import Severity, check
    from doorward.rehearsal.known import known_names

    texts = texts_of(folder, data_dir)
    data = data_directory(data_dir)
    known = replace(known_names(data.store), functions=_functions(data))
    findings = check(texts.files, known)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if as_json:
        say_json({"where": texts.where, "errors": errors, "findings": [_as_json(finding) for finding in findings]})
    else:
        _show(findings, texts.where, errors, len(texts.files))
    raise typer.Exit(REFUSED if errors or (strict and findings) else OK)


def _functions(data: DataDirectory) -> frozenset[str] | None:
    """The functions that users made, as far as a running Doorward knows them; None when none runs."""
    try:
        return frozenset(ApiClient.as_operator(data).get("/policy/names")["functions"])
    except NotRunning:
        return None


def _as_json(finding: Finding) -> dict[str, str | int]:
    return {
        "severity": finding.severity.value,
        "kind": finding.kind,
        "file": finding.file,
        "line": finding.line,
        "rule": finding.rule,
        "message": finding.words,
        "remedy": finding.remedy,
    }


_STYLES = {"error": "red", "warning": "yellow"}


def _show(findings: tuple[Finding, ...], where: str, errors: int, files: int) -> None:
    out = console()
    for finding in findings:
        word = finding.severity.value
        line = Text(f"{word:8}", style=f"bold {_STYLES[word]}").append(f"{finding.file}:{finding.line}", style="default")
        out.print(line.append(f"  {finding.rule}" if finding.rule else "", style="cyan"))
        out.print(Padding(Text(f"{one_line(finding.words)}."), (0, 0, 0, 8), expand=False))
        out.print(Padding(Text(finding.remedy, style="dim"), (0, 0, 0, 8), expand=False))
    warnings = len(findings) - errors
    told = f"{_count(files, 'file')} in {where}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    out.print(Text(told, style="red" if errors else "yellow" if warnings else "green"))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


policy.command("test")(run_cases_beside)
policy.command("replay")(replay_rules)
policy.command("diff")(diff)
policy.command("show")(show)
policy.command("explain")(explain)
policy.command("publish")(publish)
policy.command("history")(history)
policy.command("rollback")(roll_back)
policy.command("init")(init)
