"""The running Doorward as commands reach it: its state file, the operator's token, and the JSON API on loopback."""

from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from doorward.errors import DoorwardError

if TYPE_CHECKING:
    from doorward.cli.signed_in import SignedIn
    from doorward.config import DataDirectory

TIMEOUT_SECONDS = 30.0
API = "/api/v1"


class NotRunning(DoorwardError):
    """No Doorward runs with this data directory."""

    code = "not-running"


class Refused(DoorwardError):
    """The API said no; code, message and remedy are its own."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.code = code


def data_directory(given: Path | None) -> DataDirectory:
    """The data directory that a command speaks of."""
    from doorward.config import DataDirectory, default_data_directory

    return DataDirectory(given or default_data_directory())


def running_state(data: DataDirectory) -> dict[str, Any]:
    """What the Doorward that runs with *data* says of itself. Raises NotRunning."""
    try:
        state: dict[str, Any] = json.loads(data.state.read_text(encoding="utf-8"))
        os.kill(int(state["pid"]), 0)
    except PermissionError:
        raise NotRunning(
            f"The data directory {data.path} belongs to somebody else.", "Run this as the user who started Doorward."
        ) from None
    except (OSError, ValueError, KeyError):
        raise not_running(data) from None
    return state


def not_running(data: DataDirectory) -> NotRunning:
    """The error, with how to start."""
    return NotRunning(
        f"Doorward does not run with the data directory {data.path}.",
        "Start it with: doorward up postgresql://user:password@host/database   (or try: doorward demo)\n"
        "       If it runs with another data directory, give that with --data-dir or DOORWARD_DATA_DIR.",
    )


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Calls to the API of one running Doorward, signed in by *authorization*."""

    address: str
    authorization: str = field(repr=False)
    data: DataDirectory

    @classmethod
    def as_operator(cls, data: DataDirectory) -> ApiClient:
        """Signed in by the token in the data directory."""
        state = running_state(data)
        try:
            token = data.operator_token.read_text(encoding="ascii").strip()
        except OSError as error:
            raise NotRunning(
                f"The operator's token {data.operator_token} can't be read: {error.strerror}.",
                "Run this as the user who started Doorward.",
            ) from None
        return cls(str(state["console"]), f"Bearer {token}", data)

    @classmethod
    def as_signed_in(cls, kept: SignedIn, data: DataDirectory) -> ApiClient:
        """Signed in by what ``doorward login`` kept."""
        return cls(kept.address, f"Bearer {kept.token}", data)

    @classmethod
    def as_person(cls, data: DataDirectory, name: str, secret: str) -> ApiClient:
        """Signed in as somebody by a minted secret."""
        shown = base64.b64encode(f"{name}:{secret}".encode()).decode()
        return cls(str(running_state(data)["console"]), f"Basic {shown}", data)

    def get(self, path: str, **query: str) -> Any:
        """What is at *path*."""
        asked = {name: value for name, value in query.items() if value}
        return self._call("GET", path + (f"?{urlencode(asked)}" if asked else ""))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What *body* brings about at *path*."""
        return self._call("POST", path, json.dumps(body).encode())

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """What is at *path* once it is as *body* says."""
        return self._call("PUT", path, json.dumps(body).encode())

    def delete(self, path: str, **query: str) -> None:
        """Undo what is at *path*."""
        self._call("DELETE", path + (f"?{urlencode(query)}" if query else ""))

    def _call(self, method: str, path: str, body: bytes | None = None) -> Any:
        parts = urlsplit(self.address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        try:
            connection.request(method, API + path, body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            raise NotRunning(
                f"Doorward does not answer at {self.address}.", "See what its own terminal says; start it again if it is gone."
            ) from None
        finally:
            connection.close()
        if response.status >= 400:
            raise _refusal(content, response.status)
        return json.loads(content) if content else None


def segment(name: str) -> str:
    """*name* as one segment of a path."""
    return quote(name, safe="")


def _refusal(content: bytes, status: int) -> Refused:
    try:
        told = json.loads(content)["error"]
        return Refused(str(told["code"]), str(told["message"]), str(told.get("remedy", "")))
    except (ValueError, KeyError, TypeError):
        return Refused("internal", f"The API answered with HTTP status {status}.", "See what Doorward's own terminal says.")
