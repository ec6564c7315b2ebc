"""What the scribe writes into a real log, and what it never does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from msgspec import UNSET

from doorward.audit import hpke
from doorward.audit.canonical import MAX_ENTRY_BYTES, decode, encode
from doorward.audit.log import AuditLog, attachment_path
from doorward.audit.reader import LogReader
from doorward.audit.sealing import RENEW_US, Opener
from doorward.errors import AuditUnavailable
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot
from doorward.model.decision import Facts, Parameters
from doorward.model.entry import ColumnStamp, SessionClosed, StatementIntent, StatementOutcome
from doorward.model.result import ColumnTreatment, Provenance, ResultColumn
from doorward.model.sealing import DayKey, SealingKey
from doorward.proxy import forms_cy as forms
from doorward.proxy.execution import Attempt
from doorward.proxy.forms_cy import PARAMETERS_LIMIT
from doorward.proxy.scribe import STATEMENT_LIMIT_BYTES, Scribe
from tests.proxy.attempts import ALLOWED, BOT_FOR_ALICE, DAY, FACTS, SESSION, Later, a_text, an_attempt, entries_of, payloads_of

Write = Callable[..., StatementIntent]


@pytest.fixture
def write(scribe: Scribe, log: AuditLog) -> Write:
    """Writes an intent and reads it back from the files."""

    def one(attempt: Attempt, facts: Facts = FACTS) -> StatementIntent:
        index, _form = scribe.intent(SESSION, BOT_FOR_ALICE, attempt, facts, ALLOWED, "exe_1", 5, grant="")
        scribe.flush()
        found = entries_of(log)[index]
        assert isinstance(found, StatementIntent)
        return found

    return one


def an_outcome(execution: str = "exe_1", **changes: object) -> StatementOutcome:
    """A SELECT that went well."""
    fields: dict[str, object] = {
        "at_us": 1, "columns": (), "duration_us": 1, "error_code": "", "execution": execution, "masked": 0,
        "result_bytes": 1, "rows": 1, "status": "done", "tag": "SELECT 1",
    }  # fmt: skip
    return StatementOutcome(**(fields | changes))  # type: ignore[arg-type]


def test_an_intent_names_who_what_and_why(write: Write) -> None:
    """The whole chain, the objects, the rule."""
    intent = write(an_attempt("DELETE FROM orders"), Facts("write", ("DELETE",), ("public.orders",), ("gone",), (Label.EMAIL,)))
    assert intent.identity.chain == "report-bot for alice"
    assert [actor.id for actor in intent.identity.actors] == ["prn_bot"]
    assert intent.statement == "DELETE FROM orders"
    assert intent.objects == ("public.orders", "gone")
    assert (intent.labels, intent.rules, intent.verdict, intent.policy) == (("email",), ("reads",), "allow", "p1")
    assert (intent.session, intent.upstream, intent.execution, intent.at_us) == ("ses_1", "shop", "exe_1", 5)


def test_a_long_statement_is_attached_whole(write: Write, log: AuditLog) -> None:
    """The entry keeps its beginning and the digest of the rest, which lies beside the log."""
    text = "SELECT '" + "ä" * STATEMENT_LIMIT_BYTES + "'"
    intent = write(an_attempt(text))
    assert len(intent.statement) < STATEMENT_LIMIT_BYTES
    assert text.startswith(intent.statement.removesuffix(" […]"))
    assert isinstance(intent.attachment, str)
    kept = attachment_path(log.directory, intent.attachment.removeprefix("sha256:")).read_bytes()
    assert Opener({DAY.sealing.id: DAY}.get).open_box(kept, DAY.sealing.id) == text.encode()
    assert "ä".encode() * 3 not in kept


def test_a_statement_at_the_limit_is_kept_in_the_entry(write: Write) -> None:
    """Nothing is attached that fits."""
    text = f"SELECT '{'x' * (STATEMENT_LIMIT_BYTES - 9)}'"
    intent = write(an_attempt(text))
    assert (intent.statement, isinstance(intent.attachment, str)) == (text, False)


@pytest.mark.parametrize(
    "tags",
    [
        ("CREATE ROLE",),
        ("ALTER ROLE",),
        ("CREATE USER MAPPING",),
        ("ALTER USER MAPPING",),
        ("CREATE SUBSCRIPTION",),
        ("ALTER SUBSCRIPTION",),
        ("CREATE SERVER",),
        ("ALTER SERVER",),
        ("SELECT", "ALTER ROLE"),
        (),  # what could not be read has no command to go by
    ],
)
@pytest.mark.parametrize("filler", ["", "x" * STATEMENT_LIMIT_BYTES])
def test_commands_that_carry_passwords_keep_no_text(write: Write, log: AuditLog, tags: tuple[str, ...], filler: str) -> None:
    """Neither in the entry nor beside it, in no file of the log."""
    intent = write(an_attempt(f"ALTER ROLE x PASSWORD 'hunter2' {filler}"), Facts("grant", tags))
    assert "; ".join(tags) in intent.statement
    kept = [path for path in log.directory.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert kept == []


def test_parameters_are_never_in_clear(write: Write, log: AuditLog) -> None:
    """Only their length and a keyed digest; NULL is a word of its own."""
    intent = write(an_attempt("SELECT $1", b"alice@example.com", None, b"", b"null"))
    first, null, empty, word = intent.parameters
    assert first.startswith("17 bytes, ")
    assert null == "null"
    assert empty.startswith("0 bytes, ")
    assert word.startswith("4 bytes, ")
    assert not any(b"alice@example" in payload for _index, payload in LogReader(log.directory).entries())


@pytest.mark.parametrize(
    ("way", "facts", "shown"),
    [
        (Parameters.KEPT, FACTS, ": 'open'"),
        (Parameters.HASHED, FACTS, ""),
        (Parameters.KEPT, replace(FACTS, touches_protected=True), ""),
        (Parameters.KEPT, replace(FACTS, unresolved=("gone",)), ""),
        (Parameters.KEPT, replace(FACTS, tags=()), ""),
    ],
)
def test_values_are_kept_only_where_policy_says_so_and_nothing_protected_is_in_reach(
    scribe: Scribe, log: AuditLog, way: Parameters, facts: Facts, shown: str
) -> None:
    """The first time and each time after."""
    decision = replace(ALLOWED, parameters=way)
    attempt = an_attempt("SELECT $1", b"open")
    _index, form = scribe.intent(SESSION, BOT_FOR_ALICE, attempt, facts, decision, "exe_1", 1, grant="")
    assert form is not None
    scribe.intent_again(form, a_text("SELECT $1"), [b"open"], "ses_1", "exe_2", 2)
    scribe.flush()
    expected = (scribe.parameter(b"open") + shown,)
    assert not any(b"open'" in payload for payload in payloads_of(log))
    assert [entry.parameters for entry in entries_of(log) if isinstance(entry, StatementIntent)] == [expected, expected]


def test_equal_values_have_equal_digests_under_one_key_alone(log: AuditLog, later: Later) -> None:
    """An auditor sees that the same value came again; who has no key can't try values."""
    ours, theirs = Scribe(log, b"a" * 32, later), Scribe(log, b"b" * 32, later)
    assert ours.parameter(b"x") == ours.parameter(b"x")
    assert ours.parameter(b"x") != ours.parameter(b"y")
    assert ours.parameter(b"x") != theirs.parameter(b"x")


def test_only_so_many_parameters_are_noted(write: Write) -> None:
    """A batch of thousands does not fill an entry."""
    assert len(write(an_attempt("SELECT 1", *[b"v"] * 3_000)).parameters) == PARAMETERS_LIMIT


def test_an_intent_that_no_entry_can_hold_is_refused(scribe: Scribe, log: AuditLog) -> None:
    """What can't be recorded is not run; and nothing is left in the log."""
    facts = Facts("read", ("SELECT",), tuple(f"{number}" + "\x01" * 500 for number in range(100)))
    with pytest.raises(AuditUnavailable, match="one entry"):
        scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt(), facts, ALLOWED, "exe_1", 1, grant="")
    scribe.flush()
    assert entries_of(log) == []


def test_a_form_can_not_outgrow_an_entry_by_its_parameters(scribe: Scribe, log: AuditLog) -> None:
    """A text that fits without parameters is run again with two hundred."""
    statement = f"SELECT '{'x' * 7_000}'"
    facts = Facts("read", ("SELECT",), ("y" * 48_000,))
    index, form = scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt(statement), facts, ALLOWED, "exe_1", 1, grant="")
    assert form is not None
    with pytest.raises(AuditUnavailable, match="one entry"):
        scribe.intent_again(form, a_text(statement), [b"v"] * PARAMETERS_LIMIT, "ses_1", "exe_2", 2)
    assert scribe.intent_again(form, a_text(statement), [b"v"], "ses_1", "exe_3", 3) == index + 1
    scribe.flush()
    assert all(len(encode(entry)) <= MAX_ENTRY_BYTES for entry in entries_of(log))


def test_a_form_writes_what_the_intent_itself_would(scribe: Scribe, log: AuditLog) -> None:
    """Once anew and once by form: the same entry but for time, execution and parameters."""
    _index, form = scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt("SELECT $1", b"a"), FACTS, ALLOWED, "exe_1", 1, grant="")
    assert form is not None
    scribe.intent_again(form, a_text("SELECT $1"), [b"b"], "ses_1", "exe_2", 2)
    scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt("SELECT $1", b"b"), FACTS, ALLOWED, "exe_2", 2, grant="")
    scribe.flush()
    _first, by_form, anew = entries_of(log)
    assert by_form == anew


def test_a_grant_or_an_attachment_gets_no_form(scribe: Scribe) -> None:
    """A grant is good once; it must not be written for the next execution."""
    long = an_attempt("x" * (STATEMENT_LIMIT_BYTES + 1))
    assert scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt(), FACTS, ALLOWED, "exe_1", 1, grant="req_1")[1] is None
    assert scribe.intent(SESSION, BOT_FOR_ALICE, long, FACTS, ALLOWED, "exe_2", 1, grant="")[1] is None


def test_an_outcome_too_big_is_trimmed(scribe: Scribe, log: AuditLog) -> None:
    """How it went and how many rows is kept; the columns and the error are not."""
    columns = tuple(ColumnStamp("email", "n" * 60, "s" * 180, "labelled") for _number in range(400))
    scribe.outcome(an_outcome(columns=columns, error="e" * 2_000, tag="t" * 70_000, rows=7, masked=400))
    scribe.flush()
    (found,) = entries_of(log)
    assert isinstance(found, StatementOutcome)
    assert (found.columns, found.error, found.tag, found.rows, found.masked) == ((), "", "t" * 100, 7, 400)
    assert found.sealed_error is UNSET


def test_an_encoded_outcome_too_big_is_trimmed_as_well(scribe: Scribe, log: AuditLog) -> None:
    """A reader of the log takes an entry past the limit for damage: names chosen by a client must not make one."""
    columns = tuple(ColumnStamp("email", "\x01" * 60, "\x01" * 180, "labelled") for _number in range(100))
    scribe.outcome_again(forms.outcome(1, forms.columns_json(columns), 2, "exe_1", 9, 3, 4, "done", "SELECT 4"), "exe_1")
    scribe.flush()
    (found,) = entries_of(log)
    assert isinstance(found, StatementOutcome)
    assert (found.columns, found.tag, found.rows, found.masked) == ((), "SELECT 4", 4, 9)


def test_outcomes_go_by_themselves_when_no_intent_follows(scribe: Scribe, log: AuditLog, later: Later) -> None:
    """One timer for many: they are in the files once it fires, and the next outcome sets it again."""
    scribe.outcome(an_outcome("exe_1"))
    scribe.outcome_again(encode(an_outcome("exe_2")), "exe_2")
    assert len(later.calls) == 1
    assert entries_of(log) == []
    later.come()
    assert [entry.execution for entry in entries_of(log) if isinstance(entry, StatementOutcome)] == ["exe_1", "exe_2"]
    scribe.outcome(an_outcome("exe_3"))
    assert len(later.calls) == 1


def test_an_outcome_for_a_closed_log_harms_nobody(scribe: Scribe, log: AuditLog, later: Later) -> None:
    """The statement ran already; the next intent is the one that finds the log gone."""
    log.close()
    scribe.outcome(an_outcome())
    scribe.outcome_again(encode(an_outcome()), "exe_1")
    later.come()
    with pytest.raises(AuditUnavailable):
        scribe.append(SessionClosed(1, "client", "ses_1", 1))


def test_what_was_refused_or_approved_ends_without_having_run(scribe: Scribe, log: AuditLog) -> None:
    """Two ends of an execution that forwarded nothing."""
    scribe.refused("exe_1", 3)
    scribe.superseded("exe_2", 4)
    scribe.flush()
    ends = [(e.execution, e.status, e.rows, e.at_us) for e in entries_of(log) if isinstance(e, StatementOutcome)]
    assert ends == [("exe_1", "refused", 0, 3), ("exe_2", "approved", 0, 4)]


def test_a_column_is_named_by_where_it_comes_from(scribe: Scribe) -> None:
    """By table and number, not by the alias it was given; unknown ones have no source."""
    snapshot = Snapshot(
        "shop", "e", (Relation(7, "public", "people", RelationKind.TABLE, (Column(2, "email", "text", Label.EMAIL),)),)
    )
    treatment = ColumnTreatment(0, "x", Provenance.LABELLED, Label.EMAIL)
    for oid, number, source in ((7, 2, "public.people.email"), (7, 9, "public.people.?"), (0, 0, "")):
        column = ResultColumn("alias" * 20, oid, number, 25, -1, -1, 0)
        stamp = scribe.column(snapshot, column, treatment)
        assert stamp == ColumnStamp("email", ("alias" * 20)[:63], source, "labelled")


def test_the_form_of_an_outcome_is_read_back_as_an_outcome(scribe: Scribe, log: AuditLog) -> None:
    """What is appended encoded is an entry like any other."""
    scribe.outcome_again(forms.outcome(1, b"[]", 2, "exe_1", 0, 3, 4, "done", "SELECT 4"), "exe_1")
    scribe.flush()
    assert entries_of(log) == [an_outcome(at_us=1, duration_us=2, result_bytes=3, rows=4, tag="SELECT 4", error="")]


SECRET = "alice@example.com"


@pytest.mark.parametrize("is_again", [False, True])
def test_literals_are_read_with_the_days_key_alone(scribe: Scribe, log: AuditLog, is_again: bool) -> None:
    """In clear the entry shows that there was one; equal texts show as equal."""
    text = f"SELECT 1 FROM people WHERE email = '{SECRET}'"
    for number in (1, 2):
        _index, form = scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt(text), FACTS, ALLOWED, f"exe_{number}", 1, grant="")
        assert form is not None
        if is_again:
            scribe.intent_again(form, a_text(text), [], "ses_1", f"exe_{number}", 1)
    scribe.flush()
    assert not any(SECRET.encode() in payload for payload in payloads_of(log))
    entries = [decode(payload) for payload in payloads_of(log)]
    assert {entry.statement for entry in entries if isinstance(entry, StatementIntent)} == {
        "SELECT ? FROM people WHERE email = '?'"
    }
    digests = {entry.sealed.digest for entry in entries if isinstance(entry, StatementIntent) and entry.sealed}
    assert len(digests) == 1
    assert {entry.statement for entry in entries_of(log) if isinstance(entry, StatementIntent)} == {text}


def test_a_text_that_is_run_again_is_sealed_once(scribe: Scribe, log: AuditLog) -> None:
    """Until the sealer begins anew, so that what is in the gateway's memory opens no more than the last minutes."""
    text = a_text("SELECT 7")
    _index, form = scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt("SELECT 7"), FACTS, ALLOWED, "exe_1", 1, grant="")
    assert form is not None
    for at_us in (2, 3, RENEW_US, RENEW_US + 1):
        scribe.intent_again(form, text, [], "ses_1", f"exe_{at_us}", at_us)
    scribe.flush()
    boxes = [e.sealed.box for p in payloads_of(log) if isinstance(e := decode(p), StatementIntent) and e.sealed]
    assert len(boxes) == 5
    assert (boxes[1] == boxes[2], boxes[2] == boxes[3], boxes[3] == boxes[4]) == (True, False, True)
    assert boxes[0][:40] == boxes[1][:40] != boxes[3][:40]


def test_without_a_key_nothing_personal_is_kept(scribe: Scribe, log: AuditLog) -> None:
    """Neither literals, nor kept values, nor the database's own words."""
    scribe.seal_with(None, 0)
    decision = replace(ALLOWED, parameters=Parameters.KEPT)
    attempt = an_attempt(f"SELECT '{SECRET}', $1", SECRET.encode())
    _index, form = scribe.intent(SESSION, BOT_FOR_ALICE, attempt, FACTS, decision, "exe_1", 1, grant="")
    assert form is not None
    scribe.intent_again(form, attempt.text, [SECRET.encode()], "ses_1", "exe_2", 2)
    scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt(f"SELECT '{SECRET * 1_000}'"), FACTS, ALLOWED, "exe_3", 1, grant="")
    scribe.outcome(an_outcome("exe_1", error=f"Key (email)=({SECRET}) exists.", error_code="23505"))
    scribe.flush()
    files = [path for path in log.directory.rglob("*") if path.is_file()]
    assert not any(b"alice" + b"@" in path.read_bytes() for path in files)
    assert "SELECT '?', $1" in {entry.statement for entry in entries_of(log) if isinstance(entry, StatementIntent)}


def test_an_error_is_sealed(scribe: Scribe, log: AuditLog) -> None:
    """A constraint's error shows the failing row."""
    scribe.outcome(an_outcome(error=f"Key (email)=({SECRET}) exists.", error_code="23505"))
    scribe.flush()
    (payload,) = payloads_of(log)
    assert SECRET.encode() not in payload
    (found,) = entries_of(log)
    assert isinstance(found, StatementOutcome)
    assert (found.error, found.error_code) == (f"Key (email)=({SECRET}) exists.", "23505")


def test_another_days_key_does_not_open_it(scribe: Scribe, log: AuditLog) -> None:
    """From the turn of the day on; what was sealed before stays readable with its own key."""
    private, public = hpke.new_key_pair()
    tomorrow = DayKey(SealingKey("2027-02-01", public, b"t" * 32), private)
    scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt("SELECT 'one'"), FACTS, ALLOWED, "exe_1", 1, grant="")
    before = scribe.parameter(b"x")
    scribe.seal_with(tomorrow.sealing, 2)
    assert scribe.parameter(b"x") != before
    scribe.intent(SESSION, BOT_FOR_ALICE, an_attempt("SELECT 'two'"), FACTS, ALLOWED, "exe_2", 2, grant="")
    scribe.flush()
    for keys, expected in (
        ({}, ["SELECT '?'", "SELECT '?'"]),
        ({DAY.sealing.id: DAY}, ["SELECT 'one'", "SELECT '?'"]),
        ({DAY.sealing.id: DAY, "2027-02-01": tomorrow}, ["SELECT 'one'", "SELECT 'two'"]),
        ({DAY.sealing.id: tomorrow, "2027-02-01": DAY}, ["SELECT '?'", "SELECT '?'"]),
    ):
        opener = Opener(keys.get)
        assert [msgspec.json.decode(opener.readable(payload))["statement"] for payload in payloads_of(log)] == expected
