"""The rules that no policy file can lift, and the words for them."""

from __future__ import annotations

from dataclasses import replace

from doorward.model.decision import Reason
from doorward.model.statement import Way

NO_RULE_PERMITS = Reason(
    "no-rule-permits",
    "No rule permits this.",
    "Ask whoever keeps the policy folder for a rule, or run it as somebody who is permitted.",
)
NO_RULE_PERMITS_INFERENCE = Reason(
    "no-rule-permits-inference",
    "No rule permits to let protected columns decide which rows come, or how many.",
    "Ask whoever keeps the policy folder to clear you for it.",
)
BEYOND_BUDGET = Reason(
    "beyond-inference-budget",
    "More was asked about a protected column than one may ask in the time.",
    "Wait, or have it approved.",
)
POLICY_ERROR = Reason(
    "policy-error",
    "The rules could not be worked out for this statement, so it is refused.",
    "Report it to whoever keeps the policy folder.",
)
UNREADABLE_STATEMENT = Reason(
    "unreadable-statement",
    "The statement could not be read.",
    "Correct the statement, or send it in smaller parts.",
)
UNLISTED_STATEMENT = Reason(
    "unlisted-statement",
    "This statement is not one that Doorward understands, so nothing can be promised about it.",
    "Write it in another way, or run it directly on the database as its administrator.",
)
NOBODY_BEHIND_AGENT = Reason(
    "nobody-behind-agent",
    "An agent must act for a person or a service, and nobody is behind this one.",
    "Register whom the agent acts for.",
)
ONLY_PEOPLE_APPROVE = Reason(
    "only-people-approve",
    "Only people approve; agents and services never do.",
    "Ask a person in the approver group.",
)
NOBODY_APPROVES_THEIR_OWN = Reason(
    "nobody-approves-their-own",
    "Nobody approves a request that was made by them or on their behalf.",
    "Ask another person in the approver group.",
)
NOT_IN_APPROVER_GROUP = Reason(
    "not-in-approver-group",
    "The request was put to a group that this person isn't in.",
    "Ask a person in the approver group.",
)
REASON_REQUIRED = Reason(
    "reason-required",
    "It is only let through with a reason, and none was given.",
    "Say what it is for, then send it again: SET doorward.purpose = 'why';",
)
TICKET_REQUIRED = Reason(
    "ticket-required",
    "It is only let through for a ticket, and none was given.",
    "Name the ticket, then send it again: SET doorward.ticket = 'its number';",
)
OBSERVED = Reason(
    "only-observed",
    "This database is only observed: the statement was recorded, and its answer passed as it came.",
)
OBSERVED_NOT_DENIED = Reason(
    "observed-not-denied",
    "This database is only observed; where rules are enforced this would have been refused.",
)
OBSERVED_NOT_HELD = Reason(
    "observed-not-held",
    "This database is only observed; where rules are enforced this would have waited for an approval.",
)

REQUIRED = {"reason": REASON_REQUIRED, "ticket": TICKET_REQUIRED}

FLOORS = (
    NO_RULE_PERMITS,
    NO_RULE_PERMITS_INFERENCE,
    BEYOND_BUDGET,
    POLICY_ERROR,
    UNREADABLE_STATEMENT,
    UNLISTED_STATEMENT,
    NOBODY_BEHIND_AGENT,
    ONLY_PEOPLE_APPROVE,
    NOBODY_APPROVES_THEIR_OWN,
    NOT_IN_APPROVER_GROUP,
    REASON_REQUIRED,
    TICKET_REQUIRED,
    OBSERVED,
    OBSERVED_NOT_DENIED,
    OBSERVED_NOT_HELD,
)
RESERVED_RULE_IDS = frozenset(floor.rule for floor in FLOORS)

_DOING = {
    Way.COMPARE: "compare {columns} with a value",
    Way.MATCH: "join by {columns}",
    Way.SEARCH: "search, sort, group or calculate by {columns}",
    Way.STEER: "let {columns} decide on other rows, or on how many there are",
}


def not_by(way: Way, columns: str, label: str) -> Reason:
    """No rule permits to let *columns*, which hold *label*, steer rows in this way."""
    instead = "" if way is Way.COMPARE else "Compare it with one value (column = ...), test IS NULL, or leave it out. "
    return replace(
        NO_RULE_PERMITS_INFERENCE,
        text=f"No rule permits to {_DOING[way].format(columns=columns)} ({label}).",
        advice=f"{instead}Or ask whoever keeps the policy folder to clear you for {label}.",
    )
