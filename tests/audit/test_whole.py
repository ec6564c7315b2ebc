"""One entry with all that belongs to it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from doorward.audit import hpke
from doorward.audit.canonical import encode
from doorward.audit.log import AuditLog, attachment_path
from doorward.audit.sealing import Opener, Sealer
from doorward.audit.whole import whole_entry
from doorward.model.entry import StatementIntent
from doorward.model.sealing import DayKey, SealingKey

PRIVATE, PUBLIC = hpke.new_key_pair()
DAY = DayKey(SealingKey("2027-01-31", PUBLIC, b"s" * 32), PRIVATE)
OPENER = Opener({DAY.sealing.id: DAY}.get)


def test_a_long_text_is_taken_from_its_attachment(
    open_log: Callable[..., AuditLog], intent: Callable[..., StatementIntent]
) -> None:
    """Sealed as it is, or from a time when nothing was; and what is gone or can't be opened leaves its beginning."""
    log = open_log()
    sealer = Sealer(DAY.sealing, 0)
    text = "SELECT '" + "x" * 20_000 + "'"
    name = log.attach(sealer.box(text.encode()))
    entry = msgspec.structs.replace(intent(1, statement="SELECT '?' […]", attachment=name), sealed=sealer.seal(b"SELECT 'xxx"))
    assert whole_entry(encode(entry), log.directory, OPENER)["statement"] == text
    assert whole_entry(encode(entry), log.directory, Opener({}.get))["statement"] == "SELECT '?' […]"
    attachment_path(log.directory, name.removeprefix("sha256:")).write_bytes(b"altered")
    assert whole_entry(encode(entry), log.directory, OPENER)["statement"] == "SELECT 'xxx"
    old = intent(2, statement="SELECT 'x […]", attachment=log.attach(text.encode()))
    assert whole_entry(encode(old), log.directory, Opener({}.get))["statement"] == text
    lost = intent(3, statement="SELECT 'x […]", attachment="sha256:" + "0" * 64)
    assert whole_entry(encode(lost), log.directory, OPENER)["statement"] == "SELECT 'x […]"
