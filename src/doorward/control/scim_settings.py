"""How an operator's directory speaks to Doorward: the part ``[scim]`` of ``identity.toml``."""

from __future__ import annotations

from pathlib import Path

import msgspec

from doorward.errors import ConfigurationInvalid

LEAST_TOKEN = 24


class ScimSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """*token_file* holds the token that the directory shows. *groups* maps its groups to ours; others mean nothing here.

    *strip_domain* is taken off user names behind their ``@``.
    """

    token_file: str
    groups: dict[str, str] = {}
    strip_domain: str = ""

    def token(self) -> str:
        """The token. Raises ConfigurationInvalid when it can't be had, or can be guessed."""
        try:
            token = Path(self.token_file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        if len(token) < LEAST_TOKEN:
            raise ConfigurationInvalid(
                f"[scim] can't be used: {self.token_file} holds no token of {LEAST_TOKEN} letters or more.",
                "Make one, as with: openssl rand -hex 32",
            )
        return token
