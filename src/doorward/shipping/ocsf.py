"""Entries as events of the Open Cybersecurity Schema Framework, version 1.8.0. A test validates every kind against the schema.

Statements are Datastore Activity (6005), sign-ins Authentication (3002), requests, answers and administration API Activity
(6003), starts and stops Application Lifecycle (6002). What the schema has no place for is under ``unmapped``.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from doorward import __version__
from doorward.model.entry import (
    ENTRY_KINDS,
    Administered,
    HoldAnswered,
    HoldRequested,
    IdentityStamp,
    ServiceStarted,
    ServiceStopped,
    SessionClosed,
    SessionOpened,
    SigninRefused,
    StatementIntent,
    StatementOutcome,
)

VERSION = "1.8.0"
Event = dict[str, Any]

_PRODUCT = {"name": "Doorward", "vendor_name": "Doorward", "version": __version__}
_DATASTORE, _AUTHENTICATION, _API, _LIFECYCLE = 6005, 3002, 6003, 6002
_INFORMATIONAL, _LOW, _MEDIUM = 1, 2, 3
_SUCCESS, _FAILURE, _OTHER = 1, 2, 99
_CREATE, _UPDATE, _DELETE = 1, 3, 4
_LOGON, _LOGOFF = 1, 2
_START, _STOP = 3, 4
_RELATIONAL = 1
# Read, Write, Create, Delete; whatever else a statement does is a Query.
_ACTIVITIES = {"read": 1, "write": 5, "define": 6, "destroy": 7}
_QUERY = 4
# (action, disposition): Allowed; Denied and Blocked; for a held one Other and Delayed.
_VERDICTS = {"allow": (1, 1), "deny": (2, 2), "hold": (99, 14)}
_SEVERITIES = {"allow": _INFORMATIONAL, "deny": _MEDIUM, "hold": _LOW}
_USER_TYPES = {"human": 1, "service": 4, "agent": 4}
_FAILED = frozenset({"failed", "cancelled", "refused", "lost"})
# How the last part of an act is told: whatever is neither made nor unmade was changed.
_MADE = frozenset({"added", "minted", "made"})
_UNMADE = frozenset({"revoked", "erased", "removed"})
_MOST_SESSIONS = 10_000

_DECODERS = {
    str(field.default): msgspec.json.Decoder(kind).decode
    for kind in ENTRY_KINDS
    for field in msgspec.structs.fields(kind)
    if field.name == "kind"
}


class _Kind(msgspec.Struct):
    kind: str


_kind_of = msgspec.json.Decoder(_Kind).decode
_decode_opened = msgspec.json.Decoder(SessionOpened).decode


class Events:
    """Makes events of one log's entries, given in order. *origin* is the log's name.

    It remembers who opened which session, within bounds: an event of a statement says where its client is.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._sessions: OrderedDict[str, SessionOpened] = OrderedDict()
        self._makers: dict[type, Callable[[int, Any], Event]] = {
            StatementIntent: self._intent,
            StatementOutcome: self._outcome,
            SessionOpened: self._opened,
            SessionClosed: self._closed,
            SigninRefused: self._refused,
            HoldRequested: self._requested,
            HoldAnswered: self._answered,
            Administered: self._administered,
            ServiceStarted: self._started,
            ServiceStopped: self._stopped,
        }

    def of(self, index: int, entry: bytes) -> Event | None:
        """The event of the entry at *index*; None for a kind that this version does not know."""
        try:
            decoded = _DECODERS[_kind_of(entry).kind](entry)
        except (KeyError, msgspec.DecodeError):
            return None
        return self._makers.get(type(decoded), self._other)(index, decoded)

    def remember(self, entry: bytes) -> None:
        """Take note of a session from before the first event."""
        if b'"kind":"session.opened"' in entry:
            self._remember(_decode_opened(entry))

    # --- statements -------------------------------------------------------------------------------------------------

    def _intent(self, index: int, entry: StatementIntent) -> Event:
        activity = _ACTIVITIES.get(entry.action, _QUERY)
        action, disposition = _VERDICTS.get(entry.verdict, (0, 0))
        event = self._event(index, entry, _DATASTORE, activity, _SEVERITIES.get(entry.verdict, _INFORMATIONAL))
        event["metadata"] |= {"correlation_uid": entry.execution, "profiles": ["security_control"]}
        event |= {
            "actor": self._actor(entry.identity, entry.session),
            "src_endpoint": self._endpoint(entry.session),
            "database": self._database(entry.session, entry.upstream),
            "query_info": {"query_string": entry.statement, "uid": entry.execution},
            "action_id": action,
            "disposition_id": disposition,
            "policy": {"uid": entry.policy, "name": ", ".join(entry.rules) or "none"},
            "message": entry.reason,
            "unmapped": {
                "labels": entry.labels,
                "objects": entry.objects,
                "on_behalf_of": entry.identity.chain,
                "parameters": entry.parameters,
                "protocol": entry.protocol,
                "tags": entry.tags,
            },
        }
        return event

    def _outcome(self, index: int, entry: StatementOutcome) -> Event:
        session = entry.execution.rpartition(".")[0]
        event = self._event(index, entry, _DATASTORE, _QUERY, _INFORMATIONAL)
        event["metadata"] |= {"correlation_uid": entry.execution}
        opened = self._sessions.get(session)
        status = _SUCCESS if entry.status == "done" else _FAILURE if entry.status in _FAILED else _OTHER
        event |= {
            "actor": self._actor(opened.identity, session) if opened else {"session": {"uid": session}},
            "src_endpoint": self._endpoint(session),
            "database": self._database(session, "unknown"),
            "status_id": status,
            "status": entry.status,
            "duration": entry.duration_us // 1_000,
            "count": max(1, entry.rows),
            "message": entry.tag,
            "unmapped": {
                "columns": [msgspec.to_builtins(column) for column in entry.columns],
                "masked_columns": entry.masked,
                "result_bytes": entry.result_bytes,
                "rows": entry.rows,
            },
        }
        if entry.error_code:
            event["status_code"] = entry.error_code
        if isinstance(entry.error, str) and entry.error:
            event["status_detail"] = entry.error
        return event

    # --- sign-ins ---------------------------------------------------------------------------------------------------

    def _opened(self, index: int, entry: SessionOpened) -> Event:
        self._remember(entry)
        event = self._event(index, entry, _AUTHENTICATION, _LOGON, _INFORMATIONAL)
        event["metadata"] |= {"correlation_uid": entry.session}
        event |= {
            "user": _user(entry.identity),
            "actor": self._actor(entry.identity, entry.session),
            "src_endpoint": _endpoint_at(entry.client),
            "service": {"name": entry.upstream},
            "session": {"uid": entry.session, "credential_uid": entry.identity.credential},
            "auth_protocol": entry.identity.proven_by,
            "status_id": _SUCCESS,
            "unmapped": {"application": entry.application, "database": entry.database, "tls": entry.tls},
        }
        return event

    def _closed(self, index: int, entry: SessionClosed) -> Event:
        opened = self._sessions.get(entry.session)
        event = self._event(index, entry, _AUTHENTICATION, _LOGOFF, _INFORMATIONAL)
        event["metadata"] |= {"correlation_uid": entry.session}
        event |= {
            "user": _user(opened.identity) if opened else {"uid": entry.session},
            "src_endpoint": self._endpoint(entry.session),
            "service": {"name": opened.upstream if opened else "unknown"},
            "session": {"uid": entry.session, "count": entry.statements},
            "status_id": _SUCCESS,
            "message": entry.cause,
        }
        self._sessions.pop(entry.session, None)
        return event

    def _refused(self, index: int, entry: SigninRefused) -> Event:
        event = self._event(index, entry, _AUTHENTICATION, _LOGON, _MEDIUM)
        event |= {
            "user": {"name": entry.user or "unknown"},
            "src_endpoint": _endpoint_at(entry.client),
            "service": {"name": entry.database or "unknown"},
            "status_id": _FAILURE,
            "status_detail": entry.reason,
        }
        return event

    # --- people -----------------------------------------------------------------------------------------------------

    def _requested(self, index: int, entry: HoldRequested) -> Event:
        event = self._event(index, entry, _API, _CREATE, _LOW)
        event["metadata"] |= {"correlation_uid": entry.execution}
        session = entry.execution.rpartition(".")[0]
        opened = self._sessions.get(session)
        event |= {
            "actor": self._actor(opened.identity, session) if opened else {"session": {"uid": session}},
            "src_endpoint": self._endpoint(session),
            "api": {"operation": "hold.requested", "request": {"uid": entry.request}},
            "unmapped": {"approvers": entry.approvers, "expires_us": entry.expires_us},
        }
        return event

    def _answered(self, index: int, entry: HoldAnswered) -> Event:
        event = self._event(index, entry, _API, _UPDATE, _INFORMATIONAL)
        event["metadata"] |= {"correlation_uid": entry.execution}
        event |= {
            "actor": {"user": {"name": entry.by, "uid": entry.by_id}} if entry.by else {"app_name": "Doorward"},
            "src_endpoint": {"name": "Doorward"},
            "api": {"operation": f"hold.{entry.state}", "request": {"uid": entry.request}},
            "message": entry.reason,
        }
        return event

    def _administered(self, index: int, entry: Administered) -> Event:
        verb = entry.act.rpartition(".")[2]
        activity = _CREATE if verb in _MADE else _DELETE if verb in _UNMADE else _UPDATE
        event = self._event(index, entry, _API, activity, _INFORMATIONAL)
        event |= {
            "actor": {"user": {"name": entry.by}},
            "src_endpoint": {"name": "Doorward"},
            "api": {"operation": entry.act},
            "resources": [{"name": entry.subject or entry.act}],
            "unmapped": {"details": entry.details},
        }
        return event

    def _started(self, index: int, entry: ServiceStarted) -> Event:
        event = self._event(index, entry, _LIFECYCLE, _START, _INFORMATIONAL)
        event |= {"app": {**_PRODUCT, "version": entry.version}, "unmapped": {"entries_found": entry.resumed_at}}
        return event

    def _stopped(self, index: int, entry: ServiceStopped) -> Event:
        return self._event(index, entry, _LIFECYCLE, _STOP, _INFORMATIONAL) | {"app": _PRODUCT}

    def _other(self, index: int, entry: Any) -> Event:
        """What needs no words of its own: something that was done to a request or in a session."""
        event = self._event(index, entry, _API, _UPDATE, _INFORMATIONAL)
        told = msgspec.to_builtins(entry)
        by = told.get("by")
        event |= {
            "actor": {"user": {"name": by, "uid": told.get("by_id", "")}} if by else {"app_name": "Doorward"},
            "src_endpoint": {"name": "Doorward"},
            "api": {"operation": entry.kind},
            "unmapped": {name: value for name, value in told.items() if name not in ("kind", "at_us")},
        }
        return event

    # --- parts ------------------------------------------------------------------------------------------------------

    def _event(self, index: int, entry: Any, class_uid: int, activity: int, severity: int) -> Event:
        return {
            "activity_id": activity,
            "category_uid": class_uid // 1_000,
            "class_uid": class_uid,
            "type_uid": class_uid * 100 + activity,
            "severity_id": severity,
            "time": entry.at_us // 1_000,
            "metadata": {
                "version": VERSION,
                "product": _PRODUCT,
                "uid": f"{self._origin}/{index}",
                "sequence": index,
                "log_name": self._origin,
                "event_code": entry.kind,
            },
        }

    def _actor(self, identity: IdentityStamp, session: str) -> Event:
        actor: Event = {
            "user": _user(identity),
            "session": {"uid": session, "credential_uid": identity.credential},
            "invoked_by": identity.chain,
        }
        if identity.actors:
            actor |= {"app_name": identity.actors[-1].name, "app_uid": identity.actors[-1].id}
        return actor

    def _endpoint(self, session: str) -> Event:
        opened = self._sessions.get(session)
        return _endpoint_at(opened.client) if opened else {"name": "unknown"}

    def _database(self, session: str, upstream: str) -> Event:
        opened = self._sessions.get(session)
        if opened is None:
            return {"name": upstream, "type_id": _RELATIONAL}
        return {"name": opened.database or opened.upstream, "type_id": _RELATIONAL, "uid": opened.upstream}

    def _remember(self, entry: SessionOpened) -> None:
        if len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        self._sessions[entry.session] = entry


def _user(identity: IdentityStamp) -> Event:
    principal = identity.principal
    return {"name": principal.name, "uid": principal.id, "type_id": _USER_TYPES.get(principal.kind, 99)}


def _endpoint_at(client: str) -> Event:
    """Address and port of ``host:port``; as a name where it is no address."""
    host, _, port = client.rpartition(":")
    try:
        address = str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return {"name": client or "unknown"}
    return {"ip": address, "port": int(port)} if port.isdecimal() and int(port) < 1 << 16 else {"ip": address}
