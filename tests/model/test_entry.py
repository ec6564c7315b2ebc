"""Entries of the log: declared in the order in which they are encoded."""

from __future__ import annotations

import json

import msgspec
import pytest
import rfc8785

from doorward.audit.canonical import decode
from doorward.model.entry import (
    ENTRY_KINDS,
    AccessBegun,
    AccessEnded,
    ActorStamp,
    Administered,
    ColumnStamp,
    Entry,
    GlassReviewed,
    HoldAnswered,
    HoldMoved,
    HoldRequested,
    IdentityStamp,
    InferenceNoted,
    Sealed,
    ServiceStarted,
    ServiceStopped,
    SessionClosed,
    SessionOpened,
    ShadowStamp,
    SigninRefused,
    StatementIntent,
    StatementOutcome,
    ValuesShown,
    encode_entry,
)

ALICE = ActorStamp("prn_1", "human", 'al"ice\\')
CHAIN = IdentityStamp((ActorStamp("prn_2", "agent", "bot"),), "bot for alice", "cred_1", ALICE, "scram-sha-256")
COLUMN = ColumnStamp("email", "e\nmail", "public.people.email", "labelled")
INTENT = StatementIntent(
    "read", 1, "exe_1", CHAIN, ("email",), ("public.people",), ("null",), "p1", "simple", "Why.", ("r",), "ses_1",
    "SELECT '\x00ä\u2028\U0001f600'", ("SELECT",), "shop", "allow",
)  # fmt: skip
OUTCOME = StatementOutcome(2, (COLUMN,), 3, "", "exe_1", 1, 4, 5, "done", "SELECT 5")
SEALED = Sealed("AA==", "00", "2027-01-31")
SAMPLES: list[Entry] = [
    ServiceStarted(1, 0, "0.1"),
    ServiceStopped(1),
    SigninRefused(1, "127.0.0.1:1", "shop", "unknown", "mallory"),
    SessionOpened("psql", 1, "127.0.0.1:1", "shop", CHAIN, "ses_1", "TLSv1.3", "shop"),
    SessionOpened("psql", 1, "127.0.0.1:1", "shop", CHAIN, "ses_1", "TLSv1.3", "shop", upstream_pid=4711, upstream_use=2),
    SessionClosed(1, "client", "ses_1", 3),
    INTENT,
    msgspec.structs.replace(INTENT, attachment="sha256:00", grant="req_1"),
    msgspec.structs.replace(INTENT, sealed=SEALED, sealed_parameters=SEALED),
    msgspec.structs.replace(INTENT, shadow=ShadowStamp("p2", ("r",), "deny")),
    OUTCOME,
    msgspec.structs.replace(OUTCOME, error="It failed.", error_code="42P01"),
    msgspec.structs.replace(OUTCOME, error="", error_code="42P01", sealed_error=SEALED),
    ValuesShown(1, (COLUMN,), "exe_1", CHAIN, 4, "ses_1", "shop"),
    ValuesShown(1, (COLUMN,), "exe_1", CHAIN, 4, "ses_1", "shop", purpose="refund", ticket="T-1"),
    InferenceNoted(1, "public.people.email", "exe_1", CHAIN, "email", 9, 0, 5, 6, "r", "ses_1", "half", "shop", 60),
    HoldRequested("security", 1, "b", "exe_1", 2, "req_1"),
    HoldAnswered(1, "dana", "prn_3", "exe_1", "fine", "req_1", "approved"),
    HoldAnswered(1, "dana", "prn_3", "exe_1", "fine", "req_1", "approved", others=(ALICE,)),
    HoldMoved(1, "dana", "prn_3", "second", "fine", "req_1"),
    AccessBegun(
        "agr_1",
        "granted",
        ("read",),
        1,
        "dana",
        "prn_3",
        ("email",),
        "why",
        "req_1",
        5,
        ALICE,
        ("public.t",),
        "4711",
        9,
        "shop",
    ),
    AccessEnded("agr_1", 1, "", "", "", "expired"),
    GlassReviewed("agr_1", 1, "dana", "prn_3", "fine"),
    Administered("principal.added", 1, "dana", {"z": "1", "a": "2", "Ä": "3"}, "alice"),
]


def test_every_kind_is_tried_here() -> None:
    """A kind added to the log is added to this file."""
    assert {type(sample) for sample in SAMPLES} == set(ENTRY_KINDS)


@pytest.mark.parametrize(
    "kind", [*ENTRY_KINDS, ActorStamp, IdentityStamp, ColumnStamp, ShadowStamp], ids=lambda kind: kind.__name__
)
def test_fields_are_declared_in_alphabetical_order(kind: type[msgspec.Struct]) -> None:
    """Those with defaults follow in an order of their own, as Python wants it."""
    fields = msgspec.structs.fields(kind)
    required = [field.name for field in fields if field.required]
    optional = [field.name for field in fields if not field.required]
    assert required == sorted(required)
    assert optional == sorted(optional)


def test_kinds_are_named_differently() -> None:
    """By name alone an entry is told from another."""
    names = [field.default for kind in ENTRY_KINDS for field in msgspec.structs.fields(kind) if field.name == "kind"]
    assert len(names) == len(ENTRY_KINDS) == len(set(names))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_an_entry_is_encoded_as_rfc_8785_wants_it(sample: Entry) -> None:
    """By an independent implementation, byte for byte; and it reads back as itself."""
    encoded = encode_entry(sample)
    assert encoded == rfc8785.dumps(json.loads(encoded))
    assert list(json.loads(encoded)) == sorted(json.loads(encoded))
    assert decode(encoded) == sample
