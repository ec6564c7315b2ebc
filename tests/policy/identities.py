"""The people, services and agents that the tests of policy speak of, and the rules they speak to."""

from functools import cache

from doorward.model.approval import ApprovalRequest
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.policy.decide import Policy
from doorward.policy.load import default_texts, load

VERA = Principal("p-vera", PrincipalKind.HUMAN, "vera")
ALICE = Principal("p-alice", PrincipalKind.HUMAN, "alice", ("developers",))
SAM = Principal("p-sam", PrincipalKind.HUMAN, "sam", ("security",))
ETL = Principal("p-etl", PrincipalKind.SERVICE, "nightly-etl", ("pipelines",))
WEBSHOP = Principal("p-shop", PrincipalKind.SERVICE, "webshop")
BOT = Principal("p-bot", PrincipalKind.AGENT, "report-bot", ("developers",), "alice")
ETL_BOT = Principal("p-etl-bot", PrincipalKind.AGENT, "etl-bot", (), "nightly-etl")


def alone(principal: Principal) -> Identity:
    """*principal* on a connection of its own."""
    return Identity(principal, (), "scram-sha-256", "c-1")


def acting(agent: Principal, principal: Principal, *between: Principal) -> Identity:
    """*agent* on a connection, for *principal*."""
    return Identity(principal, (*between, agent), "scram-sha-256", "c-1")


WHO = {
    "vera": alone(VERA),
    "alice": alone(ALICE),
    "sam": alone(SAM),
    "etl": alone(ETL),
    "webshop": alone(WEBSHOP),
    "bot": acting(BOT, ALICE),
    "etl-bot": acting(ETL_BOT, ETL),
}


@cache
def default_policy() -> Policy:
    """The packaged rules."""
    return Policy(load(default_texts()))


def policy_of(**files: str) -> Policy:
    """Rules of the test's own; ``a="..."`` is the file ``a.cedar``."""
    return Policy(load({f"{name}.cedar": text for name, text in files.items()}))


def with_defaults(**files: str) -> Policy:
    """The packaged rules and more."""
    return Policy(load(default_texts() | {f"{name}.cedar": text for name, text in files.items()}))


def request_for(principal: Principal, *actors: Principal, approvers: str = "security") -> ApprovalRequest:
    """A question put to *approvers*, asked in the name of *principal*."""
    return ApprovalRequest(
        id="r-1",
        session="s-1",
        chain=principal.name,
        principal_id=principal.id,
        actor_ids=tuple(actor.id for actor in actors),
        upstream="shop",
        statement="DELETE FROM orders",
        parameters=(),
        action="write",
        objects=("public.orders",),
        labels=("email",),
        rules=("unbounded-write-needs-review",),
        reason="",
        approvers=approvers,
        policy_version="v",
        binding="b",
        asked_us=0,
        expires_us=1,
    )
