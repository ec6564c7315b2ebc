"""The whole story of one sampled row: the entries of the log that belong to it, each with its proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from doorward.audit.merkle import inclusion_path
from doorward.audit.tiles import TileFiles
from doorward.evidence.workbook import Workbook

# Which role each part of a story has, in the order in which it is told.
_OF_EXECUTION = """
    SELECT h.entry, CASE WHEN h.request IS NOT NULL AND v.name = 'allow' THEN 'run as approved'
        WHEN v.name = 'hold' THEN 'asked for' ELSE 'statement' END FROM happenings h JOIN names v ON v.id = h.verdict
        WHERE h.entry = :entry OR h.request = :request
    UNION SELECT h.outcome, 'outcome' FROM happenings h WHERE h.outcome IS NOT NULL
        AND (h.entry = :entry OR h.request = :request)
    UNION SELECT entry, 'request' FROM holds WHERE request = :request
    UNION SELECT entry, 'answer' FROM answers WHERE request = :request
    UNION SELECT s.opened, 'sign-in' FROM happenings h JOIN sessions s ON s.id = h.session
        WHERE h.entry = :entry AND s.opened IS NOT NULL
    UNION SELECT g.entry, 'access' FROM access_uses u JOIN accesses g ON g.access = u.access WHERE u.entry = :entry"""
# Of access for a time: what was asked and answered, its end, and what was said of it afterwards.
_OF_ACCESS = """
    SELECT entry, 'answer' FROM answers WHERE request = :request
    UNION SELECT entry, 'request' FROM changes WHERE act = 'access.asked' AND json_extract(details, '$.request') = :request
    UNION SELECT entry, 'end' FROM access_ends WHERE access = :access
    UNION SELECT entry, 'review' FROM glass_reviews WHERE access = :access"""


class Stories:
    """Tells of rows by their entry."""

    def __init__(self, workbook: Workbook) -> None:
        self._connection = workbook.connection
        self._checkpoint = workbook.checkpoint
        self._tiles = TileFiles(workbook.log, workbook.checkpoint.size)

    def story(self, entry: int) -> list[dict[str, Any]]:
        """The parts of the story of the row that *entry* proves, in the log's order: role, index, the entry's own "
        "text, its proof."""
        parts = {entry: "entry"}
        row = self._connection.execute("SELECT execution, request FROM happenings WHERE entry = ?", (entry,)).fetchone()
        if row is not None and row[0]:
            named = {"entry": entry, "request": row[1]}
            parts |= dict(self._connection.execute(_OF_EXECUTION, named))
        access = self._connection.execute("SELECT access, request FROM accesses WHERE entry = ?", (entry,)).fetchone()
        if access is not None:
            parts |= dict(self._connection.execute(_OF_ACCESS, {"access": access[0], "request": access[1] or None}))
        return [self._part(index, role) for index, role in sorted(parts.items())]

    def _part(self, index: int, role: str) -> dict[str, Any]:
        bundle, place = divmod(index, 256)
        raw = self._tiles.entries(bundle)[place]
        path = inclusion_path(index, self._checkpoint.size, self._tiles.node)
        return {"role": role, "index": index, "entry": raw.decode(), "proof": [node.hex() for node in path]}


def write_story(folder: Path, number: int, parts: list[dict[str, Any]]) -> str:
    """Write a story beside others; its file's name in the pack."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{number}.json"
    path.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return f"{folder.parent.name}/{folder.name}/{path.name}"
