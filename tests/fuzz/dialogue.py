"""Dialogues spelled by bytes: each byte is one message of a client, the first two say how it is cut and what is approved."""

from __future__ import annotations

from doorward.wire.postgres import messages
from tests.wire.postgres.conversing import bind, copy_data, execute, run
from tests.wire.postgres.dialogues import ALONE, CLOSE_PORTAL, COPY_FAIL, HELD, REFUSED, TOGETHER
from tests.wire.postgres.test_transparency import same

MOST_MESSAGES = 24


def _alphabet() -> list[bytes]:
    texts = (*TOGETHER, *ALONE, REFUSED, HELD)
    found = [messages.query(text) for text in texts]
    found += [messages.parse(name, text) for name in ("a", "b") for text in texts]
    found += [run(text, name) for name in ("", "a") for text in texts]
    found += [run(text) + messages.SYNC for text in texts]
    found += [messages.query("; ".join(pair)) for pair in zip(TOGETHER, (*TOGETHER[3:], *TOGETHER[:3]), strict=True)]
    for name in ("a", "b"):
        found += [messages.describe_statement(name), messages.describe_portal(name), messages.close_statement(name)]
        found += [CLOSE_PORTAL[name], bind(name, "a"), bind(name, "b"), execute(name), execute(name, 1)]
    found += [messages.SYNC] * 8 + [messages.FLUSH] * 3
    return [*found, copy_data(b"1\n"), messages.COPY_DONE, COPY_FAIL]


ALPHABET = _alphabet()


def play_dialogue(data: bytes) -> None:
    """Compare the two ways of the dialogue that *data* spells."""
    if len(data) < 3:
        return
    sent = [ALPHABET[byte % len(ALPHABET)] for byte in data[2 : 2 + MOST_MESSAGES]]
    same(sent, [data[1] % 64] * len(data) if data[1] else [], approves=bool(data[0] & 1))
