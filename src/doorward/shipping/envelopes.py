"""Events in the shapes that receivers take: bodies, headers, what an answer must say for a batch to count as taken. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from doorward.shipping.destinations import Destination
from doorward.shipping.ocsf import Event

encode = msgspec.json.Encoder().encode
# OpenTelemetry severity numbers (logs data model, "SeverityNumber") of OCSF's, from unknown to critical.
_SEVERITIES = (0, 9, 10, 13, 17, 18, 21)
# RFC 5424, section 6.2.1: facility 13 is "log audit"; severities are informational, notice, warning, error, critical, alert.
_FACILITY = 13
_SYSLOG = (6, 6, 5, 4, 3, 2, 1)
_TAKEN_BEFORE = 409


@dataclass(frozen=True, slots=True)
class Envelope:
    """How one kind of receiver is spoken to over HTTP.

    *refusal* reads an answer of status 2xx to a number of events; it is empty when all were taken.
    """

    content_type: str
    authorization: Callable[[str], dict[str, str]]
    body: Callable[[Sequence[Event], Destination], bytes]
    refusal: Callable[[bytes, int], str]


def lines(events: Sequence[Event]) -> bytes:
    """One JSON object a line."""
    return b"".join(encode(event) + b"\n" for event in events)


def syslog_messages(events: Sequence[Event], host: str) -> bytes:
    """RFC 5424 messages, each behind its length (RFC 6587 section 3.4.1, as RFC 5425 has it for TLS)."""
    return b"".join(b"%d %b" % (len(message), message) for message in (_syslog(event, host) for event in events))


def _syslog(event: Event, host: str) -> bytes:
    priority = _FACILITY * 8 + _SYSLOG[event["severity_id"]]
    at = datetime.fromtimestamp(event["time"] / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = f"<{priority}>1 {at} {host or '-'} doorward - {event['metadata']['event_code']} - "
    return head.encode("ascii", "replace") + b"\xef\xbb\xbf" + encode(event)


def _splunk(events: Sequence[Event], destination: Destination) -> bytes:
    return b"\n".join(
        encode(
            {
                "time": event["time"] / 1_000,
                "source": event["metadata"]["log_name"],
                "sourcetype": "ocsf:doorward",
                "index": destination.index,
                "event": event,
            }
        )
        for event in events
    )


def _elastic(events: Sequence[Event], destination: Destination) -> bytes:
    # An id of its own, and create: one that was taken before is refused with 409, and so is there once.
    return b"".join(
        encode({"create": {"_index": destination.index, "_id": event["metadata"]["uid"]}})
        + b"\n"
        + encode({"@timestamp": event["time"], **event})
        + b"\n"
        for event in events
    )


def _datadog(events: Sequence[Event], destination: Destination) -> bytes:
    return encode(
        [
            {
                "ddsource": "doorward",
                "service": destination.index,
                "timestamp": event["time"],
                "message": encode(event).decode(),
            }
            for event in events
        ]
    )


def _otlp(events: Sequence[Event], destination: Destination) -> bytes:
    records = [
        {
            "timeUnixNano": str(event["time"] * 1_000_000),
            "severityNumber": _SEVERITIES[event["severity_id"]],
            "eventName": event["metadata"]["event_code"],
            "body": {"stringValue": encode(event).decode()},
            "attributes": [_attribute("log.record.uid", event["metadata"]["uid"])],
        }
        for event in events
    ]
    scope = {"scope": {"name": "doorward"}, "logRecords": records}
    resource = {"attributes": [_attribute("service.name", destination.index)]}
    return encode({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _any_answer(answer: bytes, count: int) -> str:
    return ""


def _splunk_refusal(answer: bytes, count: int) -> str:
    found = _object(answer)
    return "" if found.get("code") == 0 else f"it answered {found.get('text', 'nothing that says it took them')!s}"


def _elastic_refusal(answer: bytes, count: int) -> str:
    found = _object(answer)
    items = found.get("items")
    if not isinstance(items, list) or len(items) != count:
        return "it answered nothing that says it took them"
    for item in items:
        told: object = next(iter(item.values()), None) if isinstance(item, dict) else None
        status = told.get("status", 500) if isinstance(told, dict) else 500
        if not (isinstance(status, int) and (200 <= status < 300 or status == _TAKEN_BEFORE)):
            return f"it refused one with status {status}"
    return ""


def _otlp_refusal(answer: bytes, count: int) -> str:
    partial = _object(answer).get("partialSuccess")
    rejected = partial.get("rejectedLogRecords", 0) if isinstance(partial, dict) else 0
    return f"it rejected {rejected} records" if str(rejected) not in ("0", "") else ""


def _object(answer: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


ENVELOPES: dict[str, Envelope] = {
    "json": Envelope("application/x-ndjson", _bearer, lambda events, _to: lines(events), _any_answer),
    "splunk": Envelope(
        "application/json", lambda token: {"Authorization": f"Splunk {token}"} if token else {}, _splunk, _splunk_refusal
    ),
    "elastic": Envelope(
        "application/x-ndjson", lambda token: {"Authorization": f"ApiKey {token}"} if token else {}, _elastic, _elastic_refusal
    ),
    "datadog": Envelope("application/json", lambda token: {"DD-API-KEY": token} if token else {}, _datadog, _any_answer),
    "otlp": Envelope("application/json", _bearer, _otlp, _otlp_refusal),
}
