"""``doorward doctor``: what is well, what is not, and what to do about it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from doorward.cli.client import ApiClient, NotRunning, data_directory, running_state
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, OK, UNAVAILABLE, console, say_json
from doorward.errors import DoorwardError

if TYPE_CHECKING:
    from doorward.config import DataDirectory
    from doorward.model.upstream import Upstream

GOOD, WARN, FAIL = "ok", "warn", "fail"
MARKS = {GOOD: ("✓", "green"), WARN: ("!", "yellow"), FAIL: ("✗", "bold red")}
OLDEST_SERVER = 120_000  # PostgreSQL 12
MOST_CLOCK_SECONDS = 5.0
# More than this is left to `doorward audit verify`: a doctor answers at once.
MOST_ENTRIES = 200_000
UPSTREAM_QUESTION = (
    "SELECT current_setting('server_version'), current_setting('server_version_num'), "
    "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
    "(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), extract(epoch FROM clock_timestamp())"
)

DOCTOR_HELP = f"""Check data directory, ports, database, TLS, log and clock; each with what to do about it.

Without URL, the database is the one that was protected last with this data directory. Ends with 3 when something fails.

[bold]Examples:[/]

  doorward doctor

  doorward doctor postgresql://app:secret@db.internal/shop

{EXIT_CODES_HELP}
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is (ok, warn, fail), what was found, what to do."""

    what: str
    state: str
    found: str
    remedy: str = ""


def doctor(
    url: Annotated[str, typer.Argument(metavar="[URL]", envvar="DOORWARD_UPSTREAM", help="The database.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check everything."""
    data = data_directory(data_dir)
    checks = [*_directory(data), *_service(data), *_upstream(data, url), *_tls(data), *_psql(), *_log(data)]
    if as_json:
        say_json([asdict(check) for check in checks])
    else:
        _show(checks)
    raise typer.Exit(UNAVAILABLE if any(check.state == FAIL for check in checks) else OK)


def _show(checks: list[Check]) -> None:
    out = console()
    for check in checks:
        mark, style = MARKS[check.state]
        out.print(Text(f"{mark} ", style=style).append(f"{check.what:15}", style="bold").append(check.found, style="default"))
        if check.remedy:
            out.print(Text(f"{'':17}→ {check.remedy}", style="dim"))


def _directory(data: DataDirectory) -> Iterator[Check]:
    what, path = "data directory", data.path
    if not path.exists():
        parent = next((folder for folder in path.parents if folder.exists()), path)
        if parent.is_dir() and os.access(parent, os.W_OK):
            yield Check(what, WARN, f"{path} does not exist yet", "doorward up makes it.")
        else:
            yield Check(what, FAIL, f"{path} can't be made in {parent}", "Give another with --data-dir.")
    elif not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        yield Check(what, FAIL, f"{path} can't be written", "Give another with --data-dir, or make this one yours.")
    elif path.stat().st_mode & 0o007:
        yield Check(what, WARN, f"{path} is open to every user of this machine", f"chmod 700 {path}")
    else:
        yield Check(what, GOOD, str(path))


def _service(data: DataDirectory) -> Iterator[Check]:
    from doorward.config import DEFAULT_CONSOLE_PORT, DEFAULT_PORT

    try:
        state = running_state(data)
        told = ApiClient.as_operator(data).get("/status")
    except NotRunning:
        yield Check("service", WARN, "Doorward does not run here", "Start it with: doorward up URL")
        for name, port, option in (("port", DEFAULT_PORT, "--port"), ("console port", DEFAULT_CONSOLE_PORT, "--console-port")):
            taken = _answers("127.0.0.1", port)
            remedy = f"Find out who has it, or give another with {option}." if taken else ""
            yield Check(name, WARN if taken else GOOD, f"{port} is {'taken by another program' if taken else 'free'}", remedy)
        return
    except DoorwardError as error:
        yield Check("service", FAIL, error.message, error.remedy)
        return
    yield Check("service", GOOD, f"Doorward {told['version']} runs as process {state['pid']}, console at {state['console']}")
    if told["broken_glass"] or told["unreviewed_glass"]:
        what = "the glass is broken" if told["broken_glass"] else "broken glass was reviewed by nobody"
        yield Check(
            "emergency", WARN, what, "See doorward access; somebody else says what they think: doorward access review ID"
        )
    if told["gateway_connected"] and _answers(told["host"], told["port"]):
        yield Check("port", GOOD, f"clients are answered at {told['host']}:{told['port']}")
    else:
        yield Check("port", FAIL, f"nobody answers at {told['host']}:{told['port']}", "See what Doorward's own terminal says.")


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 2).close()
    except OSError:
        return False
    return True


def _upstream(data: DataDirectory, url: str) -> Iterator[Check]:
    try:
        upstream = _known_upstream(data, url)
        if upstream is None:
            yield Check(
                "database", WARN, "none is known yet", "Give its URL: doorward doctor postgresql://user:password@host/db"
            )
            return
        answer = asyncio.run(_ask(upstream))
    except DoorwardError as error:
        yield Check("database", FAIL, error.message, error.remedy)
        return
    version, number, is_superuser, is_encrypted, seconds = (value or "" for value in answer)
    yield Check("database", GOOD, f"{upstream.host}:{upstream.port}/{upstream.database} lets Doorward in as {upstream.user}")
    if int(number) < OLDEST_SERVER:
        yield Check("version", WARN, f"PostgreSQL {version} is no longer maintained", "Upgrade it to 14 or later.")
    else:
        yield Check("version", GOOD, f"PostgreSQL {version}")
    if is_superuser in ("t", "true", "on"):
        remedy = "Use an ordinary role that owns the tables: what gets past Doorward would be unlimited."
        yield Check("role", WARN, f"{upstream.user} is a superuser", remedy)
    else:
        yield Check("role", GOOD, f"{upstream.user} is no superuser")
    is_local = upstream.host in ("localhost", "127.0.0.1", "::1")
    if is_encrypted in ("t", "true", "on"):
        yield Check("TLS upstream", GOOD, "the connection to the database is encrypted")
    elif is_local:
        yield Check("TLS upstream", GOOD, "not encrypted, and it does not leave this machine")
    else:
        yield Check("TLS upstream", WARN, "the connection to the database is not encrypted", "Let the server offer TLS.")
    offset = abs(float(seconds) - time.time())
    if offset > MOST_CLOCK_SECONDS:
        yield Check(
            "clock", WARN, f"{offset:.0f} s off the database's", "Set both clocks by NTP: the log's times are this one's."
        )
    else:
        yield Check("clock", GOOD, f"within {MOST_CLOCK_SECONDS:.0f} s of the database's")


def _known_upstream(data: DataDirectory, url: str) -> Upstream | None:
    from doorward.cli.up import upstream_of
    from doorward.store.database import open_store

    if url:
        return upstream_of(url, "")
    if not data.store.exists():
        return None
    store = open_store(data.store)
    try:
        known = store.upstreams.all()
    finally:
        store.close()
    return known[0] if known else None


async def _ask(upstream: Upstream) -> tuple[str | None, ...]:
    from doorward.proxy.upstream_connections import UpstreamQuerier

    querier = UpstreamQuerier(upstream)
    try:
        return (await querier.query(UPSTREAM_QUESTION))[0]
    finally:
        await querier.close()


def _tls(data: DataDirectory) -> Iterator[Check]:
    from cryptography import x509

    if not data.certificate.exists():
        yield Check("TLS to clients", WARN, "no certificate yet", "doorward up makes one; put your own in its place.")
        return
    certificate = x509.load_pem_x509_certificate(data.certificate.read_bytes())
    days = (certificate.not_valid_after_utc.timestamp() - time.time()) / 86_400
    kind = "self-signed" if certificate.issuer == certificate.subject else "signed by an authority"
    if days < 14:
        remedy = f"Put a new one into {data.certificate}, or remove it and its key to have one made."
        yield Check("TLS to clients", WARN, f"the certificate ends in {days:.0f} days", remedy)
    else:
        yield Check("TLS to clients", GOOD, f"{kind}, good for {days:.0f} days")


def _psql() -> Iterator[Check]:
    if shutil.which("psql") is None:
        yield Check("psql", WARN, "not installed", "apt-get install postgresql-client")
        return
    version = subprocess.run(["psql", "--version"], capture_output=True, text=True).stdout.strip()
    yield Check("psql", GOOD, version)


def _log(data: DataDirectory) -> Iterator[Check]:
    from doorward.audit.reader import LogReader
    from doorward.audit.verify import verify

    if not data.log.is_dir() or not any(data.log.iterdir()):
        yield Check("log", WARN, "nothing was logged yet")
        return
    size = LogReader(data.log).size()
    if size > MOST_ENTRIES:
        yield Check("log", WARN, f"{size:,} entries, too many to check here", "Run: doorward audit verify")
        return
    report = verify(data.log)
    if report.is_sound:
        yield Check("log", GOOD, f"intact, {report.size:,} entries")
    else:
        yield Check("log", FAIL, f"not intact: {report.problems[0]}", "Keep a copy, and run: doorward audit verify")
