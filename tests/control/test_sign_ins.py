"""Sign-ins while their provider is away, and the codes by which they pass to a command line."""

from __future__ import annotations

import base64
import hashlib
import socket

import pytest

from doorward.control.newcomers import Newcomers
from doorward.control.operators import Operator
from doorward.control.provider import Provider, Question
from doorward.control.sign_in_codes import CODE_SECONDS, MOST_WAITING, Codes, Waiting
from doorward.control.sign_in_settings import SignInSettings
from doorward.control.sign_ins import SignIns
from doorward.errors import AuthenticationFailed, ProviderUnavailable
from tests.control.gateway import Clock
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio
HOUR_US = 3_600_000_000
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def with_provider_that_is_away(scene: Scene) -> SignIns:
    """Sign-ins with a provider at a port where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    settings = SignInSettings(address, "doorward")
    office = scene.office
    newcomers = Newcomers(settings, scene.store, office.principals)
    provider = Provider(settings, lambda: scene.clock.now_us / 1_000_000)
    number = iter(range(100))
    made = SignIns(
        scene.store,
        office._changes,
        newcomers,
        provider,
        scene.link,
        scene.clock,
        lambda kind: f"{kind}_{next(number)}",
    )
    office.sign_ins = made
    return made


async def test_while_the_provider_is_away_who_is_in_stays_in_until_their_time(scene: Scene) -> None:
    """Nobody new gets in, with a clear error; then the time is over all the same."""
    sign_ins = with_provider_that_is_away(scene)
    ends_us = scene.clock.now_us + HOUR_US
    by = await sign_ins.open(scene.principal("alice"), "provider", ends_us, "issuer", "subject", refresh_token="again")
    scene.clock.now_us += HOUR_US // 2
    (live,) = scene.store.sign_ins.live()
    with pytest.raises(ProviderUnavailable) as told:
        await sign_ins.look_at(live)
    assert told.value.code == "provider-unavailable"
    assert sign_ins.still(by).principal == by.principal
    assert sign_ins.provider is not None
    with pytest.raises(ProviderUnavailable):
        await sign_ins.provider.ask("http://localhost/sign-in/callback")
    with pytest.raises(ProviderUnavailable):
        await sign_ins.provider.answered(Question("state", "nonce", VERIFIER, "uri"), {"state": "state", "code": "code"})
    scene.clock.now_us = ends_us
    await sign_ins.look_at(live)
    assert scene.store.sign_ins.live() == ()
    with pytest.raises(AuthenticationFailed):
        sign_ins.still(by)


async def test_a_code_for_a_command_line_is_used_up_by_being_tried(scene: Scene) -> None:
    """Right or wrong, and after a minute in any case."""
    codes = Codes(scene.clock)
    by = Operator(scene.principal("alice"), sign_in_id="sgn_1", ends_us=1)
    code = codes.give(by, CHALLENGE)
    assert codes.take(code, VERIFIER) == by
    tried = codes.give(by, CHALLENGE)
    late = codes.give(by, CHALLENGE)
    for shown, verifier in ((code, VERIFIER), (tried, "w" * 43), (tried, VERIFIER), ("", VERIFIER), ("\udcff", "\udcff")):
        with pytest.raises(AuthenticationFailed):
            codes.take(shown, verifier)
    scene.clock.now_us += CODE_SECONDS * 1_000_000
    with pytest.raises(AuthenticationFailed):
        codes.take(late, VERIFIER)


async def test_what_waits_is_bounded() -> None:
    """The oldest makes room: strangers may begin as often as they like."""
    waiting: Waiting[int] = Waiting(Clock(), 60)
    names = [waiting.put(number) for number in range(MOST_WAITING + 1)]
    assert waiting.take(names[0]) is None
    assert waiting.take(names[1]) == 1
