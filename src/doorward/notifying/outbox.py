"""What waits to be told to one receiver, and the thread that tells it. A receiver that fails keeps nobody else waiting."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from doorward import telemetry
from doorward.audit.files import put_aside
from doorward.errors import DoorwardError
from doorward.model.notice import Notice, Occasion
from doorward.notifying.receivers import Receiver
from doorward.notifying.senders import NotTaken, Sender
from doorward.shipping.posting import FIRST_PAUSE_SECONDS, longer

# What waits for a receiver that is down; the oldest goes when there is no room.
MOST_WAITING = 500
# What is told later than this helps nobody.
LATEST_SECONDS = 3_600


class OutboxState(msgspec.Struct, frozen=True):
    """How telling goes: what was *sent* and *lost* since the start, when the last one was, and what hinders it."""

    sent: int = 0
    lost: int = 0
    waiting: int = 0
    at_us: int = 0
    failure: str = ""
    failing_since_us: int = 0


def read_outbox(folder: Path, name: str) -> OutboxState:
    """The state that a running Doorward keeps of a receiver; empty when there is none."""
    try:
        return msgspec.json.decode(_file(folder, name).read_bytes(), type=OutboxState)
    except (OSError, msgspec.DecodeError):
        return OutboxState()


class Outbox:
    """Notices for one receiver, in order. *offer* never waits; the rest happens in a thread of its own."""

    def __init__(
        self,
        receiver: Receiver,
        sender: Callable[[], Sender],
        now_us: Callable[[], int],
        folder: Path,
        *,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
        most: int = MOST_WAITING,
    ) -> None:
        self.receiver = receiver
        self.state = OutboxState()
        self._make_sender = sender
        self._sender: Sender | None = None
        self._now_us = now_us
        self._folder = folder
        self._first_pause = first_pause_seconds
        self._pause = 0.0
        self._most = most
        self._waiting: deque[Notice] = deque()
        self._lost_for_room = 0
        self._news = threading.Condition()
        self._ending = False

    def offer(self, notice: Notice) -> None:
        """Tell *notice* if the receiver wants it. Of too many the oldest is dropped."""
        if not self.receiver.wants(notice):
            return
        with self._news:
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                self._lost_for_room += 1
            self._waiting.append(notice)
            self._news.notify()

    def end(self) -> None:
        """Let the thread end; what waits is not told any more."""
        with self._news:
            self._ending = True
            self._news.notify()

    def run(self) -> None:
        """Tell what is offered, until the end: to be run in a thread of its own."""
        self._keep()
        while (notice := self._next()) is not None:
            pause = self.step(notice)
            if pause:
                with self._news:
                    self._news.wait_for(lambda: self._ending, pause)
        if self._sender is not None:
            self._sender.close()

    def step(self, notice: Notice) -> float:
        """Try to tell *notice*; how long to wait before the next try, 0 when this one is done with."""
        state = self.state
        pause = 0.0
        try:
            if self._is_late(notice):
                self.state = msgspec.structs.replace(state, lost=state.lost + 1)
            else:
                if self._sender is None:
                    self._sender = self._make_sender()
                self._sender.send(notice)
                self.state = OutboxState(state.sent + 1, state.lost, 0, self._now_us())
            self._done(notice)
        except NotTaken as error:
            telemetry.log("notice.lost", level=logging.WARNING, receiver=self.receiver.name, error=error.message)
            self.state = msgspec.structs.replace(
                state, lost=state.lost + 1, failure=error.message, failing_since_us=state.failing_since_us or self._now_us()
            )
            self._done(notice)
        except DoorwardError as error:
            if not state.failure:
                telemetry.log("notice.failed", level=logging.WARNING, receiver=self.receiver.name, error=error.message)
            pause = self._pause = longer(self._pause, self._first_pause)
            self.state = msgspec.structs.replace(
                state, failure=error.message, failing_since_us=state.failing_since_us or self._now_us()
            )
        self._keep()
        return pause

    def _done(self, notice: Notice) -> None:
        self._pause = 0.0
        with self._news:
            # It may have had to make room meanwhile.
            if self._waiting and self._waiting[0] is notice:
                self._waiting.popleft()

    def _next(self) -> Notice | None:
        with self._news:
            self._news.wait_for(lambda: self._ending or self._waiting)
            return None if self._ending else self._waiting[0]

    def _is_late(self, notice: Notice) -> bool:
        now_us = self._now_us()
        is_over = notice.occasion == Occasion.ASKED.value and 0 < notice.expires_us <= now_us
        return is_over or now_us - notice.at_us > LATEST_SECONDS * 1_000_000

    def _keep(self) -> None:
        with self._news:
            waiting, lost = len(self._waiting), self._lost_for_room
            self._lost_for_room = 0
        if lost:
            telemetry.log("notice.lost", level=logging.WARNING, receiver=self.receiver.name, count=lost)
        self.state = msgspec.structs.replace(self.state, waiting=waiting, lost=self.state.lost + lost)
        with contextlib.suppress(OSError):  # what is told matters more than what is known of it
            file = _file(self._folder, self.receiver.name)
            os.replace(put_aside(file, msgspec.json.encode(self.state), sync=False), file)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
