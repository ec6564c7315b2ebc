"""Approval requests in SQL. The request and its answer are kept as they crossed the link: nothing may be lost of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.sqlite import insert

from doorward.model.approval import Answer, ApprovalRequest, RequestState
from doorward.store.records import RequestRecord
from doorward.store.schema import REQUESTS

_decode_request = msgspec.json.Decoder(ApprovalRequest).decode
_decode_answer = msgspec.json.Decoder(Answer).decode


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

    def settle(self, request_id: str, state: RequestState, at_us: int, answer: Answer | None) -> bool:
        """Move a PENDING request to *state*; False, and nothing changes, if it is not pending."""
        pending = (REQUESTS.c.id == request_id) & (REQUESTS.c.state == RequestState.PENDING.value)
        values = {
            "state": state.value,
            "settled_us": at_us,
            "answer": msgspec.json.encode(answer) if answer else None,
        }
        with self._transaction() as connection:
            return connection.execute(update(REQUESTS).where(pending).values(values)).rowcount == 1


def _record(row: Row[Any]) -> RequestRecord:
    return RequestRecord(
        request=_decode_request(row.request),
        state=RequestState(row.state),
        answer=_decode_answer(row.answer) if row.answer else None,
        settled_us=row.settled_us,
    )
