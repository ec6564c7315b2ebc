"""Keeps the public keys of an issuer at hand: fetched aside, kept while it is away, fetched anew when it changes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from doorward import telemetry
from doorward.authentication.issuer_keys import IssuerKeys, read_jwks
from doorward.authentication.strict_json import NotStrict, read_object
from doorward.authentication.tokens import Expected, Flaw, TokenRefused, VerifiedToken, verify
from doorward.control.fetching import MOST_ANSWER_BYTES, Fetcher, check_address
from doorward.errors import ConfigurationInvalid, DoorwardError, ProviderUnavailable

# How long keys are kept before they are asked for again: what the issuer says, within bounds.
LEAST_KEPT_SECONDS, KEPT_SECONDS, MOST_KEPT_SECONDS = 60, 600, 3_600
# An issuer that is away keeps its keys for a day: a key that it has taken back meanwhile must not be good for ever.
MOST_STALE_SECONDS = 86_400
# A token that names an unknown key makes us ask; strangers must not make us ask all the time.
BETWEEN_QUESTIONS_SECONDS = 10


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where an issuer's keys are: in a file, at an address, or where the issuer's own description says."""

    issuer: str
    jwks_file: str = ""
    jwks_url: str = ""
    ca_file: str = ""


class IssuerWatch:
    """The keys of one issuer. *now_s* is the wall clock, in seconds."""

    def __init__(self, place: KeyPlace, now_s: Callable[[], float], fetcher: Fetcher | None = None) -> None:
        self._place = place
        self._now_s = now_s
        self._fetcher = fetcher or Fetcher(place.ca_file)
        self._keys = IssuerKeys()
        self._read_s = float("-inf")
        self._asked_s = float("-inf")
        self._kept_seconds = KEPT_SECONDS
        self._asking: asyncio.Task[None] | None = None

    async def verify(self, token: str, expected: Expected) -> VerifiedToken:
        """What *token* says. Raises TokenRefused, or ProviderUnavailable when there are no keys to verify it with.

        Asks the issuer on the way only when there is nothing to go by: no keys yet, or a key that is new.
        """
        keys = await self._at_hand()
        try:
            return verify(token, keys, expected, self._now_s())
        except TokenRefused as refused:
            if refused.flaw is not Flaw.UNKNOWN_KEY or not self._may_ask():
                raise
        await self._ask_once()
        return verify(token, self._keys, expected, self._now_s())

    async def refresh(self) -> None:
        """Ask for the keys now. Raises DoorwardError; those of before stay."""
        await self._ask_once()

    async def _at_hand(self) -> IssuerKeys:
        age = self._now_s() - self._read_s
        if age > MOST_STALE_SECONDS:
            # Nobody may knock an issuer over that is away: in between, the last refusal stands.
            if not self._may_ask():
                raise self._away()
            await self._ask_once()
        elif age > self._kept_seconds and self._may_ask():
            self._ask()
        return self._keys

    def _may_ask(self) -> bool:
        return self._asking is not None or abs(self._now_s() - self._asked_s) >= BETWEEN_QUESTIONS_SECONDS

    def _ask(self) -> asyncio.Task[None]:
        """One question at a time, whoever waits for it."""
        if self._asking is None:
            self._asked_s = self._now_s()
            self._asking = asyncio.create_task(self._read(), name="issuer keys")
            self._asking.add_done_callback(self._answered)
        return self._asking

    async def _ask_once(self) -> None:
        await asyncio.shield(self._ask())

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._asking = None
        if not task.cancelled() and (error := task.exception()) is not None:
            told = error.message if isinstance(error, DoorwardError) else type(error).__name__
            telemetry.log("provider.failed", level=logging.WARNING, issuer=self._place.issuer, error=told)

    async def _read(self) -> None:
        kept: int | None = None
        try:
            if self._place.jwks_file:
                document = await asyncio.to_thread(_file, self._place.jwks_file)
            else:
                url = self._place.jwks_url or await self._described()
                answer = await self._fetcher.get(url)
                if answer.status != 200:
                    raise ProviderUnavailable(f"The keys of {self._place.issuer} are not to be had: HTTP {answer.status}.")
                document, kept = answer.content, answer.max_age_seconds
            self._keys = read_jwks(document)
        except ConfigurationInvalid as error:
            raise ProviderUnavailable(error.message, error.remedy) from None
        self._read_s = self._now_s()
        self._kept_seconds = min(max(kept or KEPT_SECONDS, LEAST_KEPT_SECONDS), MOST_KEPT_SECONDS)

    async def _described(self) -> str:
        return check_address(str((await description_of(self._place.issuer, self._fetcher)).get("jwks_uri", "")))

    def _away(self) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"The keys of {self._place.issuer} are not to be had, so its tokens can't be verified.",
            "Try again in a moment; the operational log says what is wrong.",
        )


async def description_of(issuer: str, fetcher: Fetcher) -> dict[str, object]:
    """What *issuer* says of itself (OpenID Connect Discovery 1.0, section 4). Raises ProviderUnavailable.

    One that calls itself by another name is not the one that was named.
    """
    answer = await fetcher.get(issuer.rstrip("/") + "/.well-known/openid-configuration")
    try:
        if answer.status != 200:
            raise NotStrict(f"HTTP {answer.status}")
        described = read_object(answer.content, MOST_ANSWER_BYTES)
        if described.get("issuer") != issuer:
            raise NotStrict("it calls itself by another name")
    except NotStrict as error:
        raise ProviderUnavailable(
            f"{issuer} does not describe itself as an identity provider: {error}.",
            "Check the issuer's address, to the last slash.",
        ) from None
    return described


def _file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ProviderUnavailable(f"The keys in {path} can't be read: {error.strerror}.", "Check jwks_file.") from None
