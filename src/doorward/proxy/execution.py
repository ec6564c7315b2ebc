"""One execution on its way: what was decided about it, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from doorward.catalog.resolve import Resolved
from doorward.model.catalog import Label
from doorward.model.decision import Decision, Facts
from doorward.model.entry import ColumnStamp
from doorward.model.result import ResultColumn
from doorward.model.statement import Analysis
from doorward.proxy.forms_cy import IntentForm
from doorward.proxy.rules import Rules
from doorward.proxy.wishes import NONE, Wishes
from doorward.wire.governor import Refusal, Ticket


class Family:
    """What texts share that differ only in literals which change nothing; resolved anew whenever the catalog changed."""

    __slots__ = ("_epoch", "_resolved", "analysis", "fixed", "is_plain", "shown", "shows_settings")

    def __init__(self, analysis: Analysis, shown: str = "", fixed: tuple[bytes | None, ...] = ()) -> None:
        self.analysis = analysis
        self.shown = shown  # their text without any literals
        self.is_plain = len(analysis.statements) == 1 and analysis.statements[0].is_plain
        self.shows_settings = analysis.shows_settings
        self.fixed = fixed  # the literals that must be the same, None for those that may vary
        self._epoch = ("", "")
        self._resolved: Resolved | None = None

    def remembered(self, upstream: str, epoch: str) -> Resolved | None:
        """What it resolved to in this state of this upstream's catalog, if that was asked last."""
        return self._resolved if self._epoch == (upstream, epoch) else None

    def remember(self, upstream: str, epoch: str, resolved: Resolved) -> None:
        """Keep what it resolved to."""
        self._epoch = (upstream, epoch)
        self._resolved = resolved

    def takes(self, literals: tuple[bytes, ...]) -> bool:
        """Whether a text of the same skeleton with these *literals* belongs to it."""
        for fixed, literal in zip(self.fixed, literals, strict=True):  # noqa: SIM110 - a generator costs more than the rest
            if fixed is not None and fixed != literal:
                return False
        return True


class Text:
    """A statement's text and, by its family, what it holds. Equal to itself alone.

    *sealed* is how the log keeps it, for as long as *sealed_in* is the sealer's epoch.
    """

    __slots__ = ("analysis", "family", "is_plain", "sealed", "sealed_in", "text")

    def __init__(self, text: str, family: Family) -> None:
        self.text = text
        self.sealed = b""
        self.sealed_in: object = None
        self.family = family
        self.analysis = family.analysis
        self.is_plain = family.is_plain


Skeleton = tuple[bytes, tuple[bytes, ...], tuple[int, ...]]
"""A text without its literals, the literals, and where they start."""


class Texts:
    """The texts met lately, understood once. Bounded by number and by total length; shared by all sessions of a gateway.

    *skeleton_of* takes the literals out of a text; where the analysis says that they may vary, the next text that differs in
    nothing else is not analysed again. *normalised* writes a text without its literals, for those who may not see them.
    """

    def __init__(
        self,
        analyze: Callable[[str], Analysis],
        skeleton_of: Callable[[bytes], Skeleton | None],
        normalised: Callable[[str], str],
    ) -> None:
        self._analyze = analyze
        self._skeleton_of = skeleton_of
        self._normalised = normalised
        self._known: dict[bytes, Text] = {}
        self._families: dict[bytes, list[Family]] = {}  # by skeleton
        self._size_bytes = 0

    def understand(self, text: bytes) -> Text:
        """What *text* holds; what is not UTF-8 is an analysis with an error."""
        known = self._known.get(text)
        if known is not None:
            return known
        try:
            decoded = text.decode()
        except UnicodeDecodeError:
            return Text("", Family(Analysis((), error="The statement is not UTF-8.", error_code="22021"), UNREAD))
        skeleton = self._skeleton_of(text)
        if skeleton is not None:
            for family in self._families.get(skeleton[0], ()):
                if family.takes(skeleton[1]):
                    return Text(decoded, family)
        return self._understand_anew(text, decoded, skeleton)

    def _understand_anew(self, text: bytes, decoded: str, skeleton: Skeleton | None) -> Text:
        analysis = self._analyze(decoded)
        understood = Text(decoded, Family(analysis, self._shown(decoded, analysis)))
        if len(text) > LONGEST_KEPT_BYTES:
            return understood
        if len(self._known) + len(self._families) >= MOST_KEPT or self._size_bytes > MOST_KEPT_BYTES:
            self._known.clear()
            self._families.clear()
            self._size_bytes = 0
        self._size_bytes += len(text)
        if skeleton is not None and not analysis.varying.isdisjoint(skeleton[2]):
            bare, literals, starts = skeleton
            fixed = tuple(
                None if start in analysis.varying else literal for literal, start in zip(literals, starts, strict=True)
            )
            understood.family.fixed = fixed
            alike = self._families.setdefault(bare, [])
            if len(alike) >= MOST_ALIKE:
                alike.clear()
            alike.append(understood.family)
        else:
            self._known[text] = understood
        return understood

    def _shown(self, text: str, analysis: Analysis) -> str:
        if analysis.error:
            return UNREAD  # what is no SQL may be anything, a pasted list of names as well
        if len(text) <= LONGEST_SHOWN:
            return self._normalised(text)
        return self._normalised(text[:LONGEST_SHOWN]) + " […]"


LONGEST_KEPT_BYTES = 16_384
# What an entry shows in clear; JSON may make six bytes of a letter.
LONGEST_SHOWN = 4_000
UNREAD = "[the text could not be read]"
MOST_KEPT = 10_000
MOST_KEPT_BYTES = 16 << 20
# Families of one skeleton: texts that differ in literals which must be the same (ORDER BY 1, ORDER BY 2).
MOST_ALIKE = 16


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
    """What is done to the columns of one result, and how the record says it. *operations* is None to pass it as it is.

    *positions* say which columns *columns* are; *shown* are those of them that are protected and not masked.
    """

    operations: tuple[list[int], list[Any]] | None
    columns: tuple[ColumnStamp, ...]
    columns_json: bytes
    masked: int
    positions: tuple[int, ...] = ()
    shown: tuple[ColumnStamp, ...] = ()


@dataclass(slots=True, eq=False)
class Judgement:
    """What was decided on a text for one identity under one state of the rules, and all that follows from it.

    *text*, *inner* and *approved* are what it was decided on, should the rules move while it is still to be used.
    *form* is the intent's record with blanks, for texts that are run again and again; *is_repeatable* says that they
    can be begun by it. *until_us* is when it has to be made anew because time passes, 0 for never. *shadow* is what candidate
    rules would decide, where that is something else. *described* and *note* are the last result's columns and what was
    decided on them.
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
    is_repeatable: bool = False
    until_us: int = 0
    shadow: Decision | None = None
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
    """What is fixed about a session once it is open. *claimed* is what its client said of itself."""

    id: str
    upstream: str
    database: str
    client: str
    application: str
    claimed: tuple[tuple[str, str], ...] = ()
    wishes: Wishes = NONE
    tls: str = ""
