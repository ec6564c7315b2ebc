"""What a gateway decides with: policy and catalogs, replaced whole, never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from doorward.catalog import codec
from doorward.model.access import Access
from doorward.model.catalog import Label, Snapshot
from doorward.model.link import Configured
from doorward.model.upstream import Upstream
from doorward.policy.decide import Policy
from doorward.policy.load import SCAN, load, version_of

if TYPE_CHECKING:
    from doorward.detectors.rules import Rule
    from doorward.detectors.scanner import Scanner


@dataclass(frozen=True)
class Rules:
    """One state of everything that decides. *policy_version* and the snapshots' epochs name it."""

    policy: Policy
    policy_version: str
    upstreams: Mapping[str, Upstream]
    snapshots: Mapping[str, Snapshot]
    console_url: str
    epochs: Mapping[str, str] = field(default_factory=dict)
    detectors: Mapping[str, str] = field(default_factory=dict)  # the operator's own, as texts
    scanner: Scanner | None = None
    shadow: Policy | None = None  # candidate rules, asked beside those in force without any effect
    accesses: Mapping[str, tuple[Access, ...]] = field(default_factory=dict)  # by who holds the connection

    @classmethod
    def from_configured(cls, configured: Configured, before: Rules | None = None) -> Rules:
        """Make the rules that the control process sent; what did not change is taken from *before*.

        Raises PolicyInvalid and msgspec.DecodeError; the rules in force then stay.
        """
        observed = frozenset(upstream.name for upstream in configured.upstreams if upstream.observe)
        unchanged = before is not None and before.policy_version == configured.policy_version
        if before is not None and unchanged and before.policy.observed == observed:
            policy = before.policy
        else:
            policy = Policy(load(configured.policies), observed)
        scanner = before.scanner if before is not None and before.detectors == configured.detectors else None
        if configured.detectors and scanner is None:
            _own_rules(configured.detectors)  # raises now, not when they are first needed
        snapshots = {name: codec.decode(encoded) for name, encoded in configured.snapshots.items()}
        return cls(
            policy,
            configured.policy_version,
            {upstream.name: upstream for upstream in configured.upstreams},
            snapshots,
            configured.console_url,
            {name: snapshot.epoch for name, snapshot in snapshots.items()},
            configured.detectors,
            scanner,
            _shadow(configured.shadow, observed, before),
            by_speaker(configured.accesses),
        )

    def with_accesses(self, accesses: tuple[Access, ...]) -> Rules:
        """The same rules with other access granted: what was decided by these is decided anew."""
        return replace(self, accesses=by_speaker(accesses))

    @property
    def lacks_scanner(self) -> bool:
        """Whether results may have to be scanned, and there is nothing to do it with yet: they are masked whole meanwhile."""
        permits = self.policy.in_force.strict[SCAN].can_permit
        has_texts = any(Label.FREE_TEXT in snapshot.labels.values() for snapshot in self.snapshots.values())
        return self.scanner is None and permits and has_texts

    def make_scanner(self) -> Scanner:
        """What finds personal data and secrets in values. Takes a second of processor time, most of it aside."""
        from doorward.detectors.scanner import Scanner, default_scanner

        return Scanner(_own_rules(self.detectors), names_may_clear=False) if self.detectors else default_scanner()

    def epoch(self, upstream: str) -> str:
        """The state of *upstream*'s catalog; empty when it was never read."""
        return self.epochs.get(upstream, "")

    def snapshot(self, upstream: str) -> Snapshot:
        """The catalog of *upstream*; an empty one, in which everything is unknown, when it was never read."""
        found = self.snapshots.get(upstream)
        return found if found is not None else Snapshot(upstream, "", ())


def _shadow(texts: Mapping[str, str], observed: frozenset[str], before: Rules | None) -> Policy | None:
    """The candidate rules in *texts*, as they were before if nothing changed. Raises PolicyInvalid."""
    if not texts:
        return None
    kept = before.shadow if before is not None else None
    if kept is not None and kept.in_force.version == version_of(texts) and kept.observed == observed:
        return kept
    return Policy(load(texts), observed)


def by_speaker(accesses: tuple[Access, ...]) -> dict[str, tuple[Access, ...]]:
    """*accesses* by who must hold the connection for them to count."""
    found: dict[str, tuple[Access, ...]] = {}
    for access in accesses:
        found[access.speaker_id] = (*found.get(access.speaker_id, ()), access)
    return found


def _own_rules(texts: Mapping[str, str]) -> list[Rule]:
    """The operator's own detectors. Raises PolicyInvalid. (Imported late, as in ``databases``: most gateways scan nothing.)"""
    from doorward.detectors.custom import read_detectors

    return [detector.rule for detector in read_detectors(texts)]
