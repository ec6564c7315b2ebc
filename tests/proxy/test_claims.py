"""What a session's client says of itself, at first and later."""

import pytest

from doorward.model.decision import Circumstances
from doorward.policy.request import address_of
from doorward.proxy.claims import circumstances_of, claimed_after
from doorward.proxy.execution import SessionFacts
from doorward.sql.analyze import analyze

FIRST = (("job", "nightly"), ("purpose", "at first"))


@pytest.mark.parametrize(
    ("text", "purpose", "ticket"),
    [
        ("SET doorward.purpose = 'refund'", "refund", "OPS-1"),
        ("SET DOORWARD.Purpose TO refund", "refund", "OPS-1"),
        ("SET doorward.ticket = 'OPS-2'", "later", "OPS-2"),
        ("SET LOCAL doorward.ticket = 'OPS-2'", "later", "OPS-2"),
        ("SET doorward.purpose = ''", "", "OPS-1"),
        ("RESET doorward.purpose", "at first", "OPS-1"),
        ("SET doorward.purpose TO DEFAULT", "at first", "OPS-1"),
        ("RESET doorward.ticket", "later", ""),
        ("RESET ALL", "at first", ""),
        ("DISCARD ALL", "at first", ""),
        ("SET statement_timeout = '5s'", "later", "OPS-1"),
        ("SHOW statement_timeout", "later", "OPS-1"),
        ("SELECT 1", "later", "OPS-1"),
        ("SET doorward.purpose = 'a'; SET doorward.ticket = 'b'", "a", "b"),
    ],
)
def test_a_set_is_heeded(text: str, purpose: str, ticket: str) -> None:
    """In any spelling that the server takes; what else is claimed stays."""
    claimed = (("job", "nightly"), ("purpose", "later"), ("ticket", "OPS-1"))
    after = dict(claimed_after(analyze(text), claimed, FIRST))
    assert (after.get("purpose", ""), after.get("ticket", ""), after["job"]) == (purpose, ticket, "nightly")


@pytest.mark.parametrize(
    "text", ["SET doorward.job = 'x'", "SET doorward.purpose = 'a\nb'", f"SET doorward.ticket = '{'x' * 201}'"]
)
def test_what_is_no_claim_or_no_line_is_refused(text: str) -> None:
    """The record shows it, and people read it."""
    (statement,) = analyze(text).statements
    assert statement.refusal


def test_a_comment_claims_neither_purpose_nor_ticket() -> None:
    """The record would say that rules were asked with it, and they never are."""
    assert analyze("SELECT 1 /*job='x',purpose='y',ticket='z'*/").claimed == (("job", "x"),)


def test_circumstances_are_those_of_the_session() -> None:
    """TLS by its version, the client by its address."""
    session = SessionFacts("s", "shop", "shop", "10.0.0.7:5432", "psql", (("purpose", " refund "),), tls="TLSv1.3 AES")
    assert circumstances_of(session) == Circumstances("refund", "", "psql", "10.0.0.7", "TLSv1.3")


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("127.0.0.1:5432", "127.0.0.1"),
        ("::1:5432", "::1"),
        ("[::1]:5432", "::1"),
        ("::ffff:10.0.0.7:5432", "10.0.0.7"),
        ("fe80::1%eth0:5432", "fe80::1"),
        ("local", ""),
        ("", ""),
        ("somewhere:1", ""),
    ],
)
def test_an_address_is_read_out_of_what_the_socket_says(client: str, address: str) -> None:
    """As Cedar takes one; none is no address, and never a wrong one."""
    assert address_of(client) == address
