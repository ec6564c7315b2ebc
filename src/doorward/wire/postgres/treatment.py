"""Every message of protocol 3, both ways, and what is done with it. No row, no passage; a test walks the table.

Names and type bytes are the manual's ("Message Formats").
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Treatment(Enum):
    """What happens to a message."""

    GOVERN = "govern"  # understood, decided on, recorded, perhaps rewritten
    FORWARD = "forward"  # passed on as it came, in the states where the protocol allows it
    ANSWER = "answer"  # answered by Doorward; never reaches the other side
    REFUSE = "refuse"  # answered with an error; the session goes on
    BREAK = "break"  # the peer broke the protocol; the session ends


@dataclass(frozen=True, slots=True)
class Row:
    """One message type."""

    name: str
    treatment: Treatment
    why: str = ""


FROM_CLIENT: dict[int, Row] = {
    ord("Q"): Row("Query", Treatment.GOVERN),
    ord("P"): Row("Parse", Treatment.GOVERN),
    ord("B"): Row("Bind", Treatment.GOVERN),
    ord("E"): Row("Execute", Treatment.GOVERN),
    ord("D"): Row("Describe", Treatment.FORWARD),
    ord("C"): Row("Close", Treatment.FORWARD),
    ord("S"): Row("Sync", Treatment.FORWARD),
    ord("H"): Row("Flush", Treatment.FORWARD),
    ord("d"): Row("CopyData", Treatment.FORWARD, "only inside a COPY that was allowed; dropped otherwise, as the server does"),
    ord("c"): Row("CopyDone", Treatment.FORWARD, "as CopyData"),
    ord("f"): Row("CopyFail", Treatment.FORWARD, "as CopyData"),
    ord("F"): Row("FunctionCall", Treatment.REFUSE, "calls a function by number, past any statement that could be read"),
    ord("X"): Row("Terminate", Treatment.ANSWER),
    ord("p"): Row("PasswordMessage", Treatment.BREAK, "has no place after authentication"),
}
"""After start-up. SSLRequest, GSSENCRequest, CancelRequest, StartupMessage and SASL messages have no type of their own and
are treated in ``startup``."""

FROM_UPSTREAM: dict[int, Row] = {
    ord("T"): Row("RowDescription", Treatment.GOVERN),
    ord("D"): Row("DataRow", Treatment.GOVERN),
    ord("C"): Row("CommandComplete", Treatment.GOVERN),
    ord("E"): Row("ErrorResponse", Treatment.GOVERN),
    ord("N"): Row("NoticeResponse", Treatment.GOVERN),
    ord("A"): Row("NotificationResponse", Treatment.GOVERN),
    ord("S"): Row("ParameterStatus", Treatment.GOVERN),
    ord("Z"): Row("ReadyForQuery", Treatment.GOVERN),
    ord("G"): Row("CopyInResponse", Treatment.GOVERN),
    ord("H"): Row("CopyOutResponse", Treatment.GOVERN),
    ord("d"): Row("CopyData", Treatment.GOVERN),
    ord("c"): Row("CopyDone", Treatment.FORWARD),
    ord("1"): Row("ParseComplete", Treatment.FORWARD),
    ord("2"): Row("BindComplete", Treatment.FORWARD),
    ord("3"): Row("CloseComplete", Treatment.FORWARD),
    ord("I"): Row("EmptyQueryResponse", Treatment.GOVERN),
    ord("n"): Row("NoData", Treatment.FORWARD),
    ord("s"): Row("PortalSuspended", Treatment.GOVERN),
    ord("t"): Row("ParameterDescription", Treatment.FORWARD),
    ord("W"): Row("CopyBothResponse", Treatment.BREAK, "only replication starts it, and replication is refused"),
    ord("V"): Row("FunctionCallResponse", Treatment.BREAK, "FunctionCall is never forwarded"),
    ord("R"): Row("Authentication", Treatment.BREAK, "has no place after start-up"),
    ord("K"): Row("BackendKeyData", Treatment.BREAK, "has no place after start-up"),
    ord("v"): Row("NegotiateProtocolVersion", Treatment.BREAK, "has no place after start-up"),
}
