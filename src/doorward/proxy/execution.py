"""One execution on its way: what was decided about it, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from doorward.catalog.resolve import Resolved
from doorward.model.catalog import Label
from doorward.model.decision import Decision, Facts
from doorward.model.entry import ColumnStamp
from doorward.model.result import ResultColumn
from doorward.model.statement import Analysis
from doorward.proxy.forms import IntentForm
from doorward.proxy.rules import Rules
from doorward.wire.governor import Refusal, Ticket


@dataclass(slots=True, eq=False)
class Text:
    """A statement's text and what it holds; resolved anew whenever the catalog changed. Equal to itself alone."""

    text: str
    analysis: Analysis
    _epoch: tuple[str, str] = ("", "")
    _resolved: Resolved | None = None

    def remembered(self, upstream: str, epoch: str) -> Resolved | None:
        """What it resolved to in this state of this upstream's catalog, if that was asked last."""
        return self._resolved if self._epoch == (upstream, epoch) else None

    def remember(self, upstream: str, epoch: str, resolved: Resolved) -> None:
        """Keep what it resolved to."""
        self._epoch = (upstream, epoch)
        self._resolved = resolved


class Texts:
    """The texts met lately, understood once. Bounded by number and by total length; shared by all sessions of a gateway."""

    def __init__(self, analyze: Callable[[str], Analysis]) -> None:
        self._analyze = analyze
        self._known: dict[bytes, Text] = {}
        self._size_bytes = 0

    def understand(self, text: bytes) -> Text:
        """What *text* holds; what is not UTF-8 is an analysis with an error."""
        known = self._known.get(text)
        if known is not None:
            return known
        try:
            decoded = text.decode()
        except UnicodeDecodeError:
            return Text("", Analysis((), error="The statement is not UTF-8.", error_code="22021"))
        understood = Text(decoded, self._analyze(decoded))
        if len(text) <= LONGEST_KEPT_BYTES:
            if len(self._known) >= MOST_KEPT or self._size_bytes > MOST_KEPT_BYTES:
                self._known.clear()
                self._size_bytes = 0
            self._known[text] = understood
            self._size_bytes += len(text)
        return understood


LONGEST_KEPT_BYTES = 16_384
MOST_KEPT = 10_000
MOST_KEPT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution that a client asks for, before it is decided on. *resume* tells the wire how it went on."""

    text: Text
    inner: tuple[Text, ...]
    parameters: tuple[bytes | None, ...]
    protocol: str
    transaction: str
    resume: Callable[[Refusal | None, Ticket | None], None]


@dataclass(frozen=True, slots=True)
class ResultNote:
    """What is done to the columns of one result, and how the record says it. *operations* is None to pass it as it is."""

    operations: tuple[list[int], list[bytes]] | None
    columns: tuple[ColumnStamp, ...]
    columns_json: bytes
    masked: int


@dataclass(slots=True, eq=False)
class Judgement:
    """What was decided on a text for one identity under one state of the rules, and all that follows from it.

    *text*, *inner* and *approved* are what it was decided on, should the rules move while it is still to be used.
    *form* is the intent's record with blanks, for texts that are run again and again. *described* and *note* are the last
    result's columns and what was decided on them.
    """

    rules: Rules
    text: Text
    inner: tuple[Text, ...]
    approved: bool
    resolved: Resolved
    facts: Facts
    decision: Decision
    protocol: str
    is_effect: bool
    ends_transaction: bool
    is_protected: bool
    touches_catalog: bool
    labels: Mapping[tuple[int, int], Label]
    form: IntentForm | None = None
    described: Sequence[ResultColumn] | None = None
    note: ResultNote | None = None


@dataclass(slots=True, eq=False)
class Execution:
    """The ticket that the wire holds. *released* turns True once its record is where rows may be shown."""

    id: str
    judgement: Judgement
    begun_us: int
    released: bool
    row_limit: int
    copy_out_is_clear: bool
    notes: list[ResultNote] = field(default_factory=list)
    wakes: bool = False


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What is fixed about a session once it is open."""

    id: str
    upstream: str
    database: str
    client: str
    application: str
