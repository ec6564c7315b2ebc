"""Nouns of ours as Cedar sees them: entities, requests and context, shaped as ``schema.cedarschema`` declares."""

from __future__ import annotations

import json
from ipaddress import IPv6Address, ip_address
from typing import Any

from cedarpy import Entities

from doorward.model.approval import ApprovalRequest
from doorward.model.catalog import Label
from doorward.model.decision import NOTHING_GRANTED, NOTHING_KNOWN, Circumstances, Facts, Granted
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


_WEEKDAYS = ("thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday")  # 1970 began on a Thursday


def _time(at_us: int) -> dict[str, int | str]:
    seconds = at_us // 1_000_000
    return {
        "hour": seconds // 3_600 % 24,
        "minute": seconds // 60 % 60,
        "weekday": _WEEKDAYS[seconds // 86_400 % 7],
        "epoch": seconds,
    }


def address_of(client: str) -> str:
    """The address in ``host:port``, as Cedar reads one; empty when there is none."""
    try:
        address = ip_address(client.rpartition(":")[0].strip("[]"))
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address).partition("%")[0]


def _schemas(facts: Facts) -> list[str]:
    names = (name.rpartition(".")[0] for name in (*facts.objects, *facts.unresolved))
    return sorted({schema for schema in names if schema})


def statement_context(
    facts: Facts,
    upstream: str,
    database: str,
    *,
    approved: bool,
    circumstances: Circumstances = NOTHING_KNOWN,
    at_us: int = 0,
    only: frozenset[str] | None = None,
    granted: Granted = NOTHING_GRANTED,
) -> str:
    """What a rule may know of an execution, as JSON: type Statement of the schema. *only* leaves out what none asks for."""
    context: dict[str, Any] = {
        "upstream": upstream,
        "database": database,
        "tags": facts.tags,
        "objects": facts.objects,
        "unresolved": facts.unresolved,
        "object_kinds": facts.object_kinds,
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
        "action_granted": granted.action,
        "break_glass": granted.break_glass,
        "purpose": circumstances.purpose,
        "ticket": circumstances.ticket,
        "application": circumstances.application,
        "tls": circumstances.tls,
    }
    if only is not None:
        context = {name: value for name, value in context.items() if name in only}
    if only is None or "labels" in only:
        context["labels"] = _label_set(tuple(label.value for label in facts.labels))
    if only is None or "label_classes" in only:
        classes = sorted({label.label_class.value for label in facts.labels})
        context["label_classes"] = [{"__entity": uid("LabelClass", name)} for name in classes]
    if only is None or "granted" in only:
        context["granted"] = _label_set(tuple(label.value for label in granted.labels))
    if only is None or "schemas" in only:
        context["schemas"] = _schemas(facts)
    if only is None or "time" in only:
        context["time"] = _time(at_us)
    if circumstances.client and (only is None or "client" in only):
        context["client"] = {"__extn": {"fn": "ip", "arg": circumstances.client}}
    return json.dumps(context)


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
