"""What a session's client says of itself, and how it may say something else later: SET doorward.purpose = 'refund 4711'."""

from __future__ import annotations

from doorward.model.claim import claims_of
from doorward.model.decision import Circumstances
from doorward.model.statement import Analysis
from doorward.policy.request import address_of
from doorward.proxy.execution import SessionFacts
from doorward.sql.settings import CLAIM_PREFIX, CLAIMS

Claimed = tuple[tuple[str, str], ...]


def circumstances_of(session: SessionFacts) -> Circumstances:
    """What rules may know of *session*. What a comment in a statement claims is not among it: that is for the record alone."""
    claimed = dict(session.claimed)
    return Circumstances(
        purpose=claimed.get("purpose", "").strip(),
        ticket=claimed.get("ticket", "").strip(),
        application=session.application,
        client=address_of(session.client),
        tls=session.tls.partition(" ")[0],
    )


def claimed_after(analysis: Analysis, claimed: Claimed, first: Claimed) -> Claimed:
    """What is claimed once *analysis* has run. RESET and DISCARD go back to *first*, what the connection was opened with.

    Nothing that a transaction takes back is taken back here: a client that means it says it again.
    """
    said = dict(claimed)
    for statement in analysis.statements:
        if statement.node == "DiscardStmt" or (statement.tag == "RESET" and statement.setting == "all"):
            said = {**{name: value for name, value in said.items() if name not in CLAIMS}, **dict(first)}
        name = statement.setting.removeprefix(CLAIM_PREFIX)
        if statement.node != "VariableSetStmt" or name not in CLAIMS or name == statement.setting:
            continue
        value = statement.setting_value
        if value is None:
            value = dict(first).get(name, "")
        said.pop(name, None)
        if value:
            said[name] = value
    return claims_of(said.items())
