"""The gateway as a process: what goes in, and the one line that comes out."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from doorward.assembly.certificate import ensure_certificate
from doorward.assembly.gateway_side import FAILED, bounded, settings_from_json, settings_to_json
from doorward.audit.canonical import decode
from doorward.audit.reader import LogReader
from doorward.model import link
from doorward.model.entry import ServiceStarted, ServiceStopped
from doorward.policy.load import default_texts
from doorward.proxy.admission import Limits
from doorward.proxy.gateway import GatewaySettings
from doorward.proxy.upstream_pool import PoolLimits

WITHOUT_TLS = GatewaySettings("127.0.0.1", 0, Path("/log"), Path("/run/gateway.sock"), b"\0k\xff" * 8)
WITH_ALL = GatewaySettings(
    "::1", 65535, Path("/lög"), Path('/r"un/g.sock'), b"", Path("/tls.crt"), Path("/tls.key"), True, Limits(7, 6, 5, 4, 3.5)
)  # fmt: skip


@pytest.mark.parametrize("settings", [WITHOUT_TLS, WITH_ALL])
def test_settings_arrive_as_they_were_given(settings: GatewaySettings) -> None:
    """Every field, and no field is forgotten when one is added."""
    text = settings_to_json(settings)
    assert settings_from_json(text) == settings
    assert set(json.loads(text)) == {field.name for field in dataclasses.fields(GatewaySettings)}


def test_no_more_sessions_are_let_in_than_files_may_be_open(caplog: pytest.LogCaptureFixture) -> None:
    """The operator is told so."""
    assert bounded(WITHOUT_TLS, 1 << 20) == WITHOUT_TLS
    with caplog.at_level(logging.WARNING, "doorward"), propagating():
        few = bounded(WITHOUT_TLS, 1_024).limits.sessions
    assert 0 < few < WITHOUT_TLS.limits.sessions
    keeping = dataclasses.replace(WITHOUT_TLS, pool=PoolLimits(100))
    assert bounded(keeping, 1_024).limits.sessions == few - 50  # a session takes two files, one that is kept takes one
    assert f"limits.lowered sessions={few} open_files=1024" in caplog.text


@contextlib.contextmanager
def propagating() -> Iterator[None]:
    """Let what is logged reach pytest, whoever configured the log before."""
    logger = logging.getLogger("doorward")
    before, logger.propagate = logger.propagate, True
    try:
        yield
    finally:
        logger.propagate = before


@pytest.fixture
def settings() -> Iterator[GatewaySettings]:
    """A gateway's own places, with a short path for the socket."""
    with tempfile.TemporaryDirectory(prefix="doorward-") as name:
        folder = Path(name)
        yield GatewaySettings("127.0.0.1", 0, folder / "log", folder / "link.sock", b"k" * 32)


@contextlib.asynccontextmanager
async def control_process(path: Path) -> AsyncIterator[list[bytes]]:
    """Configures whoever connects, and keeps what they say."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(link.encode(link.Configured((), default_texts(), "p1", {}, "http://console")) + b"\n")
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                heard.append(line)
        writer.close()

    async with await asyncio.start_unix_server(serve, path):
        yield heard


@contextlib.asynccontextmanager
async def gateway(settings: GatewaySettings) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, with its settings written; ended with the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "doorward.assembly.gateway_side",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(settings_to_json(settings).encode())
        process.stdin.close()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next line."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = await process.stdout.readline()
    answer: dict[str, Any] = json.loads(line)
    return answer


async def refused(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The one line of a process that could not start."""
    answer = await said(process)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.read() == b""
        assert await process.wait() == FAILED
    return answer


def test_it_says_its_port_serves_and_ends_in_order(settings: GatewaySettings) -> None:
    """Its start and its end are in the log."""

    async def run() -> None:
        async with control_process(settings.link_socket), gateway(settings) as process:
            port = (await said(process))["ready"]
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                assert await process.wait() == 0

    asyncio.run(run())
    kinds = [type(decode(payload)) for _index, payload in LogReader(settings.log_directory).entries()]
    assert (kinds[0], kinds[-1]) == (ServiceStarted, ServiceStopped)


def test_it_ends_when_the_control_process_is_gone(settings: GatewaySettings) -> None:
    """Nobody could be looked up, asked or revoked any more."""

    async def run() -> None:
        server_writer: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server_writer.append(writer)
            writer.write(link.encode(link.Configured((), default_texts(), "p1", {}, "")) + b"\n")
            await reader.read()

        async with await asyncio.start_unix_server(serve, settings.link_socket), gateway(settings) as process:
            assert "ready" in await said(process)
            server_writer[0].close()
            async with asyncio.timeout(60):
                assert await process.wait() == 0

    asyncio.run(run())


def test_a_taken_port_is_told_in_one_line(settings: GatewaySettings) -> None:
    """What, where, and what to do; as an error of configuration."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        async def run() -> dict[str, Any]:
            taking = dataclasses.replace(settings, port=port)
            async with control_process(settings.link_socket), gateway(taking) as process:
                return await refused(process)

        answer = asyncio.run(run())
    assert answer["code"] == "configuration-invalid"
    assert f"127.0.0.1:{port}" in answer["failed"]
    assert "--port" in answer["remedy"]


def test_an_absent_control_process_is_told_in_one_line(settings: GatewaySettings) -> None:
    """A gateway does not run by itself."""

    async def run() -> dict[str, Any]:
        async with gateway(settings) as process:
            return await refused(process)

    answer = asyncio.run(run())
    assert answer["code"] == "upstream-unavailable"
    assert "link.sock" in answer["failed"]
    assert "doorward up" in answer["remedy"]


def test_a_certificate_that_is_none_is_told_in_one_line(settings: GatewaySettings) -> None:
    """Before the log is taken up."""
    certificate, private_key = settings.log_directory.with_name("tls.crt"), settings.log_directory.with_name("tls.key")
    ensure_certificate(certificate, private_key, "127.0.0.1")
    certificate.write_text("no certificate")

    async def run() -> dict[str, Any]:
        async with gateway(dataclasses.replace(settings, certificate=certificate, private_key=private_key)) as process:
            return await refused(process)

    answer = asyncio.run(run())
    assert (answer["code"], "tls.crt" in answer["failed"]) == ("configuration-invalid", True)
    assert not settings.log_directory.exists()
