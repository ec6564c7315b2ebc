"""What reaches a receiver: signed by the specification, in its own shape, without values unless asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from doorward.errors import ConfigurationInvalid
from doorward.model.notice import Notice, Occasion
from doorward.notifying import bodies
from doorward.notifying.receivers import Receiver
from doorward.notifying.senders import NotTaken, secret_fault, sender_of
from doorward.notifying.words import told
from doorward.shipping.posting import DeliveryFailed
from doorward.sql.normalised import normalised
from tests.notifying.notices import SECRET, a_notice, secret_file
from tests.patience import examples
from tests.shipping.conftest import Collector

CONSOLE = "https://doorward.example"


def send(receiver: Receiver, notice: Notice) -> None:
    sender = sender_of(receiver, CONSOLE)
    sender.send(notice)
    sender.close()


def hook(collector: Collector, tmp_path: Path, **changes: Any) -> Receiver:
    return Receiver("itsm", "webhook", collector.url + "/in", secret_file=secret_file(tmp_path), **changes)


def test_a_webhook_is_signed_after_the_specification(collector: Collector, tmp_path: Path) -> None:
    """The specification's own library takes it, and takes no altered one."""
    send(hook(collector, tmp_path), a_notice())
    path, headers, body = collector.requests[0]
    assert (path, headers["Content-Type"], headers["webhook-id"]) == ("/in", "application/json", "ntc_1")
    taken = Webhook(SECRET).verify(body, headers)
    assert taken["type"] == "request.asked"
    assert taken["data"]["link"] == f"{CONSOLE}/approvals/req_1"
    assert taken["data"]["who"] == "report-bot for alice"
    for altered in (body.replace(b"alice", b"mallo"), body + b" "):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(altered, headers)


@pytest.mark.parametrize("kind", ["webhook", "teams", "pagerduty"])
def test_values_leave_only_where_that_was_asked_for(collector: Collector, tmp_path: Path, kind: Any) -> None:
    """Neither literals nor what people wrote; with `none` not even the shape."""
    notice = a_notice(by="bob", word="because of ada@example.com")
    file = secret_file(tmp_path)
    receiver = Receiver("out", kind, collector.url, secret_file=file)
    if kind == "teams":
        receiver = Receiver("out", kind, secret_file=secret_file(tmp_path, collector.url))
    sent = {}
    for content in ("shape", "whole", "none"):
        changed = Receiver(**{**_fields(receiver), "statement": content})
        send(changed, notice)
        sent[content] = collector.requests[-1][2].decode()
    assert "ada@example.com" not in sent["shape"] + sent["none"]
    assert "update customers" in sent["shape"]
    assert "update customers" not in sent["none"]
    assert "id = 4711" in sent["whole"]
    assert "because of ada@example.com" in sent["whole"]


def _fields(receiver: Receiver) -> dict[str, Any]:
    return {name: getattr(receiver, name) for name in receiver.__struct_fields__}


@examples(60, 2_000)
@given(value=st.text(st.characters(codec="utf-8", exclude_characters="'\\\0"), min_size=6), number=st.integers(10**20, 10**21))
def test_no_literal_is_in_anything_that_is_sent(value: str, number: int) -> None:
    """Whatever a statement's values are: none is in a body."""
    text = f"select * from t where a = '{value}' and b = {number} -- {number}"
    notice = a_notice(text=text, shape=normalised(text))
    what = told(notice, "shape", CONSOLE)
    for kind, shape in bodies.SHAPES.items():
        body = bodies.encoded(shape(notice, what, Receiver("a", kind)))  # type: ignore[arg-type]
        assert str(number).encode() not in body
    assert what.statement == "select * from t where a = '?' and b = ?  "[: len(what.statement)]


def test_teams_gets_an_adaptive_card(collector: Collector, tmp_path: Path) -> None:
    """Its URL is its secret. What may look like markup is in runs of text, which are shown as they are."""
    receiver = Receiver("chat", "teams", secret_file=secret_file(tmp_path, collector.url + "/hook"))
    send(receiver, a_notice(shape="select 1 as [x](https://evil.example)"))
    path, _headers, body = collector.requests[0]
    (attachment,) = json.loads(body)["attachments"]
    card = attachment["content"]
    assert (path, attachment["contentType"], card["type"]) == (
        "/hook",
        "application/vnd.microsoft.card.adaptive",
        "AdaptiveCard",
    )
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open in Doorward", "url": f"{CONSOLE}/approvals/req_1"}]
    assert "itsm" not in body.decode()


def test_pagerduty_opens_one_incident_and_resolves_it(collector: Collector, tmp_path: Path) -> None:
    """By the same key; broken glass is critical."""
    receiver = Receiver("pager", "pagerduty", collector.url, secret_file=secret_file(tmp_path, "routing-key"))
    send(receiver, a_notice())
    send(receiver, a_notice(Occasion.APPROVED, by="bob"))
    send(receiver, a_notice(Occasion.GLASS_BROKEN, subject="agr_1", approvers=""))
    asked, approved, glass = (json.loads(body) for _path, _headers, body in collector.requests)
    assert (asked["event_action"], asked["payload"]["severity"]) == ("trigger", "warning")
    assert asked["routing_key"] == "routing-key"
    assert asked["links"][0]["href"] == f"{CONSOLE}/approvals/req_1"
    assert (approved["event_action"], "payload" in approved) == ("resolve", False)
    assert asked["dedup_key"] == approved["dedup_key"] != glass["dedup_key"]
    assert glass["payload"]["severity"] == "critical"


@pytest.mark.parametrize(
    ("status", "is_for_good"), [(400, True), (404, True), (401, False), (429, False), (500, False), (302, False)]
)
def test_what_is_refused_for_good_is_told_apart(collector: Collector, tmp_path: Path, status: int, is_for_good: bool) -> None:
    """A redirect is not followed: nobody asked for what lies there."""
    collector.answers = [(status, b"")]
    with pytest.raises(DeliveryFailed) as raised:
        send(hook(collector, tmp_path), a_notice())
    assert isinstance(raised.value, NotTaken) is is_for_good
    assert len(collector.requests) == 1


def test_a_receiver_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    """The error names the receiver, not its secret."""
    receiver = Receiver("itsm", "webhook", "http://127.0.0.1:1/", secret_file=secret_file(tmp_path))
    with pytest.raises(DeliveryFailed, match="itsm does not answer"):
        send(receiver, a_notice())


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", "hunter2 hunter2 hunter2 hunter2", "whsec_%%%", "whsec_" + "QUFB" * 40])
def test_a_weak_secret_is_no_secret(tmp_path: Path, secret: str) -> None:
    """Too short, too long, or not base64: said without the secret."""
    receiver = Receiver("itsm", "webhook", "http://127.0.0.1:1/", secret_file=secret_file(tmp_path, secret))
    with pytest.raises(ConfigurationInvalid, match="secret of itsm") as raised:
        send(receiver, a_notice())
    assert secret not in str(raised.value)
    assert "secret of itsm" in secret_fault(receiver)


def test_what_turns_or_hides_letters_is_replaced() -> None:
    """A statement can't look like another one."""
    what = told(a_notice(shape="select 1 \u202e 2\u200b", chain="a\x1b[2Jlice"), "shape", CONSOLE)
    assert what.statement == "select 1 \ufffd 2\ufffd"
    assert "\x1b" not in str(what)
    long = told(a_notice(shape="x" * 100_000, objects=tuple(f"t{n}" for n in range(500))), "shape", CONSOLE)
    assert len(str(long)) < 4_000


@pytest.mark.parametrize("occasion", Occasion)
def test_every_occasion_has_a_title(occasion: Occasion) -> None:
    """And can be told in every shape."""
    notice = a_notice(occasion, by="bob")
    what = told(notice, "shape", CONSOLE)
    assert what.title
    assert "{" not in what.title
    for kind, shape in bodies.SHAPES.items():
        assert bodies.encoded(shape(notice, what, Receiver("a", kind)))  # type: ignore[arg-type]
