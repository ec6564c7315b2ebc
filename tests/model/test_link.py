"""Messages between gateway and control process: each travels whole, on one line, one way."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from doorward.model import link
from doorward.model.access import Access
from doorward.model.approval import Answer
from doorward.model.upstream import Upstream
from tests.approvals.requests import a_request

AN_ACCESS = Access(
    "acc_1", "grant", "prn_1", "alice", "shop", ("email",), (), ("public.customers",), 5, 1, 2, "why\n", "OPS-1", "req_1"
)
ALICE = link.PrincipalCard("prn_1", "human", "alice", ("security",))
BOT = link.PrincipalCard("prn_2", "agent", "bot", (), "alice")
VERIFIER = link.Verifier("cred_1", 4096, b"\0salt\xff", b"\n" * 32, b"\xff" * 32, 9)
UPSTREAM = Upstream("shop", "postgresql", "::1", 5432, "shop", "owner", 'p"\n\\', "require")

FROM_GATEWAY: list[link.FromGateway] = [
    link.Hello(3),
    link.Lookup(1, "al\nice", "shop"),
    link.Shown(2, "etl", "shop", "eyJ.x.y"),
    link.Asked(a_request(statement='DELETE\nFROM "orders" -- \u2028\0', parameters=("NULL", ""))),
    link.Settled("req_1", "approved"),
    link.SessionNote("ses_1", "bot for alice", "agent", "127.0.0.1:1", "shop", "psql", 1, "SELECT\n1", 2, True),
    link.ShadowDiffered("allow", "deny\n"),
    link.CatalogTouched("shop"),
    link.CancelElsewhere(1 << 30, b"\0\nkey\xff"),
    link.Appended(1, 2),
    link.Appended(1, error="The disk is full."),
]
FROM_CONTROL: list[link.FromControl] = [
    link.Found(1, None, refusal="The user is not known."),
    link.Found(1, ALICE, (BOT,), (VERIFIER,), "shop"),
    link.Configured((UPSTREAM,), {"a.cedar": "permit (\n);"}, "p1", {"shop": b"\0\n\xff"}, "http://console"),
    link.Answered(Answer("req_1", True, "prn_3", "dana", "fine\n", 5)),
    link.Revoked("prn_1", "cred_1", "left"),
    link.AccessGranted((AN_ACCESS,)),
    link.Append(1, b'{"kind":"administered"}\n'),
    link.Cancel(1 << 30, b"\0\nkey\xff"),
    link.Drain(30),
]


def test_every_message_is_tried_here() -> None:
    """A message added to the link is added to this file."""
    assert {type(message) for message in FROM_GATEWAY} == set(get_args(link.FromGateway))
    assert {type(message) for message in FROM_CONTROL} == set(get_args(link.FromControl))


@pytest.mark.parametrize("message", FROM_GATEWAY, ids=lambda message: type(message).__name__)
def test_what_a_gateway_says_arrives_whole(message: link.FromGateway) -> None:
    """Bytes, line breaks and all, on one line."""
    line = link.encode(message)
    assert b"\n" not in line
    assert link.decode_from_gateway(line) == message


@pytest.mark.parametrize("message", FROM_CONTROL, ids=lambda message: type(message).__name__)
def test_what_the_control_process_says_arrives_whole(message: link.FromControl) -> None:
    """The same the other way."""
    line = link.encode(message)
    assert b"\n" not in line
    assert link.decode_from_control(line) == message


def test_neither_side_takes_what_the_other_should_say() -> None:
    """A gateway can't configure, approve or revoke."""
    for message in FROM_CONTROL:
        with pytest.raises(msgspec.ValidationError):
            link.decode_from_gateway(link.encode(message))
    for other in FROM_GATEWAY:
        with pytest.raises(msgspec.ValidationError):
            link.decode_from_control(link.encode(other))


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b'{"type":"Nothing"}', b'{"type":"Drain"}', b'{"type":"Drain","seconds":"x"}']
)
def test_noise_is_not_a_message(line: bytes) -> None:
    """Fields must be there, and of their type."""
    with pytest.raises(msgspec.DecodeError):
        link.decode_from_control(line)
