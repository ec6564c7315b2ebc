"""Approval requests in SQL. The request and its answer are kept as they crossed the link: nothing may be lost of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.sqlite import insert

from doorward.model.approval import Answer, ApprovalRequest, RequestState, Voice
from doorward.store.records import RequestRecord
from doorward.store.schema import REQUESTS

_decode_request = msgspec.json.Decoder(ApprovalRequest).decode
_decode_answer = msgspec.json.Decoder(Answer).decode
_decode_voices = msgspec.json.Decoder(tuple[Voice, ...]).decode


class SqlRequests:
    """Implements :class:`doorward.store.repositories.Requests`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def add(self, request: ApprovalRequest) -> None:
        """Keep a new PENDING request; does nothing if it is known already."""
        statement = insert(REQUESTS).values(
            id=request.id,
            state=RequestState.PENDING.value,
            request=msgspec.json.encode(request),
            asked_us=request.asked_us,
            voices=msgspec.json.encode(()),
        )
        with self._transaction() as connection:
            connection.execute(statement.on_conflict_do_nothing())

    def by_id(self, request_id: str) -> RequestRecord | None:
        """The request with this id."""
        with self._transaction() as connection:
            row = connection.execute(select(REQUESTS).where(REQUESTS.c.id == request_id)).one_or_none()
        return _record(row) if row else None

    def in_state(self, state: RequestState | None, limit: int) -> tuple[RequestRecord, ...]:
        """Requests in *state* (None: in any), the newest first."""
        wanted = select(REQUESTS).order_by(REQUESTS.c.asked_us.desc(), REQUESTS.c.id).limit(limit)
        if state is not None:
            wanted = wanted.where(REQUESTS.c.state == state.value)
        with self._transaction() as connection:
            return tuple(map(_record, connection.execute(wanted)))

    def settle(self, request_id: str, before: RequestState, state: RequestState, at_us: int, answer: Answer | None) -> bool:
        """Move a request from *before* to *state*; False, and nothing changes, if it stands elsewhere.

        An answer that it has already stays where none is given.
        """
        values: dict[str, Any] = {"state": state.value, "settled_us": at_us}
        if answer is not None:
            values["answer"] = msgspec.json.encode(answer)
        return self._change(request_id, before, values)

    def hear(self, request_id: str, voices: tuple[Voice, ...]) -> bool:
        """Keep who said yes to a PENDING request so far; False, and nothing changes, if it is not pending."""
        return self._change(request_id, RequestState.PENDING, {"voices": msgspec.json.encode(voices)})

    def _change(self, request_id: str, before: RequestState, values: dict[str, Any]) -> bool:
        there = (REQUESTS.c.id == request_id) & (REQUESTS.c.state == before.value)
        with self._transaction() as connection:
            return connection.execute(update(REQUESTS).where(there).values(values)).rowcount == 1


def _record(row: Row[Any]) -> RequestRecord:
    return RequestRecord(
        request=_decode_request(row.request),
        state=RequestState(row.state),
        answer=_decode_answer(row.answer) if row.answer else None,
        settled_us=row.settled_us,
        voices=_decode_voices(row.voices),
    )
