"""A decision: may this run, why, and what must be done if it may."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from doorward.model.catalog import Label
from doorward.model.statement import Way


class Verdict(Enum):
    """What happens to an execution. There is no "unknown": what can't be decided is DENY."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"


class Parameters(Enum):
    """How the log keeps the bind values of an execution, from the least to the most that is told."""

    DROPPED = "dropped"  # how many there are
    HASHED = "hashed"  # length and a keyed digest: the same value is known again
    KEPT = "kept"  # the value too, unless protected data is in reach of the statement


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that decided: its id in the policy folder, what it says to people, and what they can do next."""

    rule: str
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one identity may learn of a protected column that it is not cleared for, by letting it steer rows.

    In *window_seconds* at most *probes* different questions and *rows* rows that answer them; what goes beyond waits for
    *approvers*. 0 is no bound. *times* is the number of values that one execution holds the column against.
    """

    column: str
    label: Label
    probes: int
    rows: int
    window_seconds: int
    approvers: str
    rule: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of policy for one execution.

    *cleared* holds the labels this identity may see unmasked, *scanned* those whose texts and documents it may see with
    what is found in them replaced; *tokenized* those with a token in place of
    each value; every other protected label is masked.
    *approvers* is the group that may say yes to a HOLD, *quorum* how many of it must; after *escalates_seconds* without an
    answer *escalates_to* may as well, if it names a group. *reasons* is never empty.
    *budgets* bound what is learned of columns by executions like this one.
    *observed* is for an upstream that is only watched: the verdict is ALLOW whatever the rules say (they are in *reasons*),
    and nothing of the answer is masked, cut or withheld.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    policy_version: str
    cleared: frozenset[Label] = frozenset()
    scanned: frozenset[Label] = frozenset()
    tokenized: frozenset[Label] = frozenset()
    approvers: str = ""
    hold_seconds: int = 0
    row_limit: int = 0  # 0: no limit
    parameters: Parameters = Parameters.HASHED
    observed: bool = False
    quorum: int = 1
    until_us: int = field(default=0, compare=False)  # when it has to be made anew because time passes; 0: never
    escalates_to: str = ""
    escalates_seconds: int = 0
    grants: tuple[str, ...] = ()  # access for a time that fitted
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True)
class Steered:
    """A protected column that steers rows: the gravest *way*, and the number of values that it is held against."""

    column: str
    label: Label
    way: Way
    times: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What policy may know of an execution: everything from the analysis and the catalog, nothing of the text.

    *objects* are qualified names of resolved relations, *unresolved* the spelled names that the catalog doesn't know.
    *unlisted_functions* are called functions that nobody vouches for; *dangerous_functions* are known to reach files,
    settings, other sessions or other servers.
    """

    action: str
    tags: tuple[str, ...]
    objects: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    touches_protected: bool = False
    unbounded_write: bool = False
    copies_protected: bool = False
    copy_protected_out: bool = False
    unlisted_functions: tuple[str, ...] = ()
    dangerous_functions: tuple[str, ...] = ()
    object_kinds: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    refusal: str = ""
    multiple: bool = False  # several statements in one message
    temporary: bool = False  # every object it defines or destroys is a temporary one of this session
    steering: tuple[Steered, ...] = ()  # protected columns that decide which rows come


@dataclass(frozen=True, slots=True)
class Circumstances:
    """From where and what for, as far as it is known; empty is unknown.

    *purpose*, *ticket* and *application* are the client's own claims. *client* is the address that it connects from, *tls* the
    version of TLS that it speaks.
    """

    purpose: str = ""
    ticket: str = ""
    application: str = ""
    client: str = ""
    tls: str = ""


NOTHING_KNOWN = Circumstances()


@dataclass(frozen=True, slots=True)
class Granted:
    """What was granted for a time and fits an execution: *labels* to see, its *action*, or all that people could approve.

    *row_limit* is the smallest of what was granted, 0 for none; *ids* name it in the log.
    """

    labels: frozenset[Label] = frozenset()
    action: bool = False
    break_glass: bool = False
    row_limit: int = 0
    ids: tuple[str, ...] = ()


NOTHING_GRANTED = Granted()
