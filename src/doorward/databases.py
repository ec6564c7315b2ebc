"""The plug board: what differs by database, one row each. Nowhere else asks which database it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doorward.errors import ConfigurationInvalid
from doorward.model.catalog import Label
from doorward.model.masking import Mask
from doorward.model.result import ResultColumn
from doorward.model.statement import Analysis
from doorward.sql.analyze import analyze
from doorward.sql.literals_cy import skeleton
from doorward.sql.normalised import normalised
from doorward.sql.settings import check_setting
from doorward.wire.postgres import client_side, exchange, messages, reuse, rows_cy, startup, tokens, upstream_side, values

if TYPE_CHECKING:
    from doorward.detectors.scanner import Scanner


@dataclass(frozen=True, slots=True)
class Database:
    """One row. *scheme* is the one in its connection URLs; the rest are the pieces, called the same for every database."""

    engine: str
    scheme: tuple[str, ...]
    default_port: int
    client_handshake: Callable[[], Any]
    upstream_handshake: Callable[..., Any]
    exchange: Callable[..., Any]
    question: Callable[[], Any]
    idle: bytes
    reset: Callable[[], Any]
    portrait: Callable[[dict[str, str], int], Any]
    tls_request: bytes
    alpn: str
    goodbye: bytes
    cancel_packet: Callable[[int, bytes], bytes]
    analyze: Callable[[str], Analysis]
    skeleton: Callable[[bytes], tuple[bytes, tuple[bytes, ...], tuple[int, ...]] | None]
    normalised: Callable[[str], str]
    check_setting: Callable[[str, str | None], str]
    operations: Callable[..., tuple[list[int], list[Any]]]


def _postgres_operations(
    masks: Sequence[Mask],
    columns: Sequence[ResultColumn],
    labels: Sequence[Label],
    scanner: Scanner | None,
    token_key: bytes = b"",
) -> tuple[list[int], list[Any]]:
    """What the rows are rewritten with. Without a *scanner* or a *token_key*, what would need one is masked whole."""
    if scanner is None:
        masks = [Mask.FULL if mask is Mask.SCAN else mask for mask in masks]
    operations = [values.operation_for(mask, column) for mask, column in zip(masks, columns, strict=True)]
    constants: list[Any] = [operation.constant for operation in operations]
    for position, (operation, column) in enumerate(zip(operations, columns, strict=True)):
        if scanner is not None and operation.code == rows_cy.SCAN:
            constants[position] = _postgres_scan(column, columns, labels, scanner)
    codes = [operation.code for operation in operations]
    for position, (mask, column, label) in enumerate(zip(masks, columns, labels, strict=True)):
        if mask is Mask.TOKEN:
            replace = tokens.token_function(column, label, token_key, values.declared_characters(column))
            if replace is not None:
                codes[position], constants[position] = rows_cy.SCAN, (replace, ())
    return codes, constants


def _postgres_scan(
    column: ResultColumn, columns: Sequence[ResultColumn], labels: Sequence[Label], scanner: Scanner
) -> tuple[Callable[..., list[bytes | None]], tuple[int, ...]]:
    """What reads the values of *column* and replaces what is found in them, and the columns whose values help it.

    What a row says in a labelled column, a person's name, is found again in its texts.
    """
    # Here, where there is something to scan: every command and every gateway reads this page, and few scan.
    from doorward.detectors.cells import TYPE_OF_LABEL, CellKind, clean_cells

    kind = CellKind.TEXT if column.type_oid in values.TEXT_LIKE else CellKind.JSON
    if column.type_oid == values.JSONB and column.format == values.BINARY_FORMAT:
        kind = CellKind.JSONB_BINARY
    limit = values.declared_characters(column)
    telling = [
        (position, TYPE_OF_LABEL[label])
        for position, (other, label) in enumerate(zip(columns, labels, strict=True))
        if label in TYPE_OF_LABEL and other.type_oid in values.TEXT_LIKE
    ]

    def scan(cells: list[bytes | None], *others: list[bytes | None]) -> list[bytes | None]:
        known = None
        if others:
            known = [
                [
                    (type_, told.decode("utf-8", "replace"))
                    for (_position, type_), told in zip(telling, row, strict=True)
                    if told is not None
                ]
                for row in zip(*others, strict=True)
            ]
        return clean_cells(scanner, cells, kind, column=column.name, known_rows=known, limit_characters=limit)

    return scan, tuple(position for position, _type in telling)


POSTGRESQL = Database(
    engine="postgresql",
    scheme=("postgresql", "postgres"),
    default_port=5432,
    client_handshake=client_side.ClientHandshake,
    upstream_handshake=upstream_side.UpstreamHandshake,
    exchange=exchange.Exchange,
    question=upstream_side.Question,
    idle=reuse.IDLE,
    reset=reuse.Reset,
    portrait=reuse.Portrait,
    tls_request=messages.SSL_REQUEST,
    alpn=startup.ALPN_NAME,
    goodbye=messages.TERMINATE,
    cancel_packet=startup.cancel_packet,
    analyze=analyze,
    skeleton=skeleton,
    normalised=normalised,
    check_setting=check_setting,
    operations=_postgres_operations,
)

DATABASES: Mapping[str, Database] = {row.engine: row for row in (POSTGRESQL,)}


def database_for(engine: str) -> Database:
    """The row of *engine*. Raises ConfigurationInvalid for one that is not spoken."""
    try:
        return DATABASES[engine]
    except KeyError:
        raise ConfigurationInvalid(
            f"The database engine {engine!r} is not spoken here.", f"Known are: {', '.join(DATABASES)}."
        ) from None
