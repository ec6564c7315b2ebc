# ruff: noqa: E501 - tables of examples
"""Two engines, one answer."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.detectors.engine import CHUNK_BYTES, PlainEngine, VectorscanEngine, hyperscan
from doorward.detectors.rules import RULES, Rule
from doorward.detectors.scanner import Scanner
from doorward.detectors.tokens import TOKENS

needs_vectorscan = pytest.mark.skipif(hyperscan is None, reason="no hyperscan wheel")
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# Pieces of what detectors look for, so that random texts come near to it.
PIECES = st.sampled_from(
    [
        "bob@example.com", "@", "+49 30 ", "4111 1111 1111 1111", "1234", "-", ".", "10.0.0.1", "2001:db8::1", "aa:bb:cc:dd:ee:ff",
        "DE89370400440532013000", "123-45-6789", "password=", "token: ", "Mr ", "Customer ", "Anna Lund", "born ", "1980-02-03",
        "Main Street", "12 ", "http://u:pw1@h/", "AKIA", "A" * 16, "eyJhbGciOiJ9.eyJzdWIi.x", "{", '"', "}", ":", "\\u0041", "\n", " ",
        "é", "ß", "\x00", "AWS ", "secret", "ghp_", "a1" * 18, "000000000", "SSN ", "rue ", "weg 5", "$2b$10$", "<", "Bearer abcdef123456",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=12).map("".join)


@needs_vectorscan
@QUICK
@given(st.lists(TEXTS, max_size=8))
def test_both_engines_find_the_same(scanner: Scanner, plain_scanner: Scanner, texts: list[str]) -> None:
    """The one without a compiled library is slower and nothing else."""
    assert scanner.find_all(texts) == plain_scanner.find_all(texts)


@needs_vectorscan
@QUICK
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_both_engines_find_the_same_in_any_bytes(scanner: Scanner, plain_scanner: Scanner, values: list[bytes]) -> None:
    """What is no text at all included."""
    assert scanner.find_all(values) == plain_scanner.find_all(values)


@QUICK
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_a_value_is_read_alike_alone_and_among_others(plain_scanner: Scanner, texts: list[str]) -> None:
    """Values that are scanned together do not touch each other."""
    assert plain_scanner.find_all(texts) == [plain_scanner.find(text) for text in texts]


@pytest.mark.parametrize("engine", [PlainEngine, pytest.param(VectorscanEngine, marks=needs_vectorscan)])
def test_values_of_many_chunks_keep_their_places(engine: type[PlainEngine]) -> None:
    """A chunk ends between two values, however long they are."""
    rule = Rule("needle", "X", ("needle",), lambda text, hint: iter(()))
    values = [b"x" * (CHUNK_BYTES // 3) + (b"needle" if place % 2 else b"") for place in range(9)] + [b"", b"needle", b""]
    assert engine([rule]).fired(values) == {1: 1, 3: 1, 5: 1, 7: 1, 10: 1}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_head_matches_across_the_byte_that_parts_values(rule: Rule) -> None:
    """A hit belongs to one value: the zero byte is at most the end of a match."""
    from doorward.detectors.engine import _heads

    for _, head in _heads([rule]):
        for text in (b"a\0a", b"1\x001", b"Aa\0Aa", b" \0 ", b"pass\0word=1", b"0" * 12 + b"\0" + b"1" * 12):
            found = [match.group() for match in re.finditer(head, text)]
            assert [one for one in found if b"\0" in one[:-1]] == []


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.name)
def test_every_documented_form_is_found(scanner: Scanner, token: object) -> None:
    """Texts made from each row's own form are found, alone and in a sentence."""

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(st.from_regex(re.compile(f"(?:{token.head}){token.tail}", re.ASCII), fullmatch=True))  # type: ignore[attr-defined]
    def check(text: str) -> None:
        if text[-1] in ".,-" or (token.name == "openai-key" and not any(sign.isdigit() for sign in text)):  # type: ignore[attr-defined]
            return
        assert any(span.type == "SECRET" and span.start <= 5 for span in scanner.find(text)), text
        assert any(span.type == "SECRET" for span in scanner.find(f"rotate {text} now"))

    check()


def test_without_the_wheel_the_plain_engine_is_used() -> None:
    """Nothing else changes."""
    program = (
        "import sys; sys.modules['hyperscan'] = None\n"
        "from doorward.detectors.scanner import Scanner\n"
        "scanner = Scanner(); print(scanner.engine, scanner.replace('to bob@example.com'))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "plain to [EMAIL]\n"
