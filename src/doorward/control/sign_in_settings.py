"""How people sign in with an identity provider: the part ``[sign_in]`` of ``identity.toml``.

[sign_in]
issuer = "https://login.example.com"
client_id = "doorward"
client_secret_file = "/etc/doorward/oidc-secret"
name_claim = "email"
strip_domain = "example.com"
groups = { engineering = "developers", "db-admins" = "admins" }
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from doorward.control.fetching import check_address
from doorward.errors import ConfigurationInvalid

MOST_SESSION_HOURS = 24.0 * 7
OFFLINE = "offline_access"


class SignInSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The provider, as OpenID Connect has it, and who of those that it knows may come.

    *name_claim* gives the name, without *strip_domain* behind its ``@``. *people* says whether somebody must be known to
    Doorward already, or is added when they first sign in. *allowed_groups* and *allowed_domains* are the provider's; who is in
    none of them stays out. *groups* maps the provider's groups to ours, and no other of its groups means anything here.
    """

    issuer: str
    client_id: str
    client_secret_file: str = ""
    client_secret_env: str = ""
    ca_file: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email", "groups", OFFLINE)
    name_claim: str = "email"
    strip_domain: str = ""
    groups_claim: str = "groups"
    groups: dict[str, str] = {}
    people: Literal["known", "added"] = "known"
    allowed_groups: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()
    session_hours: float = 12.0
    check_seconds: float = 300.0
    title: str = ""

    def client_secret(self) -> str:
        """The client's secret, empty for a client that has none. Raises ConfigurationInvalid when it can't be had."""
        if self.client_secret_env:
            found = os.environ.get(self.client_secret_env, "")
            if not found:
                raise _invalid(f"the variable {self.client_secret_env} holds no secret")
            return found
        if not self.client_secret_file:
            return ""
        try:
            return Path(self.client_secret_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise _invalid(f"the file {self.client_secret_file} can't be read") from None


def check_sign_in(settings: SignInSettings) -> None:
    """Raise ConfigurationInvalid for settings that make no sense, or would let in anybody."""
    check_address(settings.issuer)
    if not settings.client_id or "openid" not in settings.scopes:
        raise _invalid("client_id is empty, or scopes lack openid")
    if settings.people == "added" and not (settings.allowed_groups or settings.allowed_domains):
        raise _invalid('people = "added" needs allowed_groups or allowed_domains: else all of the provider\'s people come in')
    if not 0 < settings.session_hours <= MOST_SESSION_HOURS:
        raise _invalid(f"session_hours is not from 0 to {MOST_SESSION_HOURS:.0f}")
    if not 1 <= settings.check_seconds <= 3_600:
        raise _invalid("check_seconds is not from 1 to 3600")
    settings.client_secret()


def _invalid(why: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"[sign_in] can't be used: {why}.", "See docs/identity-providers.md.")
