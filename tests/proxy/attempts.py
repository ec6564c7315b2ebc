"""Sessions, people and statements that the tests of the path speak of, and a log to write about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from doorward.audit import hpke
from doorward.audit.canonical import decode
from doorward.audit.log import AuditLog
from doorward.audit.reader import LogReader
from doorward.audit.sealing import Opener
from doorward.model.decision import Decision, Facts, Reason, Verdict
from doorward.model.entry import Entry
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.model.sealing import DayKey, SealingKey
from doorward.model.statement import Analysis
from doorward.proxy.execution import Attempt, SessionFacts, Text, Texts
from doorward.sql.normalised import normalised

ALICE = Principal("prn_alice", PrincipalKind.HUMAN, "alice")
BOT = Principal("prn_bot", PrincipalKind.AGENT, "report-bot", (), "alice")
BOT_FOR_ALICE = Identity(ALICE, (BOT,), "scram-sha-256", "cred_bot")
SESSION = SessionFacts("ses_1", "shop", "shop", "127.0.0.1:1", "psql")
FACTS = Facts("write", ("DELETE",), ("public.orders",))
HELD = Decision(Verdict.HOLD, (Reason("ask-first", "Somebody must agree."),), "p1", approvers="security", hold_seconds=60)
ALLOWED = Decision(Verdict.ALLOW, (Reason("reads", "Reading is permitted."),), "p1")
_PRIVATE, _PUBLIC = hpke.new_key_pair()
DAY = DayKey(SealingKey("2027-01-31", _PUBLIC, b"s" * 32), _PRIVATE)


def a_text(words: str) -> Text:
    """*words* as a gateway understands them, of whatever they say."""
    return Texts(lambda _text: Analysis(()), lambda _text: None, normalised).understand(words.encode())


def an_attempt(text: str = "DELETE FROM orders", *parameters: bytes | None, inner: tuple[str, ...] = ()) -> Attempt:
    """One execution of *text*."""
    texts = [a_text(words) for words in (text, *inner)]
    return Attempt(texts[0], tuple(texts[1:]), parameters, "extended", "I", lambda refusal, ticket: None)


@dataclass
class Put:
    """A call that was put off."""

    seconds: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Don't call."""
        self.cancelled = True


@dataclass
class Later:
    """Puts calls off until the test says that their time has come."""

    calls: list[Put] = field(default_factory=list)

    def __call__(self, seconds: float, call: Callable[[], None]) -> Put:
        self.calls.append(Put(seconds, call))
        return self.calls[-1]

    def come(self) -> None:
        """Call what was put off and not cancelled."""
        due, self.calls = self.calls, []
        for put in due:
            if not put.cancelled:
                put.call()


def payloads_of(log: AuditLog) -> list[bytes]:
    """What anybody who reads the log's files finds there."""
    return [payload for _index, payload in LogReader(Path(log.directory)).entries()]


def entries_of(log: AuditLog) -> list[Entry]:
    """What whoever has the day's key reads there."""
    opener = Opener({DAY.sealing.id: DAY}.get)
    entries: list[Entry] = [opener.opened(decode(payload)) for payload in payloads_of(log)]
    return entries
