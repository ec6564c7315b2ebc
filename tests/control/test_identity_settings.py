"""The operator's file on whom to believe: read whole, or refused with what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.control.identity_settings import TRUSTS_NOBODY, matches, read_identity_settings
from doorward.errors import ConfigurationInvalid
from tests.patience import examples

GITHUB = '[issuers.github]\nkind = "github"\naudience = "doorward"\n'
CLAIMS = 'claims = { repository = "acme/shop", ref = ["refs/heads/main", "refs/tags/v*"] }'
RULE = f'[[workloads]]\nservice = "etl"\nissuer = "github"\n{CLAIMS}\n'


def test_a_good_file_is_read() -> None:
    """With the address that everybody knows filled in."""
    settings = read_identity_settings(GITHUB + RULE)
    assert settings.issuers["github"].issuer == "https://token.actions.githubusercontent.com"
    assert settings.workloads[0].claims["ref"] == ("refs/heads/main", "refs/tags/v*")
    assert settings.expected("github").audiences == {"doorward"}
    assert read_identity_settings("") == TRUSTS_NOBODY


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "can't be read"),
        ('[local_accounts]\npeople = "some"', "a list of names"),
        ("[local_accounts]\nsession_hours = 0", "session_hours"),
        ("x = 1", "unknown field"),
        (GITHUB + "typo = true", "unknown field"),
        ('[issuers.x]\nkind = "github"', "audience"),
        ('[issuers.x]\nkind = "github"\naudience = ""', "no audience"),
        ('[issuers.x]\nkind = "github"\naudience = ["a", ""]', "no audience"),
        ('[issuers.x]\nkind = "github"\naudience = []', "no audience"),
        ('[issuers.x]\nkind = "other"\naudience = "a"', "can't be read"),
        ('[issuers.x]\nkind = "generic"\naudience = "a"', "no address"),
        ('[issuers.x]\nkind = "generic"\naudience = "a"\nissuer = "http://x.example"', "no address of an identity provider"),
        ('[issuers.x]\nkind = "spiffe"\naudience = "a"\nissuer = "https://x.example"', "trust_domain"),
        (GITHUB + "leeway_seconds = 301", "leeway_seconds"),
        (GITHUB + "longest_seconds = 99999999", "longest_seconds"),
        (GITHUB + GITHUB.replace("issuers.github", "issuers.again"), "two issuers"),
        (GITHUB + RULE.replace('"github"', '"gitlab"'), "of which there is none"),
        (GITHUB + '[[workloads]]\nservice = "etl"\nissuer = "github"\nclaims = {}', "no claims"),
        (GITHUB + '[[workloads]]\nservice = "etl"\nissuer = "github"\nclaims = { repository = "" }', "empty"),
        (
            GITHUB + '[[workloads]]\nservice = "etl"\nissuer = "github"\nclaims = { ref = "refs/heads/main" }',
            "must ask for one of",
        ),
        (GITHUB + '[[workloads]]\nservice = "etl"\nissuer = "github"\nclaims = { repository = "**" }', "anything"),
        (
            GITHUB + '[[workloads]]\nservice = "etl"\nissuer = "github"\nclaims = { repository = ["acme/shop", "*/*"] }',
            "anything",
        ),
    ],
    ids=range(22),
)
def test_a_file_that_trusts_too_much_or_says_nonsense_is_refused(text: str, told: str) -> None:
    """As a whole, and with the reason."""
    with pytest.raises(ConfigurationInvalid, match=told):
        read_identity_settings(text)


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("acme/shop", "acme/shop", True),
        ("acme/shop", "acme/shop2", False),
        ("acme/shop", "ACME/shop", False),
        ("acme/*", "acme/shop", True),
        ("acme/*", "acme/shop/deep", False),
        ("acme/**", "acme/shop/deep", True),
        ("repo:acme/shop:*", "repo:acme/shop:ref", True),
        ("repo:acme/shop:*", "repo:acme/shop:ref:x", False),
        ("a.c", "abc", False),
        ("a*", "a\n", True),
        ("acme/shop", "acme/shop\n", False),
    ],
)
def test_a_pattern_is_what_it_looks_like(pattern: str, value: str, fits: bool) -> None:
    """A star stays within its part; nothing else is special."""
    assert matches(pattern, value) is fits


@examples(200, 20_000)
@given(st.text(max_size=30), st.text(max_size=30))
def test_a_pattern_without_a_star_is_that_text_alone(one: str, other: str) -> None:
    """Whatever else is in it."""
    pattern = one.replace("*", "")
    assert matches(pattern, pattern)
    assert matches(pattern, other) is (pattern == other)
