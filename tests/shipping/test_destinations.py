"""Reading export.toml: what is wrong in it is said, and no secret is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from doorward.errors import ConfigurationInvalid
from doorward.shipping.destinations import read_destinations

GOOD = """
[[destination]]
name = "siem"
kind = "splunk"
to = "https://splunk.example:8088/services/collector/event"
token_env = "SPLUNK_TOKEN"

[[destination]]
name = "file"
kind = "file"
to = "/var/log/doorward.jsonl"
"""


def test_destinations_are_read(tmp_path: Path) -> None:
    """As they stand; none without a file."""
    file = tmp_path / "export.toml"
    assert read_destinations(file) == ()
    file.write_text(GOOD)
    siem, lines = read_destinations(file)
    assert (siem.kind, siem.token({"SPLUNK_TOKEN": "t"}), lines.token({})) == ("splunk", "t", "")
    with pytest.raises(ConfigurationInvalid, match="SPLUNK_TOKEN"):
        siem.token({})


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('kind = "splunk"', 'kind = "fax"', "fax"),
        ('name = "siem"', 'name = "Si em"', "needs a name"),
        ('name = "siem"', 'name = "file"', "is there twice"),
        ("https://", "gopher://", "begins with https"),
        ("https://", "https://user:secret@", "secret in its URL"),
        ("splunk.example:8088", "splunk.example:port", "begins with https"),
        ('to = "/var', 'to = "var', "absolute path"),
        ('token_env = "SPLUNK_TOKEN"', "tokens = 1", "unknown field"),
        ('token_env = "SPLUNK_TOKEN"', "timeout_seconds = 0", "timeout_seconds"),
        ("[[destination]]", "[[destination", "can't be used"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, before: str, after: str, told: str) -> None:
    """With the file and the place."""
    file = tmp_path / "export.toml"
    file.write_text(GOOD.replace(before, after, 1))
    with pytest.raises(ConfigurationInvalid, match=told) as failed:
        read_destinations(file)
    assert str(file) in failed.value.message
    assert "secret@" not in failed.value.message


def test_a_token_may_be_in_a_file(tmp_path: Path) -> None:
    """One that can't be read is named."""
    file = tmp_path / "export.toml"
    file.write_text(GOOD.replace('token_env = "SPLUNK_TOKEN"', f'token_file = "{tmp_path}/token"'))
    siem = read_destinations(file)[0]
    with pytest.raises(ConfigurationInvalid, match="can't be read"):
        siem.token()
    (tmp_path / "token").write_text("hush\n")
    assert siem.token() == "hush"
