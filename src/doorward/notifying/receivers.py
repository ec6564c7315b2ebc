"""Who is told outside, and who may answer from there: read from ``notify.toml`` in the data directory."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from doorward.errors import ConfigurationInvalid
from doorward.model.notice import Notice, Occasion

EXAMPLES = "docs/notifications.md has an example of each kind."
EVENTS = tuple(one.value for one in Occasion if one is not Occasion.TESTED)
GROUP_JOINT = "+"
MOST = 50
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

Kind = Literal["webhook", "teams", "pagerduty"]
Content = Literal["shape", "whole", "none"]


class Receiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One receiver. *to* is a URL; where it is itself a secret, as that of Teams, it is left out and the secret is the URL.

    *events* are the occasions to tell, all when empty; *groups* those whose requests are told, all when empty. *statement*
    is what leaves of a statement: its shape without literals, the whole with what people wrote, or nothing.
    """

    name: str
    kind: Kind
    to: str = ""
    secret_env: str = ""
    secret_file: str = ""
    ca_file: str = ""
    events: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    statement: Content = "shape"
    timeout_seconds: float = 10.0

    def wants(self, notice: Notice) -> bool:
        """Whether it is told of *notice*."""
        if self.events and notice.occasion not in self.events:
            return False
        asked = {*notice.approvers.split(GROUP_JOINT), *notice.escalated_to.split(GROUP_JOINT)}
        return not self.groups or not notice.approvers or not asked.isdisjoint(self.groups)

    def secret(self, environment: Mapping[str, str] = os.environ) -> str:
        """Its secret. Raises ConfigurationInvalid when that can't be had."""
        return _secret(self.name, self.secret_env, self.secret_file, environment)


class Answerer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A system that is trusted to say what one of *people* answered, in signed calls. Each person is named."""

    name: str
    people: tuple[str, ...]
    secret_env: str = ""
    secret_file: str = ""

    def secret(self, environment: Mapping[str, str] = os.environ) -> str:
        """What its calls are signed with. Raises ConfigurationInvalid when that can't be had."""
        return _secret(self.name, self.secret_env, self.secret_file, environment)


class NotifySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything in the file. *console* is the address of the console as people outside reach it, where that is another."""

    console: str = ""
    receiver: tuple[Receiver, ...] = ()
    answerer: tuple[Answerer, ...] = ()


NOBODY_TOLD = NotifySettings()


def read_receivers(file: Path) -> NotifySettings:
    """What *file* says; nobody is told when there is none. Raises ConfigurationInvalid, saying what is wrong where."""
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return NOBODY_TOLD
    except OSError as error:
        raise ConfigurationInvalid(f"{file} can't be read: {error.strerror}.", "Make it readable.") from None
    try:
        found = msgspec.convert(tomllib.loads(text.decode()), NotifySettings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationInvalid(f"{file} can't be used: {error}.", EXAMPLES) from None
    if found.console and _url_fault(found.console, ("https", "http")):
        raise ConfigurationInvalid(f"{file}: `console` needs a URL that begins with https://.", EXAMPLES)
    for sort, all_of in (("receiver", found.receiver), ("answerer", found.answerer)):
        names = [each.name for each in all_of]
        if len(names) > MOST:
            raise ConfigurationInvalid(f"{file} names more than {MOST} of one sort.", "Leave some out.")
        for each in all_of:
            wrong = _wrong_with(each) or ("is there twice" if names.count(each.name) > 1 else "")
            if wrong:
                raise ConfigurationInvalid(f"{file}: the {sort} {each.name!r} {wrong}.", EXAMPLES)
    return found


def _secret(name: str, env: str, file: str, environment: Mapping[str, str]) -> str:
    if env:
        if not environment.get(env):
            raise ConfigurationInvalid(f"{env}, the secret of {name}, is not set.", "Set it and start again.")
        return environment[env]
    if not file:
        return ""
    try:
        secret = Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        secret = ""
    if not secret:
        raise ConfigurationInvalid(f"The secret of {name} can't be read from {file}.", "Put it there, readable for Doorward.")
    return secret


def _wrong_with(each: Receiver | Answerer) -> str:
    if not _NAME.fullmatch(each.name):
        return "needs a name of lower-case letters, digits, - and _"
    if each.secret_env and each.secret_file:
        return "has both secret_env and secret_file: one of them is enough"
    has_secret = bool(each.secret_env or each.secret_file)
    if isinstance(each, Answerer):
        if not has_secret:
            return "needs secret_env or secret_file: only signed answers are believed"
        return "" if each.people else "needs `people`: the names of those whose answers it may bring"
    unknown = [event for event in each.events if event not in EVENTS]
    if unknown:
        return f"names an event {unknown[0]!r} that there is not: use some of {', '.join(EVENTS)}"
    if not 0 < each.timeout_seconds <= 120:
        return "needs a timeout_seconds of up to 120"
    return _OF_A_KIND[each.kind](each, has_secret)


def _webhook(each: Receiver, has_secret: bool) -> str:
    return _url_fault(each.to, ("https", "http")) or ("" if has_secret else "needs a secret to sign with")


def _teams(each: Receiver, has_secret: bool) -> str:
    if has_secret:
        return "has a `to` beside the secret, which is its URL" if each.to else ""
    return _url_fault(each.to, ("https", "http"))


def _pagerduty(each: Receiver, has_secret: bool) -> str:
    fault = _url_fault(each.to, ("https", "http")) if each.to else ""
    return fault or ("" if has_secret else "needs a secret: the integration's routing key")


_OF_A_KIND: dict[str, Callable[[Receiver, bool], str]] = {
    "webhook": _webhook,
    "teams": _teams,
    "pagerduty": _pagerduty,
}


def _url_fault(url: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0) and url.isprintable() and " " not in url
    except ValueError:
        return "needs a URL in `to` that can be read"
    if not is_whole or parts.scheme not in schemes:
        return f"needs a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)} in `to`"
    if parts.username is not None or parts.password is not None:
        return "has a secret in its URL: give it by secret_env or secret_file"
    return ""
