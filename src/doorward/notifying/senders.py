"""Handing one notice to one receiver. It was taken then, or DeliveryFailed says that it may be tried again."""

from __future__ import annotations

import time
from typing import Protocol
from urllib.parse import urlsplit

from doorward.errors import DoorwardError
from doorward.model.notice import Notice
from doorward.notifying import bodies
from doorward.notifying.receivers import Answerer, Receiver
from doorward.notifying.signing import key_of, signed_headers
from doorward.notifying.words import told
from doorward.shipping.posting import DeliveryFailed, post, trust

# What a server says of a call that would be no better a second time; all other failures are tried again.
_FOR_GOOD = frozenset({400, 404, 405, 410, 411, 413, 414, 415, 422, 501})


class NotTaken(DeliveryFailed):
    """A receiver refused a notice for good: it is not sent again."""

    code = "notice-refused"


class Sender(Protocol):
    """Speaks to one receiver, from one thread."""

    def send(self, notice: Notice) -> None:
        """Hand *notice* over. Raises DeliveryFailed, or NotTaken where trying again is in vain."""

    def close(self) -> None:
        """Let go of what is open."""


class HttpSender:
    """Posts JSON; for a webhook signed after the Standard Webhooks specification."""

    def __init__(self, receiver: Receiver, console: str) -> None:
        self._receiver = receiver
        self._console = console

    def send(self, notice: Notice) -> None:
        """See :class:`Sender`. The secret is read anew each time: one that was changed counts at once."""
        receiver = self._receiver
        secret = receiver.secret()
        what = told(notice, receiver.statement, self._console)
        body = bodies.encoded(bodies.SHAPES[receiver.kind](notice, what, receiver))
        headers = {"Content-Type": "application/json", "User-Agent": "doorward"}
        if receiver.kind == "webhook":
            headers |= signed_headers(key_of(receiver.name, secret), notice.id, int(time.time()), body)
        url = receiver.to or (secret if receiver.kind == "teams" else bodies.PAGERDUTY_URL)
        status, _answer = post(
            url,
            body,
            headers,
            name=receiver.name,
            seconds=receiver.timeout_seconds,
            context=trust(receiver.ca_file) if urlsplit(url).scheme == "https" else None,
        )
        if status in _FOR_GOOD:
            raise NotTaken(f"{receiver.name} refused it with status {status}.", "Its own log says why.")
        if not 200 <= status < 300:
            raise DeliveryFailed(f"{receiver.name} answered with status {status}.", "Its own log says why.")

    def close(self) -> None:
        """See :class:`Sender`."""


def sender_of(receiver: Receiver, console: str) -> Sender:
    """What speaks to *receiver*."""
    return HttpSender(receiver, console)


def secret_fault(each: Receiver | Answerer) -> str:
    """What is wrong with the secrets that *each* names, in words; empty when nothing is."""
    try:
        secret = each.secret()
        if isinstance(each, Answerer) or each.kind == "webhook":
            key_of(each.name, secret)
        if isinstance(each, Receiver) and each.ca_file:
            trust(each.ca_file)
    except DoorwardError as error:
        return str(error)
    return ""
