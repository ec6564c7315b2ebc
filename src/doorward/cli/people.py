"""``doorward user``, ``service`` and ``agent``: who may connect."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from doorward.cli.client import ApiClient, data_directory, segment
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, console, local_time, say_json

user = typer.Typer(no_args_is_help=True, help=f"People who connect.\n\n{EXIT_CODES_HELP}")
service = typer.Typer(no_args_is_help=True, help=f"Programs that connect in their own name.\n\n{EXIT_CODES_HELP}")
agent = typer.Typer(no_args_is_help=True, help=f"Agents that act for a person or a service.\n\n{EXIT_CODES_HELP}")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")]
Groups = Annotated[list[str] | None, typer.Option("--group", "-g", help="A group it is in; may be given again.")]
Reason = Annotated[str, typer.Option(help="Why; goes into the log.")]


@user.command("add")
def add_user(name: Name, group: Groups = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Add a person.

    The packaged rules know the groups developers (write, ask for schema changes), security (approve), admins, auditors.

    [bold]Example:[/]  doorward user add alice --group developers
    """
    _add(ApiClient.as_operator(data_directory(data_dir)), "human", name, group or [], None, as_json)


@user.command("password")
def password(
    name: Name,
    remove: Annotated[bool, typer.Option("--remove", help="Take the account away, and end its sign-ins.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give a person a local account: a link, good once and for a day, on which they choose a password and set up an app.

    With an account already it is set up anew: for a password that is forgotten, or an app that is lost.

    [bold]Example:[/]  doorward user password ada
    """
    client = ApiClient.as_operator(data_directory(data_dir))
    if remove:
        client.delete(f"/accounts/{segment(name)}")
        console().print(f"[red]removed[/] the local account of [bold cyan]{name}[/]: its sign-ins ended")
        return
    made = client.post(f"/accounts/{segment(name)}/link", {})
    link = f"{client.address}{made['path']}"
    if as_json:
        say_json({"name": name, "link": link, "ends_us": made["ends_us"]})
        return
    out = console()
    out.print(f"For [bold cyan]{name}[/] alone, once, until {local_time(made['ends_us'])}:\n")
    out.print(f"  {link}\n", soft_wrap=True, highlight=False)
    out.print("  Whoever opens it chooses the password: hand it over as you would hand over a key.", style="dim")


@user.command("accounts")
def accounts(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show who has a local account, with a password of Doorward's own.

    [bold]Example:[/]  doorward user accounts
    """
    found = ApiClient.as_operator(data_directory(data_dir)).get("/accounts")
    if as_json:
        say_json(found)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("name", "set up", "recovery codes", "link open until", "state"):
        table.add_column(heading)
    for one in sorted(found, key=lambda one: str(one["principal"])):
        set_up = local_time(one["set_up_us"]) if one["set_up_us"] else "not yet"
        state = "[green]good[/]" if one["is_allowed"] else "[red]switched off[/]"
        linked = local_time(one["link_ends_us"]) if one["link_ends_us"] else ""
        table.add_row(f"[bold cyan]{one['principal']}[/]", set_up, str(one["recovery_codes"]), linked, state)
    console().print(table if found else "[dim]none: doorward user password NAME makes one[/]")


@service.command("add")
def add_service(
    name: Name,
    owner: Annotated[str, typer.Option(help="The person who answers for it: puts it into the group owned-by-NAME.")] = "",
    group: Groups = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a service. Those in the group pipelines may change the schema of what is not protected.

    [bold]Example:[/]  doorward service add nightly-etl --owner bob --group pipelines
    """
    client = ApiClient.as_operator(data_directory(data_dir))
    groups = [*(group or []), *([f"owned-by-{owner}"] if owner else [])]
    if owner:
        _require_person(client, owner)
    _add(client, "service", name, groups, None, as_json)


@agent.command("add")
def add_agent(
    name: Name,
    acting_for: Annotated[str, typer.Option("--acting-for", metavar="NAME", help="The person or service it acts for.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add an agent. Everything it does is recorded as done by it, for whom it acts; it never may what they may not.

    [bold]Example:[/]  doorward agent add report-bot --acting-for alice
    """
    _add(ApiClient.as_operator(data_directory(data_dir)), "agent", name, [], acting_for, as_json)


def _require_person(client: ApiClient, name: str) -> None:
    from doorward.errors import NotFound

    known = client.get("/principals")
    if not any(found["name"] == name and found["kind"] == "human" and not found["revoked_us"] for found in known):
        raise NotFound(f"There is no person named {name!r} to own it.", f"Add them first: doorward user add {name}")


def _add(client: ApiClient, kind: str, name: str, groups: list[str], acting_for: str | None, as_json: bool) -> None:
    body: dict[str, Any] = {"kind": kind, "name": name, "groups": groups, "acting_for": acting_for}
    added = client.post("/principals", body)
    if as_json:
        say_json(added)
        return
    behind = f" for [bold cyan]{acting_for}[/]" if acting_for else ""
    inside = f", in {', '.join(groups)}" if groups else ""
    out = console()
    out.print(f"[green]added[/] {kind.replace('human', 'person')} [bold cyan]{name}[/]{behind}{inside}")
    out.print(f"  next: doorward connect {name}", style="dim")


def _list(kind: str, data_dir: DataDir, as_json: bool) -> None:
    known = [found for found in ApiClient.as_operator(data_directory(data_dir)).get("/principals") if found["kind"] == kind]
    if as_json:
        say_json(known)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("name", "groups", "since", "state"):
        table.add_column(heading)
    for found in sorted(known, key=lambda found: (found["revoked_us"] is not None, found["name"])):
        state = "[red]revoked[/]" if found["revoked_us"] else "[green]good[/]"
        table.add_row(f"[bold cyan]{found['name']}[/]", ", ".join(found["groups"]), local_time(found["created_us"]), state)
    console().print(table if known else "[dim]none yet[/]")


def _revoke(name: str, reason: str, data_dir: DataDir) -> None:
    ApiClient.as_operator(data_directory(data_dir)).delete(f"/principals/{segment(name)}", reason=reason)
    console().print(f"[red]revoked[/] [bold cyan]{name}[/]: live sessions ended, secrets void, for good")


def _complete(commands: typer.Typer, kind: str, plural: str) -> None:
    """Give a group of commands its ``list`` and ``revoke``."""

    def listing(data_dir: DataDir = None, as_json: AsJson = False) -> None:
        _list(kind, data_dir, as_json)

    def revoke(name: Name, reason: Reason = "", data_dir: DataDir = None) -> None:
        _revoke(name, reason, data_dir)

    if kind != "agent":  # there is more to show of those
        commands.command("list", help=f"Show {plural}, the revoked ones last.")(listing)
    commands.command("revoke", help=f"End all access of one of the {plural} at once, and for good.")(revoke)


for _commands, _kind, _plural in ((user, "human", "people"), (service, "service", "services"), (agent, "agent", "agents")):
    _complete(_commands, _kind, _plural)
