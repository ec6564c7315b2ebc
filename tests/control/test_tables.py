"""CSV that programs read and spreadsheets don't act on."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from doorward.control.tables import as_csv, list_as_csv
from doorward.model.entry import ActorStamp, ColumnStamp


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\0")), min_size=1, max_size=5))
def test_every_text_comes_back_and_none_is_a_formula(cells: list[str]) -> None:
    """Quotes, line breaks, separators, whatever."""
    columns = [f"c{number}" for number in range(len(cells))]
    (_, row) = csv.reader(io.StringIO(as_csv(columns, [cells]), newline=""), strict=True)
    assert [cell.removeprefix("'") for cell in row] == [cell.removeprefix("'") for cell in cells]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def test_times_lists_and_absent_values_read_well() -> None:
    told = as_csv(("at_us", "names", "by", "is_clear", "count"), [(1_700_000_000_123_456, ("a", "b"), None, True, -3)])
    assert told.splitlines() == ["at,names,by,is_clear,count", "2023-11-14T22:13:20.123456Z,a; b,,yes,-3"]


def test_values_are_told_by_their_fields() -> None:
    columns = (ColumnStamp("email", "mail", "public.c.mail", "labelled"),)
    assert list_as_csv([ActorStamp("p", "human", "=cmd")]).splitlines() == ["id,kind,name", "p,human,'=cmd"]
    assert list_as_csv([{"columns": columns}]).splitlines()[1] == "email mail public.c.mail labelled"
    assert list_as_csv([]) == "\r\n"
