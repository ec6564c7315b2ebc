# ruff: noqa: E501 - tables of examples
"""Detectors of the operator's own: read whole or not at all, of a safe subset, tested as they will work."""

from __future__ import annotations

import time

import pytest

from doorward.detectors.custom import Detector, failures_of, fault_of_pattern, read_detectors
from doorward.detectors.scanner import Scanner
from doorward.errors import PolicyInvalid

GOOD = """
[[detector]]
name = "employee-number"
type = "EMPLOYEE_ID"
pattern = 'EMP-[0-9]{6}'
near = ["staff", "employee"]
[detector.tests]
finds = ["staff number EMP-123456."]
ignores = ["EMP-123456", "staff EMP-12"]

[[detector]]
name = "loyalty-card"
type = "CARD"
pattern = '77[0-9]{6}'
check = "luhn"
[detector.tests]
finds = ["77000008"]
ignores = ["77000004"]
"""


def own() -> tuple[Detector, ...]:
    """The two above."""
    return read_detectors({"a.toml": GOOD})


@pytest.mark.parametrize("plain", [False, True])
def test_own_detectors_find_beside_the_others(plain: bool) -> None:
    """Near a word where that is asked, with a check digit where that is asked."""
    scanner = Scanner([detector.rule for detector in own()], plain=plain)
    text = "Employee EMP-123456 has card 77000008, not 77000004, and bob@example.com"
    assert [(span.type, text[span.start : span.end]) for span in scanner.find(text)] == [
        ("EMPLOYEE_ID", "EMP-123456"), ("CARD", "77000008"), ("EMAIL", "bob@example.com"),
    ]  # fmt: skip
    assert scanner.find("EMP-123456") == []


def test_tests_beside_a_detector_are_run() -> None:
    """Both kinds, and a failure says which."""
    assert failures_of(own()) == []
    wrong = read_detectors(
        {"a.toml": GOOD.replace('"staff EMP-12"', '"staff EMP-654321"').replace('["77000008"]', '["nothing"]')}
    )
    assert [(one.detector.name, one.text, one.should_find) for one in failures_of(wrong)] == [
        ("employee-number", "staff EMP-654321", False),
        ("loyalty-card", "nothing", True),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("employee-number", "Employee Number", "small letters"),
        ("employee-number", "email", "is taken"),
        ("employee-number", "loyalty-card", "is taken"),
        ('"EMPLOYEE_ID"', '"employee"', "in capitals"),
        ('"EMPLOYEE_ID"', '"UNSCANNED"', "in capitals"),
        ('"luhn"', '"md5"', "no check"),
        ('near = ["staff", "employee"]', 'near = "staff"', "list of texts"),
        ('near = ["staff", "employee"]', 'wear = ["staff"]', "nothing is known of wear"),
        ('finds = ["77000008"]', "finds = []", "no tests"),
        ("EMP-[0-9]{6}", "EMP-[0-9]+", "no upper limit"),
        ('[[detector]]\nname = "employee-number"', 'extra = 1\n[[detector]]\nname = "employee-number"', "something beside"),
        ("[[detector]]", "[[detector", "no TOML"),
    ],
)
def test_wrong_file_is_refused_whole(old: str, new: str, said: str) -> None:
    """With the file's name, and what can be done."""
    with pytest.raises(PolicyInvalid) as refused:
        read_detectors({"a.toml": GOOD.replace(old, new, 1)})
    assert said in refused.value.message
    assert "a.toml" in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize(
    "pattern",
    ["(a{1,9}){1,9}bcd", "a*bcd", "abc+", "(?=abc)abc", "(abc)\\1", "^abc", "abc$", "(?i)abc", "ab", "a{0,9}", "abc{1,9999}", "(abc", "äbc",
     "[a-z]{0,99}[a-z]{0,99}[a-z]{0,99}x", "(?<!a)bcd", "(?:abc|(?>d{3,9}))", "a" * 3 + "(?:b|c*)"],
)  # fmt: skip
def test_pattern_outside_the_safe_subset_is_refused(pattern: str) -> None:
    """Look-around, references, anchors, flags, and whatever could be slow."""
    assert fault_of_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["EMP-[0-9]{6}", "(?:AB|CD)[0-9]{2,8}", r"\bK\d{3}-\w{2,4}\b", "(foo){2}bar", "[^a-z]{3}x?"]
)
def test_pattern_of_the_safe_subset_is_taken(pattern: str) -> None:
    """Characters, classes, groups, alternatives, word boundaries, bounded repeats."""
    assert fault_of_pattern(pattern) == ""


def test_slowest_pattern_that_is_taken_is_quick() -> None:
    """At the limit of the ways that are allowed."""
    pattern = "[a-z]{1,100}[a-z]{1,100}#"
    assert fault_of_pattern(pattern) == ""
    rule = Detector("slow-one", "X", pattern, "", (), ("x",), (), "a.toml").rule
    began = time.process_time()
    assert Scanner([rule], plain=True).find("a" * 4_000 + "!#") == []
    assert time.process_time() - began < 10
