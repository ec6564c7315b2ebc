"""The rules a gateway decides with, as the control process sends them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from doorward.catalog import codec
from doorward.errors import PolicyInvalid
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot
from doorward.model.link import Configured
from doorward.model.upstream import Upstream
from doorward.policy.load import default_texts
from doorward.proxy.rules import Rules

SNAPSHOT = Snapshot(
    "shop", "e1", (Relation(7, "public", "people", RelationKind.TABLE, (Column(1, "email", "text", Label.EMAIL),)),)
)
UPSTREAM = Upstream("shop", "postgresql", "127.0.0.1", 5432, "shop", "owner")


def configured(*, version: str = "p1", policies: dict[str, str] | None = None, **snapshots: bytes) -> Configured:
    """A configuration with the packaged rules."""
    texts = default_texts() if policies is None else policies
    return Configured((UPSTREAM,), texts, version, snapshots or {"shop": codec.encode(SNAPSHOT)}, "http://console")


def test_what_was_sent_is_what_decides() -> None:
    """Policy, upstreams by name, catalogs by upstream, and their states."""
    rules = Rules.from_configured(configured())
    assert rules.policy_version == "p1"
    assert dict(rules.upstreams) == {"shop": UPSTREAM}
    assert rules.snapshot("shop") == SNAPSHOT
    assert rules.epoch("shop") == "e1"
    assert rules.console_url == "http://console"


def test_a_catalog_never_read_is_empty_and_protects_all() -> None:
    """No relation is known, which is what protects."""
    rules = Rules.from_configured(configured())
    assert rules.snapshot("payroll") == Snapshot("payroll", "", ())
    assert rules.epoch("payroll") == ""


def test_an_unchanged_policy_is_not_read_again() -> None:
    """Only its version tells; the catalog is replaced all the same."""
    before = Rules.from_configured(configured())
    changed = replace(SNAPSHOT, epoch="e2", relations=())
    after = Rules.from_configured(configured(policies={}, shop=codec.encode(changed)), before)
    assert after.policy is before.policy
    assert after.snapshot("shop") == changed
    assert before.snapshot("shop") == SNAPSHOT


def test_another_version_is_read_anew() -> None:
    """The one before stays as it was."""
    before = Rules.from_configured(configured())
    after = Rules.from_configured(configured(version="p2"), before)
    assert after.policy is not before.policy
    assert (before.policy_version, after.policy_version) == ("p1", "p2")


def test_a_policy_that_can_not_be_used_makes_no_rules() -> None:
    """Whoever asks keeps the ones in force."""
    before = Rules.from_configured(configured())
    with pytest.raises(PolicyInvalid):
        Rules.from_configured(configured(version="p2", policies={"a.cedar": "permit ("}), before)


@pytest.mark.parametrize("encoded", [b"", b"\xc1", codec.encode(SNAPSHOT)[:-1], b"[]"])
def test_a_catalog_that_can_not_be_read_makes_no_rules(encoded: bytes) -> None:
    """A damaged catalog is not taken for an empty one."""
    with pytest.raises(msgspec.DecodeError):
        Rules.from_configured(configured(shop=encoded))


def test_an_upstream_that_begins_to_be_observed_has_its_own_policy_at_once() -> None:
    """Same rules, another switch: what was kept from before would go on enforcing, or go on watching."""
    enforcing = Rules.from_configured(configured())
    watching = msgspec.structs.replace(configured(), upstreams=(msgspec.structs.replace(UPSTREAM, observe=True),))
    observing = Rules.from_configured(watching, enforcing)
    assert (enforcing.policy.observed, observing.policy.observed) == (frozenset(), {"shop"})
    assert Rules.from_configured(configured(), observing).policy.observed == frozenset()
    assert Rules.from_configured(watching, observing).policy is observing.policy


def test_candidate_rules_are_read_once_and_a_broken_set_changes_nothing() -> None:
    """They are asked beside those in force, and are no reason to be without either."""
    before = Rules.from_configured(msgspec.structs.replace(configured(), shadow=default_texts()))
    assert before.shadow is not None
    after = Rules.from_configured(msgspec.structs.replace(configured(version="p2"), shadow=default_texts()), before)
    assert after.shadow is before.shadow
    assert after.policy is not before.policy
    assert Rules.from_configured(configured(), before).shadow is None
    with pytest.raises(PolicyInvalid):
        Rules.from_configured(msgspec.structs.replace(configured(), shadow={"a.cedar": "permit ("}), before)
