"""``notify.toml``: each kind can be told, what is wrong is said where, and no secret is ever repeated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from doorward.errors import ConfigurationInvalid
from doorward.model.notice import Occasion
from doorward.notifying.receivers import NOBODY_TOLD, Receiver, read_receivers
from tests.notifying.notices import a_notice

DOCS = Path(__file__).parents[2] / "docs" / "notifications.md"

HOOK = '[[receiver]]\nname = "itsm"\nkind = "webhook"\nto = "https://itsm.example/in"\nsecret_env = "S"\n'


def read(tmp_path: Path, text: str) -> object:
    file = tmp_path / "notify.toml"
    file.write_text(text)
    return read_receivers(file)


def test_without_a_file_nobody_is_told(tmp_path: Path) -> None:
    """It is opt-in as a whole."""
    assert read_receivers(tmp_path / "notify.toml") is NOBODY_TOLD


def test_examples_of_the_docs_can_be_used(tmp_path: Path) -> None:
    """All blocks of TOML together are one whole file."""
    blocks = re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    settings = read(tmp_path, "\n".join(blocks))
    assert {each.kind for each in settings.receiver} == {"webhook", "teams", "pagerduty"}  # type: ignore[attr-defined]
    assert settings.answerer  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("receiver = 1", "can't be used"),
        (HOOK.replace("webhook", "fax"), "can't be used"),
        (HOOK + HOOK, "is there twice"),
        (HOOK.replace("itsm", "IT SM", 1), "needs a name"),
        (HOOK.replace("https://", "ftp://"), "needs a URL that begins with https://"),
        (HOOK.replace("https://", "https://me:hush@"), "has a secret in its URL"),
        (HOOK.replace('secret_env = "S"\n', ""), "needs a secret to sign with"),
        (HOOK + 'secret_file = "/s"\n', "one of them is enough"),
        (HOOK + 'events = ["request.bought"]\n', "request.bought"),
        (HOOK + "timeout_seconds = 0\n", "timeout_seconds"),
        (HOOK + "colour = 1\n", "can't be used"),
        ('console = "shop"\n' + HOOK, "`console` needs a URL"),
        ('[[receiver]]\nname = "pager"\nkind = "pagerduty"\n', "routing key"),
        ('[[receiver]]\nname = "chat"\nkind = "teams"\nto = "https://a.example"\nsecret_env = "S"\n', "which is its URL"),
        ('[[answerer]]\nname = "itsm"\npeople = ["bob"]\n', "only signed answers"),
        ('[[answerer]]\nname = "itsm"\npeople = []\nsecret_env = "S"\n', "needs `people`"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, told: str) -> None:
    """With the file's name and where to look; never with the secret."""
    with pytest.raises(ConfigurationInvalid, match=re.escape(told)) as raised:
        read(tmp_path, text)
    assert "notify.toml" in str(raised.value)
    assert "hush" not in str(raised.value)


def test_secret_comes_from_environment_or_file(tmp_path: Path) -> None:
    """One that can't be had is an error that says which, without what is in the file."""
    assert Receiver("a", "webhook", secret_env="S").secret({"S": "hush"}) == "hush"
    with pytest.raises(ConfigurationInvalid, match="S, the secret of a, is not set"):
        Receiver("a", "webhook", secret_env="S").secret({})
    file = tmp_path / "secret"
    with pytest.raises(ConfigurationInvalid, match="can't be read"):
        Receiver("a", "webhook", secret_file=str(file)).secret()
    file.write_text("hush\n")
    assert Receiver("a", "webhook", secret_file=str(file)).secret() == "hush"
    assert Receiver("a", "webhook").secret() == ""


def test_a_receiver_is_told_what_it_asked_for() -> None:
    """By event, by group that is asked or was escalated to."""
    asked = a_notice(approvers="security+legal", escalated_to="managers")
    everything = Receiver("a", "webhook")
    assert everything.wants(asked)
    assert Receiver("a", "webhook", groups=("legal",)).wants(asked)
    assert Receiver("a", "webhook", groups=("managers",)).wants(asked)
    assert not Receiver("a", "webhook", groups=("finance",)).wants(asked)
    glass = a_notice(Occasion.GLASS_BROKEN, approvers="")
    assert Receiver("a", "webhook", groups=("finance",)).wants(glass), "glass is everybody's"
    assert not Receiver("a", "webhook", events=("request.approved",)).wants(asked)
