"""``doorward approvals``, ``approve`` and ``reject``: what waits, and a person's word on it."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from doorward.cli.client import ApiClient, data_directory, segment
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import chain_text, console, local_time, say_json, verdict_text
from doorward.errors import NotPermitted

WATCH_SECONDS = 1.0
USER_VARIABLE, SECRET_VARIABLE = "DOORWARD_USER", "DOORWARD_SECRET"

Request = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id, as psql and doorward approvals show it.")]
As = Annotated[str, typer.Option("--as", envvar=USER_VARIABLE, metavar="NAME", help="Who you are.")]
Alike = Annotated[
    bool, typer.Option("--alike", help="Answer all that wait and differ from it in values alone, each by itself.")
]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; goes into the log, and to whoever asked. Needed.")]


def approvals(
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing what comes, until Ctrl-C.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Those that were answered, too.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what waits for an approval: what people ask before what programs ask, and like questions as one.

    [bold]Examples:[/]  doorward approvals     doorward approvals --watch
    """
    client = ApiClient.as_operator(data_directory(data_dir))
    asked = {"state": "" if everything else "pending"}
    found = client.get("/requests", **asked)
    if as_json:
        say_json(found)
        return
    out = console()
    shown: set[str] = set()
    while True:
        for question in reversed(found):
            if question["request"]["id"] not in shown:
                alike = question["alike"] or [question["request"]["id"]]
                known = shown.intersection(alike)
                shown.update(alike)
                if known:
                    out.print(f"[dim]one more like {min(known)}: {len(alike)} wait[/]")
                else:
                    _show(out, question)
        if not watch:
            break
        time.sleep(WATCH_SECONDS)
        found = client.get("/requests", **asked)
    if not shown:
        out.print("[dim]nothing waits[/]")


def approve(
    request: Request,
    name: As = "",
    reason: Reason = "",
    alike: Alike = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Approve a held statement, as yourself. It then runs at once, in the session that waits.

    You prove who you are with a minted secret: in DOORWARD_USER and DOORWARD_SECRET, or with --as and a prompt.
    Nobody approves what they asked themselves, and the local operator's token approves nothing. Where a rule asks for several
    people, it runs when the last of them has said yes.

    [bold]Examples:[/]
      doorward approve req_3f2a --as bob --reason 'ticket 4711'
      doorward approve req_3f2a --alike --as bob --reason 'ticket 4711'      # and all that are like it
    """
    _answer(request, name, reason, data_dir, as_json, approved=True, alike=alike)


def reject(
    request: Request,
    name: As = "",
    reason: Reason = "",
    alike: Alike = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Reject a held statement, as yourself. Whoever asked gets an error with your reason.

    [bold]Examples:[/]
      doorward reject req_3f2a --as bob --reason 'use the copy in staging'
      doorward reject req_3f2a --alike --as bob --reason 'runs in a circle'      # and all that are like it
    """
    _answer(request, name, reason, data_dir, as_json, approved=False, alike=alike)


def take_back(request: Request, name: As = "", reason: Reason = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take back your own yes, while others are still missing. What everybody has approved runs at once, and can't be.

    [bold]Example:[/]  doorward take-back req_3f2a --as bob --reason 'wrong table'
    """
    client = as_yourself(data_dir, name)
    taken = client.post(f"/requests/{segment(request)}/take-back", {"reason": reason or _asked_reason()})
    if as_json:
        say_json(taken)
        return
    console().print(Text(f"taken back; it takes {taken['missing']} more to approve {taken['request']['id']}"))


def _answer(request: str, name: str, reason: str, data_dir: DataDir, as_json: bool, *, approved: bool, alike: bool) -> None:
    client = as_yourself(data_dir, name)
    word = {"approved": approved, "reason": reason or _asked_reason()}
    if alike:
        _answer_alike(client, request, word, as_json)
        return
    answered = client.post(f"/requests/{segment(request)}/answer", word)
    if as_json:
        say_json(answered)
        return
    if answered["state"] == "pending":
        missing = answered["missing"]
        told = Text("noted", style="yellow").append(
            f": it takes {missing} more for {answered['request']['id']} of ", style="default"
        )
    else:
        told = verdict_text(answered["state"]).append(f" {answered['request']['id']} of ", style="default")
    console().print(told.append_text(chain_text(answered["request"]["chain"])))


def _answer_alike(client: ApiClient, request: str, word: dict[str, Any], as_json: bool) -> None:
    """Answer *request* and what is like it by now; ends with 1 if any of them could not be answered."""
    ids = client.get(f"/requests/{segment(request)}")["alike"] or [request]
    words = client.post("/requests/answer", word | {"requests": ids})
    if as_json:
        say_json(words)
    else:
        for one in words:
            told = verdict_text(one["state"]).append(f" {one['request_id']}", style="default")
            console().print(told.append(f"  {one['error']}" if one["error"] else "", style="dim"))
    if any(one["error"] for one in words):
        raise typer.Exit(1)


def _asked_reason() -> str:
    """Asked for where somebody sits; elsewhere the API says that one is needed."""
    if not sys.stdin.isatty():
        return ""
    return str(typer.prompt("Why (for the log, and for whoever asked)", err=True))


def as_yourself(data_dir: DataDir, name: str) -> ApiClient:
    """Calls in the name of a person, who proves it by a minted secret. Raises NotPermitted without a name."""
    data = data_directory(data_dir)
    # Whether anything runs at all is said before a secret is asked for.
    ApiClient.as_operator(data)
    if not name:
        raise NotPermitted(
            "An approval is a named person's, and it was not said who you are.",
            f"Give --as NAME, or {USER_VARIABLE} and {SECRET_VARIABLE}.",
        )
    secret = os.environ.get(SECRET_VARIABLE, "")
    if not secret:
        secret = typer.prompt(f"Secret of {name}", hide_input=True, err=True)
    return ApiClient.as_person(data, name, secret)


def _effect_lines(effect: dict[str, Any] | None) -> list[str]:
    """What it would probably do, where that is known."""
    if effect is None:
        return []
    told = {"planned": "about {} rows, by the plan", "counted": "{} rows, counted", "at least": "more than {} rows"}
    lines = [told[effect["how"]].format(effect["rows"])] if effect["rows"] >= 0 else []
    lines.append(f"lock {effect['lock']}")
    for table in effect["tables"]:
        needed = f", needed by {', '.join(table['dependents'])}" if table["dependents"] else ""
        lines.append(f"{table['table']}: {table['size_bytes']:,} bytes, used by {table['used_by']} sessions{needed}")
    return lines


def _asked_of(question: dict[str, Any]) -> str:
    request = question["request"]
    told = f"{local_time(request['asked_us'])} of the group {request['approvers'].replace('+', ' and ')}"
    if question["is_escalated"]:
        told += f", by now also of {request['escalates_to'].replace('+', ' and ')}"
    if question["on_call"]:
        told += f" (on call: {', '.join(question['on_call'])})"
    if request["quorum"] > 1:
        told += f"; it takes {request['quorum']} people, {question['missing']} more"
    return told


def _show(out: Console, question: dict[str, Any]) -> None:
    request = question["request"]
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", justify="right")
    facts.add_column(overflow="fold")
    facts.add_row("who", chain_text(request["chain"]))
    if request["wish"]:
        facts.add_row("asks for", Text(request["statement"], style="bold"))
        facts.add_row("why", Text(request["reason"]))
    else:
        facts.add_row("why asked", Text(f"{request['reason']} (rule {', '.join(request['rules'])})"))
        facts.add_row("touches", ", ".join(request["objects"]) or "nothing that it names")
        facts.add_row("protected", ", ".join(request["labels"]) or "nothing")
    facts.add_row("asked", _asked_of(question))
    for voice in question["voices"]:
        facts.add_row("yes", Text(f"{voice['by_name']}: {voice['reason']}"))
    for line in _effect_lines(question["effect"]):
        facts.add_row("would do", line)
    if request["in_transaction"]:
        facts.add_row("", "[yellow]in a transaction, which holds its locks meanwhile[/]")
    if not request["wish"]:
        facts.add_row("statement", Syntax(request["statement"], "postgresql", background_color="default", word_wrap=True))
    for position, parameter in enumerate(request["parameters"], 1):
        facts.add_row(f"${position}", Text(parameter))
    if question["state"] == "pending":
        facts.add_row("answer", f"[bold]doorward approve {request['id']}[/]")
        facts.add_row("or", f"doorward reject {request['id']}")
        if len(question["alike"]) > 1:
            facts.add_row("alike", f"{len(question['alike'])} wait that differ in values alone; --alike answers all of them")
    title = Text(request["id"] + " ", style="bold").append_text(verdict_text(question["state"]))
    out.print(Panel(facts, title=title, title_align="left", border_style="yellow" if question["state"] == "pending" else "dim"))
