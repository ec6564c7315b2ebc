"""The demo from first to last: database, company, Doorward, people; then it stays, or gives the tour."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from doorward import telemetry
from doorward.assembly.control_side import ControlProcess
from doorward.config import DEFAULT_CONSOLE_PORT, DEFAULT_PORT, DataDirectory, Settings, read_upstream
from doorward.demo.cast import Player, assemble
from doorward.demo.loading import ROWS_ABOUT, is_loaded, load_company
from doorward.demo.postgres import DATABASE, EmbeddedServer, lent_account, running_server
from doorward.demo.welcome import say_up, say_welcome
from doorward.errors import ConfigurationInvalid

# Visitors play: nothing of theirs is worth a long wait.
DRAIN_SECONDS = 3
# Ctrl-C, kill, and a terminal that was closed.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Stage:
    """The running demo: what a visitor, or the tour, needs to know of it."""

    server: EmbeddedServer
    control: ControlProcess
    players: dict[str, Player]
    is_ending: Callable[[], bool]

    @property
    def files(self) -> DataDirectory:
        """Doorward's data directory."""
        return self.control.settings.data


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for. *data_directory* None means a temporary one; *port* None the usual one, or any if that is taken."""

    data_directory: Path | None = None
    port: int | None = None
    tour: bool = False
    leave: bool = False
    workers: int = 1


Tour = Callable[[Stage, Console], int]


def give_demo(wishes: Wishes, out: Console, tour: Tour | None) -> int:
    """Run the demo until Ctrl-C, or until the tour is over when *wishes* say so; the exit code."""
    telemetry.configure("ERROR")
    if wishes.tour and shutil.which("psql") is None:
        raise ConfigurationInvalid("psql, which the tour drives, is not installed.", "apt-get install postgresql-client")
    # Until Doorward's own handlers stand, these must unwind as Ctrl-C does, or database and files would stay.
    for number in ENDINGS[1:]:
        signal.signal(number, _interrupt)
    with _directory(wishes) as path:
        data = DataDirectory(path)
        data.prepare()
        database_files = path / "demo-postgres"
        database_files.mkdir(mode=0o711, exist_ok=True)
        _open_a_crack(path)
        with _database(database_files, out, lasting=wishes.data_directory is not None) as server:
            settings = _settings(wishes, data, server)
            try:
                return asyncio.run(_play(wishes, settings, server, out, tour))
            except ConfigurationInvalid:
                # Somebody may have taken a usual port between the look and the start; then others do.
                others = _settings(wishes, data, server)
                if others == settings:
                    raise
                return asyncio.run(_play(wishes, others, server, out, tour))


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _directory(wishes: Wishes) -> Iterator[Path]:
    if wishes.data_directory is not None:
        yield wishes.data_directory.absolute()
        return
    path = Path(tempfile.mkdtemp(prefix="doorward-demo-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _open_a_crack(path: Path) -> None:
    """As root, let the account that the database runs as, and no other group, pass through *path* to its own files."""
    account = lent_account()
    if account is not None:
        os.chown(path, -1, account.pw_gid)
        path.chmod(0o710)


@contextlib.contextmanager
def _database(directory: Path, out: Console, *, lasting: bool) -> Iterator[EmbeddedServer]:
    account = lent_account()
    if account is not None:
        out.print(f"[dim]PostgreSQL refuses to run as root: it runs as the account {account.pw_name}.[/]")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(30), TextColumn("{task.fields[told]}"))
    with contextlib.ExitStack() as stack:
        with Progress(*columns, TimeElapsedColumn(), console=out, transient=True) as progress:
            task = progress.add_task("starting an embedded PostgreSQL 18", total=None, told="")
            server = stack.enter_context(running_server(directory, lasting=lasting))
            if not is_loaded(server):

                def advance(table: str, rows: int) -> None:
                    progress.update(task, completed=rows, told=f"{rows:,} rows, {table}")

                progress.update(task, description="loading the sample company", total=ROWS_ABOUT)
                rows = load_company(server, advance)
                loaded = f"a sample company with {rows:,} rows"
            else:
                loaded = "the sample company as it was left"
        out.print(f"[green]✓[/] PostgreSQL 18 on 127.0.0.1:{server.port}, with {loaded}")
        yield server


async def _play(wishes: Wishes, settings: Settings, server: EmbeddedServer, out: Console, tour: Tour | None) -> int:
    control = ControlProcess(settings)
    loop = asyncio.get_running_loop()
    ending = threading.Event()

    def end() -> None:
        ending.set()
        control.stop()

    for number in ENDINGS:
        loop.add_signal_handler(number, end)
    ready = asyncio.Event()
    running = asyncio.create_task(control.run(lambda _control: ready.set()), name="control")
    waiting = asyncio.create_task(ready.wait(), name="ready")
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not ready.is_set():
        await running
        return 0
    _open_a_crack(settings.data.path)
    code = 0
    try:
        players = await assemble(control.office, control.port, control.settings.upstream.name)
        stage = Stage(server, control, players, ending.is_set)
        say_up(out, control)
        if tour is not None:
            code = await _tour_or_end(asyncio.create_task(asyncio.to_thread(tour, stage, out), name="tour"), running)
        if not wishes.leave and not ending.is_set():
            say_welcome(out, control, players, is_lasting=wishes.data_directory is not None)
            out.print("\n[dim]It stays up until Ctrl-C.[/]")
            await asyncio.wait({running})
    finally:
        control.stop()
        await running
    return code


async def _tour_or_end(tour: asyncio.Task[int], running: asyncio.Task[None]) -> int:
    """The tour's exit code; a Ctrl-C during the tour ends it without one."""
    done, _pending = await asyncio.wait({tour, running}, return_when=asyncio.FIRST_COMPLETED)
    return tour.result() if tour in done else 1


def _settings(wishes: Wishes, data: DataDirectory, server: EmbeddedServer) -> Settings:
    port = wishes.port if wishes.port is not None else _usual_or_any(DEFAULT_PORT)
    return Settings(
        data,
        read_upstream(server.url, DATABASE),
        port=port,
        console_port=_usual_or_any(DEFAULT_CONSOLE_PORT),
        workers=wishes.workers,
        drain_seconds=DRAIN_SECONDS,
    )


def _usual_or_any(port: int) -> int:
    """*port* if it is free, else 0."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
