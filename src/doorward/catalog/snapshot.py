"""One reading of an upstream's catalog, labels applied."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from doorward.catalog.codec import canonical
from doorward.catalog.introspection.postgres import MARK_SQL, QUESTIONS, facts_from
from doorward.catalog.introspection.querier import Querier
from doorward.catalog.labelling import label_catalog
from doorward.catalog.shapes import Vote
from doorward.errors import DoorwardError
from doorward.model.catalog import Label, Snapshot
from doorward.model.result import ResultColumn


def never_clear(definition: str) -> bool:
    """Vouches for no view definition: every expression in a view stays unclassified."""
    return False


async def read_mark(querier: Querier) -> str:
    """A text that changes whenever a new reading of the catalog could differ; cheap enough to poll."""
    rows = await querier.query(MARK_SQL)
    return (rows[0][0] or "") if rows else ""


async def read_snapshot(
    querier: Querier,
    upstream_name: str,
    verdicts: Mapping[tuple[int, int], Label],
    definition_is_clear: Callable[[str], bool] = never_clear,
    sampled: Mapping[tuple[int, int], Vote] | None = None,
) -> Snapshot:
    """Read the catalog and label every column. *verdicts* are operators' words by (table oid, attribute number), *sampled*
    what values look like, where somebody has looked.

    Raises DoorwardError when the catalog can't be read; a view that can't be described is unclassified instead. Take the
    mark before the snapshot: a change in between is then seen at the next poll.
    """
    # One transaction, one view of the catalog: a table made anew between two questions must not lose what protects it.
    await querier.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        facts = facts_from([await querier.query(question) for question in QUESTIONS])
    finally:
        await querier.query("ROLLBACK")
    described: dict[int, list[ResultColumn]] = {}
    for view, definition in facts.view_definitions.items():
        try:
            described[view] = await querier.describe(definition)
        except DoorwardError:
            continue  # no USAGE on a schema it names, or dropped meanwhile: labelled as unknown
    # Thousands of columns take a second, in which whoever serves people here must not stand still.
    relations = await asyncio.to_thread(label_catalog, facts, described, verdicts, definition_is_clear, sampled)
    snapshot = Snapshot(
        upstream=upstream_name,
        epoch="",
        relations=relations,
        user_functions=facts.functions,
        user_operators=facts.operators,
        user_types=facts.types,
        uncastable_types=facts.uncastable_types,
        server_version=facts.server_version,
    )
    return replace(snapshot, epoch=hashlib.sha256(canonical(snapshot)).hexdigest()[:32])
