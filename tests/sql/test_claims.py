"""What a program says of itself in a comment is read, whatever else stands there."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.model.claim import MOST_CLAIMS, MOST_VALUE
from doorward.sql.analyze import analyze
from doorward.sql.claims import claims_in
from tests.patience import examples

DBT = '/* {"app": "dbt", "dbt_version": "1.9.1", "node_id": "model.shop.orders", "is_incremental": null, "run": 17} */ SELECT 1'


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("SELECT 1", {}),
        ("SELECT 1 /* the first one */", {}),
        ("SELECT 1 /*job='nightly',run='17'*/", {"job": "nightly", "run": "17"}),
        ("SELECT 1 /* job = 'nightly' , run='17' */ ;\n", {"job": "nightly", "run": "17"}),
        ("/*job='nightly'*/ SELECT 1 /*run='17'*/", {"job": "nightly", "run": "17"}),
        ("SELECT 1 /*route='%2Fapi%2Forders%3Fa%3D1'*/", {"route": "/api/orders?a=1"}),
        (r"SELECT 1 /*route='it\'s'*/", {"route": "it's"}),
        ("SELECT 1 /*job='a', and more*/", {}),
        ("SELECT 1 /*job=nightly*/", {}),
        ("SELECT '/*job=''x''*/'", {}),
        ("SELECT 1 -- job='nightly'", {}),
        ("SELECT /*job='inside'*/ 1", {}),
        (DBT, {"app": "dbt", "dbt_version": "1.9.1", "node_id": "model.shop.orders", "run": "17"}),
        ("/* {not json} */ SELECT 1", {}),
        ("/* [1] */ SELECT 1", {}),
        ("SELECT 1 /*job='a\x1b[2J\n'*/", {"job": "a\ufffd[2J\ufffd"}),
        ("SELECT 1 /*bad name='x'*/", {}),
        ("/* a /* b */ c */ SELECT 1", {}),
    ],
    ids=range(18),
)
def test_what_a_comment_says_is_read(text: str, claimed: dict[str, str]) -> None:
    """sqlcommenter's way and dbt's; prose is left alone."""
    assert dict(claims_in(text)) == claimed
    assert dict(analyze(text).claimed) == claimed


def test_what_is_kept_is_bounded() -> None:
    """By number and by length."""
    many = ",".join(f"n{number}='{'x' * 15}'" for number in range(50))
    assert len(claims_in(f"SELECT 1 /*{many}*/")) == MOST_CLAIMS
    assert len(dict(claims_in(f"SELECT 1 /*job='{'y' * 500}'*/"))["job"]) == MOST_VALUE
    assert claims_in(f"SELECT 1 /*job='{'y' * 3_000}'*/") == ()


@examples(200, 20_000)
@given(st.text(max_size=60), st.text(alphabet="/*'=\\,;{}\" \nabc", max_size=60))
def test_no_text_is_too_odd(one: str, other: str) -> None:
    """Whatever is in it comes back sorted, by names that need no escape anywhere."""
    for text in (one + other, f"/*{one}*/{other}", f"{one}/*{other}*/"):
        claimed = claims_in(text)
        assert list(claimed) == sorted(dict(claimed).items())
        assert json.loads(json.dumps(dict(claimed))) == dict(claimed)
