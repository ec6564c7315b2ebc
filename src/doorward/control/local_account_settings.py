"""Who may have an account of Doorward's own: the part ``[local_accounts]`` of ``identity.toml``.

[local_accounts]
people = ["ada"]          # or "all", "none"
"""

from __future__ import annotations

import msgspec

from doorward.control.sign_in_settings import MOST_SESSION_HOURS
from doorward.errors import ConfigurationInvalid

ALL, NONE = "all", "none"


class LocalAccountSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """*people* are all, none, or those named: whoever has a provider keeps one or two for when it is away, or none."""

    people: str | tuple[str, ...] = ALL
    session_hours: float = 12.0

    def allows(self, name: str) -> bool:
        """Whether *name* may have one, and sign in with it."""
        return self.people == ALL or (isinstance(self.people, tuple) and name in self.people)


def check_local_accounts(settings: LocalAccountSettings) -> None:
    """Raise ConfigurationInvalid for settings that make no sense."""
    if isinstance(settings.people, str) and settings.people not in (ALL, NONE):
        raise _invalid(f'people is "{ALL}", "{NONE}", or a list of names')
    if not 0 < settings.session_hours <= MOST_SESSION_HOURS:
        raise _invalid(f"session_hours is not from 0 to {MOST_SESSION_HOURS:.0f}")


def _invalid(why: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"[local_accounts] can't be used: {why}.", "See docs/identity-providers.md.")
