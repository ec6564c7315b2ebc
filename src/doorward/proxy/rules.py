"""What a gateway decides with: policy and catalogs, replaced whole, never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from doorward.catalog import codec
from doorward.model.catalog import Snapshot
from doorward.model.link import Configured
from doorward.model.upstream import Upstream
from doorward.policy.decide import Policy
from doorward.policy.load import load


@dataclass(frozen=True)
class Rules:
    """One state of everything that decides. *policy_version* and the snapshots' epochs name it."""

    policy: Policy
    policy_version: str
    upstreams: Mapping[str, Upstream]
    snapshots: Mapping[str, Snapshot]
    console_url: str
    epochs: Mapping[str, str] = field(default_factory=dict)

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
        snapshots = {name: codec.decode(encoded) for name, encoded in configured.snapshots.items()}
        return cls(
            policy,
            configured.policy_version,
            {upstream.name: upstream for upstream in configured.upstreams},
            snapshots,
            configured.console_url,
            {name: snapshot.epoch for name, snapshot in snapshots.items()},
        )

    def epoch(self, upstream: str) -> str:
        """The state of *upstream*'s catalog; empty when it was never read."""
        return self.epochs.get(upstream, "")

    def snapshot(self, upstream: str) -> Snapshot:
        """The catalog of *upstream*; an empty one, in which everything is unknown, when it was never read."""
        found = self.snapshots.get(upstream)
        return found if found is not None else Snapshot(upstream, "", ())
