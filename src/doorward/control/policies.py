"""The rules in force, and how others take their place: whole, recorded, and never without a way back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.errors import Conflict, InvalidRequest, NotFound
from doorward.policy.decide import Policy
from doorward.policy.load import PolicySetInForce, load
from doorward.rehearsal.differences import ADDED, CHANGED, REMOVED, rule_differences
from doorward.store.records import PublishedPolicy
from doorward.store.repositories import Store

REASON_LIMIT = 500
MOST_FILES = 200
MOST_BYTES = 1 << 20
# The rules of the data directory's folder, or the packaged ones: what there is before anything was published.
UNPUBLISHED = 0
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\.cedar")


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A published set of rules as people ask for it, with what it changed. *number* is 0 for rules that nobody published."""

    number: int
    version: str
    at_us: int
    by: str
    reason: str
    is_in_force: bool
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Policies:
    """Publishes rules. *base* are those that count while nothing is published; *configure* sends gateways what is in force.

    *shadow* are candidate rules that gateways ask beside those in force, to tell where they differ.

    Raises PolicyInvalid when made with rules that can't be used.
    """

    def __init__(
        self,
        store: Store,
        changes: Changes,
        configure: Callable[[], Awaitable[None]],
        now: Callable[[], int],
        base: Mapping[str, str],
        observed: frozenset[str],
        shadow: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._changes = changes
        self._configure = configure
        self._now = now
        self._base = dict(base)
        self._observed = observed
        self.shadow = load(shadow) if shadow else None
        self._differed: Counter[tuple[str, str]] = Counter()
        latest = store.policies.latest()
        self._take(latest.number if latest else UNPUBLISHED, load(latest.texts if latest else self._base))

    def _take(self, number: int, in_force: PolicySetInForce) -> None:
        self.number = number
        self.in_force = in_force
        self.policy = Policy(in_force, self._observed)

    async def publish(self, by: Operator, texts: Mapping[str, str], reason: str) -> PolicyRow:
        """Put *texts* (file name to Cedar text) in force, all of them in place of all that were.

        Running sessions meet them at their next execution. Raises PolicyInvalid when they can't be used: nothing changes.
        """
        by.require_administration()
        _check_reason(reason)
        _check_files(texts)
        return await self._put(by, "policy.published", dict(texts), reason)

    async def roll_back(self, by: Operator, number: int, reason: str) -> PolicyRow:
        """Put the rules of *number* in force again, as a version of its own; 0 for those from before anything was published."""
        by.require_administration()
        _check_reason(reason)
        return await self._put(by, "policy.rolled-back", dict(self.texts(number)), reason, rolled_back_to=str(number))

    async def _put(self, by: Operator, act: str, texts: dict[str, str], reason: str, **details: str) -> PolicyRow:
        in_force = load(texts)
        async with self._changes.turn():
            if in_force.version == self.in_force.version:
                raise Conflict("These are the rules that are in force.", "doorward policy history shows what was published.")
            latest = self._store.policies.latest()
            number = latest.number + 1 if latest else 1
            changed = _changes(self.in_force.texts, texts)
            await self._changes.record(
                by,
                act,
                f"policy {number}",
                version=in_force.version,
                before=self.in_force.version,
                reason=reason,
                **{word: " ".join(ids)[:_DETAIL_LIMIT] for word, ids in changed.items()},
                **details,
            )
            published = PublishedPolicy(number, in_force.version, self._now(), by.name, reason, texts)
            self._store.policies.add(published)
            self._take(number, in_force)
            await self._configure()
        return _row(published, is_in_force=True, changed=changed)

    def shadow_differed(self, before: str, after: str) -> None:
        """A gateway met something on which the candidate rules would decide otherwise."""
        self._differed[before, after] += 1

    def shadow_differences(self) -> dict[str, int]:
        """How often since the start: ``allow to deny``; statements that a session runs again count once."""
        return {f"{before} to {after}": count for (before, after), count in sorted(self._differed.items())}

    def texts(self, number: int) -> Mapping[str, str]:
        """The texts that were published under *number*. Raises NotFound."""
        if number == UNPUBLISHED:
            return self._base
        found = self._store.policies.numbered(number)
        if found is None:
            raise NotFound(f"No rules were published as {number}.", "doorward policy history lists them.")
        return found.texts

    def history(self, by: Operator) -> tuple[PolicyRow, ...]:
        """Everything that was published, the newest first, each with what it changed; last the rules from before."""
        if not by.may_read_all:
            by.require_administration()
        published = self._store.policies.all()
        rows = []
        for at, one in enumerate(published):
            before = published[at + 1].texts if at + 1 < len(published) else self._base
            rows.append(_row(one, is_in_force=one.number == self.number, changed=_changes(before, one.texts)))
        base = PolicyRow(UNPUBLISHED, load(self._base).version, 0, "", "", is_in_force=self.number == UNPUBLISHED)
        return (*rows, base)


_DETAIL_LIMIT = 2_000


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found = rule_differences(before, after)
    return {word: tuple(one.id for one in found if one.change == word) for word in (ADDED, REMOVED, CHANGED)}


def _row(published: PublishedPolicy, *, is_in_force: bool, changed: dict[str, tuple[str, ...]]) -> PolicyRow:
    return PolicyRow(
        published.number,
        published.version,
        published.at_us,
        published.by,
        published.reason,
        is_in_force,
        changed[ADDED],
        changed[REMOVED],
        changed[CHANGED],
    )


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_LIMIT:
        raise InvalidRequest(f"A change of rules needs a reason of at most {REASON_LIMIT} characters.", "Say why.")


def _check_files(texts: Mapping[str, str]) -> None:
    for name in texts:
        if not _FILE_NAME.fullmatch(name):
            raise InvalidRequest(f"{name[:120]!r} is no name for a file of rules.", "Names are like 20-writes.cedar.")
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts.values())
    if len(texts) > MOST_FILES or size > MOST_BYTES:
        raise InvalidRequest(f"Rules may have {MOST_FILES} files and {MOST_BYTES >> 20} MiB.", "Leave out what is not needed.")
