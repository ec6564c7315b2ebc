"""One statement over a connection of its own to the gateway, as any PostgreSQL client would send it.

Whatever policy says is said there. Nothing here knows a rule: what comes back is what may be seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from doorward.errors import DoorwardError, ProtocolViolation
from doorward.mcp_server.callers import Caller
from doorward.model.result import ResultColumn
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import UpstreamConnection, connect
from doorward.wire.postgres import messages
from doorward.wire.postgres.framing_cy import FrameReader

STATEMENT_TIMEOUT = "300s"
LONGEST_MESSAGE_BYTES = 4 << 20
# A value longer than this is cut: a model's context is small, and the whole is a query away.
MOST_CHARACTERS = 10_000
_REFUSED_UPSTREAM = "The upstream refused the connection: "
_CUT_BY_POLICY = "Doorward ended the result"
_NOT_HERE = b"COPY needs a client with files."


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where the gateway is. *tls* is libpq's sslmode."""

    host: str
    port: int
    tls: str = "require"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and within which limits. *claims* are for the record."""

    database: str
    sql: str
    parameters: tuple[str | None, ...] = ()
    rows: int = 100
    size_bytes: int = 256 << 10
    read_only: bool = True
    claims: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that came in place of an answer, in the gateway's words."""

    sqlstate: str
    message: str
    detail: str = ""
    hint: str = ""

    @property
    def is_refusal(self) -> bool:
        """Whether it was refused: by a rule, or by whoever was asked."""
        return self.sqlstate == "42501"


@dataclass(slots=True)
class Answer:
    """What came back. *treatments* say by position how a column is shown where it is not as it is. *limits* are those hit."""

    execution: str = ""
    columns: tuple[ResultColumn, ...] = ()
    rows: list[list[str | None]] = field(default_factory=list)
    treatments: dict[int, dict[str, str]] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)
    tag: str = ""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What waits for a person's answer: the request, where it is answered, by whom, until when."""

    request: str
    link: str
    approvers: str
    expires_us: int


class Asking:
    """A statement on its way. It runs by itself once begun; ``withdraw`` ends it wherever it is."""

    def __init__(self, gateway: GatewayAddress, caller: Caller, question: Question) -> None:
        self._gateway = gateway
        self._caller = caller
        self.question = question
        self._word = secrets.token_urlsafe(18)
        self._answer = Answer()
        self._size_bytes = 0
        self._connection: UpstreamConnection | None = None
        self._task: asyncio.Task[Answer] | None = None
        self._moved = asyncio.Event()
        self.held: Held | None = None

    def begin(self) -> None:
        """Connect and send it."""
        self._task = asyncio.create_task(self._run(), name="asking")

    async def settled(self, seconds: float, *, or_held: bool = False) -> Answer | None:
        """The answer, if it is there within *seconds*; with *or_held* it is not waited for any more once it is held."""
        assert self._task is not None
        moved = asyncio.create_task(self._moved.wait(), name="held") if or_held else None
        try:
            await asyncio.wait({self._task, moved} if moved else {self._task}, timeout=seconds, return_when="FIRST_COMPLETED")
        finally:
            if moved is not None:
                moved.cancel()
        return self._task.result() if self._task.done() else None

    def withdraw(self) -> None:
        """Hang up: what waits is withdrawn, and what runs is cancelled, by the gateway."""
        if self._task is not None:
            self._task.cancel()
            self._task.add_done_callback(_heed)
        if self._connection is not None:
            self._connection.close()

    async def _run(self) -> Answer:
        answer = self._answer
        try:
            await self._converse()
        except DoorwardError as error:
            answer.failure = Failure(error.sqlstate, error.message.removeprefix(_REFUSED_UPSTREAM), "", "")
        finally:
            if self._connection is not None:
                self._connection.close(messages.TERMINATE)
        return answer

    async def _converse(self) -> None:
        question = self.question
        gateway = Upstream(
            "doorward", "postgresql", self._gateway.host, self._gateway.port, question.database, self._caller.name,
            self._caller.secret, self._gateway.tls,
        )  # fmt: skip
        settings = {
            "application_name": "doorward mcp",
            "client_encoding": "UTF8",
            "statement_timeout": STATEMENT_TIMEOUT,
            "doorward.read_only": "on" if question.read_only else "off",
            "doorward.report": self._word,
            **{f"doorward.{name}": value for name, value in question.claims.items()},
        }
        self._connection = connection = await connect(gateway, settings)
        # One row more than is shown tells whether there are more.
        connection.write(_messages(question.sql, question.parameters, question.rows + 1))
        reader = FrameReader(LONGEST_MESSAGE_BYTES)
        while True:
            reader.feed(await connection.next_chunk())
            while reader.next():
                if self._heard(reader):
                    return
            if reader.oversize:
                self._answer.limits.append("bytes")
                return

    def _heard(self, reader: Any) -> bool:
        """Take in one message; True when nothing more is wanted."""
        kind, body, answer = chr(reader.kind), reader.body(), self._answer
        if kind == "D":
            return self._take_row(messages.read_data_row(body))
        if kind == "T":
            answer.columns = messages.read_row_description(body)
        elif kind == "N":
            self._take_notice(messages.read_fields(body))
        elif kind == "C":
            answer.tag = body[:-1].decode("utf-8", "replace")
        elif kind == "E":
            self._take_error(messages.read_fields(body))
        elif kind == "G":
            assert self._connection is not None
            self._connection.write(messages.message(b"f", messages.cstring(_NOT_HERE)))
        elif kind == "H":
            answer.failure = Failure("0A000", "COPY sends rows in a form that is not read here.", "", "Use SELECT.")
            return True
        return kind == "Z"

    def _take_row(self, values: tuple[bytes | None, ...]) -> bool:
        answer, question = self._answer, self.question
        if len(answer.rows) >= question.rows:
            if "rows" not in answer.limits:
                answer.limits.append("rows")
            return False
        self._size_bytes += sum(len(value) for value in values if value is not None)
        if self._size_bytes > question.size_bytes:
            answer.limits.append("bytes")
            return True
        row = [None if value is None else value.decode("utf-8", "replace") for value in values]
        if any(value is not None and len(value) > MOST_CHARACTERS for value in row):
            row = [value if value is None or len(value) <= MOST_CHARACTERS else value[:MOST_CHARACTERS] + "…" for value in row]
            if "characters" not in answer.limits:
                answer.limits.append("characters")
        answer.rows.append(row)
        return False

    def _take_notice(self, notice: messages.Fields) -> None:
        if notice.get("M") != f"doorward {self._word}":
            return
        told = json.loads(notice.get("D"))
        if "execution" in told:
            self._answer.execution = told["execution"]
        if "columns" in told:
            self._answer.treatments = {column.pop("position"): column for column in told["columns"]}
        if "request" in told:
            self.held = Held(told["request"], told["link"], told["approvers"], told["expires_us"])
            self._moved.set()

    def _take_error(self, error: messages.Fields) -> None:
        if error.get("M").startswith(_CUT_BY_POLICY):
            self._answer.limits.append("policy")
            return
        self._answer.failure = Failure(error.get("C"), error.get("M"), error.get("D"), error.get("H"))


def _messages(sql: str, parameters: tuple[str | None, ...], rows: int) -> bytes:
    """One statement by the extended protocol: a text with several is refused there by itself."""
    if "\0" in sql or any("\0" in value for value in parameters if value is not None):
        raise ProtocolViolation("PostgreSQL takes no NUL in a text.")
    bound = b"".join(
        struct.pack(">i", -1) if value is None else struct.pack(">i", len(value.encode())) + value.encode()
        for value in parameters
    )
    return (
        messages.parse("", sql)
        + messages.message(b"B", b"\0\0" + struct.pack(">HH", 0, len(parameters)) + bound + struct.pack(">H", 0))
        + messages.describe_portal("")
        + messages.message(b"E", b"\0" + struct.pack(">I", rows))
        + messages.SYNC
    )


def _heed(task: asyncio.Task[Answer]) -> None:
    """Nobody waits for it any more, whatever became of it."""
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
