"""A snapshot as bytes, for the way to a gateway process."""

from __future__ import annotations

import msgspec

from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot

# number, name, type, label, reasons, proposal, confidence
_Column = tuple[int, str, str, Label, tuple[str, ...], Label | None, float]


class _Form(msgspec.Struct, frozen=True, array_like=True):
    """A snapshot with sets in order, so that equal snapshots are equal bytes."""

    upstream: str
    epoch: str
    # oid, schema, name, kind, estimated rows, is system, columns, hides protected, definition
    relations: tuple[tuple[int, str, str, RelationKind, int, bool, tuple[_Column, ...], bool, str], ...]
    user_functions: tuple[str, ...]
    user_operators: tuple[str, ...]
    user_types: tuple[str, ...]
    server_version: str
    uncastable_types: tuple[str, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Form)


def canonical(snapshot: Snapshot) -> bytes:
    """The snapshot as bytes: the same for equal snapshots, and for them alone."""
    return _encoder.encode(
        _Form(
            snapshot.upstream,
            snapshot.epoch,
            tuple(
                (
                    r.oid, r.schema, r.name, r.kind, r.estimated_rows, r.is_system,
                    tuple((c.number, c.name, c.type_name, c.label, c.reasons, c.proposal, c.confidence) for c in r.columns),
                    r.hides_protected, r.definition,
                )
                for r in snapshot.relations
            ),
            tuple(sorted(snapshot.user_functions)),
            tuple(sorted(snapshot.user_operators)),
            tuple(sorted(snapshot.user_types)),
            snapshot.server_version,
            tuple(sorted(snapshot.uncastable_types)),
        )
    )  # fmt: skip


encode = canonical


def decode(encoded: bytes) -> Snapshot:
    """The snapshot that :func:`encode` made these bytes from; raises msgspec.DecodeError for any others."""
    form = _decoder.decode(encoded)
    return Snapshot(
        form.upstream,
        form.epoch,
        tuple(
            Relation(oid, schema, name, kind, tuple(Column(*column) for column in columns), rows, is_system, hides, definition)
            for oid, schema, name, kind, rows, is_system, columns, hides, definition in form.relations
        ),
        frozenset(form.user_functions),
        frozenset(form.user_operators),
        frozenset(form.user_types),
        form.server_version,
        frozenset(form.uncastable_types),
    )
