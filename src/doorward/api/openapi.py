"""The OpenAPI 3.1 description, made from the table of endpoints."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from doorward import __version__
from doorward.api.endpoints import ENDPOINTS, Endpoint
from doorward.api.failures import FailureBody

_PATH_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_REF = "#/components/schemas/{name}"


def openapi() -> dict[str, Any]:
    """The whole description."""
    bodies = [e.takes for e in ENDPOINTS if e.takes is not None]
    answers = [e.gives for e in ENDPOINTS if e.gives is not None]
    _, components = msgspec.json.schema_components([*bodies, *answers, FailureBody], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        path = _PATH_PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Doorward", "version": __version__, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "operator": {"type": "http", "scheme": "bearer"},
                "person": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"operator": []}, {"person": []}],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PARAMETER.findall(endpoint.path)
    ] + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in endpoint.query]
    answer: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.gives is not None:
        answer["content"] = _json(endpoint.gives)
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__.strip("_"),
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {
            str(endpoint.status): answer,
            "default": {"description": "What went wrong", "content": _json(FailureBody)},
        },
    }
    if endpoint.is_open:
        operation["security"] = []
    if endpoint.takes is not None:
        operation["requestBody"] = {"required": True, "content": _json(endpoint.takes)}
    return operation


def _json(shape: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([shape], ref_template=_REF)
    return {"application/json": {"schema": schema}}
