"""Random dialogues of a client, and the server that answers them as they ought to be answered: without Doorward.

What is refused or held fails on that server in the very place where Doorward would have it fail, so that both ways can be
compared message by message.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from doorward.wire.postgres import messages
from tests.wire.postgres.conversing import bind, copy_data, execute, frames, run
from tests.wire.postgres.governing import NOT_ALLOWED, WITHDRAWN
from tests.wire.postgres.pretended_server import PretendedServer, StatementFailed

# What SQL prepares or declares has names of its own: Doorward refuses to execute a declared cursor by a message.
ALONE = (
    "PREPARE c AS SELECT clear", "PREPARE d AS SELECT clear", "EXECUTE a", "EXECUTE c", "EXECUTE d", "DEALLOCATE a",
    "DEALLOCATE c",
)  # fmt: skip
TOGETHER = (
    "SELECT clear", "SELECT missing", "SELECT 1/0", "BEGIN", "COMMIT", "ROLLBACK", "DECLARE k CURSOR FOR SELECT clear",
    "FETCH ALL FROM a", "FETCH ALL FROM k", "CLOSE a", "CLOSE k", "COPY t TO STDOUT",
)  # fmt: skip
REFUSED, HELD = "DROP TABLE t", "DELETE FROM held"
CLOSE_PORTAL = {name: messages.message(b"C", b"P" + messages.cstring(name)) for name in ("", "a", "b")}
COPY_FAIL = messages.message(b"f", b"no\0")


def whole_request(text: str, name: str) -> bytes:
    """Everything that a driver sends at once for a statement that it runs for the first time."""
    return messages.parse(name, text) + bind(name) + messages.describe_portal("") + execute() + messages.SYNC


def dialogues(
    *extra: str, unnamed: bool, size: int = 14, texts: tuple[str, ...] = TOGETHER, by_query: tuple[str, ...] = ()
) -> st.SearchStrategy[list[bytes]]:
    """Lists of client messages over a few names and *texts*, *extra* ones among them; *unnamed* to use the empty name too.

    Those that are sent *by_query* alone stand alone there; none means that those which must stand alone come in every way.
    """
    names = st.sampled_from(("", "a", "b") if unnamed else ("a", "b"))
    together = st.sampled_from((*texts, *extra))
    any_text = together if by_query else st.one_of(together, st.sampled_from(ALONE))
    message = st.one_of(
        any_text.map(messages.query),
        st.sampled_from(by_query or ALONE).map(messages.query),
        st.lists(together, min_size=2, max_size=3).map("; ".join).map(messages.query),
        st.builds(messages.parse, names, any_text),
        st.builds(bind, names, names),
        st.builds(execute, names, st.sampled_from([0, 1, 2])),
        any_text.map(run),
        st.builds(run, any_text, names).map(lambda sent: sent + messages.SYNC),
        st.builds(whole_request, any_text, names),
        names.map(messages.describe_statement),
        names.map(messages.describe_portal),
        names.map(messages.close_statement),
        names.map(CLOSE_PORTAL.__getitem__),
        st.just(messages.SYNC),
        st.just(messages.SYNC),
        st.just(messages.FLUSH),
        st.just(messages.query("")),
        st.just(run("COPY t FROM STDIN") + messages.SYNC),
        st.just(messages.query("COPY t FROM STDIN") + copy_data(b"1\n") + messages.COPY_DONE),
        st.just(messages.query("COPY t FROM STDIN")),
        st.just(copy_data(b"1\n")),
        st.just(messages.COPY_DONE),
        st.just(COPY_FAIL),
    )
    return st.lists(message, max_size=size)


# At the end nothing is left open, and what each name means is asked for: whoever disagrees about it gives another answer.
ENDING = (
    COPY_FAIL,
    messages.SYNC,
    *(messages.describe_statement(name) + messages.SYNC for name in ("a", "b")),
    *(bind(name) + execute() + messages.SYNC for name in ("a", "b")),
    *(execute(name) + messages.SYNC for name in ("a", "b")),
    messages.query("FETCH ALL FROM a"),
    messages.query("FETCH ALL FROM k"),
    messages.query("EXECUTE a"),
    messages.query("ROLLBACK"),
    messages.query("EXECUTE b"),
    messages.query("EXECUTE c"),
    messages.query("SELECT clear"),
)


_BY_NAME = ("PREPARE", "EXECUTE", "DEALLOCATE", "DECLARE", "FETCH", "CLOSE")


@dataclass
class DecidedServer(PretendedServer):
    """Fails what is refused, and what is held unless it *approves*: when it is bound, for both may run as they are planned.

    Beyond that it differs from PostgreSQL as Doorward does in EXECUTE: by the extended protocol it is looked up when bound,
    and fails later when its name has got another meaning since; what is itself about names is not run by it.
    """

    approves: bool = False
    granted: set[str] = field(default_factory=set)  # the portals that were decided on and not executed since
    meant: dict[str, str | None] = field(default_factory=dict)  # by portal: what its EXECUTE runs

    def _decide(self, text: str) -> None:
        if REFUSED in text:
            raise StatementFailed(NOT_ALLOWED.sqlstate)
        if HELD in text and not self.approves:
            raise StatementFailed(WITHDRAWN.sqlstate)

    def _meaning(self, text: str) -> str | None:
        word, _, name = text.partition(" ")
        if word != "EXECUTE":
            return None
        if name not in self.statements:
            raise StatementFailed("26000")
        if self.statements[name].startswith(_BY_NAME):
            raise StatementFailed("0A000")
        return self.statements[name]

    def _query(self, body: bytes) -> None:
        text = body[:-1].decode()
        self._meaning(text)
        self._decide(text)
        super()._query(body)

    def _bind(self, body: bytes) -> None:
        bind = messages.read_bind(body)
        text = self.statements.get(bind.statement, "")
        meant = self._meaning(text)
        self._decide(text)
        super()._bind(body)
        self.meant[bind.portal] = meant
        self.granted.add(bind.portal)

    def _execute(self, body: bytes) -> None:
        name, _maximum = messages.read_execute(body)
        portal = self.portals.get(name)
        if portal is not None and self._meaning(portal.text) != self.meant.get(name):
            raise StatementFailed("26000")
        if portal is not None and name not in self.granted:
            self._decide(portal.text)
        self.granted.discard(name)
        super()._execute(body)

    _HANDLERS = PretendedServer._HANDLERS | {"Q": _query, "B": _bind, "E": _execute}


# What Doorward answers in advance it answers by names alone: where two of these apply, the server may tell the other one.
_OF_NAMES_AND_STATES = {"25P02", "26000", "34000", "42703", "42P01", "42P03", "42P05"}


def compared(data: bytes) -> list[tuple[str, object]]:
    """The messages in *data* as they are compared: errors by severity and SQLSTATE, for some are Doorward's own words."""
    told: list[tuple[str, object]] = []
    for kind, body in frames(data):
        if kind == "E":
            fields = messages.read_fields(body)
            code = fields.get("C")
            told.append((kind, (fields.get("S"), "a name or state" if code in _OF_NAMES_AND_STATES else code)))
        else:
            told.append((kind, body))
    return told


def joined(sent: Iterable[bytes]) -> bytes:
    """The messages as one stream, with the ending behind it."""
    return b"".join(sent) + b"".join(ENDING)
