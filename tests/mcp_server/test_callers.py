"""Who an Authorization header claims to be."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import AuthenticationFailed
from doorward.mcp_server.callers import caller_from


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("header", [basic("report-bot:dwd_x"), "Bearer report-bot:dwd_x", "bearer  report-bot:dwd_x "])
def test_name_and_secret_are_read(header: str) -> None:
    caller = caller_from(header)
    assert (caller.name, caller.secret, caller.by) == ("report-bot", "dwd_x", None)
    assert "dwd_x" not in repr(caller)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer :x", "Bearer x:", "Digest a:b", "Basic !!!", basic("x")])
def test_what_names_nobody_is_refused(header: str) -> None:
    with pytest.raises(AuthenticationFailed):
        caller_from(header)


@given(st.text())
def test_whatever_stands_there_is_read_or_refused(header: str) -> None:
    try:
        caller = caller_from(header)
    except AuthenticationFailed:
        return
    assert caller.name
    assert caller.secret
