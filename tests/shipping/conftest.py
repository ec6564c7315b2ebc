"""A signed log to send, and receivers that behave, fail, stall or lie."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from doorward.audit.checkpoint import create_key, load_key
from doorward.audit.log import AuditLog
from doorward.audit.sequencer import Sequencer
from doorward.model.entry import Entry

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Appends entries to the log in tmp_path/log, and has them signed."""

    def more(*entries: Entry) -> Path:
        directory = tmp_path / "log"
        log = AuditLog.open(directory)
        for entry in entries:
            log.append(entry)
        log.close()
        made = (directory / "log.key").exists()
        sequencer = Sequencer(directory, load_key(directory) if made else create_key(directory, "log.test"))
        sequencer.step()
        sequencer.close()
        return directory

    return more


class Collector:
    """An HTTP receiver. *answers* are given in turn, the last one for good: a status and a body, or None to say nothing."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes] | None] = [(200, b"")]
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.ending = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = collector.answers.pop(0) if len(collector.answers) > 1 else collector.answers[0]
                collector.requests.append((self.path, dict(self.headers), body))
                if answer is None:
                    collector.ending.wait(30)
                    return
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing on the terminal of the tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        """Let whoever waits go, and end."""
        self.ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def lines(self) -> list[dict[str, Any]]:
        """Every JSON line of every request."""
        return [json.loads(line) for _path, _headers, body in self.requests for line in body.splitlines()]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    with contextlib.closing(made):
        yield made
