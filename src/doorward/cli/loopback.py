"""A port of loopback that waits for the one browser which brings a code."""

from __future__ import annotations

import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

_DONE = (
    b'<!doctype html><meta charset="utf-8"><title>Doorward</title>'
    b"<style>body{font:16px/1.5 system-ui;margin:20vh auto;max-width:26em;text-align:center}</style>"
    b"<h1>Signed in</h1><p>You can close this page and go back to the command line.</p>"
)


class CodeReceiver:
    """Takes a code that comes with *state*; anything else that knocks is sent away."""

    def __init__(self, state: str) -> None:
        self._code = ""
        self._came = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(handler) -> None:  # noqa: N805 - the receiver is called self here
                told = {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}
                is_ours = hmac.compare_digest(told.get("state", "").encode(), state.encode()) and bool(told.get("code"))
                handler.send_response(200 if is_ours else 404)
                handler.send_header("Content-Type", "text/html; charset=utf-8")
                handler.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
                handler.end_headers()
                if is_ours:
                    handler.wfile.write(_DONE)
                    self._code = told["code"]
                    self._came.set()

            def log_message(handler, *_: object) -> None:  # noqa: N805
                """Say nothing: what was asked for has the code in it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="code receiver", daemon=True)

    def __enter__(self) -> CodeReceiver:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, seconds: float) -> str:
        """The code, as soon as it came; empty when it did not in time."""
        return self._code if self._came.wait(seconds) else ""
