"""What one decision costs, in this process, under two hundred rules: the packaged ones and a company's own."""

from __future__ import annotations

import itertools
import statistics
import time
from functools import cache

from doorward.model.decision import Facts
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.policy.decide import Policy
from doorward.policy.load import default_texts, load

RULES = 200
ALICE = Identity(Principal("p-1", PrincipalKind.HUMAN, "alice", ("developers", "team-3")), (), "scram-sha-256", "c-1")
_ACTIONS = ("read", "write", "define", "destroy")
_unseen = itertools.count(1)


@cache
def policy() -> Policy:
    """The rules: each of a company's own is about a team, an action, an upstream and a table."""
    missing = RULES - len(load(default_texts()).rules)
    own = "\n".join(
        f"""@id("own-{number}") @description("Team {number} leaves table {number} alone.")
forbid (principal in Group::"team-{number}", action == Action::"{_ACTIONS[number % 4]}", resource in Upstream::"shop")
when {{ context.objects.contains("public.table_{number}") && !context.multiple }};"""
        for number in range(missing)
    )
    return Policy(load({**default_texts(), "99-own.cedar": own}))


def uncached_us(seconds: float) -> tuple[float, int]:
    """The median of decisions on facts that were never seen, and how many there were."""
    rules = policy()
    took: list[float] = []
    until = time.perf_counter() + seconds
    while not took or time.perf_counter() < until:
        facts = Facts("read", ("SELECT",), (f"public.orders_{next(_unseen)}",))
        started = time.perf_counter()
        rules.decide(ALICE, facts, "shop", "shop")
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1e6, len(took)


BATCH = 1_000


def cached_us(seconds: float) -> tuple[float, int]:
    """The median over batches of decisions on facts that were seen before, for one of them."""
    rules = policy()
    facts = Facts("read", ("SELECT",), ("public.orders",))
    took: list[float] = []
    until = time.perf_counter() + seconds
    while not took or time.perf_counter() < until:
        started = time.perf_counter()
        for _ in range(BATCH):
            rules.decide(ALICE, facts, "shop", "shop")
        took.append((time.perf_counter() - started) / BATCH)
    return statistics.median(took) * 1e6, len(took) * BATCH
