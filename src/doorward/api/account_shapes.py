"""The JSON of local accounts."""

from __future__ import annotations

import msgspec

from doorward.control.local_accounts import AccountRow, Link


class AccountLinkOut(msgspec.Struct, frozen=True):
    """A link to set an account up with, once: *path* behind the console's address."""

    principal: str
    path: str
    ends_us: int


class AccountOut(msgspec.Struct, frozen=True):
    """A local account. *set_up_us* is 0 before it was set up, *link_ends_us* while no link to it is open."""

    principal: str
    set_up_us: int
    link_ends_us: int
    recovery_codes: int
    is_allowed: bool


def link_out(link: Link) -> AccountLinkOut:
    """*link* for the wire."""
    return AccountLinkOut(link.name, f"/account/set-up?link={link.token}", link.ends_us)


def account_out(row: AccountRow) -> AccountOut:
    """*row* for the wire."""
    return AccountOut(row.name, row.set_up_us, row.link_ends_us, row.recovery_codes, row.is_allowed)
