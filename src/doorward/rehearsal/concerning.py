"""Which rules have a say when somebody does something."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from doorward.errors import NotFound
from doorward.model.identity import PrincipalKind
from doorward.policy.conditions import may_concern
from doorward.policy.reading import read
from doorward.policy.request import ENTITY_TYPES
from doorward.policy.rules import Rule
from doorward.store.names import StoredPrincipal, read_names


def chain_of(store: Path, name: str) -> list[StoredPrincipal]:
    """Whoever signs in as *name*, and all whom they act for, by the store at *store*. Raises NotFound."""
    stored = read_names(store)
    people = {one.name: one for one in stored.principals} if stored else {}
    chain: list[StoredPrincipal] = []
    while name and len(chain) <= len(people):
        one = people.get(name)
        if one is None:
            raise NotFound(f"Nobody is called {name}.", "Add them, or give the data directory that knows them with --data-dir.")
        chain.append(one)
        name = one.acting_for
    return chain


def rules_concerning(texts: Mapping[str, str], who: StoredPrincipal, action: str) -> tuple[Rule, ...]:
    """The rules in *texts* that can apply to *who* on *action*, in order. Raises PolicyInvalid for texts that can't be used."""
    reading = read(texts)
    if reading.faults:
        raise reading.faults[0].error()
    kind = ENTITY_TYPES[PrincipalKind(who.kind)]
    groups = frozenset(who.groups)
    return tuple(one.rule for one in reading.rules if may_concern(one.policy, kind, who.name, groups, action))
