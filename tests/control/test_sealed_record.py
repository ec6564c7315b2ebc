"""Searching a log whose values are sealed, with an index that holds none of them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from doorward.audit import hpke
from doorward.audit.checkpoint import load_or_create_key
from doorward.audit.log import AuditLog
from doorward.audit.reader import LogReader
from doorward.audit.sealing import Opener, Sealer
from doorward.audit.sequencer import Sequencer
from doorward.control.filters import Filters
from doorward.control.operators import LOCAL
from doorward.control.projection.finding import Finder
from doorward.control.projection.keeping import FILE, Keeper
from doorward.control.record import Record
from doorward.model.identity import Principal, PrincipalKind
from doorward.model.sealing import DayKey, SealingKey
from doorward.sql.normalised import normalised
from tests.control.happenings import identity, intent

pytestmark = pytest.mark.anyio

PRIVATE, PUBLIC = hpke.new_key_pair()
DAY = DayKey(SealingKey("2027-01-31", PUBLIC, b"s" * 32), PRIVATE)
STATEMENTS = ("SELECT tier FROM customers WHERE email = 'ann@example.com'", "SELECT 7", "SELECT tier FROM customers")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A signed log of three statements, and the index of it."""
    alice = identity(Principal("prn_a", PrincipalKind.HUMAN, "alice"))
    sealer = Sealer(DAY.sealing, 0)
    log = AuditLog.open(tmp_path / "log")
    for number, statement in enumerate(STATEMENTS):
        shown = normalised(statement)
        entry = intent(alice, shown, number, f"ses_1.{number}")
        log.append(msgspec.structs.replace(entry, sealed=sealer.seal(statement.encode())) if shown != statement else entry)
    log.close()
    sequencer = Sequencer(tmp_path / "log", load_or_create_key(tmp_path / "log", "test"))
    sequencer.step()
    sequencer.close()
    keeper = Keeper(tmp_path / "index", LogReader(tmp_path / "log"))
    assert keeper.catch_up() == 3
    keeper.close()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "with_key", "without"),
    [
        ("from customers", [2, 0], [2, 0]),
        ("ann@example", [0], []),
        ("email = '?'", [], [0]),
        ("nothing of it", [], []),
    ],
)
async def test_words_and_values_are_found(directory: Path, text: str, with_key: list[int], without: list[int]) -> None:
    """Words by the index, values in the log itself; values by nobody who has no key."""
    finder = Finder(directory / "index" / FILE)
    reader = LogReader(directory / "log")
    for record, expected in (
        (Record(reader, finder, Opener({DAY.sealing.id: DAY}.get).readable), with_key),
        (Record(reader, finder), without),
    ):
        page = await record.search(LOCAL, Filters(text=text))
        assert [row.index for row in page.rows] == expected


def test_no_value_is_in_the_index(directory: Path) -> None:
    """Destroying a key leaves nothing to be found there."""
    files = [path.read_bytes() for path in (directory / "index").iterdir()]
    assert files
    assert not any(b"ann@example" in content for content in files)
