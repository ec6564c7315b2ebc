"""The gateway processes of one Doorward: started, started again when one dies, drained and ended together."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from doorward import telemetry
from doorward.assembly.gateway_side import settings_to_json
from doorward.errors import ConfigurationInvalid
from doorward.proxy.accepting import MOST_GATEWAYS, Loads, open_listeners
from doorward.proxy.gateway import GatewaySettings

START_SECONDS = 30.0
RESTART_PAUSE_SECONDS = 0.2
RESTARTS = 5
END_SECONDS = 10.0


class Workers:
    """Keeps *count* gateways on one port. The listening sockets are opened here, so that clients queue while one is away.

    *settings* hold for all together; *changed* is told when a process was replaced.
    """

    def __init__(self, count: int, settings: GatewaySettings, changed: Callable[[], None]) -> None:
        if not 0 < count <= MOST_GATEWAYS:
            raise ConfigurationInvalid(f"There can't be {count} workers.", f"Give a number from 1 to {MOST_GATEWAYS}.")
        self._settings = settings
        self._changed = changed
        self._processes: list[asyncio.subprocess.Process | None] = [None] * count
        self._listeners: Sequence[socket.socket] = ()
        self._loads = Loads.create()
        self._ending = asyncio.Event()

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self._listeners[0].getsockname()[1]) if self._listeners else self._settings.port

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The gateways' process ids, by number; 0 for one that never was."""
        return tuple(process.pid if process else 0 for process in self._processes)

    async def start(self) -> None:
        """Open the port and start all. Raises ConfigurationInvalid; what did start is then still to be ended."""
        self._listeners = open_listeners(self._settings.host, self._settings.port)
        started = [asyncio.create_task(self._start(worker), name=f"start {worker}") for worker in range(len(self._processes))]
        await asyncio.gather(*started, return_exceptions=True)
        for task in started:
            task.result()

    async def keep(self) -> None:
        """Start again whoever dies, until ``drain`` or ``end``. It takes up its journal and says what is unknown.

        Raises ConfigurationInvalid when one can't be had again.
        """
        async with asyncio.TaskGroup() as group:
            for worker in range(len(self._processes)):
                group.create_task(self._keep(worker), name=f"keeper {worker}")

    def kill(self, worker: int) -> None:
        """End a gateway that does not listen any more."""
        if 0 <= worker < len(self._processes):
            self._signal(worker, signal.SIGKILL)

    def signal_all(self, number: signal.Signals) -> None:
        """Send every gateway a signal."""
        for worker in range(len(self._processes)):
            self._signal(worker, number)

    def close_door(self) -> None:
        """Take no new connections: gateways that drain have closed the port as well."""
        self._ending.set()
        for sock in self._listeners:
            sock.close()
        self._listeners = ()

    async def ended(self) -> None:
        """Wait until every gateway has ended by itself."""
        await asyncio.gather(*(process.wait() for process in self._processes if process is not None))

    async def end(self) -> None:
        """End all, in order where they still can."""
        self.close_door()
        self.signal_all(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_SECONDS):
                await self.ended()
        except TimeoutError:
            self.signal_all(signal.SIGKILL)
            await self.ended()
        self._loads.close()

    def _signal(self, worker: int, number: signal.Signals) -> None:
        process = self._processes[worker]
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    async def _keep(self, worker: int) -> None:
        while True:
            process = self._processes[worker]
            assert process is not None
            code = await process.wait()
            self._loads.leave(worker)
            if self._ending.is_set():
                return
            telemetry.log("gateway.restarted", level=logging.WARNING, worker=worker, exit_code=code)
            for attempt in range(1, RESTARTS + 1):
                await asyncio.sleep(RESTART_PAUSE_SECONDS * attempt)
                if self._ending.is_set():
                    return
                try:
                    await self._start(worker)
                    self._changed()
                    break
                except ConfigurationInvalid:
                    if attempt == RESTARTS:
                        raise

    async def _start(self, worker: int) -> None:
        descriptors = tuple(sock.fileno() for sock in self._listeners)
        settings = shared_out(
            replace(self._settings, worker=worker, listeners=descriptors, loads=self._loads.descriptor), len(self._processes)
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "doorward.assembly.gateway_side",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(*descriptors, self._loads.descriptor),
            # A Ctrl-C in the terminal is for the control process, which ends the gateways in order.
            start_new_session=True,
        )
        self._processes[worker] = process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(settings_to_json(settings).encode())
        process.stdin.close()
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await process.stdout.readline()
        except TimeoutError:
            line = b""
        said: dict[str, Any] = json.loads(line) if line else {}
        if "ready" not in said:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise ConfigurationInvalid(
                str(said.get("failed", "The gateway did not start.")), str(said.get("remedy", "Its messages above say why."))
            )


def shared_out(settings: GatewaySettings, count: int) -> GatewaySettings:
    """What one of *count* gateways is started with: its share of everything that is limited, rounded up."""
    limits, pool = settings.limits, settings.pool
    return replace(
        settings,
        limits=replace(
            limits,
            sessions=-(-limits.sessions // count),
            sessions_of_one=-(-limits.sessions_of_one // count),
            signing_in=-(-limits.signing_in // count),
            signing_in_from_one=-(-limits.signing_in_from_one // count),
        ),
        pool=replace(pool, size=-(-pool.size // count)),
    )
