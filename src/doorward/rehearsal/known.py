"""What rules may speak of, by what a data directory knows: principals, groups, upstreams, tables, commands."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from doorward.model.identity import PrincipalKind
from doorward.policy.names import KnownNames
from doorward.sql.commands import COMMANDS, OBJECT_KINDS
from doorward.store.names import read_names

FIXED = KnownNames(tags=COMMANDS, kinds=OBJECT_KINDS)
"""What is known without any data directory."""


def known_names(store: Path) -> KnownNames:
    """The names in the store at *store*, which need not be there. A sort that it has nothing of yet is not doubted."""
    stored = read_names(store)
    if stored is None:
        return FIXED
    known = FIXED
    if stored.principals:
        of_kind = {kind: frozenset(one.name for one in stored.principals if one.kind == kind.value) for kind in PrincipalKind}
        people = [one for one in stored.principals if one.kind == PrincipalKind.HUMAN.value]
        known = replace(
            known,
            groups=frozenset(group for one in stored.principals for group in one.groups),
            members=Counter(group for one in people for group in set(one.groups)),
            humans=of_kind[PrincipalKind.HUMAN],
            services=of_kind[PrincipalKind.SERVICE],
            agents=of_kind[PrincipalKind.AGENT],
        )
    if stored.upstreams:
        known = replace(
            known,
            upstreams=frozenset(name for name, _ in stored.upstreams),
            databases=frozenset(f"{name}/{database}" for name, database in stored.upstreams),
        )
    if stored.tables:
        schemas = frozenset(table.partition(".")[0] for table in stored.tables)
        known = replace(known, tables=stored.tables, schemas=schemas)
    return known
