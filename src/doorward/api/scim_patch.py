"""PATCH of SCIM resources (RFC 7644, section 3.5.2): attributes, their parts, and members of lists by one of theirs. Pure."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from doorward.errors import InvalidRequest

MOST_OPERATIONS = 100
_PATH = re.compile(
    r"(?P<attribute>[A-Za-z][A-Za-z0-9]{0,40})"
    r'(?:\[(?P<by>[A-Za-z]{1,20}) eq "(?P<is>[^"]{0,200})"\])?'
    r"(?:\.(?P<part>[A-Za-z]{1,40}))?"
)
_READ_ONLY = frozenset({"id", "meta", "schemas", "groups"})


def patched(resource: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
    """*resource* after the operations of *message*: all of them, or InvalidRequest and none."""
    operations = message.get("Operations")
    if not isinstance(operations, list) or not 0 < len(operations) <= MOST_OPERATIONS:
        raise InvalidRequest("Operations is not a list of operations, or too long.")
    changed: dict[str, Any] = copy.deepcopy(dict(resource))
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("op"), str):
            raise InvalidRequest("An operation is an object with an op.")
        _apply(changed, operation)
    return changed


def _apply(resource: dict[str, Any], operation: Mapping[str, Any]) -> None:
    op, path, value = operation["op"].lower(), operation.get("path"), operation.get("value")
    if op not in ("add", "replace", "remove") or (op != "remove" and "value" not in operation):
        raise InvalidRequest("An op is add or replace, with a value, or remove.")
    if path is None:
        if op == "remove" or not isinstance(value, dict):
            raise InvalidRequest("An operation without a path has an object of attributes as its value.")
        for name, one in value.items():
            _apply(resource, {"op": op, "path": name, "value": one})
        return
    found = _PATH.fullmatch(path) if isinstance(path, str) else None
    if found is None or found["attribute"] in _READ_ONLY:
        raise InvalidRequest("The path is none that can be changed.")
    name = found["attribute"]
    if found["by"]:
        _members(resource, name, found, op, value)
    elif found["part"]:
        inner = resource.setdefault(name, {})
        if not isinstance(inner, dict):
            raise InvalidRequest("The path leads to no object.")
        _set(inner, found["part"], op, value)
    else:
        _set(resource, name, op, _boolean(name, value))


def _set(there: dict[str, Any], name: str, op: str, value: Any) -> None:
    if op == "remove":
        if isinstance(value, list) and isinstance(there.get(name), list):
            there[name] = [one for one in there[name] if one not in value and not _is_named(one, value)]
        else:
            there.pop(name, None)
    elif op == "add" and isinstance(there.get(name), list):
        more = value if isinstance(value, list) else [value]
        there[name] += [one for one in more if one not in there[name]]
    else:
        there[name] = value


def _is_named(one: Any, others: list[Any]) -> bool:
    """Whether a member is among *others*, which say its value alone."""
    return isinstance(one, dict) and any(isinstance(o, dict) and o.get("value") == one.get("value") for o in others)


def _members(resource: dict[str, Any], name: str, found: re.Match[str], op: str, value: Any) -> None:
    listed = resource.get(name, [])
    if not isinstance(listed, list):
        raise InvalidRequest("The path leads to no list.")
    chosen = [one for one in listed if isinstance(one, dict) and one.get(found["by"]) == found["is"]]
    if op == "remove" and not found["part"]:
        resource[name] = [one for one in listed if one not in chosen]
        return
    if not chosen:
        raise InvalidRequest("The path leads to no member.")
    for one in chosen:
        if found["part"]:
            _set(one, found["part"], op, value)
        elif isinstance(value, dict):
            one.update(value)
        else:
            raise InvalidRequest("A member is an object.")


def _boolean(name: str, value: Any) -> Any:
    """Some directories spell active as a text."""
    return value.lower() == "true" if name == "active" and value in ("True", "False", "true", "false") else value
