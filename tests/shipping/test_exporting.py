"""At least once, in order, from where it was, whatever a receiver does."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doorward.assembly.certificate import ensure_certificate
from doorward.audit.log import AuditLog
from doorward.audit.reader import LogReader
from doorward.audit.sealing import as_it_is
from doorward.model.entry import ServiceStarted
from doorward.shipping.destinations import Destination
from doorward.shipping.exporting import BATCH_ENTRIES, Export, read_cursor
from doorward.shipping.posting import LONGEST_PAUSE_SECONDS
from doorward.shipping.receivers import receiver_of
from tests.shipping.conftest import Collector, Write

TAKEN = b'{"text":"Success","code":0}'


def started(first: int, count: int) -> list[ServiceStarted]:
    return [ServiceStarted(at_us=number, resumed_at=number, version="1") for number in range(first, first + count)]


def export_to(destination: Destination, directory: Path) -> Export:
    """As a process that starts begins it."""
    return Export(
        destination, directory / "export", LogReader(directory / "log"), lambda: receiver_of(destination), as_it_is, lambda: 7
    )


def run(export: Export, most: int = 50) -> list[float]:
    """Step until there is nothing more to do, or it fails; the pauses it asked for."""
    pauses = []
    for _ in range(most):
        pause = export.step()
        if pause is not None:
            pauses.append(pause)
            break
    return pauses


def sequences(events: list[dict[str, Any]]) -> list[int]:
    return [event["metadata"]["sequence"] for event in events]


def test_all_is_sent_once_and_in_order(write: Write, tmp_path: Path, collector: Collector) -> None:
    """In batches; and by the next process, from where the last one was."""
    write(*started(0, 1_200))
    to = Destination("siem", "json", collector.url)
    export = export_to(to, tmp_path)
    run(export)
    assert len(collector.requests) == 3
    assert max(len(body.splitlines()) for _path, _headers, body in collector.requests) == BATCH_ENTRIES
    write(*started(1_200, 5))
    run(export_to(to, tmp_path))
    assert sequences(collector.lines()) == list(range(1_205))
    assert read_cursor(tmp_path / "export", "siem").entries == 1_205


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("json", (500, b"")),
        ("json", (302, b"")),
        ("json", None),
        ("splunk", (200, b'{"text":"Server is busy","code":9}')),
        ("splunk", (200, b"<html>hello</html>")),
        ("elastic", (200, b'{"errors":true,"items":[{"create":{"status":429}}]}')),
        ("elastic", (200, b"{}")),
        ("elastic", (200, b'{"items":["x"]}')),
        ("elastic", (200, b'{"items":[{"create":{"status":201}}]}')),
        ("otlp", (200, b'{"partialSuccess":{"rejectedLogRecords":"2"}}')),
        ("datadog", (413, b"")),
    ],
)
def test_a_receiver_that_fails_lies_or_stalls_loses_nothing(
    write: Write, tmp_path: Path, collector: Collector, kind: Any, answer: tuple[int, bytes] | None
) -> None:
    """It is asked again, less and less often, and the state says why."""
    write(*started(0, 3))
    good = {
        "splunk": TAKEN,
        "elastic": b'{"items":[{"create":{"status":201}},{"create":{"status":409}},{"create":{"status":200}}]}',
    }.get(kind, b"{}")
    collector.answers = [answer, answer, (200, good)]
    export = export_to(Destination("siem", kind, collector.url, timeout_seconds=0.3), tmp_path)
    assert [export.step(), export.step()] == [1.0, 2.0]
    failing = read_cursor(tmp_path / "export", "siem")
    assert (failing.entries, failing.failing_since_us) == (0, 7)
    assert "siem" in failing.failure
    assert export.step() == 1.0
    assert read_cursor(tmp_path / "export", "siem") == export.cursor
    assert (export.cursor.entries, export.cursor.failure) == (3, "")
    assert len({body for _path, _headers, body in collector.requests}) == 1


def test_a_receiver_that_is_down_for_long_is_asked_seldom(write: Write, tmp_path: Path) -> None:
    """And what is in memory meanwhile is one batch."""
    write(*started(0, 2_000))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    export = export_to(Destination("siem", "json", url), tmp_path)
    pauses = [export.step() for _ in range(9)]
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]
    assert export.cursor.entries == 0


def test_each_receiver_is_spoken_to_in_its_own_shape(write: Write, tmp_path: Path, collector: Collector) -> None:
    """Body, content type and authorization."""
    write(*started(0, 2))
    (tmp_path / "token").write_text("hush")
    answers = {"splunk": TAKEN, "elastic": b'{"items":[{"create":{"status":201}},{"create":{"status":201}}]}'}
    shapes: dict[str, tuple[dict[str, str], str]] = {}
    for kind in ("json", "splunk", "elastic", "datadog", "otlp"):
        collector.answers = [(200, answers.get(kind, b"{}"))]
        to = Destination(f"to-{kind}", kind, f"{collector.url}/in?x=1", token_file=f"{tmp_path}/token")  # type: ignore[arg-type]
        export = export_to(to, tmp_path)
        run(export)
        assert export.cursor.entries == 2, export.cursor.failure
        path, headers, body = collector.requests[-1]
        assert path == "/in?x=1"
        shapes[kind] = headers, body.decode()
    assert shapes["json"][0]["Authorization"] == "Bearer hush"
    assert shapes["splunk"][0]["Authorization"] == "Splunk hush"
    event = json.loads(shapes["splunk"][1].splitlines()[0])
    assert (event["sourcetype"], event["index"], event["event"]["class_uid"]) == ("ocsf:doorward", "doorward", 6002)
    assert shapes["elastic"][0]["Authorization"] == "ApiKey hush"
    create, document = map(json.loads, shapes["elastic"][1].splitlines()[:2])
    assert create == {"create": {"_index": "doorward", "_id": "log.test/0"}}
    assert document["@timestamp"] == document["time"]
    assert shapes["datadog"][0]["DD-API-KEY"] == "hush"
    assert json.loads(json.loads(shapes["datadog"][1])[1]["message"])["metadata"]["sequence"] == 1
    records = json.loads(shapes["otlp"][1])["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert [record["attributes"][0]["value"]["stringValue"] for record in records] == ["log.test/0", "log.test/1"]
    assert json.loads(records[0]["body"]["stringValue"])["metadata"]["event_code"] == "service.started"


def test_a_file_gets_whole_lines(write: Write, tmp_path: Path) -> None:
    """Also when it was moved away; one that can't be written is asked again."""
    write(*started(0, 2))
    path = tmp_path / "out" / "log.jsonl"
    export = export_to(Destination("file", "file", str(path)), tmp_path)
    assert export.step() == 1.0
    assert "can't be written" in export.cursor.failure
    path.parent.mkdir()
    run(export)
    path.rename(path.with_suffix(".1"))
    write(*started(2, 1))
    run(export)
    lines = path.with_suffix(".1").read_text().splitlines() + path.read_text().splitlines()
    assert sequences([json.loads(line) for line in lines]) == [0, 1, 2]


def test_what_is_not_signed_is_not_sent(write: Write, tmp_path: Path, collector: Collector) -> None:
    """A crash may cut it off, and something else take its place."""
    write(*started(0, 2))
    log = AuditLog.open(tmp_path / "log")
    log.append(started(2, 1)[0])
    log.flush()
    run(export_to(Destination("siem", "json", collector.url), tmp_path))
    log.close()
    assert sequences(collector.lines()) == [0, 1]


@pytest.mark.parametrize("harm", ["another log", "a lost cursor", "a spoiled cursor", "a shorter log"])
def test_a_cursor_that_is_not_of_this_log_begins_anew(write: Write, tmp_path: Path, collector: Collector, harm: str) -> None:
    """All is sent again rather than anything not at all."""
    write(*started(0, 3))
    to = Destination("siem", "json", collector.url)
    run(export_to(to, tmp_path))
    cursor = tmp_path / "export" / "siem.cursor"
    if harm == "a lost cursor":
        cursor.unlink()
    elif harm == "a spoiled cursor":
        cursor.write_bytes(b"{")
    elif harm == "another log":
        cursor.write_bytes(cursor.read_bytes().replace(b'"last":"', b'"last":"00'))
    else:
        cursor.write_bytes(cursor.read_bytes().replace(b'"entries":3', b'"entries":9'))
    run(export_to(to, tmp_path))
    assert sequences(collector.lines()) == [0, 1, 2, 0, 1, 2]


class SyslogServer:
    """Takes RFC 5425 frames over TLS; closes each connection after *frames* of them, once it may."""

    def __init__(self, folder: Path, *frames: int) -> None:
        ensure_certificate(folder / "crt", folder / "key", "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "crt", folder / "key")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._server = context.wrap_socket(self._listening, server_side=True)
        self.port = self._listening.getsockname()[1] if self._listening.fileno() >= 0 else self._server.getsockname()[1]
        self.messages: list[bytes] = []
        self.closed = threading.Semaphore(0)
        self.may_close = threading.Semaphore(0)
        self._frames = list(frames)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._server.accept()
            except (OSError, ssl.SSLError):
                return
            with connection, connection.makefile("rb") as stream:
                for _ in range(self._frames.pop(0)):
                    length = b""
                    while (digit := stream.read(1)).isdigit():
                        length += digit
                    if not length:
                        break
                    self.messages.append(stream.read(int(length)))
                self.may_close.acquire(timeout=30)
            self.closed.release()

    def close(self) -> None:
        self._server.close()


def test_syslog_goes_over_tls_and_an_ended_connection_is_noticed(write: Write, tmp_path: Path) -> None:
    """As RFC 5424 has it; what was sent over a connection that the receiver closed is sent again."""
    server = SyslogServer(tmp_path, 3, 5)
    try:
        write(*started(0, 3))
        to = Destination("syslog", "syslog", f"tls://localhost:{server.port}", ca_file=str(tmp_path / "crt"))
        export = export_to(to, tmp_path)
        run(export)
        assert (export.cursor.entries, export.cursor.failure) == (3, "")
        server.may_close.release()
        assert server.closed.acquire(timeout=10)
        write(*started(3, 2))
        assert export.step() == 1.0
        assert (export.cursor.entries, "sent again" in export.cursor.failure) == (0, True)
        run(export)
        assert (export.cursor.entries, export.cursor.failure) == (5, "")
        export.close()
        server.may_close.release()
        assert server.closed.acquire(timeout=10)
        told = [json.loads(message.partition(b"\xef\xbb\xbf")[2])["metadata"]["sequence"] for message in server.messages]
        assert told == [0, 1, 2, 0, 1, 2, 3, 4]
        head = server.messages[0].partition(b"\xef\xbb\xbf")[0].decode()
        assert head.startswith("<110>1 1970-01-01T00:00:00.000Z ")
        assert head.endswith(" doorward - service.started - ")
    finally:
        server.close()


def test_a_syslog_receiver_whose_certificate_is_not_trusted_gets_nothing(write: Write, tmp_path: Path) -> None:
    """Nor does one that is not there."""
    server = SyslogServer(tmp_path, 3)
    try:
        write(*started(0, 1))
        export = export_to(Destination("syslog", "syslog", f"tls://localhost:{server.port}"), tmp_path)
        assert export.step() == 1.0
        assert "can't be written to" in export.cursor.failure
        assert server.messages == []
    finally:
        server.close()


def test_values_are_sent_only_where_that_is_asked_for(write: Write, tmp_path: Path, collector: Collector) -> None:
    """What opens them is passed in; without it they stay sealed."""
    write(*started(0, 1))
    seen: list[bytes] = []

    def readable(entry: bytes) -> bytes:
        seen.append(entry)
        return entry.replace(b'"version":"1"', b'"version":"opened"')

    to = Destination("siem", "json", collector.url, values=True)
    make: Callable[[], Any] = lambda: receiver_of(to)  # noqa: E731
    run(Export(to, tmp_path / "export", LogReader(tmp_path / "log"), make, readable, lambda: 7))
    assert len(seen) == 1
    assert collector.lines()[0]["app"]["version"] == "opened"
