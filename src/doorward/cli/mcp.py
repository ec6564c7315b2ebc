"""``doorward mcp``: the tools for a desktop client's agent, on standard input and output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.terminal import EXIT_CODES_HELP
from doorward.errors import ConfigurationInvalid

MCP_HELP = f"""Serve the tools for an agent (Model Context Protocol) on standard input and output.

A desktop client starts it. The agent's secret comes from DOORWARD_SECRET or from a file, never from an argument, which every
user of the machine could read.

[bold]Example[/] (the configuration of most clients):

  {{"mcpServers": {{"doorward": {{"command": "doorward", "args": ["mcp", "report-bot"],
    "env": {{"DOORWARD_SECRET_FILE": "/etc/doorward/report-bot.secret"}}}}}}}}

[bold]A secret for it:[/]

  doorward connect report-bot --hours 8 --json | jq -r .secret > report-bot.secret

Clients that speak HTTP need no command: their address is http://127.0.0.1:8765/mcp.

{EXIT_CODES_HELP}
"""


def mcp(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The agent.")],
    url: Annotated[str, typer.Option(envvar="DOORWARD_URL", help="Where Doorward's HTTP doors are.")] = "http://127.0.0.1:8765",
    secret_file: Annotated[
        Path | None, typer.Option(envvar="DOORWARD_SECRET_FILE", help="The file that holds the agent's secret.")
    ] = None,
) -> None:
    """Serve the tools for an agent."""
    secret = os.environ.get("DOORWARD_SECRET", "")
    if secret_file is not None:
        try:
            secret = secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationInvalid(
                f"The secret can't be read from {secret_file}.", "Check the file, or set DOORWARD_SECRET."
            ) from error
    if not secret:
        raise ConfigurationInvalid(
            f"There is no secret for {name}.",
            f"Have one minted (doorward connect {name} --json), and give it in DOORWARD_SECRET or a file with --secret-file.",
        )
    import anyio

    from doorward.mcp_server.callers import Caller
    from doorward.mcp_server.desktop import serve_desktop

    anyio.run(serve_desktop, url, Caller(name, secret))
