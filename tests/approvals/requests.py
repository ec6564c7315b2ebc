"""A request to ask about."""

from doorward.model.approval import ApprovalRequest


def a_request(**changes: object) -> ApprovalRequest:
    """A held DELETE by report-bot for alice, valid from second 1 to second 301."""
    fields: dict[str, object] = {
        "id": "req_1",
        "session": "ses_1",
        "chain": "report-bot for alice",
        "principal_id": "prn_alice",
        "actor_ids": ("prn_bot",),
        "upstream": "shop",
        "statement": "delete from customers where email = $1",
        "parameters": ("'x'",),
        "action": "write",
        "objects": ("public.customers",),
        "labels": ("email",),
        "rules": ("hold-agent-writes",),
        "reason": "Agents change protected data only after a person agreed.",
        "approvers": "approvers",
        "policy_version": "p1",
        "binding": "b" * 64,
        "asked_us": 1_000_000,
        "expires_us": 301_000_000,
    }
    return ApprovalRequest(**(fields | changes))  # type: ignore[arg-type]
