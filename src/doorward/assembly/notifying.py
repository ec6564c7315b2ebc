"""What the control process does to tell people outside: one thread a receiver, none of which anybody waits for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from doorward.audit.files import make_directory
from doorward.clock import now_us
from doorward.config import DataDirectory
from doorward.model.notice import Notice
from doorward.notifying.outbox import Outbox
from doorward.notifying.receivers import NotifySettings, Receiver
from doorward.notifying.senders import sender_of

END_SECONDS = 1.0


@contextlib.contextmanager
def notifying(data: DataDirectory, settings: NotifySettings, console: Callable[[], str]) -> Iterator[Callable[[Notice], None]]:
    """What to give notices to meanwhile. *console* is asked for the console's address once it is needed."""
    make_directory(data.notify)
    outboxes = [_outbox(data, each, settings, console) for each in settings.receiver]
    # Daemons: one that waits for a receiver is left behind at the end.
    threads = [threading.Thread(target=outbox.run, name=f"notify {outbox.receiver.name}", daemon=True) for outbox in outboxes]
    for thread in threads:
        thread.start()

    def notify(notice: Notice) -> None:
        for outbox in outboxes:
            outbox.offer(notice)

    try:
        yield notify
    finally:
        for outbox in outboxes:
            outbox.end()
        for thread in threads:
            thread.join(END_SECONDS)


def _outbox(data: DataDirectory, receiver: Receiver, settings: NotifySettings, console: Callable[[], str]) -> Outbox:
    return Outbox(receiver, lambda: sender_of(receiver, settings.console or console()), now_us, data.notify)
