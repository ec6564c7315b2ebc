"""Where copies of the log go: read from ``export.toml`` in the data directory."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from doorward.errors import ConfigurationInvalid

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SCHEMES = {"syslog": ("tls", "tcp"), "file": ("",)}

Kind = Literal["file", "json", "splunk", "elastic", "datadog", "otlp", "syslog"]


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One receiver. *to* is a URL, or for a file its path.

    *token_env* and *token_file* say where its secret is, which is never in the settings themselves. *ca_file* holds the
    authorities to trust in place of the system's. *values* sends statements and errors as they were, with their values.
    """

    name: str
    kind: Kind
    to: str
    token_env: str = ""
    token_file: str = ""
    ca_file: str = ""
    index: str = "doorward"
    values: bool = False
    timeout_seconds: float = 10.0

    def token(self, environment: Mapping[str, str] = os.environ) -> str:
        """The receiver's secret; empty when it has none. Raises ConfigurationInvalid for one that can't be had."""
        if self.token_env:
            token = environment.get(self.token_env, "")
            if not token:
                raise ConfigurationInvalid(
                    f"{self.token_env}, the token of {self.name}, is not set.", "Set it and start again."
                )
            return token
        if not self.token_file:
            return ""
        try:
            return Path(self.token_file).read_text("utf-8").strip()
        except OSError as error:
            raise ConfigurationInvalid(
                f"The token of {self.name} in {self.token_file} can't be read: {error.strerror}.", "Make it readable."
            ) from None


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    destination: tuple[Destination, ...] = ()


def read_destinations(file: Path) -> tuple[Destination, ...]:
    """The receivers that *file* names; none when there is no file. Raises ConfigurationInvalid, saying what is wrong where."""
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigurationInvalid(f"{file} can't be read: {error.strerror}.", "Make it readable.") from None
    try:
        found = msgspec.convert(tomllib.loads(text.decode()), _Settings).destination
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationInvalid(f"{file} can't be used: {error}.", "docs/shipping.md has an example of each kind.") from None
    names = [each.name for each in found]
    for each in found:
        wrong = _wrong_with(each)
        if wrong or names.count(each.name) > 1:
            raise ConfigurationInvalid(
                f"{file}: the destination {each.name!r} {wrong or 'is there twice'}.",
                "docs/shipping.md has an example of each kind.",
            )
    return found


def _wrong_with(destination: Destination) -> str:
    if not _NAME.fullmatch(destination.name):
        return "needs a name of lower-case letters, digits, - and _"
    if not 0 < destination.timeout_seconds <= 300:
        return "needs a timeout_seconds of up to 300"
    if destination.kind == "file":
        return "" if Path(destination.to).is_absolute() else "needs an absolute path in `to`"
    try:
        parts = urlsplit(destination.to)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    allowed = _SCHEMES.get(destination.kind, ("https", "http"))
    if not is_whole or parts.scheme not in allowed:
        return f"needs a URL that begins with {' or '.join(f'{scheme}://' for scheme in allowed)} in `to`"
    if parts.username is not None or parts.password is not None:
        return "has a secret in its URL: give it by token_env or token_file"
    return ""
