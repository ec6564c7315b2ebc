"""Every kind of entry as an event that the schema of OCSF 1.8.0 accepts."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import msgspec
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from doorward.audit.canonical import encode
from doorward.model.entry import Administered, Entry, SessionOpened, StatementIntent, StatementOutcome
from doorward.shipping.envelopes import encode as encode_event
from doorward.shipping.ocsf import Event, Events
from tests.model.test_entry import CHAIN, INTENT, OUTCOME, SAMPLES

OPENED = SessionOpened("psql", 1, "10.0.0.7:4711", "shopdb", CHAIN, "ses_1", "TLSv1.3", "shop")


@cache
def validator(class_uid: int, profiles: tuple[str, ...]) -> jsonschema.Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    return jsonschema.Draft202012Validator(schema.get_class_schema(schema.lookup_class_name_from_uid(class_uid), [*profiles]))


def valid(event: Event | None) -> dict[str, Any]:
    """*event* as a receiver gets it; fails with the schema's own words."""
    assert event is not None
    sent: dict[str, Any] = json.loads(encode_event(event))
    check = validator(sent["class_uid"], tuple(sent["metadata"].get("profiles", ())))
    assert [f"{'/'.join(map(str, found.absolute_path))}: {found.message}" for found in check.iter_errors(sent)] == []
    return sent


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample.kind))
def test_every_kind_of_entry_is_a_valid_event(sample: Entry, is_known: bool) -> None:
    """With its session known, and as the first that is ever seen."""
    events = Events("doorward")
    if is_known:
        events.remember(encode(OPENED))
    sent = valid(events.of(42, encode(sample)))
    assert (sent["metadata"]["uid"], sent["metadata"]["sequence"]) == ("doorward/42", 42)
    assert sent["metadata"]["event_code"] == sample.kind
    assert sent["type_uid"] == sent["class_uid"] * 100 + sent["activity_id"]


@pytest.mark.parametrize(
    ("verdict", "action_id", "disposition_id"), [("allow", 1, 1), ("deny", 2, 2), ("hold", 99, 14), ("", 0, 0)]
)
@pytest.mark.parametrize(("action", "activity_id"), [("read", 1), ("write", 5), ("define", 6), ("destroy", 7), ("grant", 4)])
def test_a_statement_tells_who_what_and_what_was_decided(
    verdict: str, action_id: int, disposition_id: int, action: str, activity_id: int
) -> None:
    """The person as the user, the agent as the application, the client's address, and what was read."""
    events = Events("doorward")
    valid(events.of(1, encode(OPENED)))
    intent = msgspec.structs.replace(INTENT, verdict=verdict, action=action, execution="ses_1.7")
    sent = valid(events.of(2, encode(intent)))
    assert (sent["action_id"], sent["disposition_id"], sent["activity_id"]) == (action_id, disposition_id, activity_id)
    assert sent["actor"]["user"]["name"] == CHAIN.principal.name
    assert (sent["actor"]["app_name"], sent["actor"]["invoked_by"]) == ("bot", "bot for alice")
    assert sent["src_endpoint"] == {"ip": "10.0.0.7", "port": 4711}
    assert sent["query_info"]["query_string"] == INTENT.statement
    outcome = msgspec.structs.replace(OUTCOME, execution="ses_1.7", error_code="42P01", error="It failed.", status="failed")
    told = valid(events.of(3, encode(outcome)))
    assert told["metadata"]["correlation_uid"] == sent["metadata"]["correlation_uid"] == "ses_1.7"
    assert (told["status_id"], told["status_code"], told["status_detail"]) == (2, "42P01", "It failed.")
    assert told["database"] == {"name": "shop", "type_id": 1, "uid": "shop"} | {"name": "shopdb"}


def test_what_is_not_known_is_left_out() -> None:
    """An entry of a later version, or none at all."""
    events = Events("doorward")
    assert events.of(0, b'{"at_us":1,"kind":"of.tomorrow"}') is None
    assert events.of(0, b"no JSON") is None
    assert events.of(0, b'{"kind":"statement.intent"}') is None


def test_memory_of_sessions_is_bounded() -> None:
    """The oldest is forgotten; its statements then say that their client is not known."""
    events = Events("doorward")
    for number in range(10_001):
        events.of(number, encode(msgspec.structs.replace(OPENED, session=f"ses_{number}")))
    known = [len(events._sessions), "ses_0" in events._sessions, "ses_10000" in events._sessions]
    assert known == [10_000, False, True]


def test_an_address_that_is_none_is_a_name() -> None:
    """A socket, or what a later version writes; IPv6 with its brackets."""
    events = Events("doorward")
    for client, endpoint in (
        ("[::1]:5", {"ip": "::1", "port": 5}),
        ("local", {"name": "local"}),
        ("", {"name": "unknown"}),
        ("1.2.3.4:99999", {"ip": "1.2.3.4"}),
    ):
        sent = valid(events.of(1, encode(msgspec.structs.replace(OPENED, client=client))))
        assert sent["src_endpoint"] == endpoint


@pytest.mark.parametrize(
    ("act", "activity_id"), [("principal.added", 1), ("secret.revoked", 4), ("log.key.made", 1), ("label.decided", 3), ("x", 3)]
)
def test_an_act_is_told_by_its_verb(act: str, activity_id: int) -> None:
    """Made, unmade, or changed."""
    assert valid(Events("d").of(1, encode(Administered(act, 1, "ada", {}, "alice"))))["activity_id"] == activity_id


def test_statements_and_outcomes_are_of_one_class() -> None:
    """Datastore Activity."""
    assert isinstance(INTENT, StatementIntent)
    assert isinstance(OUTCOME, StatementOutcome)
    assert {valid(Events("d").of(1, encode(entry)))["class_uid"] for entry in (INTENT, OUTCOME)} == {6005}
