"""``doorward proxy``: a local port that stays open, for GUI tools."""

from __future__ import annotations

from typing import Annotated

import typer

from doorward.cli.options import AsJson, DataDir
from doorward.cli.targets import AsOperator, TargetName, target_of
from doorward.cli.terminal import EXIT_CODES_HELP, console, say_json

PROXY_HELP = f"""Keep a local port open that leads to a database through Doorward, for GUI tools.

Tools connect to 127.0.0.1 and this port, without TLS, with any user and no password; only programs of your own user are let in.
Each session is yours in the record. The secret behind it is minted here, kept in memory alone, and renewed by itself.
Stays until Ctrl-C.

[bold]Examples:[/]

  doorward proxy prod --port 15432

  doorward proxy alice/prod

{EXIT_CODES_HELP}
"""


def proxy(
    target: TargetName,
    port: Annotated[int, typer.Option(help="The port of 127.0.0.1; 0 for any free one.", min=0, max=65535)] = 15432,
    hours: Annotated[float, typer.Option(help="How long each secret is good.", min=0.01, max=24)] = 1.0,
    operator: AsOperator = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Keep a local port open."""
    import asyncio
    import contextlib

    from doorward.cli.local_port import Secrets, listen

    secrets = Secrets(target_of(target, data_dir, as_operator=operator), hours)
    minted = secrets.mint()  # says at once what would not work

    async def run() -> None:
        server = await listen(secrets, port)
        opened = server.sockets[0].getsockname()[1]
        if as_json:
            say_json({"host": "127.0.0.1", "port": opened, "database": minted["database"], "principal": minted["principal"]})
        else:
            out = console()
            out.print(f"[bold green]127.0.0.1:{opened}[/] is {minted['database']}, as [bold cyan]{minted['principal']}[/]")
            out.print(f"  host 127.0.0.1, port {opened}, database {minted['database']}, no password, no SSL", soft_wrap=True)
            out.print("[dim]Ctrl-C ends it.[/]")
        async with server:
            await server.serve_forever()

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(run())
