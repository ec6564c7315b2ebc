"""Policy texts -> the rules in force, checked whole: a text that is wrong anywhere changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from cedarpy import PolicySet, pst

from doorward.errors import PolicyInvalid
from doorward.policy.mentions import Needs, mentioned, needs_of
from doorward.policy.reading import ACTIONS, APPROVE, SCAN, UNMASK, WAYS, read, schema
from doorward.policy.rules import REQUIREMENTS, Rule

__all__ = [
    "ACTIONS",
    "APPROVE",
    "SCAN",
    "UNMASK",
    "WAYS",
    "PolicySetInForce",
    "Prepared",
    "default_texts",
    "load",
    "schema",
    "version_of",
]

_VERSION_LENGTH = 12  # hex digits: enough to tell versions apart, short enough to say


def default_texts() -> dict[str, str]:
    """The packaged rules: file name to Cedar text."""
    folder = files("doorward.policy").joinpath("defaults")
    return {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".cedar")}


@dataclass(frozen=True, slots=True)
class Prepared:
    """Cedar policies for one action. *can_permit* is False when asking is pointless: nothing in it permits."""

    policies: PolicySet
    can_permit: bool


@dataclass(frozen=True, slots=True)
class PolicySetInForce:
    """A whole, valid set of rules.

    *rules* is in the order of file names and lines; *strict* has the policies of each
    action; *lifted* the same without the forbids that an approval lifts; *needs* what has to be known to ask about an action.
    """

    version: str
    rules: tuple[Rule, ...]
    texts: Mapping[str, str]
    by_id: Mapping[str, Rule]
    strict: Mapping[str, Prepared]
    lifted: Mapping[str, Prepared]
    needs: Mapping[str, Needs]


# The groups of actions in the schema, and what is not in them. A test holds them against the schema.
_NOT_IN = {
    "statement": {UNMASK, SCAN, APPROVE, *WAYS},
    "change": {UNMASK, SCAN, APPROVE, *WAYS, "session", "read"},
    "infer": set(ACTIONS).difference(WAYS),
}


def _concerns(policy: pst.Template, action: str) -> bool:
    """Whether *policy* may apply to *action*."""
    match policy.action:
        case pst.ActionEq(entity=named):
            ids = {named.id}
        case pst.ActionIn(entities=several):
            ids = {named.id for named in several}
        case _:
            return True
    return action in ids or any(action not in _NOT_IN.get(named, ()) for named in ids.difference(ACTIONS))


def _prepare(policies: Mapping[str, pst.Template]) -> dict[str, Prepared]:
    prepared = {}
    for action in ACTIONS:
        chosen = {key: policy for key, policy in policies.items() if _concerns(policy, action)}
        handle = PolicySet.from_pst(pst.PolicySet({}, pst.FrozenMap(chosen), ()))
        prepared[action] = Prepared(handle, any(policy.effect == "permit" for policy in chosen.values()))
    return prepared


def _needs(policies: Mapping[str, pst.Template], rules: Mapping[str, Rule]) -> dict[str, Needs]:
    """What each action needs; a statement needs also what decides on showing, scanning and inferring what it reads."""
    names: dict[str, set[str]] = {action: set() for action in ACTIONS}
    required: dict[str, set[str]] = {action: set() for action in ACTIONS}
    for key, policy in policies.items():
        says = mentioned(policy)
        asks = {REQUIREMENTS[word] for word in rules[key].require}
        for action in ACTIONS:
            if _concerns(policy, action):
                names[action] |= says
                required[action] |= asks
    needs = {}
    for action in ACTIONS:
        also = () if action == APPROVE else (UNMASK, SCAN, *WAYS)
        needs[action] = needs_of(
            names[action].union(*(names[other] for other in also)),
            required[action].union(*(required[other] for other in also)),
        )
    return needs


def version_of(texts: Mapping[str, str]) -> str:
    """A short digest over file names and contents; the order in which they are given doesn't matter."""
    canonical = json.dumps(sorted(texts.items())).encode()
    return hashlib.sha256(canonical).hexdigest()[:_VERSION_LENGTH]


def load(texts: Mapping[str, str]) -> PolicySetInForce:
    """Check all *texts* (file name to Cedar text) and prepare them to be asked.

    Raises PolicyInvalid with the first fault found; the rules in force stay in force.
    """
    reading = read(texts)
    if reading.faults:
        raise reading.faults[0].error()
    if not reading.rules:
        raise PolicyInvalid("There is not one rule.", "Restore the policy files, or remove the folder to use the defaults.")
    policies = {found.rule.id: found.policy for found in reading.rules}
    by_id = {found.rule.id: found.rule for found in reading.rules}
    unliftable = {key: policy for key, policy in policies.items() if not by_id[key].hold}
    return PolicySetInForce(
        version=version_of(texts),
        rules=tuple(by_id.values()),
        texts=dict(texts),
        by_id=by_id,
        strict=_prepare(policies),
        lifted=_prepare(unliftable),
        needs=_needs(policies, by_id),
    )
