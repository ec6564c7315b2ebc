"""The control process: store, policy texts, catalogs, approvals, API and console; and it keeps the gateways alive.

One module though over 400 lines long, because it is the one place that knows in which order everything starts and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from doorward import telemetry
from doorward.api.answer_hooks import answer_hooks
from doorward.api.operator_token import operator_token
from doorward.api.settings import DoorSettings
from doorward.assembly.certificate import ensure_certificate, key_bytes, write_secret
from doorward.assembly.exporting import exporting
from doorward.assembly.indexing import keep_index
from doorward.assembly.listening import listen
from doorward.assembly.notifying import notifying
from doorward.assembly.signing import sign_until, take_up_left_journals
from doorward.assembly.turning_days import configuration_of, turn_days
from doorward.assembly.workers import Workers
from doorward.audit.checkpoint import load_or_create_key
from doorward.audit.day_keys import keys_in
from doorward.audit.reader import LogReader
from doorward.audit.sequencer import Sequencer
from doorward.audit.wrapping import ensure_key
from doorward.catalog import codec
from doorward.catalog.labelling import ColumnKey
from doorward.catalog.resolve import names_are_vouched
from doorward.catalog.sampling import sample
from doorward.catalog.shapes import Vote
from doorward.catalog.snapshot import read_mark, read_snapshot
from doorward.clock import new_id, now_us
from doorward.config import Settings, read_texts
from doorward.console.app import create_app
from doorward.control.gateway_link import GatewayLink
from doorward.control.identity_settings import read_identity_file
from doorward.control.office import Address, Office
from doorward.control.projection.finding import Finder
from doorward.control.projection.keeping import FILE as INDEX_FILE
from doorward.detectors.custom import read_detectors
from doorward.errors import AuditUnavailable, ConfigurationInvalid, Conflict, DoorwardError, UpstreamUnavailable
from doorward.evidence.shelf import Shelf
from doorward.mcp_server.door import McpDoor
from doorward.model.approval import ApprovalRequest
from doorward.model.catalog import Snapshot
from doorward.model.decision import Verdict
from doorward.model.identity import Principal
from doorward.model.link import Configured
from doorward.notifying.receivers import read_receivers
from doorward.policy.load import default_texts
from doorward.policy.presets import overlaid
from doorward.proxy.gateway import GatewaySettings
from doorward.proxy.upstream_connections import UpstreamQuerier
from doorward.sql.analyze import analyze
from doorward.store.database import open_store

CATALOG_POLL_SECONDS = 2.0
SAMPLE_ROUND_SECONDS = 30.0
SAMPLE_PAUSE_SECONDS = 1.0
SAMPLE_BUSY_SECONDS = 600.0
SAMPLE_AGAIN_SECONDS = 86_400.0
# What gateways may take, once the time for draining is over, to write down how their sessions ended.
DRAIN_MARGIN_SECONDS = 5.0
DESK_TICK_SECONDS = 1.0
# What an approver waits at most for the comparison of what they approve with what is there.
FRESHEN_SECONDS = 10.0
LOG_NAME = "doorward"


class ControlProcess:
    """One running Doorward. ``run`` serves until ``stop`` and to the end of what runs then; *ready* is told once it answers."""

    def __init__(self, settings: Settings, progress: Callable[[str], None] = lambda _step: None) -> None:
        self.settings = settings
        self._progress = progress
        self._stop = asyncio.Event()
        self._stop_at_once = asyncio.Event()
        self._touched = asyncio.Event()
        # One reads the catalog at a time: a look in the middle of another's transaction would see what was before.
        self._reading = asyncio.Lock()
        self._mark = ""
        self._unsampled = asyncio.Event()
        self._sampled: set[ColumnKey] = set()
        self._votes: dict[ColumnKey, Vote] = {}
        self._failure: DoorwardError | None = None
        self._detectors: dict[str, str] = {}
        self._workers: Workers
        self._link: GatewayLink
        self.office: Office
        self.port = 0
        self.console_url = ""

    def stop(self) -> None:
        """Let what is under way come to its end and stop; called a second time, stop at once."""
        if self._stop.is_set():
            self._stop_at_once.set()
        self._stop.set()

    async def run(self, ready: Callable[[ControlProcess], None]) -> None:
        """Serve until ``stop``. Raises DoorwardError when something that is needed can't be had; all is undone then."""
        settings = self.settings
        data = settings.data
        data.prepare()
        self._check_nobody_else_runs()
        rules = overlaid(read_policies(data.policy), settings.presets)
        shadow = read_texts(settings.shadow_policy, "*.cedar") if settings.shadow_policy else None
        if shadow is not None and not shadow:
            raise ConfigurationInvalid(
                f"The folder {settings.shadow_policy} holds no *.cedar file.", "Give the folder of the candidate rules."
            )
        self._detectors = read_texts(data.detectors, "*.toml")
        read_detectors(self._detectors)  # raises where a gateway would
        identity = read_identity_file(data.identity)
        told = read_receivers(data.notify_settings)
        async with contextlib.AsyncExitStack() as stack:
            store = open_store(data.store)
            stack.callback(store.close)
            store.upstreams.put(settings.upstream)
            signer = load_or_create_key(data.log, LOG_NAME)
            querier = UpstreamQuerier(settings.upstream)
            stack.push_async_callback(querier.close)
            console = listen(settings.console_host, settings.console_port)
            stack.callback(console.close)
            console_port = console.getsockname()[1]
            self.console_url = f"http://{settings.console_host}:{console_port}"
            sequencer = Sequencer(data.log, signer)
            stack.callback(sequencer.close)
            await asyncio.to_thread(take_up_left_journals, data.log, settings.workers, sequencer)
            self._workers = Workers(settings.workers, self._gateway_settings(), self._write_state)
            ensure_key(data.wrapping_key)
            link = self._link = GatewayLink(data.link_socket, self._configured, stuck=self._workers.kill)
            notify = stack.enter_context(notifying(data, told, lambda: self.console_url))
            address = Address(settings.host, settings.port, settings.tls)
            self.office = Office(
                store,
                link,
                LogReader(data.log),
                address,
                index=Finder(data.index / INDEX_FILE),
                keys=keys_in(data.day_keys, data.wrapping_key),
                identity=identity,
                may_approve=self._why_not_approve,
                rules=rules,
                shadow=shadow,
                observed=frozenset({settings.upstream.name} if settings.upstream.observe else ()),
                catalog_touched=lambda _upstream: self._touched.set(),
                workers=settings.workers,
                now=now_us,
                new_id=new_id,
                freshen=lambda upstream: self._freshen(querier, upstream),
                connect=lambda _upstream: UpstreamQuerier(self.settings.upstream),
                notify=notify,
            )
            self.office.begin()
            self._progress("reading the catalog")
            await self._read_catalog(querier)
            await self.office.open()
            stack.push_async_callback(self.office.close)
            self._progress("starting the gateway" if settings.workers == 1 else f"starting {settings.workers} gateways")
            stack.push_async_callback(self._workers.end)
            await self._workers.start()
            self.port = self._workers.port
            self.office.address = replace(address, port=self.port)
            shelf = Shelf(data.path, data.evidence)
            stack.push_async_callback(shelf.close)
            hosts = {settings.console_host, urlsplit(told.console).hostname or settings.console_host}
            doors = DoorSettings(operator_token(data.operator_token), frozenset(hosts))
            tools = McpDoor(self.office, lambda: self.console_url, tls=settings.tls)
            stack.push_async_callback(tools.close)
            server = uvicorn.Server(
                uvicorn.Config(
                    create_app(self.office, doors, [*tools.routes, *answer_hooks(self.office, told.answerer)], shelf),
                    log_config=None,
                    access_log=False,
                    timeout_graceful_shutdown=2,
                    lifespan="off",
                )
            )
            # Signals are for this process as a whole, and the console serves to its end.
            server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
            exports = stack.enter_context(exporting(data))
            version = self.office.policies.in_force.version
            taken_up = configuration_of(settings, version, self._detectors, exports, told)
            tasks = [
                asyncio.create_task(_serve(server, console), name="console"),
                asyncio.create_task(self._keep_gateways(), name="gateway keeper"),
                asyncio.create_task(self._watch_catalog(querier), name="catalog watch"),
                asyncio.create_task(self._sample_values(), name="value sampling"),
                asyncio.create_task(keep_index(data.index, LogReader(data.log)), name="search index"),
                asyncio.create_task(turn_days(self.office, taken_up), name="days of the log"),
                asyncio.create_task(self._keep_time(), name="desk clock"),
                asyncio.create_task(self.office.sign_ins.keep(), name="sign-ins"),
            ]
            last = asyncio.Event()
            signing = asyncio.create_task(sign_until(last, sequencer), name="sequencer")

            async def sign_last() -> None:
                last.set()
                await signing

            # After the gateways have ended, and said so: that is signed as well.
            stack.push_async_callback(sign_last)
            stack.push_async_callback(self._workers.end)
            try:
                while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
                    await asyncio.sleep(0.01)
                self._write_state()
                stack.callback(lambda: data.state.unlink(missing_ok=True))
                ready(self)
                await self._until_stopped([*tasks, signing])
                await self._drain()
            finally:
                server.should_exit = True
                await asyncio.wait(tasks[:1], timeout=4)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    async def _until_stopped(self, tasks: list[asyncio.Task[None]]) -> None:
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        done, _pending = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done:
            if task is not stopped and not task.cancelled() and task.exception() is not None:
                error = task.exception()
                self._failure = error if isinstance(error, DoorwardError) else None
                if self._failure is None:
                    raise error  # type: ignore[misc]

    # --- what gateways are told ---------------------------------------------------------------------------------------

    def _configured(self) -> Configured:
        return Configured(
            upstreams=self.office.upstreams(),
            policies=dict(self.office.policies.in_force.texts),
            policy_version=self.office.policies.in_force.version,
            shadow=dict(self.office.policies.shadow.texts) if self.office.policies.shadow else {},
            snapshots={name: codec.encode(snapshot) for name, snapshot in self.office.catalog.snapshots.items()},
            console_url=self.console_url,
            detectors=self._detectors,
            accesses=self.office.accesses.in_force(),
            sealing=self.office.log_keys.sealing,
        )

    def _why_not_approve(self, approver: Principal, request: ApprovalRequest) -> str:
        decision = self.office.policies.policy.may_approve(approver, request)
        return "" if decision.verdict is Verdict.ALLOW else decision.reasons[0].text

    # --- the catalog --------------------------------------------------------------------------------------------------

    async def _read_catalog(self, querier: UpstreamQuerier) -> None:
        mark = await read_mark(querier)
        # The office applies people's verdicts; what they protect is carried on to views and children here.
        verdicts = self.office.catalog.protective_verdicts(self.settings.upstream.name)
        snapshot = await read_snapshot(querier, self.settings.upstream.name, verdicts, definition_is_clear, self._votes)
        await self.office.catalog.publish_snapshot(snapshot)
        telemetry.log("catalog.read", upstream=snapshot.upstream, relations=len(snapshot.relations))
        self._unsampled.set()
        self._mark = mark

    async def _freshen(self, querier: UpstreamQuerier, _upstream: str) -> None:
        """See to it that gateways know the catalog of now. Raises UpstreamUnavailable when that takes too long."""
        try:
            async with asyncio.timeout(FRESHEN_SECONDS), self._reading:
                if await read_mark(querier) != self._mark:
                    await self._read_catalog(querier)
        except TimeoutError:
            raise UpstreamUnavailable(
                "The database does not say in time whether what you approve is still the same.", "Try again in a moment."
            ) from None

    async def _sample_values(self) -> None:
        """Look at a few values of columns that are new, and of all once a day; whatever that tells, the next reading takes in.

        On a connection of its own, so that a slow table never delays noticing a new one.
        """
        querier = UpstreamQuerier(self.settings.upstream)
        sampled_at = time.monotonic()
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SAMPLE_AGAIN_SECONDS):
                        await self._unsampled.wait()
                self._unsampled.clear()
                if time.monotonic() - sampled_at >= SAMPLE_AGAIN_SECONDS:
                    self._sampled.clear()
                    sampled_at = time.monotonic()
                snapshot = self.office.catalog.snapshots[self.settings.upstream.name]
                fresh = [r for r in snapshot.relations if {(r.oid, c.number) for c in r.columns} - self._sampled]
                try:
                    found = await sample(querier, fresh, SAMPLE_ROUND_SECONDS, time.monotonic)
                except DoorwardError as error:
                    telemetry.log("catalog.failed", level=logging.WARNING, error=error.message)
                    continue
                self._sampled |= set(found.votes)
                if not found.skipped:
                    self._sampled |= {(r.oid, c.number) for r in fresh for c in r.columns}
                elif not found.votes:
                    asyncio.get_running_loop().call_later(SAMPLE_BUSY_SECONDS, self._unsampled.set)
                if any(vote != self._votes.get(key) for key, vote in found.votes.items()):
                    self._votes |= found.votes
                    self._touched.set()
                await asyncio.sleep(SAMPLE_PAUSE_SECONDS)
        finally:
            await querier.close()

    async def _watch_catalog(self, querier: UpstreamQuerier) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CATALOG_POLL_SECONDS):
                    await self._touched.wait()
            touched = self._touched.is_set()
            self._touched.clear()
            try:
                async with self._reading:
                    if touched or await read_mark(querier) != self._mark:
                        await self._read_catalog(querier)
            except DoorwardError as error:
                # What the gateway has stays; what it does not know is masked.
                telemetry.log("catalog.failed", level=logging.WARNING, error=error.message)

    async def _keep_time(self) -> None:
        """What comes about at the desk by time alone."""
        while True:
            await asyncio.sleep(DESK_TICK_SECONDS)
            with contextlib.suppress(AuditUnavailable):  # tried again at the next tick
                await self.office.desk.tick()
                await self.office.accesses.tick()

    # --- the gateways -------------------------------------------------------------------------------------------------

    def _gateway_settings(self) -> GatewaySettings:
        data = self.settings.data
        certificate = private_key = None
        if self.settings.tls:
            ensure_certificate(data.certificate, data.private_key, self.settings.host)
            certificate, private_key = data.certificate, data.private_key
        return GatewaySettings(
            self.settings.host,
            self.settings.port,
            data.log,
            data.link_socket,
            key_bytes(data.digest_key),
            certificate,
            private_key,
            self.settings.strict_durability,
            self.settings.limits,
            pool=self.settings.pool,
        )

    async def _keep_gateways(self) -> None:
        try:
            await self._workers.keep()
        except* DoorwardError as failed:
            raise failed.exceptions[0] from None

    async def _drain(self) -> None:
        """Let sessions come to a rest, as long as there is time and nobody insists."""
        seconds = self.settings.drain_seconds
        if self._failure is not None or not seconds:
            return
        self._progress(f"letting sessions end, at most {seconds} seconds; Ctrl-C again to end at once")
        self._workers.close_door()
        await self._link.drain(seconds)
        waiting = [
            asyncio.create_task(self._workers.ended(), name="gateways end"),
            asyncio.create_task(self._stop_at_once.wait(), name="stop at once"),
        ]
        await asyncio.wait(waiting, timeout=seconds + DRAIN_MARGIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    # --- the state file -----------------------------------------------------------------------------------------------

    def _check_nobody_else_runs(self) -> None:
        state = read_state(self.settings.data.state)
        if state is not None and _is_alive(int(state["pid"])):
            raise Conflict(
                f"Doorward runs already with the data directory {self.settings.data.path} (process {state['pid']}).",
                "End it first, or give another directory with --data-dir.",
            )

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "gateway_pid": self._workers.process_ids[0],
            "gateway_pids": self._workers.process_ids,
            "host": self.settings.host,
            "port": self.port,
            "console": self.console_url,
            "database": self.settings.upstream.database,
            "upstream": self.settings.upstream.name,
        }
        write_secret(self.settings.data.state, json.dumps(state, indent=1).encode())


def definition_is_clear(definition: str) -> bool:
    """Whether a view's text computes from its relations alone; which relations those are, the catalog itself says."""
    return names_are_vouched(analyze(definition), Snapshot("", "", ()))


def read_policies(folder: Path) -> dict[str, str]:
    """The rules in *folder*; the packaged ones when it holds none. Raises ConfigurationInvalid for an unreadable file."""
    return read_texts(folder, "*.cedar") or default_texts()


def read_state(path: Path) -> dict[str, Any] | None:
    """What the Doorward that runs here wrote about itself; None when none does."""
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state


def _is_alive(process_id: int) -> bool:
    """Whether a Doorward has this process id. After a crash somebody else may have got it."""
    if process_id == os.getpid():
        return False
    try:
        return b"doorward" in Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return False


async def _serve(server: uvicorn.Server, sock: socket.socket) -> None:
    await server.serve(sockets=[sock])
