"""Keys of issuers: fetched once, kept while the issuer is away, fetched anew when it has new ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.authentication.tokens import Expected, Flaw, TokenRefused
from doorward.control.fetching import Fetcher, check_address
from doorward.control.issuer_watch import BETWEEN_QUESTIONS_SECONDS, MOST_STALE_SECONDS, IssuerWatch, KeyPlace
from doorward.errors import ConfigurationInvalid, ProviderUnavailable
from tests.authentication.issuing import Issuer, Place, served

pytestmark = pytest.mark.anyio


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def place(issuer: Issuer) -> Iterator[Place]:
    with served(issuer) as place:
        yield place


class Watched:
    """A watch, with a clock of the test's own."""

    def __init__(self, issuer: Issuer, **where: str) -> None:
        self.issuer = issuer
        self.now = 1_800_000_000.0
        self.watch = IssuerWatch(KeyPlace(issuer.address, **where), lambda: self.now)

    async def verify(self, **claims: object) -> str:
        token = self.issuer.token(self.issuer.claims(self.now, **claims))
        return (await self.watch.verify(token, Expected(self.issuer.address, frozenset({"doorward"})))).subject

    async def refusal(self) -> Flaw:
        with pytest.raises(TokenRefused) as refused:
            await self.verify()
        return refused.value.flaw


async def test_keys_are_fetched_once_and_kept(issuer: Issuer, place: Place) -> None:
    """By the issuer's own description of itself; many at a time wait for the one answer."""
    watched = Watched(issuer)
    assert await asyncio.gather(*(watched.verify() for _ in range(20))) == ["repo:acme/shop"] * 20
    assert place.asked == ["/.well-known/openid-configuration", "/jwks"]


async def test_a_new_key_is_fetched_when_a_token_names_it(issuer: Issuer, place: Place) -> None:
    """Rotation: the first token by the new key is good, the old key stays good while it is published."""
    watched = Watched(issuer)
    await watched.verify()
    issuer.new_key("second")
    watched.now += BETWEEN_QUESTIONS_SECONDS
    assert await watched.verify() == "repo:acme/shop"
    del issuer.keys["first"]
    watched.now += 700
    await watched.verify()  # the keys are old: they are asked for aside
    await watched.watch.refresh()
    issuer.keys = {"first": issuer.keys["second"]}
    assert await watched.refusal() is Flaw.UNKNOWN_KEY


async def test_unknown_keys_do_not_make_it_ask_all_the_time(issuer: Issuer, place: Place) -> None:
    """Whoever invents key ids moves nobody to anything."""
    watched = Watched(issuer)
    await watched.verify()
    asked = len(place.asked)
    for number in range(50):
        issuer.keys = {f"k{number}": issuer.keys[list(issuer.keys)[-1]]}
        assert await watched.refusal() is Flaw.UNKNOWN_KEY
    assert len(place.asked) == asked


async def test_an_issuer_that_is_away_keeps_its_keys_for_a_day(issuer: Issuer, place: Place) -> None:
    """After that its tokens are refused, and the error says why and not that the token is bad."""
    watched = Watched(issuer)
    await watched.verify()
    place.is_away = True
    watched.now += 3_700
    assert await watched.verify() == "repo:acme/shop"
    with pytest.raises(ProviderUnavailable):
        await watched.watch.refresh()
    watched.now += MOST_STALE_SECONDS
    with pytest.raises(ProviderUnavailable):
        await watched.verify()
    asked = len(place.asked)
    with pytest.raises(ProviderUnavailable):
        await watched.verify()
    assert len(place.asked) == asked  # not knocked over either
    place.is_away = False
    watched.now += BETWEEN_QUESTIONS_SECONDS
    assert await watched.verify() == "repo:acme/shop"


async def test_the_issuer_says_how_long_its_keys_may_be_kept(issuer: Issuer, place: Place) -> None:
    """Within bounds."""
    place.headers["Cache-Control"] = "public, max-age=1, must-revalidate"
    watched = Watched(issuer, jwks_url=f"{place.url}/jwks")
    await watched.verify()
    watched.now += 59
    await watched.verify()
    assert place.asked == ["/jwks"]
    watched.now += 2
    await watched.verify()
    await watched.watch.refresh()
    assert len(place.asked) == 2


async def test_keys_may_come_from_a_file(issuer: Issuer, tmp_path: Path) -> None:
    """For a cluster that nobody outside can ask."""
    file = tmp_path / "jwks.json"
    file.write_bytes(issuer.jwks())
    assert await Watched(issuer, jwks_file=str(file)).verify() == "repo:acme/shop"
    file.unlink()
    with pytest.raises(ProviderUnavailable):
        await Watched(issuer, jwks_file=str(file)).verify()


async def test_a_description_of_somebody_else_is_not_believed(issuer: Issuer, place: Place) -> None:
    """Nor one whose keys are at an address that is not safe, nor an answer that is no description, nor one without end."""
    description = "/.well-known/openid-configuration"
    for content in (
        json.dumps({"issuer": "https://other.example", "jwks_uri": f"{place.url}/jwks"}).encode(),
        json.dumps({"issuer": issuer.address, "jwks_uri": "http://keys.example/jwks"}).encode(),
        json.dumps({"issuer": issuer.address, "jwks_uri": "file:///etc/passwd"}).encode(),
        json.dumps({"issuer": issuer.address}).encode(),
        b"<html>",
        b"[" * 300_000,
    ):
        place.documents[description] = content
        with pytest.raises(ProviderUnavailable):
            await Watched(issuer).verify()


async def test_nothing_is_followed_to_another_place(issuer: Issuer, place: Place) -> None:
    """A redirection is no answer."""
    place.headers["Location"] = f"{place.url}/jwks"
    answer = await Fetcher().get(f"{place.url}/nowhere")
    assert answer.status == 404
    with pytest.raises(ProviderUnavailable):
        await Fetcher().get("http://127.0.0.1:9/closed")


@pytest.mark.parametrize(
    "url", ["http://example.com/", "ftp://x", "", "https://", "https://u:p@example.com/", "//x", "https://[", "https://a/#b"]
)
def test_addresses_that_are_not_safe_are_not_asked(url: str) -> None:
    """HTTPS, or this very machine."""
    with pytest.raises(ConfigurationInvalid):
        check_address(url)
