"""``doorward login``, ``logout`` and ``whoami``: sign in as a person, for the commands after it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, console, local_time, say_json

if TYPE_CHECKING:
    from doorward.cli.client import ApiClient

WAIT_SECONDS = 300

LOGIN_HELP = f"""Sign in as a person, with the identity provider or a local account, for the commands after it.

Opens the console in a browser on this machine and waits for your yes there. With --device it shows a code instead, to be
typed in with a browser elsewhere. The sign-in is kept in a file that you alone may read, until it ends or you run doorward
logout.

[bold]Examples:[/]

  doorward login

  doorward login https://doorward.internal

  doorward login --device

{EXIT_CODES_HELP}
"""


def login(
    address: Annotated[
        str,
        typer.Argument(metavar="[URL]", envvar="DOORWARD_URL", help="Doorward's console.  [default: the one that runs here]"),
    ] = "",
    device: Annotated[bool, typer.Option("--device", help="Show a code to be typed in elsewhere; opens no browser.")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only say which page to open.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Sign in."""
    from doorward.cli import signed_in
    from doorward.cli.client import ApiClient, data_directory, running_state

    address = address.rstrip("/") or str(running_state(data_directory(data_dir))["console"])
    client = ApiClient(address, "", data_directory(data_dir))
    found = _by_device(client) if device else _by_browser(client, opens=not no_browser)
    kept = signed_in.SignedIn(address, str(found["name"]), int(found["ends_us"]), str(found["token"]))
    signed_in.keep(kept)
    if as_json:
        say_json({"name": kept.name, "address": address, "ends_us": kept.ends_us})
        return
    out = console()
    out.print(f"[green]signed in[/] as [bold cyan]{kept.name}[/] until {local_time(kept.ends_us)}")
    out.print("  next: doorward connect UPSTREAM", style="dim")


def logout(data_dir: DataDir = None) -> None:
    """Sign out: ends the sign-in, the secrets that were minted in it, and the sessions that they opened.

    [bold]Example:[/]  doorward logout
    """
    from doorward.cli import signed_in
    from doorward.cli.client import ApiClient, data_directory
    from doorward.errors import DoorwardError

    kept = signed_in.kept()
    signed_in.forget()
    if kept is None:
        console().print("[dim]nobody was signed in[/]")
        return
    try:
        ApiClient.as_signed_in(kept, data_directory(data_dir)).delete("/sign-ins/current")
    except DoorwardError as error:
        if error.code not in ("authentication-failed", "not-found"):
            raise
    console().print(f"[bold cyan]{kept.name}[/] is signed out")


def whoami(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say who is signed in, and until when.

    [bold]Example:[/]  doorward whoami --json
    """
    from doorward.cli import signed_in
    from doorward.cli.client import ApiClient, data_directory
    from doorward.errors import NotFound

    kept = signed_in.kept()
    if kept is None:
        raise NotFound("Nobody is signed in.", "Sign in with: doorward login")
    status = ApiClient.as_signed_in(kept, data_directory(data_dir)).get("/status")
    if as_json:
        say_json({"name": status["you"], "address": kept.address, "ends_us": kept.ends_us, "upstreams": status["upstreams"]})
        return
    console().print(f"[bold cyan]{status['you']}[/] at {kept.address} until {local_time(kept.ends_us)}")


def _by_browser(client: ApiClient, *, opens: bool) -> dict[str, Any]:
    """Code and PKCE over a port of loopback (RFC 8252, section 7.3)."""
    import base64
    import hashlib
    import secrets
    import webbrowser
    from urllib.parse import urlencode

    from doorward.cli.loopback import CodeReceiver
    from doorward.errors import AuthenticationFailed

    verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with CodeReceiver(state) as receiver:
        query = urlencode({"port": receiver.port, "challenge": challenge, "state": state})
        page = f"{client.address}/sign-in/command?{query}"
        # Whole, whatever the width: it is there to be clicked or pasted.
        console(stderr=True).print(f"[dim]waiting for your yes at[/]\n{page}", soft_wrap=True)
        if opens:
            webbrowser.open(page)
        code = receiver.wait(WAIT_SECONDS)
    if not code:
        raise AuthenticationFailed("Nobody said yes in time.", "Run it again; without a browser here: doorward login --device")
    found: dict[str, Any] = client.post("/sign-ins", {"code": code, "verifier": verifier})
    return found


def _by_device(client: ApiClient) -> dict[str, Any]:
    """A code that is typed in with a browser elsewhere (RFC 8628)."""
    from doorward.errors import AuthenticationFailed

    asked = client.post("/sign-ins/device", {})
    out = console(stderr=True)
    out.print("Open this page with any browser, and compare the code:\n", soft_wrap=True)
    out.print(f"  {asked['address']}\n\n  [bold]{asked['user_code']}[/]\n", soft_wrap=True)
    deadline = time.monotonic() + asked["expires_seconds"]
    while time.monotonic() < deadline:
        time.sleep(asked["interval_seconds"])
        found: dict[str, Any] = client.post("/sign-ins/device-token", {"handle": asked["handle"]})
        if found["token"]:
            return found
    raise AuthenticationFailed("The code was not typed in in time.", "Run it again.")
