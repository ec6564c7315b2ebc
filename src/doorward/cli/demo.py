"""``doorward demo``: a protected sample company, with people, agents and a console, nothing to configure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.terminal import EXIT_CODES_HELP, console
from doorward.cli.up import MOST_PORT

DEMO_HELP = f"""Start a sample company in an embedded PostgreSQL 18, protected: nothing to configure, all on loopback.

There are alice (developer), bob (security, may approve), the service nightly-etl, and the agent report-bot that acts for
alice. Stays until Ctrl-C, and leaves nothing behind unless --data-dir is given.

[bold]Examples:[/]

  doorward demo

  doorward demo --tour            (walks you through seven steps with real clients)

  doorward demo --tour --exit     (unattended; ends with 0 when all seven steps hold)

{EXIT_CODES_HELP}
"""


def demo(
    tour: Annotated[bool, typer.Option("--tour", help="Walk through what Doorward does, step by step.")] = False,
    leave: Annotated[bool, typer.Option("--exit", help="End after the tour, without pauses.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Keep everything here.  [default: a temporary folder]", show_default=False)
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Gateways on the clients' port, about one a core.", min=1, max=64, envvar="DOORWARD_WORKERS")
    ] = 1,
    port: Annotated[
        int | None,
        typer.Option(help="Where clients connect; 0 for any.  [default: 6432, or any if taken]", min=0, max=MOST_PORT),
    ] = None,
) -> None:
    """Give the demo."""
    if leave and not tour:
        raise typer.BadParameter("it ends after the tour, so give --tour as well", param_hint="--exit")
    from doorward.demo.show import Wishes, give_demo

    out = console()
    steps = None
    if tour:
        from doorward.demo.tour import tour_of

        steps = tour_of(pauses=not leave)
    raise typer.Exit(give_demo(Wishes(data_dir, port, tour, leave, workers), out, steps))
