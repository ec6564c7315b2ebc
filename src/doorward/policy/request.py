"""Nouns of ours as Cedar sees them: entities, requests and context, shaped as ``schema.cedarschema`` declares."""

from __future__ import annotations

import json
from typing import Any

from cedarpy import Entities

from doorward.model.approval import ApprovalRequest
from doorward.model.catalog import Label
from doorward.model.decision import Facts
from doorward.model.identity import Principal, PrincipalKind

ENTITY_TYPES = {PrincipalKind.HUMAN: "Human", PrincipalKind.SERVICE: "Service", PrincipalKind.AGENT: "Agent"}

# The attribute of Agent that refers to whom it acts for, by that one's kind. An agent never acts for an agent here: every
# member of a chain is judged by itself, and the attribute names the principal at its end.
_FOR_ATTRIBUTE = {PrincipalKind.HUMAN: "for_human", PrincipalKind.SERVICE: "for_service"}

# Cedar takes entity ids as JSON, so that no name has to be quoted.
Uid = dict[str, str]


def uid(entity_type: str, entity_id: str) -> Uid:
    """The name of an entity."""
    return {"type": entity_type, "id": entity_id}


def principal_uid(principal: Principal) -> Uid:
    """*principal* by the name it signs in with, which is what people write in rules."""
    return uid(ENTITY_TYPES[principal.kind], principal.name)


def database_uid(upstream: str, database: str) -> Uid:
    """A database of an upstream."""
    return uid("Database", f"{upstream}/{database}")


def _principal_entity(member: Principal, principal: Principal) -> dict[str, Any]:
    attributes: dict[str, Any] = {"id": member.id}
    if member.kind is PrincipalKind.AGENT and principal.kind in _FOR_ATTRIBUTE:
        attributes[_FOR_ATTRIBUTE[principal.kind]] = {"__entity": principal_uid(principal)}
    return {
        "uid": principal_uid(member),
        "attrs": attributes,
        "parents": [uid("Group", group) for group in sorted(set(member.groups))],
    }


_LABEL_ENTITIES: list[dict[str, Any]] = [
    {"uid": uid("Label", label.value), "attrs": {}, "parents": [uid("LabelClass", label.label_class.value)]} for label in Label
]


def entities(chain: tuple[Principal, ...], upstream: str, database: str, schema: Any = None) -> Entities:
    """Everybody in *chain* (the principal first), the database they speak to, and all labels.

    Raises ValueError when Cedar can't take a name, or when two members of the chain have one kind and name.
    """
    members = {member.id: _principal_entity(member, chain[0]) for member in chain}
    where = {"uid": database_uid(upstream, database), "attrs": {}, "parents": [uid("Upstream", upstream)]}
    return Entities.from_json_str(json.dumps([*members.values(), where, *_LABEL_ENTITIES]), schema)


def _label_set(labels: tuple[str, ...]) -> list[dict[str, Uid]]:
    return [{"__entity": uid("Label", label)} for label in sorted(set(labels))]


def statement_context(facts: Facts, upstream: str, database: str, *, approved: bool) -> str:
    """What a rule may know of an execution, as JSON: type Statement of the schema."""
    classes = sorted({label.label_class.value for label in facts.labels})
    return json.dumps(
        {
            "upstream": upstream,
            "database": database,
            "tags": facts.tags,
            "objects": facts.objects,
            "unresolved": facts.unresolved,
            "object_kinds": facts.object_kinds,
            "labels": _label_set(tuple(label.value for label in facts.labels)),
            "label_classes": [{"__entity": uid("LabelClass", name)} for name in classes],
            "settings": facts.settings,
            "unlisted_functions": facts.unlisted_functions,
            "dangerous_functions": facts.dangerous_functions,
            "touches_protected": facts.touches_protected,
            "unbounded_write": facts.unbounded_write,
            "copies_protected": facts.copies_protected,
            "copy_protected_out": facts.copy_protected_out,
            "multiple": facts.multiple,
            "temporary": facts.temporary,
            "approved": approved,
        }
    )


def request_context(request: ApprovalRequest) -> str:
    """What a rule may know of a question put to approvers, as JSON: type Request of the schema."""
    return json.dumps(
        {
            "upstream": request.upstream,
            "action": request.action,
            "objects": request.objects,
            "labels": _label_set(request.labels),
            "rules": request.rules,
        }
    )


def ask(principal: Principal, action: str, resource: Uid, context: str) -> dict[str, Any]:
    """One question to Cedar."""
    return {"principal": principal_uid(principal), "action": uid("Action", action), "resource": resource, "context": context}
