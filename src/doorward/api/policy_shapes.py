"""Rules on the wire: what is sent to publish them, and what was published."""

from __future__ import annotations

import msgspec

from doorward.control.policies import PolicyRow


class NewPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules to put in force: file name to Cedar text, all in place of all that are."""

    files: dict[str, str]
    reason: str


class PolicyRollback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which published rules to put in force again; 0 for those from before anything was published."""

    number: int
    reason: str


class PolicyVersionOut(msgspec.Struct, frozen=True):
    """A set of rules that was published, with the ids of the rules that it changed. *number* is 0 for rules that nobody did."""

    number: int
    version: str
    at_us: int
    by: str
    reason: str
    is_in_force: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class PolicyNamesOut(msgspec.Struct, frozen=True):
    """What a running Doorward knows that rules may name: functions of users, without their schemas."""

    functions: tuple[str, ...]


class PolicyOut(msgspec.Struct, frozen=True):
    """A set of rules whole, file name to Cedar text."""

    number: int
    files: dict[str, str]


def policy_version_out(row: PolicyRow) -> PolicyVersionOut:
    """*row* for the wire."""
    return PolicyVersionOut(
        row.number, row.version, row.at_us, row.by, row.reason, row.is_in_force, row.added, row.removed, row.changed
    )
