"""One session's conversation after start-up, both sides of it, without any I/O.

Bytes go in from either side; bytes for either side, and questions to the governor, come out. The two sides are kept in one
object because one rule ties them: the n-th reply belongs to the n-th message. Refusing keeps client and server in states
that agree by sending a message that fails in place of the refused one, and swapping its error for ours.
(One module of over 400 lines, because every method reads or writes that one queue.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from doorward.errors import ProtocolViolation
from doorward.model.result import ResultColumn
from doorward.model.statement import Action
from doorward.wire.governor import Go, Governor, Refusal, Resume, Ruling, Ticket, Understood
from doorward.wire.postgres import errors_shown, messages
from doorward.wire.postgres.express_cy import Reply, Request
from doorward.wire.postgres.framing_cy import FrameReader
from doorward.wire.postgres.prepared import Awaited, Cycle, Pending, Portal, Statement, Tally
from doorward.wire.postgres.rows_cy import mask_rows
from doorward.wire.postgres.treatment import FROM_CLIENT, FROM_UPSTREAM, Treatment

# A message is gathered whole to be read; nothing sane is longer. Longer ones are refused, and the session goes on.
MAX_CLIENT_MESSAGE_BYTES = 64 << 20
# A row is gathered whole to be masked; longer ones pass in parts when nothing is masked, and are refused otherwise.
MAX_MASKED_ROW_BYTES = 64 << 20

# Settings that the reading of statements rests on. The server reports each change of them (manual, "Asynchronous Operations").
PINNED_SETTINGS = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}

TOO_LONG = Refusal(
    "54000",
    "Doorward refused a message that is too long to be read.",
    f"It is longer than {MAX_CLIENT_MESSAGE_BYTES >> 20} MiB.",
    "Send the data in parts, or by COPY.",
)
NO_FUNCTION_CALL = Refusal(
    "0A000",
    "Doorward refused a FunctionCall message.",
    "It calls a function by its number, past any statement that could be read, decided on and recorded.",
    "Call the function in a SELECT.",
)


class Exchange:
    """The conversation of one session. Feed it, then take *to_client* and *to_upstream*.

    *ended* is set once the client said goodbye. A ProtocolViolation from either ``receive`` method ends the session.
    """

    def __init__(self, governor: Governor, epoch: Callable[[], str]) -> None:
        self._governor = governor
        self._epoch = epoch
        self._client = FrameReader(MAX_CLIENT_MESSAGE_BYTES)
        self._upstream = FrameReader(MAX_MASKED_ROW_BYTES)
        self._pending: deque[Pending] = deque()
        self._statements: dict[str, Statement] = {}
        self._portals: dict[str, Portal] = {}
        self._cursors: dict[str, Understood] = {}
        self._tallies: dict[str, Tally] = {}  # by the names of cursors
        self._batch = 0
        self._is_unsynced = False  # messages of the extended protocol were forwarded and no Sync behind them
        self._skipping = False  # an error was answered: everything up to the next Sync is ignored, as by the server
        self._generation = 0
        self._settings_touched = False
        self._names_touched = False  # what a name means was changed in this session: by a path, by a definition
        self._wait: Resume | None = None
        self._draining = False  # the next message must not be read before every reply is in
        self._stalled = False  # a row stands in the reader that may not be released yet
        self._upstream_backlog: list[bytes] = []
        self._request = Request()
        self._reply = Reply()
        self._cycle: Cycle | None = None  # a whole request that was forwarded; nothing else is pending then
        self._unnamed: Cycle | None = None  # the one that left the unnamed portal behind, inside a transaction
        self.status = b"I"
        self.to_client: list[bytes] = []
        self.to_upstream: list[bytes] = []
        self.ended = False
        self.told_end = False  # the client knows from the server itself that it ends the session
        self._client_table = {
            ord("Q"): self._on_query, ord("P"): self._on_parse, ord("B"): self._on_bind, ord("E"): self._on_execute,
            ord("D"): self._on_describe, ord("C"): self._on_close, ord("S"): self._on_sync, ord("H"): self._on_flush,
            ord("d"): self._on_copy, ord("c"): self._on_copy, ord("f"): self._on_copy,
            ord("F"): self._on_function_call, ord("X"): self._on_terminate,
        }  # fmt: skip
        self._upstream_table = {
            ord("T"): self._row_description, ord("D"): self._rows, ord("C"): self._completed, ord("E"): self._error,
            ord("N"): self._notice, ord("A"): self._notification, ord("S"): self._parameter_status, ord("Z"): self._ready,
            ord("G"): self._copy_in, ord("H"): self._copy_out, ord("d"): self._copy_rows, ord("c"): self._copy_out,
            ord("1"): self._parsed, ord("2"): self._bound, ord("3"): self._closed, ord("I"): self._completed,
            ord("n"): self._no_data, ord("s"): self._completed, ord("t"): self._parameter_description,
        }  # fmt: skip

    # --- what the driver calls ------------------------------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether an execution waits for an approval or a record: nothing more is taken from the client."""
        return self._wait is not None

    @property
    def takes_more(self) -> bool:
        """Whether it reads on: else what the client sends next is better left outside for now."""
        return self._wait is None and not (self._draining and bool(self._pending))

    @property
    def is_busy(self) -> bool:
        """Whether replies are still to come."""
        return bool(self._pending) or self._cycle is not None

    @property
    def is_stalled(self) -> bool:
        """Whether rows wait to be released: nothing more is taken from the upstream."""
        return self._stalled

    def receive_from_client(self, data: bytes) -> None:
        """Take a chunk from the client and handle every whole message in it."""
        if self._is_at_rest() and self._begin_cycle(data):
            return
        self._take_apart()
        self._client.feed(data)
        self._read_client()

    def receive_from_upstream(self, data: bytes) -> None:
        """Take a chunk from the upstream and handle every whole message in it."""
        if self._stalled:
            self._upstream_backlog.append(data)
            return
        if self._cycle is not None:
            if self._reply.read(data, self._request) and self._end_cycle(self._cycle, data):
                return
            self._take_apart()
        self._upstream.feed(data)
        self._read_upstream()

    def go_on(self) -> None:
        """Read on after a waiting execution was resumed."""
        self._read_client()

    def notify(self, text: str, detail: str, hint: str) -> None:
        """Show the client a notice at once; the protocol lets one come at any time."""
        self.to_client.append(messages.fields("NOTICE", "00000", text, detail, hint).encode(b"N"))

    def released(self) -> None:
        """Go on with the rows that waited for their record."""
        if not self._stalled:
            return
        self._stalled = False
        if not self._upstream.oversize:
            self._rows()
        if not self._stalled:
            self._read_upstream()
        while self._upstream_backlog and not self._stalled:
            self._upstream.feed(self._upstream_backlog.pop(0))
            self._read_upstream()

    def abandon(self, status: str) -> None:
        """The session ends: every execution whose outcome is not known gets *status*."""
        self._governor.close()
        self._take_apart()
        for pending in self._pending:
            if pending.ticket is not None:
                self._finish(pending, status, "", "")
            if pending.portal is not None:
                self._drop_grant(pending.portal)
        self._forget_portals("")
        self._pending.clear()
        self._wait = None

    # --- whole cycles ---------------------------------------------------------------------------------------------

    def _is_at_rest(self) -> bool:
        """Whether nothing is on its way and nothing is in doubt: a whole request means then what it says."""
        return not (
            self._pending
            or self._cycle is not None
            or self._wait is not None
            or self._skipping
            or self._is_unsynced
            or self.ended
        ) and (self._client.is_idle and self._upstream.is_idle)

    def _begin_cycle(self, data: bytes) -> bool:
        """Forward *data* if it is a whole request that was allowed before; False, and nothing done, otherwise.

        The same messages taken one by one would come to the same: :meth:`_take_apart` makes of a cycle what they leave.
        """
        request = self._request
        if not request.read(data):
            return False
        statement: Statement | None = None
        columns: tuple[ResultColumn, ...] = ()
        if request.text is not None:
            understood = self._governor.understand(request.text)
            if not request.is_query:
                if not request.is_described:
                    return False  # its columns would not be known
                statement = Statement("", understood, self._batch, confirmed=True)
        else:
            statement = self._prepared_as(request.statement)
            if statement is None:
                return False
            understood = statement.understood
            if not request.is_described:
                known = self._columns_of(statement, request.result_format)
                if known is None:
                    return False
                columns = known
        if not understood.is_plain:
            return False

        ticket = self._governor.begin_again(understood, request.parameters, "simple" if request.is_query else "extended")
        if ticket is None:
            return False
        if self._settings_touched:
            self._note_names_and_settings(understood)
            self._note_end_of_implicit_transaction()
        is_parsed = statement is not None and request.text is not None
        replaced = self._statements.get("") if is_parsed else None
        self._cycle = Cycle(data, understood, statement, columns, ticket, replaced)
        self._unnamed = None
        if statement is not None:
            if is_parsed:
                self._statements[""] = statement
            previous = self._portals.pop("", None)
            if previous is not None:
                self._drop_grant(previous)
        self._batch += 1
        self.to_upstream.append(data)
        return True

    def _prepared_as(self, name: bytes) -> Statement | None:
        """The statement that the server surely has under *name*."""
        try:
            statement = self._statements.get(name.decode())
        except UnicodeDecodeError:
            return None
        return statement if statement is not None and statement.confirmed and not statement.by_sql else None

    def _columns_of(self, statement: Statement, result_format: int) -> tuple[ResultColumn, ...] | None:
        """The columns as they will arrive; None when the description may not hold any more."""
        if statement.columns is None:
            return () if _has_no_result(statement.understood) else None
        if statement.generation != (self._generation, self._epoch()):
            return None
        return statement.columns_as((result_format,)) if result_format else statement.columns

    def _end_cycle(self, cycle: Cycle, data: bytes) -> bool:
        """The whole reply is here: *data* and nothing else. False, and nothing done, when its rows need care."""
        reply = self._reply
        plan = None
        if reply.description is not None or reply.rows:
            if not cycle.ticket.released:
                return False
            columns = cycle.columns if reply.description is None else messages.read_row_description(reply.description)
            if not columns:
                return False
            if reply.rows or cycle.statement is None:
                plan = self._governor.plan(cycle.ticket, columns, ())
        start, end = reply.rows_start, reply.rows_end
        size_bytes = end - start
        if plan is None or not size_bytes:
            self.to_client.append(data)
        else:
            masked, _ = mask_rows(data, start, end, *plan)
            size_bytes = len(masked)
            self.to_client += (data[:start], masked, data[end:])
        self._cycle = None
        self.status = reply.status
        tag = reply.tag.decode("utf-8", "replace")
        if tag in _ENDS_CURSORS:
            self._cursors.clear()
        if self.status == b"I":
            self._forget_what_ended(self._batch - 1)
        elif cycle.statement is not None:
            self._unnamed = cycle
        self._governor.finish(cycle.ticket, "done", tag, reply.rows or _rows_written(tag), size_bytes, "", "")
        return True

    def _take_apart(self) -> None:
        """Go on message by message: what a cycle under way, or the portal of one before, would be had it been read so."""
        if self._unnamed is not None:
            cycle, self._unnamed = self._unnamed, None
            if "" not in self._portals:
                self._portals[""] = self._portal_of(cycle)
                self._portals[""].confirmed = True
        if self._cycle is None:
            return
        cycle, self._cycle = self._cycle, None
        batch, statement = self._batch - 1, cycle.statement
        if statement is None:
            self._pending.append(Pending(Awaited.QUERY, batch, ticket=cycle.ticket, understood=cycle.understood))
            return
        portal = self._portals[""] = self._portal_of(cycle)
        if cycle.chunk[:1] == b"P":
            statement.confirmed = False
            self._pending.append(
                Pending(Awaited.PARSE, batch, statement=statement, undo=self._undoing_parse(statement, cycle.replaced))
            )
        self._pending.append(Pending(Awaited.BIND, batch, portal=portal, undo=self._undoing_bind(portal, None)))
        if self._request.is_described:
            self._pending.append(Pending(Awaited.DESCRIBE, batch, portal=portal))
        self._pending.append(
            Pending(
                Awaited.EXECUTE,
                batch,
                ticket=cycle.ticket,
                understood=cycle.understood,
                portal=portal,
                tally=portal.tally,
            )
        )
        self._pending.append(Pending(Awaited.SYNC, batch))

    def _portal_of(self, cycle: Cycle) -> Portal:
        assert cycle.statement is not None
        self._request.read(cycle.chunk)
        bind = messages.read_bind(cycle.chunk[self._request.bind_start + 5 : self._request.bind_end])
        return Portal("", cycle.statement, bind, self._batch - 1)

    # --- client side ----------------------------------------------------------------------------------------------

    def _read_client(self) -> None:
        reader = self._client
        while self._wait is None and not self.ended:
            if self._draining and self._pending and not self._pending[0].copying_in:
                return
            self._draining = False
            if reader.is_passing:
                part = reader.take()
                if not part:
                    return
                self.to_upstream.append(part)
                continue
            if not reader.next():
                if not reader.oversize:
                    return
                if reader.kind == ord("d") and self._pending:
                    if self._pending[0].copying_in:
                        self._pending[0].size_bytes += reader.oversize
                        reader.pass_through()
                        continue
                    if self._awaits_copy_in():
                        self._wait_for_replies()
                        return
                reader.skip()
                self._refuse_unread()
                continue
            row = FROM_CLIENT.get(reader.kind)
            if row is None or row.treatment is Treatment.BREAK:
                name = row.name if row else f"of type {chr(reader.kind)!r}"
                raise ProtocolViolation(f"A message {name} is not allowed here.")
            if self._skipping and reader.kind not in b"SX":
                continue
            if reader.kind not in b"dcfSHX" and self._pending and self._pending[0].copying_in:
                raise ProtocolViolation("A message that is not part of a COPY was sent inside it.")
            self._client_table[reader.kind]()

    def _refuse_unread(self) -> None:
        """Refuse the message that was too long to be gathered, in the way its kind asks for."""
        if self._skipping or self._client.kind not in b"QPBEDCF":
            return
        if self._client.kind in b"QF":
            self._refuse_query(TOO_LONG)
        else:
            self._refuse(TOO_LONG)

    def _forward(self, frame: bytes, pending: Pending) -> None:
        """Send *frame* on; *pending* stands for its replies."""
        self.to_upstream.append(frame)
        self._pending.append(pending)
        self._is_unsynced = pending.awaited not in (Awaited.QUERY, Awaited.REFUSED_QUERY, Awaited.SYNC)
        if not self._is_unsynced:
            self._batch += 1

    def _drain_first(self) -> None:
        """Read the current message again once every reply is in: what it refers to is not certain before."""
        self._client.unread()
        self._wait_for_replies()

    def _wait_for_replies(self) -> None:
        self._draining = True
        if self._is_unsynced:
            self.to_upstream.append(messages.FLUSH)  # or the replies would stay in the server's buffer

    def _refuse_query(self, refusal: Refusal) -> None:
        if not self._pending and not self._is_unsynced and self.status != b"T":
            self.to_client.append(_error(refusal) + messages.ready_for_query(self.status))
            return
        self._note_end_of_implicit_transaction()
        self._forward(messages.POISON_QUERY, Pending(Awaited.REFUSED_QUERY, self._batch, refusal=refusal))

    def _refuse(self, refusal: Refusal) -> None:
        # Flush, or the error would stay in the server's buffer until the client happens to send Sync.
        self._forward(messages.POISON + messages.FLUSH, Pending(Awaited.REFUSED, self._batch, refusal=refusal))
        self._skipping = True

    def _on_query(self) -> None:
        frame = self._client.frame()
        if frame[-1] != 0 or frame.find(b"\0", 5) != len(frame) - 1:
            raise ProtocolViolation("The text of a Query is not terminated where it ends.")
        understood = self._governor.understand(frame[5:-1])
        statements = understood.analysis.statements
        if self._pending and _goes_by_name(understood):
            self._drain_first()
            return
        inner, missing = self._inner(understood)
        if missing and not self._governor.observes:
            self._refuse_query(missing)
            return

        def forward(ticket: Ticket | None) -> None:
            changes = any(s.prepared_name for s in statements) or any(s.tag.startswith("DISCARD") for s in statements)
            self._note_names_and_settings(understood)
            self._note_end_of_implicit_transaction()
            self._forward(
                frame,
                Pending(
                    Awaited.QUERY,
                    self._batch,
                    ticket=ticket,
                    understood=understood,
                    inner=inner,
                    changes_names=changes,
                    tally=self._tally_of(understood) or Tally(),
                ),
            )

        resume = self._resume_with(forward, self._refuse_query)
        self._follow(self._governor.begin(understood, inner, (), "simple", self.status.decode(), resume), resume)

    def _resume_with(self, forward: Callable[[Ticket | None], None], refuse: Callable[[Refusal], None]) -> Resume:
        """What tells a waiting message how it went on: forwarded or refused, and then on with what came behind it."""

        def resume(refusal: Refusal | None, ticket: Ticket | None) -> None:
            self._wait = None
            if self._skipping:
                # What was sent before it failed meanwhile: the server would ignore it, and so do we.
                if ticket is not None:
                    self._governor.finish(ticket, "skipped", "", 0, 0, "", "")
            elif refusal is not None:
                refuse(refusal)
            else:
                forward(ticket)

        return resume

    def _follow(self, ruling: Ruling, resume: Resume) -> None:
        if ruling.go is Go.WAIT:
            self._wait = resume
        else:
            resume(ruling.refusal, ruling.ticket)

    def _inner(self, understood: Understood) -> tuple[tuple[Understood, ...], Refusal | None]:
        """The prepared texts and cursors that *understood* runs by name, or why that can't be known."""
        statements = understood.analysis.statements
        inner: list[Understood] = []
        for statement in statements:
            if statement.tag in ("PREPARE", "EXECUTE") and len(statements) > 1:
                # Which of the results is of which text would not be known.
                return (), Refusal(
                    "0A000",
                    f"Doorward refused {statement.tag} among other statements.",
                    "",
                    f"Send {statement.tag} in a message of its own.",
                )
            if statement.tag == "EXECUTE":
                prepared = self._statements.get(statement.prepared_name)
                if prepared is None:
                    return (), Refusal(
                        "26000",
                        f'prepared statement "{statement.prepared_name}" does not exist',
                    )
                if not prepared.by_sql and _goes_by_name(prepared.understood):
                    return (), Refusal("0A000", "Doorward refused EXECUTE of a statement that is itself about names.")
                inner.append(prepared.understood)
            elif statement.prepared_name and statement.tag not in _OF_NAMES:
                prepared = self._statements.get(statement.prepared_name)
                if prepared is None or not prepared.by_sql:
                    # What PREPARE prepared was decided on then; what a Parse did is decided on when it is executed.
                    return (), Refusal(
                        "0A000",
                        f"Doorward refused {statement.tag} of what was not prepared by PREPARE.",
                        "",
                        f"Prepare {statement.prepared_name} with PREPARE, or send the statement itself.",
                    )
            elif statement.tag in ("FETCH", "MOVE") and statement.cursor_name in self._cursors and len(statements) == 1:
                inner.append(self._cursors[statement.cursor_name])
        return tuple(inner), None

    def _note_names_and_settings(self, understood: Understood) -> None:
        """Descriptions made before a change of settings or definitions may not hold after it, nor after its roll-back."""
        for statement in understood.analysis.statements:
            if statement.setting or statement.tag.startswith("DISCARD") or statement.action.severity >= Action.DEFINE.severity:
                self._settings_touched = True
                one = statement.setting if "set_config" not in statement.checked_functions else ""
                self._names_touched |= one in ("", "search_path", "all")
                self._generation += 1
            elif statement.transaction and self._settings_touched:
                self._generation += 1
            elif statement.functions and any(name.endswith("set_config") for name in statement.functions):
                self._settings_touched = self._names_touched = True
                self._generation += 1

    def _note_end_of_implicit_transaction(self) -> None:
        """A Sync or Query may undo a path or definition: SET LOCAL ends, and after an error everything since the last one."""
        if self._names_touched:
            self._generation += 1

    def _on_parse(self) -> None:
        name, text = messages.read_parse(self._client.body())
        known = self._statements.get(name)
        unsure = known is not None and not known.confirmed and known.batch != self._batch
        if name and self._pending and (unsure or self._names_are_changing()):
            self._drain_first()
            return
        understood = self._governor.understand(text)
        if understood.analysis.error and not self._governor.observes:
            ruling = self._governor.begin(understood, (), (), "extended", self.status.decode(), _never)
            assert ruling.refusal is not None
            self._refuse(ruling.refusal)
            return
        if name and known is not None:
            # Were the name free after all, what runs under it would not be what was understood.
            self._refuse(Refusal("42P05", f'prepared statement "{name}" already exists'))
            return
        statement = Statement(name, understood, self._batch)
        undo = self._undoing_parse(statement, known)
        self._forward(self._client.frame(), Pending(Awaited.PARSE, self._batch, statement=statement, undo=undo))
        self._statements[name] = statement
        if not _has_no_result(understood):
            self._describe_again(statement)

    def _undoing_parse(self, statement: Statement, replaced: Statement | None) -> Callable[[], None]:
        """*replaced* is the unnamed statement that it took the place of."""

        def undo() -> None:
            if self._statements.get(statement.name) is statement:
                del self._statements[statement.name]
                if replaced is not None:
                    self._statements[statement.name] = replaced

        return undo

    def _describe_again(self, statement: Statement) -> None:
        statement.generation = (self._generation, self._epoch())
        pending = Pending(Awaited.OWN_DESCRIBE, self._batch, statement=statement)
        self._forward(messages.describe_statement(statement.name), pending)

    def _names_are_changing(self) -> bool:
        return any(pending.changes_names for pending in self._pending)

    def _is_uncertain(self, understood: Understood) -> bool:
        """Whether it names a prepared statement or cursor that something still running may give another meaning."""
        return _goes_by_name(understood) and any(pending.understood is not None for pending in self._pending)

    def _portals_are_changing(self) -> bool:
        """Whether cursors, which share their names with portals, may come or go."""
        running = (pending.understood for pending in self._pending if pending.understood is not None)
        return any(s.cursor_name or s.node in _CLOSES_CURSORS for u in running for s in u.analysis.statements)

    def _on_bind(self) -> None:
        bind = messages.read_bind(self._client.body())
        statement = self._statements.get(bind.statement)
        if self._pending and (
            statement is None  # a Close of it may have been sent and skipped
            or (bind.statement and self._names_are_changing())
            or (statement is not None and not statement.confirmed and statement.batch != self._batch)
            or (statement is not None and self._is_uncertain(statement.understood))
        ):
            self._drain_first()
            return
        if statement is None:
            named = f'prepared statement "{bind.statement}"' if bind.statement else "unnamed prepared statement"
            self._refuse(Refusal("26000", f"{named} does not exist"))
            return
        inner, missing = self._inner(statement.understood)
        if missing and not self._governor.observes:
            self._refuse(missing)
            return
        frame = self._client.frame()
        portal = Portal(bind.portal, statement, bind, self._batch, inner=inner)

        def forward(ticket: Ticket | None) -> None:
            portal.granted = ticket
            has_columns = statement.by_sql or not _has_no_result(statement.understood)
            if has_columns and statement.generation != (self._generation, self._epoch()):
                self._describe_again(statement)
            self._cursors.pop(bind.portal, None)
            previous = self._portals.get(bind.portal)
            if previous is not None and not bind.portal:
                self._drop_grant(previous)  # the unnamed portal is replaced without ado
            self._portals[bind.portal] = portal

            undo = self._undoing_bind(portal, previous)
            self._forward(frame, Pending(Awaited.BIND, self._batch, portal=portal, undo=undo))
            if has_columns and _goes_by_name(statement.understood):
                # What EXECUTE or FETCH gives is known when it is bound; a description of the statement is as old as its Parse.
                self._forward(messages.describe_portal(bind.portal), Pending(Awaited.OWN_DESCRIBE, self._batch, portal=portal))

        if self._governor.may_be_planned(statement.understood):
            forward(None)
            return
        resume = self._resume_with(forward, self._refuse)
        ruling = self._governor.begin(statement.understood, inner, bind.parameters, "extended", self.status.decode(), resume)
        self._follow(ruling, resume)

    def _undoing_bind(self, portal: Portal, previous: Portal | None) -> Callable[[], None]:
        def undo() -> None:
            self._drop_grant(portal)
            if self._portals.get(portal.name) is portal:
                del self._portals[portal.name]
                if previous is not None and portal.name:
                    self._portals[portal.name] = previous

        return undo

    def _drop_grant(self, portal: Portal) -> None:
        """A portal that was decided on when it was bound, and is gone without being executed."""
        if portal.granted is not None:
            self._governor.finish(portal.granted, "skipped", "", 0, 0, "", "")
            portal.granted = None

    def _on_execute(self) -> None:
        name, _maximum = messages.read_execute(self._client.body())
        portal = self._portals.get(name)
        if self._pending and (portal is None or self._is_unsettled(name, portal)):
            self._drain_first()
            return
        if portal is None:
            self._refuse(Refusal("34000", f'portal "{name}" does not exist'))
            return
        understood = portal.statement.understood
        inner, missing = self._inner(understood)
        if missing and not self._governor.observes:
            self._refuse(missing)
            return
        if inner != portal.inner:
            self._refuse(Refusal("26000", f'what portal "{name}" runs by name has changed since it was bound'))
            return
        frame = self._client.frame()

        def forward(ticket: Ticket | None) -> None:
            changes = any(s.prepared_name or s.tag.startswith("DISCARD") for s in understood.analysis.statements)
            self._note_names_and_settings(understood)
            self._forward(
                frame,
                Pending(
                    Awaited.EXECUTE,
                    self._batch,
                    ticket=ticket,
                    understood=understood,
                    inner=inner,
                    portal=portal,
                    changes_names=changes,
                    tally=self._tally_of(understood) or portal.tally,
                ),
            )

        if portal.granted is not None and not self._governor.still_stands(portal.granted):
            self._drop_grant(portal)  # it was decided on when it was bound, and is decided on anew
        if portal.granted is not None:
            ticket, portal.granted = portal.granted, None
            forward(ticket)
            return

        resume = self._resume_with(forward, self._refuse)
        ruling = self._governor.begin(understood, inner, portal.bind.parameters, "extended", self.status.decode(), resume)
        self._follow(ruling, resume)

    def _tally_of(self, understood: Understood) -> Tally | None:
        """Where the rows of a FETCH are counted: with those that the same cursor, or the portal of its name, gave before."""
        for statement in understood.analysis.statements:
            if statement.tag == "FETCH":
                portal = self._portals.get(statement.cursor_name)
                return self._tallies.get(statement.cursor_name) or (portal.tally if portal is not None else None)
        return None

    def _is_unsettled(self, name: str, portal: Portal) -> bool:
        """Whether something still running decides what executing *portal* means."""
        return (
            (not portal.confirmed and portal.batch != self._batch)
            or (bool(name) and self._portals_are_changing())
            or self._is_uncertain(portal.statement.understood)
        )

    def _on_describe(self) -> None:
        messages.read_target(self._client.body())
        self._forward(self._client.frame(), Pending(Awaited.DESCRIBE, self._batch))

    def _on_close(self) -> None:
        target, name = messages.read_target(self._client.body())
        if self._pending and name and self._names_are_changing():
            self._drain_first()
            return
        names: dict[str, Any] = self._statements if target == "S" else self._portals
        removed = names.pop(name, None)
        if isinstance(removed, Portal):
            self._drop_grant(removed)

        def undo() -> None:
            if removed is not None and name:
                names.setdefault(name, removed)

        self._forward(self._client.frame(), Pending(Awaited.CLOSE, self._batch, undo=undo))

    def _on_sync(self) -> None:
        if self._pending and self._pending[0].copying_in:
            return  # the server would ignore it (manual, "COPY Operations")
        self._note_end_of_implicit_transaction()
        self._skipping = False
        self._forward(messages.SYNC, Pending(Awaited.SYNC, self._batch))

    def _on_flush(self) -> None:
        self.to_upstream.append(messages.FLUSH)

    def _on_copy(self) -> None:
        if self._pending and self._pending[0].copying_in:
            frame = self._client.frame()
            self._pending[0].size_bytes += len(frame)
            self._pending[0].copying_in = self._client.kind == ord("d")
            self.to_upstream.append(frame)
        elif self._awaits_copy_in():
            self._drain_first()  # sent ahead: whether there is a COPY to take it is not certain yet
        # Outside a COPY the server ignores these too: they are what is left of one that failed.

    def _awaits_copy_in(self) -> bool:
        """Whether something is on its way that may ask for COPY data."""
        return any(pending.understood is not None and _copies_in(pending.understood) for pending in self._pending)

    def _on_function_call(self) -> None:
        self._refuse_query(NO_FUNCTION_CALL)

    def _on_terminate(self) -> None:
        self.ended = True

    # --- upstream side --------------------------------------------------------------------------------------------

    def _read_upstream(self) -> None:
        reader = self._upstream
        while not self._stalled:
            if reader.is_passing:
                part = reader.take()
                if not part:
                    return
                self._count(0, len(part))
                self.to_client.append(part)
                continue
            if not reader.next():
                if not reader.oversize:
                    return
                self._oversize_from_upstream()
                continue
            row = FROM_UPSTREAM.get(reader.kind)
            if row is None or row.treatment is Treatment.BREAK:
                raise ProtocolViolation("The upstream sent a message that has no place here.")
            self._upstream_table[reader.kind]()

    def _oversize_from_upstream(self) -> None:
        reader = self._upstream
        if reader.kind == ord("D") and self._prepare_rows() and self._head().operations is None and self._head().cut is None:
            head = self._head()
            if not self._head_released():
                # It waits unread; the socket holds the rest of it back.
                assert head.ticket is not None
                self._stalled = True
                self._governor.on_release(head.ticket)
                return
            self._count(1, 0)
            self._head().tally.rows += 1
            reader.pass_through()
        elif reader.kind == ord("d") and self._copying_out().cut is None:
            reader.pass_through()
        elif reader.kind in (ord("D"), ord("d")):
            self._head().cut = Refusal(
                "54000",
                "Doorward could not mask a row that is too long.",
                f"It is longer than {MAX_MASKED_ROW_BYTES >> 20} MiB.",
                "Leave the long column out, or ask for access to it in clear.",
            )
            reader.skip()
        else:
            raise ProtocolViolation("The upstream sent a message that is too long.")

    def _head(self) -> Pending:
        if not self._pending:
            raise ProtocolViolation("The upstream answered what nobody asked.")
        return self._pending[0]

    def _count(self, rows: int, size_bytes: int) -> None:
        head = self._head()
        head.rows += rows
        head.size_bytes += size_bytes

    def _pass(self) -> None:
        self.to_client.append(self._upstream.frame())

    def _head_awaiting(self, *kinds: Awaited) -> Pending:
        head = self._head()
        if head.awaited not in kinds:
            raise ProtocolViolation("The upstream's answer does not fit what it was asked.")
        return head

    def _parsed(self) -> None:
        head = self._head_awaiting(Awaited.PARSE)
        assert head.statement is not None
        head.statement.confirmed = True
        self._pass()
        self._done()

    def _bound(self) -> None:
        head = self._head_awaiting(Awaited.BIND)
        assert head.portal is not None
        head.portal.confirmed = True
        self._cursors.pop(head.portal.name, None)
        self._pass()
        self._done()

    def _closed(self) -> None:
        self._head_awaiting(Awaited.CLOSE)
        self._pass()
        self._done()

    def _done(self) -> None:
        self._pending.popleft()
        if self._draining and not self._pending:
            self._read_client()

    def _parameter_description(self) -> None:
        if self._head_awaiting(Awaited.DESCRIBE, Awaited.OWN_DESCRIBE).awaited is Awaited.DESCRIBE:
            self._pass()

    def _no_data(self) -> None:
        self._describe_answer(())

    def _describe_answer(self, columns: tuple[ResultColumn, ...]) -> None:
        head = self._head_awaiting(Awaited.DESCRIBE, Awaited.OWN_DESCRIBE)
        if head.awaited is Awaited.OWN_DESCRIBE:
            described = head.portal or head.statement
            assert described is not None
            described.columns = columns
        else:
            self._pass()
        self._done()

    def _row_description(self) -> None:
        head = self._head_awaiting(Awaited.QUERY, Awaited.DESCRIBE, Awaited.OWN_DESCRIBE)
        if head.awaited is Awaited.DESCRIBE:
            if head.portal is not None:
                head.portal.columns = messages.read_row_description(self._upstream.body())
            self._describe_answer(())
            return
        columns = messages.read_row_description(self._upstream.body())
        if head.awaited is Awaited.OWN_DESCRIBE:
            self._describe_answer(columns)
            return
        self._plan(head, columns)
        self._pass()

    def _plan(self, head: Pending, columns: tuple[ResultColumn, ...]) -> None:
        assert head.ticket is not None
        plan = self._governor.plan(head.ticket, columns, head.inner)
        head.operations, head.constants = plan if plan is not None else (None, [])
        head.planned = True

    def _prepare_rows(self) -> bool:
        """Make sure that the rows at hand have a plan; False, and cut, when their columns are not known."""
        head = self._head_awaiting(Awaited.QUERY, Awaited.EXECUTE)
        if not head.planned:
            columns = head.portal.result_columns() if head.portal is not None else None
            if self._governor.observes and columns is None:
                head.planned = True
            elif columns is None:
                head.cut = Refusal("XX000", "Doorward withheld rows whose columns were never described.")
                head.operations = None
                head.planned = True
            else:
                self._plan(head, columns)
                if not columns:
                    head.operations = []  # rows of no columns at all, and no others
        return True

    def _head_released(self) -> bool:
        ticket = self._head().ticket
        return ticket is None or ticket.released

    def _rows(self) -> None:
        reader = self._upstream
        self._prepare_rows()
        head = self._head()
        assert head.ticket is not None
        if not head.ticket.released:
            self._stalled = True
            self._governor.on_release(head.ticket)
            return
        count = reader.run()
        start, end = reader.start - 5, reader.end
        if head.cut is not None:
            return
        limit = head.ticket.row_limit
        if limit and head.tally.rows + count > limit:
            count = max(0, limit - head.tally.rows)
            end = _end_of_rows(reader.buffer, start, count)
            head.cut = self._governor.refusal_for_row_limit(head.ticket)
        if count:
            head.tally.rows += count
            if head.operations is None:
                block = reader.buffer[start:end]
            else:
                block, _ = mask_rows(reader.buffer, start, end, head.operations, head.constants)
            self._count(count, len(block))
            self.to_client.append(block)

    def _copying_out(self) -> Pending:
        head = self._head_awaiting(Awaited.QUERY, Awaited.EXECUTE)
        if head.ticket is None or not head.ticket.copy_out_is_clear:
            raise ProtocolViolation("The upstream sent COPY data that nobody allowed.")
        return head

    def _copy_rows(self) -> None:
        head = self._copying_out()
        assert head.ticket is not None
        count = self._upstream.run()
        start, end = self._upstream.start - 5, self._upstream.end
        if head.cut is not None:
            return
        limit = head.ticket.row_limit
        if limit and head.tally.rows + count > limit:
            count = max(0, limit - head.tally.rows)
            end = _end_of_rows(self._upstream.buffer, start, count)
            head.cut = self._governor.refusal_for_row_limit(head.ticket)
        if count:
            head.tally.rows += count
            self._count(count, end - start)
            self.to_client.append(self._upstream.buffer[start:end])

    def _copy_in(self) -> None:
        head = self._head_awaiting(Awaited.QUERY, Awaited.EXECUTE)
        # What was sent ahead of the data is read by the server as part of it; there a Sync means nothing, and anything else
        # is an error that ends the connection (manual, "COPY Operations").
        swallowed = [pending for pending in self._pending if pending is not head]
        if any(pending.awaited is not Awaited.SYNC for pending in swallowed):
            raise ProtocolViolation("A message that is not part of a COPY was sent inside it.")
        self._pending = deque((head,))
        self._is_unsynced = head.awaited is Awaited.EXECUTE
        head.copying_in = True
        self._pass()
        if self._draining:
            self._read_client()

    def _copy_out(self) -> None:
        self._copying_out()
        self._pass()

    def _completed(self) -> None:
        """CommandComplete, EmptyQueryResponse or PortalSuspended."""
        head = self._head_awaiting(Awaited.QUERY, Awaited.EXECUTE)
        head.copying_in = False
        tag = self._upstream.body()[:-1].decode("utf-8", "replace") if self._upstream.kind == ord("C") else ""
        head.tags.append(tag)
        if not head.rows:
            head.rows = _rows_written(tag)
        if head.awaited is Awaited.QUERY:
            head.planned = False
            head.operations = None
        self._note_completion(head, tag)
        if head.cut is not None:
            refusal, head.cut = head.cut, None
            head.failed_with = (refusal.sqlstate, refusal.message)
            self.to_client.append(_error(refusal))
        else:
            self._pass()
        if head.awaited is Awaited.EXECUTE:
            self._finish_by_tags(head)
            self._done()

    def _note_completion(self, head: Pending, tag: str) -> None:
        """Names that SQL made or dropped, once the server says that it did."""
        if head.understood is None:
            return
        statements = head.understood.analysis.statements
        if tag == "DEALLOCATE ALL" or tag == "DISCARD ALL":
            self._statements.clear()
        if tag == "DISCARD ALL":
            self._portals.clear()
            self._cursors.clear()
        if tag in _ENDS_CURSORS:
            # ROLLBACK TO and COMMIT AND CHAIN close cursors and leave the transaction open.
            self._cursors.clear()
        for statement in statements:
            if statement.tag == "PREPARE" and tag == "PREPARE":
                known = Statement(statement.prepared_name, head.understood, -1, confirmed=True, by_sql=True)
                self._statements[statement.prepared_name] = known
            elif statement.tag == "DEALLOCATE" and tag == "DEALLOCATE":
                self._statements.pop(statement.prepared_name, None)
            elif statement.tag == "DECLARE CURSOR" and tag == "DECLARE CURSOR":
                self._tallies[statement.cursor_name] = Tally()
                self._forget_portals(statement.cursor_name)
                if len(statements) == 1:
                    self._cursors[statement.cursor_name] = head.understood
                else:
                    self._cursors.pop(statement.cursor_name, None)
            elif statement.node in _CLOSES_CURSORS and tag.startswith("CLOSE"):
                self._cursors.clear()
                self._forget_portals(statement.cursor_name)

    def _forget_portals(self, name: str) -> None:
        """A cursor came or went: it shares its name with portals. Without a name, all went."""
        for known in [name] if name else list(self._portals):
            if known in self._portals:
                self._drop_grant(self._portals.pop(known))

    def _finish_by_tags(self, head: Pending) -> None:
        code, text = head.failed_with or ("", "")
        self._finish(head, "failed" if code else "done", code, text)

    def _finish(self, pending: Pending, status: str, code: str, text: str) -> None:
        if pending.ticket is not None:
            self._governor.finish(
                pending.ticket, status, "; ".join(t for t in pending.tags if t), pending.rows, pending.size_bytes, code, text
            )
            pending.ticket = None

    def _error(self) -> None:
        error = messages.read_fields(self._upstream.body())
        self.told_end = (error.get("V") or error.get("S")) in _ENDS_SESSION
        if not self._pending:
            # Nobody asked: the server is going away, or ends this session.
            self._show_error(error, shown=self._governor.observes)
            return
        head = self._pending[0]
        if head.refusal is not None:
            self.to_client.append(_error(head.refusal))
        else:
            shown = self._governor.observes or (
                self._governor.may_show_error(head.ticket) and errors_shown.is_of_the_statement(error)
            )
            self._show_error(error, shown=shown)
            head.failed_with = (error.get("C"), error.get("M"))
            head.copying_in = False
        if head.awaited in (Awaited.QUERY, Awaited.REFUSED_QUERY, Awaited.SYNC):
            return  # ReadyForQuery follows by itself
        self._skip_to_sync()

    def _show_error(self, error: messages.Fields, *, shown: bool) -> None:
        if shown:
            self._pass()
        else:
            self.to_client.append(errors_shown.clean(error, shown=False).encode(b"E"))

    def _skip_to_sync(self) -> None:
        """The server ignores everything up to the next Sync; so do we, and take back what will not have happened."""
        undone: list[Pending] = []
        first = True
        while self._pending and self._pending[0].awaited is not Awaited.SYNC:
            pending = self._pending.popleft()
            if pending.ticket is not None:
                if first and pending.failed_with is not None:
                    self._finish(pending, "failed", *pending.failed_with)
                else:
                    self._finish(pending, "skipped", "", "")
            first = False
            undone.append(pending)
        for pending in reversed(undone):
            if pending.undo is not None:
                pending.undo()
        if not self._pending:
            self._skipping = True
            if self._draining:
                self._read_client()

    def _notice(self) -> None:
        notice = messages.read_fields(self._upstream.body())
        ticket = self._pending[0].ticket if self._pending else None
        if self._governor.observes or (self._governor.may_show_error(ticket) and errors_shown.is_of_the_statement(notice)):
            self._pass()
        elif notice.get("V") in ("WARNING",) or notice.get("S") == "WARNING":
            self.to_client.append(errors_shown.clean(notice, shown=False).encode(b"N"))

    def _notification(self) -> None:
        if self._governor.may_show_error(None):
            self._pass()
            return
        # The payload is whatever some other session put in; the channel name is this client's own choice.
        body = self._upstream.body()
        end = body.find(b"\0", 4) + 1
        if not end:
            raise ProtocolViolation("A text in a message is not terminated.")
        self.to_client.append(messages.message(b"A", body[:end] + b"\0"))

    def _parameter_status(self) -> None:
        name, value = messages.read_parameter_status(self._upstream.body())
        if PINNED_SETTINGS.get(name, value) != value and not self._governor.observes:
            raise ProtocolViolation(
                f"The setting {name} was changed; statements could no longer be read as the server reads them."
            )
        self._pass()

    def _ready(self) -> None:
        head = self._head_awaiting(Awaited.QUERY, Awaited.REFUSED_QUERY, Awaited.SYNC)
        status = self._upstream.body()
        if status not in (b"I", b"T", b"E"):
            raise ProtocolViolation("The upstream is ready in no state that there is.")
        self.status = status
        if self.status == b"I":
            self._forget_what_ended(head.batch)
        if head.awaited is Awaited.QUERY:
            self._finish_by_tags(head)
        self._pass()
        self._done()

    def _forget_what_ended(self, batch: int) -> None:
        """The transaction is over: its cursors and portals are gone."""
        self._cursors.clear()
        if self._portals:
            for name in [name for name, portal in self._portals.items() if portal.batch <= batch]:
                self._drop_grant(self._portals.pop(name))


def _has_no_result(understood: Understood) -> bool:
    """Whether a statement surely returns no rows, so that it needs no description."""
    return all(
        statement.transaction or statement.tag in ("SET", "RESET", "LISTEN", "UNLISTEN", "NOTIFY", "DEALLOCATE", "PREPARE")
        for statement in understood.analysis.statements
    )


_ENDS_SESSION = frozenset({"FATAL", "PANIC"})
_CLOSES_CURSORS = frozenset({"ClosePortalStmt"})
_ENDS_CURSORS = frozenset({"ROLLBACK", "COMMIT"})


def _copies_in(understood: Understood) -> bool:
    return any(statement.copy_direction == "in" for statement in understood.analysis.statements)


_OF_NAMES = frozenset({"PREPARE", "EXECUTE", "DEALLOCATE"})


def _goes_by_name(understood: Understood) -> bool:
    """Whether it is about a prepared statement or a cursor that it names."""
    return any(statement.prepared_name or statement.cursor_name for statement in understood.analysis.statements)


def _rows_written(tag: str) -> int:
    """How many rows a command wrote, by its tag (manual, "Message Formats": CommandComplete); 0 for one that only reads."""
    verb, *numbers = tag.split(" ")
    if verb not in ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY") or not numbers or not numbers[-1].isdigit():
        return 0
    return int(numbers[-1])


def _end_of_rows(buffer: bytes, start: int, count: int) -> int:
    """Where the first *count* frames from *start* end."""
    for _ in range(count):
        start += 1 + int.from_bytes(buffer[start + 1 : start + 5], "big")
    return start


def _error(refusal: Refusal) -> bytes:
    return messages.fields("ERROR", refusal.sqlstate, refusal.message, refusal.detail, refusal.hint).encode(b"E")


def _never(refusal: Refusal | None, ticket: Ticket | None) -> None:
    raise AssertionError("an unreadable statement never waits")
