"""Conversations as playbooks: what the client gets and what reaches the server, message by message."""

from __future__ import annotations

import pytest

from doorward.errors import ProtocolViolation
from doorward.wire.postgres import exchange as exchange_module
from doorward.wire.postgres import messages
from tests.wire.postgres.conversing import Conversation, bind, copy_data, execute, frames, kinds, run, until_violation
from tests.wire.postgres.governing import LIMITED, MASKED, NOT_ALLOWED, WITHDRAWN, Rules
from tests.wire.postgres.pretended_server import CLEAR, SECRET

SYNC, FLUSH, query, parse = messages.SYNC, messages.FLUSH, messages.query, messages.parse


def values(data: bytes) -> list[bytes | None]:
    """The first value of each row in *data*."""
    return [messages.read_data_row(body)[0] for kind, body in frames(data) if kind == "D"]


def talk(*sent: bytes, **rules: object) -> Conversation:
    """Play *sent*, message group by message group."""
    conversation = Conversation(rules=Rules(**rules))  # type: ignore[arg-type]
    for data in sent:
        conversation.send(data)
    return conversation


def test_clear_results_pass_as_they_came() -> None:
    """Where nothing is asked for, every byte is the server's."""
    conversation = Conversation()
    assert conversation.send(query("SELECT clear")) == "TDDDCZ"
    assert conversation.to_server == query("SELECT clear")
    assert values(conversation.to_client) == [CLEAR] * 3


@pytest.mark.parametrize("sent", [query("SELECT secret"), run("SELECT secret") + SYNC])
def test_masked_results_show_nothing_in_either_protocol(sent: bytes) -> None:
    """Rows are rewritten by the plan of the statement that they belong to."""
    assert values(talk(sent).to_client) == [MASKED] * 3


def test_the_mask_stays_with_a_suspended_portal() -> None:
    """Rows after PortalSuspended are still that portal's."""
    conversation = Conversation()
    assert conversation.send(query("BEGIN")) == "CZ"
    assert conversation.send(parse("", "SELECT secret") + bind("", "p") + execute("p", 2) + SYNC) == "12DDsZ"
    assert conversation.send(query("SELECT clear")) == "TDDDCZ"
    assert conversation.send(execute("p", 2) + SYNC) == "DCZ"
    assert values(conversation.to_client) == [MASKED, MASKED, CLEAR, CLEAR, CLEAR, MASKED]


@pytest.mark.parametrize("before", [[], [query("BEGIN")], [query("BEGIN"), query("SELECT missing")]])
def test_a_refused_query_is_an_error_and_the_session_goes_on(before: list[bytes]) -> None:
    """The client gets our error and ReadyForQuery in each transaction state; the statement never reaches the server."""
    conversation = talk(*before)
    server_status = conversation.server.status
    assert conversation.send(query("DROP TABLE t")) == "EZ"
    assert conversation.errors()[-1] == NOT_ALLOWED.message
    assert b"DROP" not in conversation.to_server
    assert (messages.POISON_QUERY in conversation.to_server) == (server_status == b"T")
    assert conversation.exchange.status == conversation.server.status == (b"E" if before else b"I")
    assert conversation.send(query("ROLLBACK")) == "CZ"


def test_a_refused_execute_skips_to_sync_on_both_sides() -> None:
    """The client gets exactly the error, then nothing until its Sync; the server gets the poison instead of the message."""
    conversation = Conversation()
    assert conversation.send(run("DROP TABLE t") + run("SELECT clear")) == "1E"
    assert conversation.send(run("SELECT clear")) == ""
    assert conversation.send(SYNC) == "Z"
    assert conversation.errors() == [NOT_ALLOWED.message]
    assert messages.POISON in conversation.to_server
    assert "SELECT clear" not in conversation.server.ran
    assert conversation.send(query("SELECT clear")) == "TDDDCZ"


def test_an_unreadable_parse_is_refused() -> None:
    """What can't be read never reaches the server."""
    conversation = Conversation()
    assert conversation.send(run("not even SQL") + SYNC) == "EZ"
    assert b"not even" not in conversation.to_server


def test_an_error_in_the_middle_of_a_pipeline_takes_back_what_is_behind_it() -> None:
    """Names that were not made are not known, and what was skipped is recorded so."""
    conversation = Conversation()
    sent = run("SELECT clear", "a") + run("SELECT missing", "b") + run("SELECT secret", "c") + SYNC
    assert conversation.send(sent) == "12DDDCEZ"
    assert [ticket.outcome and ticket.outcome[0] for ticket in conversation.rules.tickets] == ["done", "skipped", "skipped"]
    assert conversation.send(bind("c") + execute() + SYNC) == "EZ"
    assert conversation.send(bind("a") + execute() + SYNC) == "2DDDCZ"


@pytest.mark.parametrize("sent", [query("DELETE FROM held"), run("DELETE FROM held") + SYNC])
def test_what_waits_is_forwarded_once_it_is_approved(sent: bytes) -> None:
    """Nothing of it reaches the server before, and what came behind waits too."""
    conversation = Conversation()
    conversation.send(sent + query("SELECT clear"))
    assert conversation.exchange.is_waiting
    assert "DELETE FROM held" not in conversation.server.ran
    assert "TDDDCZ" in conversation.answer(approve=True)
    assert conversation.server.ran == ["DELETE FROM held", "SELECT clear"]


@pytest.mark.parametrize("sent", [query("DELETE FROM held"), run("DELETE FROM held") + SYNC])
def test_what_waits_and_is_withdrawn_never_runs(sent: bytes) -> None:
    """The client gets the refusal; what came behind goes on."""
    conversation = Conversation()
    conversation.send(sent + query("SELECT clear"))
    assert conversation.answer(approve=False).endswith("EZTDDDCZ")
    assert conversation.errors() == [WITHDRAWN.message]
    assert conversation.server.ran == ["SELECT clear"]


def test_rows_wait_until_they_are_released() -> None:
    """Not one row before its record is safe, also those that come meanwhile; then all of them, in order."""
    conversation = talk(query("SELECT secret"), query("SELECT clear"), release_at_once=False)
    assert conversation.exchange.is_stalled
    assert kinds(conversation.to_client) == "T"
    for ticket in conversation.rules.tickets:
        ticket.released = True
    conversation.exchange.released()
    conversation.settle()
    assert kinds(conversation.to_client) == "TDDDCZTDDDCZ"
    assert values(conversation.to_client) == [MASKED] * 3 + [CLEAR] * 3


@pytest.mark.parametrize("sent", [query("SELECT clear"), run("SELECT clear") + SYNC])
def test_a_result_is_cut_at_its_limit(sent: bytes) -> None:
    """As many rows as the limit says, then an error that says why."""
    conversation = talk(sent, limit=2)
    assert kinds(conversation.to_client).endswith("DDEZ")
    assert conversation.errors() == [LIMITED.message]
    assert conversation.rules.tickets[0].outcome == ("failed", "SELECT 3", 2, LIMITED.sqlstate)


def test_copy_in_passes_its_data_and_nothing_else() -> None:
    """CopyData is forwarded inside a COPY and dropped outside, as the server does."""
    conversation = Conversation()
    assert conversation.send(copy_data(b"1") + messages.COPY_DONE) == ""
    assert conversation.to_server == b""
    assert conversation.send(query("COPY t FROM STDIN")) == "G"
    assert conversation.send(copy_data(b"1") + messages.COPY_DONE) == "CZ"
    assert copy_data(b"1") + messages.COPY_DONE in conversation.to_server


def test_copy_in_takes_data_that_was_sent_ahead() -> None:
    """A client need not wait for CopyInResponse."""
    conversation = Conversation()
    assert conversation.send(query("COPY t FROM STDIN") + copy_data(b"1") + messages.COPY_DONE + query("SELECT clear")) == (
        "GCZTDDDCZ"
    )


def test_a_sync_sent_before_the_data_of_a_copy_is_swallowed_as_by_the_server() -> None:
    """libpq sends Execute and Sync, then data, then CopyDone and Sync: one ReadyForQuery."""
    conversation = Conversation()
    assert conversation.send(run("COPY t FROM STDIN") + SYNC) == "12G"
    assert conversation.send(copy_data(b"1") + messages.COPY_DONE + SYNC) == "CZ"
    assert not conversation.exchange.is_busy
    assert conversation.send(query("SELECT secret")) == "TDDDCZ"


@pytest.mark.parametrize("copy", [query("COPY t FROM STDIN"), run("COPY t FROM STDIN") + SYNC])
@pytest.mark.parametrize("inside", [SYNC, SYNC + SYNC, FLUSH])
def test_a_sync_inside_a_copy_leaves_no_reply_behind(copy: bytes, inside: bytes) -> None:
    """The server ignores it; were it waited for, every later reply would be taken for that of another message."""
    conversation = Conversation()
    conversation.send(copy)
    conversation.send(inside)
    conversation.send(copy_data(b"1") + messages.COPY_DONE + SYNC)
    for text in ("SELECT missing", "SELECT missing", "SELECT clear", "SELECT secret", "SELECT secret"):
        conversation.send(query(text))
    assert values(conversation.to_client) == [CLEAR] * 3 + [MASKED] * 6


def test_another_message_inside_a_copy_ends_the_session() -> None:
    """So does the server, which loses track of where messages begin."""
    assert until_violation([query("COPY t FROM STDIN"), query("SELECT clear")])
    assert until_violation([query("COPY t FROM STDIN") + query("SELECT clear")])


def test_copy_out_is_refused_unless_it_is_clear() -> None:
    """Neither its start nor its data pass for a statement whose ticket does not say so."""
    for answer in (messages.message(b"H", b"\0\0\0"), copy_data(SECRET)):
        conversation = Conversation()
        conversation.exchange.receive_from_client(query("SELECT secret"))
        with pytest.raises(ProtocolViolation):
            conversation.exchange.receive_from_upstream(answer)
        assert conversation.exchange.to_client == []
        allowed = Conversation()
        allowed.exchange.receive_from_client(query("SELECT clear"))
        allowed.exchange.receive_from_upstream(answer)
        assert allowed.exchange.to_client == [answer]


def test_long_copy_data_is_refused_as_short_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that is let through in parts is held to the same rule."""
    monkeypatch.setattr(exchange_module, "MAX_MASKED_ROW_BYTES", 100)
    conversation = Conversation()
    conversation.exchange.receive_from_client(query("SELECT secret"))
    with pytest.raises(ProtocolViolation):
        conversation.exchange.receive_from_upstream(copy_data(SECRET * 50))
    assert conversation.exchange.to_client == []


def test_a_refused_query_behind_a_failed_pipeline_leaves_no_reply_behind() -> None:
    """The server skips it with all else up to the Sync; replies and messages still belong together afterwards."""
    conversation = Conversation()
    sent = parse("", "SELECT missing") + query("DROP TABLE t") + SYNC + query("SELECT secret") + query("SELECT clear")
    assert conversation.send(sent) == "EZTDDDCZTDDDCZ"
    assert values(conversation.to_client) == [MASKED] * 3 + [CLEAR] * 3


def test_a_refused_query_ends_the_implicit_transaction_before_it() -> None:
    """What ran before it without a Sync is rolled back by the server, as the error and ReadyForQuery say."""
    conversation = Conversation()
    conversation.send(run("SELECT clear") + FLUSH)
    assert not conversation.exchange.is_busy
    assert conversation.send(query("DROP TABLE t")) == "EZ"
    assert conversation.to_server.endswith(messages.POISON_QUERY)


def test_no_portal_can_stand_in_for_the_poison() -> None:
    """Whatever a client prepares or binds, the message that replaces a refused one fails."""
    name = messages.POISON_TEXT
    for made in (parse(name, "SELECT secret"), parse("doorward", "SELECT secret")):
        conversation = talk(made + parse("s", "SELECT clear") + bind("s", name) + SYNC)
        conversation.send(query("BEGIN"))
        assert conversation.send(bind("s", name) + run("DROP TABLE t") + SYNC) == "21EZ"
        assert conversation.send(query("DROP TABLE t")) == "EZ"
        assert conversation.server.ran == ["BEGIN"]


def test_close_and_parse_again_gives_the_name_its_new_meaning() -> None:
    """In one pipeline as in two."""
    close = messages.close_statement("a")
    for sent in (
        [run("SELECT clear", "a") + close + run("SELECT secret", "a") + SYNC],
        [run("SELECT clear", "a") + SYNC, close + SYNC, run("SELECT secret", "a") + SYNC],
    ):
        assert values(talk(*sent).to_client) == [CLEAR] * 3 + [MASKED] * 3


def test_a_taken_name_is_refused_before_the_server_sees_it() -> None:
    """Were it free there after all, what runs would not be what was understood."""
    conversation = talk(parse("a", "SELECT clear") + SYNC)
    del conversation.server.statements["a"]
    assert conversation.send(run("SELECT secret", "a") + SYNC) == "EZ"
    assert conversation.server.ran == []


def test_names_made_by_sql_are_settled_before_they_are_used() -> None:
    """A pipeline that changes what a name means is waited out, with a Flush so that it answers."""
    conversation = talk(query("PREPARE a AS SELECT clear"))
    changes = run("DEALLOCATE a") + run("PREPARE a AS SELECT secret")
    assert conversation.send(changes + run("EXECUTE a") + SYNC) == "12C12C12DDDCZ"
    assert values(conversation.to_client) == [MASKED] * 3
    assert FLUSH in conversation.to_server


def test_execute_of_a_changed_name_by_an_old_portal_is_refused() -> None:
    """A portal runs what was decided on when it was bound, or nothing."""
    conversation = talk(query("BEGIN"), query("PREPARE a AS SELECT clear"), parse("x", "EXECUTE a") + bind("x", "p") + SYNC)
    conversation.send(query("DEALLOCATE a"))
    conversation.send(query("PREPARE a AS SELECT secret"))
    assert conversation.send(execute("p") + SYNC) == "EZ"
    assert "SELECT secret" not in conversation.server.ran


@pytest.mark.parametrize(
    "text", ["EXECUTE a; EXECUTE b", "EXECUTE a; SELECT secret", "SELECT clear; PREPARE c AS SELECT secret"]
)
def test_prepare_and_execute_stand_alone(text: str) -> None:
    """Among other statements it would not be known which result is of which text."""
    conversation = talk(query("PREPARE a AS SELECT clear"), query("PREPARE b AS SELECT secret"))
    assert conversation.send(query(text)) == "EZ"
    assert SECRET not in conversation.to_client


def test_execute_of_what_itself_goes_by_name_is_refused() -> None:
    """One step of names is looked through, no more."""
    conversation = talk(parse("b", "DELETE FROM held") + parse("a", "EXECUTE b") + SYNC)
    assert conversation.send(query("EXECUTE a")) == "EZ"
    assert conversation.server.ran == []


def test_an_unknown_prepared_statement_is_refused() -> None:
    """What it would run is not known."""
    for sent in (query("EXECUTE nothing"), bind("nothing") + SYNC, execute("nothing") + SYNC):
        conversation = Conversation()
        assert conversation.send(sent) == "EZ"
        assert conversation.server.ran == []


def test_fetch_is_masked_by_what_the_cursor_was_declared_for() -> None:
    """Of a cursor that is known; of any other name all is masked."""
    conversation = talk(query("BEGIN"), query("DECLARE a CURSOR FOR SELECT clear"), query("FETCH ALL FROM a"))
    assert values(conversation.to_client) == [CLEAR] * 3
    conversation.send(parse("s", "SELECT secret") + bind("s", "p") + SYNC)
    conversation.send(query("FETCH ALL FROM p"))
    assert values(conversation.to_client) == [CLEAR] * 3 + [MASKED] * 3


@pytest.mark.parametrize("pipelined", [True, False])
def test_a_cursor_that_is_declared_anew_gets_its_new_mask(pipelined: bool) -> None:
    """Also when its FETCH is in the same pipeline."""
    conversation = talk(query("BEGIN"), query("DECLARE a CURSOR FOR SELECT clear"))
    steps = [run("CLOSE a"), run("DECLARE a CURSOR FOR SELECT secret"), run("FETCH ALL FROM a")]
    for sent in [b"".join(steps) + SYNC] if pipelined else [step + SYNC for step in steps]:
        conversation.send(sent)
    assert values(conversation.to_client) == [MASKED] * 3


def test_a_cursor_does_not_take_the_plan_of_a_portal_of_its_name() -> None:
    """CLOSE ends portals too; Execute of the name then runs a cursor nobody bound."""
    conversation = talk(query("BEGIN"), parse("s", "SELECT clear") + bind("s", "p") + SYNC)
    conversation.send(query("CLOSE p"))
    conversation.send(query("DECLARE p CURSOR FOR SELECT secret"))
    assert conversation.send(execute("p") + SYNC) == "EZ"
    assert SECRET not in conversation.to_client


def test_a_portal_does_not_take_the_plan_of_a_cursor_of_its_name() -> None:
    """A cursor may be gone by a roll-back to a savepoint, and its name bound to something else."""
    conversation = talk(query("BEGIN"), query("DECLARE p CURSOR FOR SELECT clear"))
    del conversation.server.portals["p"]
    conversation.send(parse("s", "SELECT secret") + bind("s", "p") + SYNC)
    conversation.send(query("FETCH ALL FROM p"))
    assert values(conversation.to_client) == [MASKED] * 3


def test_names_of_an_earlier_batch_are_waited_for() -> None:
    """A name that is not confirmed when the next batch uses it keeps that batch until the replies are in."""
    conversation = Conversation()
    conversation.exchange.receive_from_client(parse("a", "SELECT clear") + SYNC + bind("a") + execute() + SYNC)
    conversation.deliver()
    assert bind("a") not in conversation.to_server
    conversation.settle()
    assert kinds(conversation.to_client) == "1Z2DDDCZ"


@pytest.mark.parametrize("name", sorted(exchange_module.PINNED_SETTINGS))
def test_a_change_of_a_pinned_setting_ends_the_session(name: str) -> None:
    """Statements could no longer be read as the server reads them."""
    conversation = Conversation()
    conversation.exchange.receive_from_upstream(messages.parameter_status("TimeZone", "UTC"))
    conversation.exchange.receive_from_upstream(messages.parameter_status(name, exchange_module.PINNED_SETTINGS[name]))
    with pytest.raises(ProtocolViolation, match=name):
        conversation.exchange.receive_from_upstream(messages.parameter_status(name, "otherwise"))


def test_notices_are_cleaned_or_dropped_while_protected_data_is_in_reach() -> None:
    """A warning keeps its condition; the words of anything else go."""
    for severity, expected in (("WARNING", "N"), ("NOTICE", ""), ("DEBUG1", "")):
        conversation = Conversation(rules=Rules(show_errors=False))
        conversation.exchange.receive_from_client(query("SELECT secret"))
        conversation.exchange.receive_from_upstream(messages.fields(severity, "01000", SECRET.decode()).encode(b"N"))
        sent = b"".join(conversation.exchange.to_client)
        assert kinds(sent) == expected
        assert SECRET not in sent
    shown = Conversation()
    shown.exchange.receive_from_client(query("SELECT clear"))
    notice = messages.fields("NOTICE", "00000", "as it is").encode(b"N")
    shown.exchange.receive_from_upstream(notice)
    assert shown.exchange.to_client == [notice]


def test_the_payload_of_a_notification_is_withheld() -> None:
    """Some other session put it in."""
    conversation = Conversation()
    conversation.exchange.receive_from_upstream(messages.message(b"A", b"\0\0\0\x01channel\0" + SECRET + b"\0"))
    assert conversation.exchange.to_client == [messages.message(b"A", b"\0\0\0\x01channel\0\0")]


def test_a_function_call_is_refused_and_the_session_goes_on() -> None:
    """It would run past anything that could be read."""
    conversation = talk(messages.message(b"F", b"\0\0\0\x01\0\0\0\0\0\0"))
    assert kinds(conversation.to_client) == "EZ"
    assert conversation.send(query("SELECT clear")) == "TDDDCZ"


def test_terminate_ends_and_nothing_behind_it_is_read() -> None:
    """It is answered by Doorward: the upstream gets a goodbye of its own."""
    conversation = talk(messages.TERMINATE + query("SELECT clear"))
    assert conversation.exchange.ended
    assert conversation.to_server == b""


@pytest.mark.parametrize("kind", ["Q", "P", "B", "E", "F"])
def test_a_message_too_long_to_be_read_is_refused_and_the_session_goes_on(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """It is dropped as it comes, never held."""
    monkeypatch.setattr(exchange_module, "MAX_CLIENT_MESSAGE_BYTES", 200)
    conversation = Conversation()
    long = messages.message(kind.encode(), b"x" * 5_000)
    for start in range(0, len(long), 700):
        conversation.send(long[start : start + 700])
    conversation.send(SYNC if kind in "PBE" else b"")
    assert kinds(conversation.to_client) == "EZ"
    assert conversation.exchange._client.waiting == 0
    assert conversation.send(query("SELECT clear")) == "TDDDCZ"


def test_rows_too_long_to_be_masked_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """They pass in parts where nothing is masked, and are withheld otherwise."""
    monkeypatch.setattr(exchange_module, "MAX_MASKED_ROW_BYTES", 100)
    long = messages.data_row([SECRET * 20])
    start = messages.row_description([exchange_column()])
    for text, expected in (("SELECT clear", "TDCZ"), ("SELECT secret", "TEZ")):
        conversation = Conversation()
        conversation.exchange.receive_from_client(query(text))
        stream = start + long + messages.message(b"C", b"SELECT 1\0") + messages.ready_for_query(b"I")
        for at in range(0, len(stream), 13):
            conversation.exchange.receive_from_upstream(stream[at : at + 13])
        conversation.deliver()
        assert kinds(conversation.to_client) == expected


def exchange_column() -> messages.ResultColumn:
    return messages.ResultColumn("c", 0, 0, 25, -1, -1, 0)


def test_rows_that_were_never_described_are_withheld() -> None:
    """Without columns there is no plan."""
    conversation = Conversation()
    conversation.exchange.receive_from_client(query("SELECT clear"))
    conversation.exchange.receive_from_upstream(messages.data_row([SECRET]) + messages.message(b"C", b"SELECT 1\0"))
    conversation.deliver()
    assert kinds(conversation.to_client) == "E"
    assert SECRET not in conversation.to_client


@pytest.mark.parametrize("status", [b"", b"X", b"\xff", b"II"])
def test_readiness_in_no_known_state_ends_the_session(status: bytes) -> None:
    """What is believed of the transaction must be true."""
    conversation = Conversation()
    conversation.exchange.receive_from_client(SYNC)
    with pytest.raises(ProtocolViolation):
        conversation.exchange.receive_from_upstream(messages.message(b"Z", status))


def test_descriptions_are_made_again_after_what_could_change_them() -> None:
    """A catalog read anew or a setting changed means that columns may come from elsewhere."""
    conversation = talk(parse("a", "SELECT clear") + SYNC)
    described = messages.describe_statement("a")
    assert conversation.to_server.count(described) == 1
    conversation.send(bind("a") + execute() + SYNC)
    assert conversation.to_server.count(described) == 1
    conversation.epoch = "2"
    assert conversation.send(bind("a") + execute() + SYNC) == "2DDDCZ"
    assert conversation.to_server.count(described) == 2


def test_an_abandoned_session_records_every_outcome() -> None:
    """A crash of either side leaves no execution without one."""
    conversation = Conversation()
    conversation.exchange.receive_from_client(query("SELECT clear") + run("SELECT secret") + SYNC)
    conversation.exchange.abandon("unknown")
    assert [ticket.outcome and ticket.outcome[0] for ticket in conversation.rules.tickets] == ["unknown", "unknown"]
    assert conversation.rules.closed


@pytest.mark.parametrize("behind", [b"", bind(), bind("", "p"), SYNC])
def test_a_grant_that_is_never_executed_has_an_outcome(behind: bytes) -> None:
    """What was approved when it was bound is recorded as skipped when its portal goes, or the session."""
    conversation = talk(parse("", "DELETE FROM held") + bind())
    conversation.answer(approve=True)
    conversation.send(behind)
    while conversation.rules.waiting:
        conversation.answer(approve=False)
    conversation.exchange.abandon("abandoned")
    assert conversation.rules.tickets[0].outcome == ("skipped", "", 0, "")


@pytest.mark.parametrize("approve", [False, True])
def test_a_pipeline_that_fails_while_a_statement_of_it_waits_goes_on_after_the_sync(*, approve: bool) -> None:
    """The server ignores what comes behind the error: nothing stands in for it, whatever the answer was."""
    conversation = Conversation()
    conversation.send(run("SELECT 1/0") + run("DELETE FROM held"))
    conversation.answer(approve=approve)
    assert conversation.send(messages.SYNC).endswith("Z")
    assert "DELETE FROM held" not in conversation.server.ran
    assert conversation.send(messages.query("SELECT clear")) == "TDDDCZ"


def test_an_unnamed_statement_is_there_again_after_a_parse_that_was_skipped() -> None:
    """The server never saw the second one."""
    conversation = Conversation()
    conversation.send(messages.parse("", "SELECT clear") + messages.SYNC)
    conversation.send(run("SELECT 1/0", "x") + messages.parse("", "SELECT missing") + messages.SYNC)
    assert conversation.send(bind() + execute() + messages.SYNC) == "2DDDCZ"


def test_what_sql_prepared_can_be_bound_by_the_protocol() -> None:
    """Its result is described, so that its rows are shown."""
    conversation = Conversation()
    conversation.send(messages.query("PREPARE a AS SELECT clear"))
    assert conversation.send(bind("a") + execute() + messages.SYNC) == "2DDDCZ"


def test_rows_without_columns_pass_and_rows_with_some_do_not_pass_for_them() -> None:
    """``SELECT`` alone has rows of nothing; a description that was of nothing lets nothing else through."""
    for row, whole in ((b"", True), (b"\0\1\0\0\0\1x", False)):
        conversation = Conversation()
        exchange = conversation.exchange
        exchange.receive_from_client(messages.parse("", "SELECT") + bind() + execute() + messages.SYNC)
        described = messages.message(b"t", b"\0\0") + messages.row_description([])
        answer = messages.PARSE_COMPLETE + described + messages.message(b"2", b"")
        answer += (
            messages.message(b"D", row or b"\0\0") + messages.message(b"C", b"SELECT 1\0") + messages.ready_for_query(b"I")
        )
        if whole:
            exchange.receive_from_upstream(answer)
            assert kinds(b"".join(exchange.to_client)) == "12DCZ"
        else:
            with pytest.raises(ProtocolViolation):
                exchange.receive_from_upstream(answer)


@pytest.mark.parametrize("ahead", [False, True])
def test_copy_data_longer_than_what_is_gathered_passes_in_parts(monkeypatch: pytest.MonkeyPatch, *, ahead: bool) -> None:
    """Whole and in order, also when it was sent before the server asked for it; none of it is held."""
    monkeypatch.setattr(exchange_module, "MAX_CLIENT_MESSAGE_BYTES", 200)
    conversation = Conversation()
    long = copy_data(b"x" * 5_000)
    sent = [query("COPY t FROM STDIN"), *(long[at : at + 700] for at in range(0, len(long), 700)), messages.COPY_DONE]
    if ahead:
        conversation.exchange.receive_from_client(sent[0] + sent[1])
        conversation.settle()
        sent = sent[2:]
    for part in sent:
        conversation.send(part)
    assert kinds(conversation.to_client) == "GCZ"
    assert long in conversation.to_server
    assert conversation.exchange._client.waiting == 0
    assert conversation.send(query("SELECT clear")) == "TDDDCZ"


def test_copy_data_that_nobody_asked_for_is_dropped_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the server does with what is left of a COPY that failed."""
    monkeypatch.setattr(exchange_module, "MAX_CLIENT_MESSAGE_BYTES", 200)
    conversation = Conversation()
    assert conversation.send(copy_data(b"x" * 5_000)) == ""
    assert conversation.to_server == b""
    assert conversation.send(query("SELECT clear")) == "TDDDCZ"


def test_a_row_too_long_to_be_gathered_waits_for_its_record_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is shown before, all of it after."""
    monkeypatch.setattr(exchange_module, "MAX_MASKED_ROW_BYTES", 100)
    conversation = Conversation(rules=Rules(release_at_once=False))
    conversation.exchange.receive_from_client(query("SELECT clear"))
    row = messages.data_row([b"v" * 400])
    stream = messages.row_description([exchange_column()]) + row + messages.message(b"C", b"SELECT 1\0")
    stream += messages.ready_for_query(b"I")
    for at in range(0, len(stream), 50):
        conversation.exchange.receive_from_upstream(stream[at : at + 50])
    conversation.deliver()
    assert conversation.exchange.is_stalled
    assert b"v" not in conversation.to_client
    (ticket,) = conversation.rules.wants_release
    ticket.released = True
    conversation.exchange.released()
    conversation.deliver()
    assert kinds(conversation.to_client) == "TDCZ"
    assert row in conversation.to_client
    assert not conversation.exchange.is_busy


def test_what_a_skipped_close_was_about_is_there_again() -> None:
    """The server never saw it; who asks right behind it is served by what the server has."""
    conversation = Conversation()
    sent = messages.parse("a", "SELECT clear") + messages.describe_statement("missing") + messages.close_statement("a")
    conversation.exchange.receive_from_client(sent + messages.SYNC + bind("a") + execute() + messages.SYNC)
    conversation.settle()
    assert kinds(conversation.to_client).endswith("2DDDCZ")


@pytest.mark.parametrize(("severity", "told"), [("FATAL", True), ("PANIC", True), ("ERROR", False)])
def test_it_is_known_when_the_server_itself_said_that_the_session_ends(severity: str, told: bool) -> None:
    """Nobody else needs to say it then."""
    conversation = Conversation()
    error = messages.fields(severity, "57P01", "terminating connection")
    conversation.exchange.receive_from_upstream(error.encode(b"E"))
    assert conversation.exchange.told_end is told


def test_an_error_that_is_shown_passes_byte_for_byte() -> None:
    """Whatever encoding its texts are in."""
    conversation = Conversation(rules=Rules(observes=True))
    conversation.exchange.receive_from_client(query("SELECT 1/0"))
    error = messages.message(b"E", b"SERROR\0VERROR\0C22012\0M\xe9\xa4\xff\0\0")
    conversation.exchange.receive_from_upstream(error + messages.ready_for_query(b"I"))
    assert b"".join(conversation.exchange.to_client).startswith(error)
