"""What a reader of the record looks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from doorward.control.views import EntryView

# A search without an index reads back this far and says so; a bounded answer beats a console that hangs on a year of log.
SCAN_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look for; an empty field looks for nothing. Text is compared without regard to case.

    *who* is in the chain or did the administering; *for_whom* is the principal; *party* is somebody's whole name in the
    chain; *subject* is what was administered; *shadow* asks for what candidate rules would have decided otherwise.
    *since_us* is inclusive, *until_us* is not. *before* is an index to page back from, *after* one to stop at; *reach* is
    how far back to read where there is no index.
    """

    who: str = ""
    for_whom: str = ""
    table: str = ""
    label: str = ""
    verdict: str = ""
    action: str = ""
    status: str = ""
    text: str = ""
    kind: str = ""
    session: str = ""
    subject: str = ""
    party: str = ""
    shadow: bool = False
    since_us: int = 0
    until_us: int = 0
    before: int | None = None
    after: int = -1
    limit: int = 50
    reach: int = SCAN_LIMIT

    def match(self, row: EntryView) -> bool:
        """Whether *row* is looked for."""
        return (
            self.matches_chain(row.chain, row.principal)
            and self.matches_reach(row.objects, (*row.labels, *(column.label for column in row.columns)))
            and self.verdict in ("", row.verdict)
            and self.action in ("", row.action)
            and self.status in ("", row.status)
            and self.kind in ("", row.kind)
            and self.session in ("", row.session)
            and self.subject in ("", row.subject)
            and (not self.shadow or bool(row.shadow))
            and (not self.since_us or row.at_us >= self.since_us)
            and (not self.until_us or row.at_us < self.until_us)
            and _within(self.text, row.text)
        )

    def matches_chain(self, chain: str, principal: str) -> bool:
        """Whether it is the doing of whom is looked for."""
        is_party = not self.party or self.party in chain.split(" for ")
        return is_party and _within(self.who, chain) and _within(self.for_whom, principal)

    def matches_reach(self, objects: Iterable[str], labels: Iterable[str]) -> bool:
        """Whether that is what is looked for of what a statement touches."""
        is_touched = not self.table or any(_within(self.table, name) for name in objects)
        return is_touched and (not self.label or self.label in labels)


def _within(part: str, whole: str) -> bool:
    return part.casefold() in whole.casefold()
