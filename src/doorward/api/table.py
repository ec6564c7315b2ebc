"""Every list of the API as CSV: the same endpoints with ``format=csv``."""

from __future__ import annotations

from starlette.responses import Response

from doorward.api.shapes import LogOut
from doorward.control.tables import RECORD_COLUMNS, as_csv, list_as_csv
from doorward.errors import InvalidRequest


def csv_response(answer: object) -> Response:
    """*answer* as a file to save. Raises InvalidRequest for what is no list."""
    if isinstance(answer, LogOut):
        rows = ([getattr(row, column) for column in RECORD_COLUMNS] for row in answer.entries)
        text = as_csv(RECORD_COLUMNS, rows)
    elif isinstance(answer, list):
        text = list_as_csv(answer)
    else:
        raise InvalidRequest("Only lists come as CSV.", "Leave format=csv out.")
    headers = {"Content-Disposition": 'attachment; filename="doorward.csv"'}
    return Response(text, headers=headers, media_type="text/csv; charset=utf-8")
