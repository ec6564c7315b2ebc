"""Signing in on a machine without a browser: a code of the provider's is typed in elsewhere (RFC 8628)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from doorward.control.operators import Operator
from doorward.control.provider import DeviceQuestion
from doorward.control.sign_in_codes import QUESTION_SECONDS, Waiting
from doorward.control.sign_ins import SignIns
from doorward.errors import AuthenticationFailed, NotFound


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever signs in is shown, and the handle to ask by whether they have."""

    handle: str
    user_code: str
    address: str
    expires_seconds: int
    interval_seconds: int


class Devices:
    """Codes that wait to be typed in. The provider's own names for them stay here."""

    def __init__(self, sign_ins: SignIns, now: Callable[[], int]) -> None:
        self._sign_ins = sign_ins
        self._waiting: Waiting[DeviceQuestion] = Waiting(now, QUESTION_SECONDS)

    async def ask(self) -> Asked:
        """A new code. Raises NotFound where there is no provider, and ProviderUnavailable."""
        if self._sign_ins.provider is None:
            raise NotFound("Nobody signs in with a provider here.", "Have a secret minted: doorward connect NAME")
        asked = await self._sign_ins.provider.ask_device()
        handle = self._waiting.put(asked)
        return Asked(
            handle, asked.user_code, asked.address, min(asked.expires_seconds, QUESTION_SECONDS), asked.interval_seconds
        )

    async def poll(self, handle: str) -> Operator | None:
        """Who typed the code in, None while nobody has. Raises AuthenticationFailed, ProviderUnavailable."""
        asked = self._waiting.look(handle)
        if asked is None or self._sign_ins.provider is None:
            raise AuthenticationFailed("The code is not good any more.", "Ask for another.")
        vouched = await self._sign_ins.provider.poll_device(asked.device_code)
        if vouched is None:
            return None
        self._waiting.take(handle)
        return await self._sign_ins.by_provider(vouched)
