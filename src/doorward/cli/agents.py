"""``doorward agent``: what agents are for, within which limits they act, their tasks, and the switch that stops them."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from doorward.cli.client import ApiClient, data_directory, segment
from doorward.cli.options import AsJson, DataDir
from doorward.cli.people import Name, Reason
from doorward.cli.people import agent as agent
from doorward.cli.terminal import console, local_time, say_json
from doorward.errors import InvalidRequest, NotFound

OptionalName = Annotated[str, typer.Argument(metavar="[NAME]", help="One agent.")]
Owner = Annotated[str, typer.Option(help="All agents that act for this person or service.")]
Everyone = Annotated[bool, typer.Option("--all", help="All agents.")]

_LIMITS = ("rows_per_statement", "rows_per_hour", "statements_per_minute", "sessions")


@agent.command("set")
def set_agent(
    name: Name,
    purpose: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    model: Annotated[str | None, typer.Option(help="Model and provider.")] = None,
    upstream: Annotated[
        list[str] | None, typer.Option("--database", help="A database that it may use; may be given again. '' for all.")
    ] = None,
    rows_per_statement: Annotated[int | None, typer.Option(help="The most rows of a result; 0 for no limit.")] = None,
    rows_per_hour: Annotated[int | None, typer.Option(help="The most rows in an hour.")] = None,
    statements_per_minute: Annotated[int | None, typer.Option(help="The most statements in a minute.")] = None,
    sessions: Annotated[int | None, typer.Option(help="The most sessions at a time.")] = None,
    needs_task: Annotated[bool | None, typer.Option(help="Whether it does nothing without a task.")] = None,
    takes_tokens: Annotated[
        bool | None, typer.Option(help="Whether it shows a token as its password, over TLS, instead of proving a secret.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Settle what an agent is for and what it may do; what is not given stays. Its live sessions end.

    [bold]Example:[/]  doorward agent set report-bot --purpose "weekly report" --rows-per-hour 10000 --sessions 2
    """
    numbers = zip(_LIMITS, (rows_per_statement, rows_per_hour, statements_per_minute, sessions), strict=True)
    given = {
        "purpose": purpose,
        "model": model,
        "upstreams": [one for one in upstream if one] if upstream is not None else None,
        "needs_task": needs_task,
        "takes_tokens": takes_tokens,
        "limits": {limit: number for limit, number in numbers if number is not None} or None,
    }
    body = {key: value for key, value in given.items() if value is not None}
    if not body:
        raise InvalidRequest("Nothing is to be settled.", "See: doorward agent set --help")
    found = ApiClient.as_operator(data_directory(data_dir)).put(f"/agents/{segment(name)}", body)
    if as_json:
        say_json(found)
    else:
        _show(found)


@agent.command("show")
def show_agent(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show all that is settled about an agent.

    [bold]Example:[/]  doorward agent show report-bot
    """
    found = next((one for one in _all(data_dir) if one["name"] == name), None)
    if found is None:
        raise NotFound(f"There is no agent named {name!r}.", "See: doorward agent list")
    if as_json:
        say_json(found)
    else:
        _show(found)


@agent.command("list")
def list_agents(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show agents, the revoked ones last.

    [bold]Example:[/]  doorward agent list
    """
    known = _all(data_dir)
    if as_json:
        say_json(known)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("name", "acts for", "purpose", "task until", "state"):
        table.add_column(heading)
    for found in sorted(known, key=lambda found: (found["revoked_us"] is not None, found["name"])):
        until = local_time(found["task"]["until_us"]) if found["task"] else ""
        table.add_row(f"[bold cyan]{found['name']}[/]", found["owner"], found["purpose"], until, _state(found))
    console().print(table if known else "[dim]none yet[/]")


@agent.command("stop")
def stop_agents(
    name: OptionalName = "", owner: Owner = "", everyone: Everyone = False, reason: Reason = "", data_dir: DataDir = None
) -> None:
    """Stop one agent, those of one owner, or all: what they run is cancelled, and nothing more is let in until resume.

    [bold]Examples:[/]

      doorward agent stop report-bot --reason "reads too much"

      doorward agent stop --owner alice

      doorward agent stop --all --reason "incident 17"
    """
    scope, whose = _scope(name, owner, everyone)
    body = {"scope": scope, "name": whose, "reason": reason}
    stopped = ApiClient.as_operator(data_directory(data_dir)).post("/agent-stops", body)["agents"]
    console().print(f"[red]stopped[/] {stopped} agent{'' if stopped == 1 else 's'}: sessions ended, what ran is cancelled")
    console().print(f"  undo: doorward agent resume {_spelled(scope, whose)}", style="dim")


@agent.command("resume")
def resume_agents(name: OptionalName = "", owner: Owner = "", everyone: Everyone = False, data_dir: DataDir = None) -> None:
    """Undo a stop. Say it as the stop was said: one agent, those of an owner, or all.

    [bold]Example:[/]  doorward agent resume report-bot
    """
    scope, whose = _scope(name, owner, everyone)
    ApiClient.as_operator(data_directory(data_dir)).delete(f"/agent-stops/{scope}", name=whose)
    console().print(f"[green]resumed[/] {_spelled(scope, whose)}")


@agent.command("task")
def give_task(
    name: Name,
    minutes: Annotated[float, typer.Option(help="When it ends by itself.")] = 30.0,
    write: Annotated[bool, typer.Option("--write", help="Let it do more than read, where rules let it.")] = False,
    table: Annotated[
        list[str] | None, typer.Option(help="A table that it may use, with its schema; may be given again.")
    ] = None,
    rows: Annotated[int, typer.Option(help="How many rows it may read in all; 0 for any number.")] = 0,
    ticket: Annotated[str, typer.Option(help="Where the task comes from.")] = "",
    end: Annotated[bool, typer.Option("--end", help="End the task that it has.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give an agent a task: for some time it acts within the bounds of that alone. Rules hold as ever.

    Have it do nothing without a task by: doorward agent set NAME --needs-task

    [bold]Examples:[/]

      doorward agent task report-bot --minutes 30 --table public.orders --rows 5000 --ticket OPS-17

      doorward agent task report-bot --end
    """
    client = ApiClient.as_operator(data_directory(data_dir))
    if end:
        client.delete(f"/agents/{segment(name)}/task")
        console().print(f"[green]ended[/] the task of [bold cyan]{name}[/]")
        return
    body = {"minutes": minutes, "read_only": not write, "tables": table or [], "rows": rows, "ticket": ticket}
    task = client.post(f"/agents/{segment(name)}/task", body)
    if as_json:
        say_json(task)
    else:
        console().print(f"[bold cyan]{name}[/] has a task until {local_time(task['until_us'])}: {_task_words(task)}")


def _all(data_dir: DataDir) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ApiClient.as_operator(data_directory(data_dir)).get("/agents")
    return found


def _scope(name: str, owner: str, everyone: bool) -> tuple[str, str]:
    if bool(name) + bool(owner) + everyone != 1:
        raise InvalidRequest("Whom do you mean?", "Give the name of one agent, or --owner NAME, or --all.")
    return ("agent", name) if name else ("owner", owner) if owner else ("all", "")


def _spelled(scope: str, name: str) -> str:
    return {"agent": name, "owner": f"--owner {name}", "all": "--all"}[scope]


def _state(found: dict[str, Any]) -> str:
    if found["revoked_us"]:
        return "[red]revoked[/]"
    if found["stops"]:
        return f"[red]stopped[/] by {found['stops'][0]['by']}"
    if found["needs_task"] and not found["task"]:
        return "[yellow]waits for a task[/]"
    return "[green]good[/]"


def _task_words(task: dict[str, Any]) -> str:
    words = ["reads only" if task["read_only"] else "may write"]
    words += [", ".join(task["tables"])] if task["tables"] else []
    words += [f"at most {task['rows']} rows in all"] if task["rows"] else []
    words += [task["ticket"]] if task["ticket"] else []
    return "; ".join(words)


def _show(found: dict[str, Any]) -> None:
    rows = [
        ("acts for", found["owner"]),
        ("state", _state(found)),
        ("purpose", found["purpose"]),
        ("model", found["model"]),
        ("databases", ", ".join(found["upstreams"]) or "all"),
        *((limit.replace("_", " "), str(number)) for limit, number in found["limits"].items() if number),
        ("task", f"{_task_words(found['task'])}, until {local_time(found['task']['until_us'])}" if found["task"] else ""),
        *(("stopped", f"{stop['by']}, {local_time(stop['at_us'])}: {stop['reason']}") for stop in found["stops"]),
    ]
    table = Table(box=None, show_header=False, pad_edge=False)
    for heading, text in rows:
        if text:
            table.add_row(f"[dim]{heading}[/]", text)
    console().print(f"[bold cyan]{found['name']}[/]")
    console().print(table)
