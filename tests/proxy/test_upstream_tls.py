"""libpq's words for TLS towards upstreams: what goes together, which files can be used, and what went wrong."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from doorward.assembly.certificate import ensure_certificate
from doorward.config import read_upstream
from doorward.errors import ConfigurationInvalid
from doorward.model.upstream import Reach
from doorward.proxy.upstream_tls import BINDING_WORDS, NEGOTIATION_WORDS, PROTOCOL_WORDS, TLS_WORDS, check_words, tls_context

URL = "postgresql://app:hunter2@db.internal/shop?"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    made = tmp_path / "own.crt", tmp_path / "own.key"
    ensure_certificate(*made, "127.0.0.1")
    return made


@pytest.mark.parametrize("mode", TLS_WORDS)
@pytest.mark.parametrize("binding", BINDING_WORDS)
@pytest.mark.parametrize("negotiation", NEGOTIATION_WORDS)
@pytest.mark.parametrize("root", ["", "/root.crt", "system"])
def test_every_combination_is_taken_or_refused_with_a_remedy(mode: str, binding: str, negotiation: str, root: str) -> None:
    """As libpq does, and where it takes what has no effect, that is refused too."""
    is_open = mode in ("disable", "prefer")
    wrong = (
        (negotiation == "direct" and is_open)
        or (binding == "require" and mode == "disable")
        or (root != "" and is_open)
        or (root == "system" and mode != "verify-full")
    )
    reach = Reach(sslrootcert=root, channel_binding=binding, sslnegotiation=negotiation)
    if not wrong:
        check_words(mode, reach)
        return
    with pytest.raises(ConfigurationInvalid) as raised:
        check_words(mode, reach)
    assert raised.value.remedy


@pytest.mark.parametrize("option", ["sslmode=maybe", "channel_binding=", "channel_binding=always", "sslnegotiation=tls",
                                    "max_protocol_version=3.1", "max_protocol_version=4", "sslcert=a.crt", "sslkey=a.key",
                                    "sslcrl=x"])  # fmt: skip
def test_words_that_are_not_known_are_refused(option: str) -> None:
    """Never read as something weaker."""
    word = option.partition("=")[0]
    with pytest.raises(ConfigurationInvalid) as raised:
        read_upstream(URL + (option if option != "channel_binding=" else "channel_binding=%20"))
    assert word in str(raised.value) or "sslcert and sslkey" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_url_says_all_of_it() -> None:
    """Each in libpq's words; files become whole paths, since two processes read them."""
    upstream = read_upstream(
        URL + "sslmode=verify-ca&hostaddr=10.0.0.5&sslrootcert=ca.crt&sslcert=own.crt&sslkey=~/own.key"
        "&sslnegotiation=direct&channel_binding=require&max_protocol_version=3.2"
    )
    here, home = Path.cwd(), Path.home()
    assert upstream.tls == "verify-ca"
    assert upstream.host == "db.internal"
    assert upstream.reach == Reach(
        "10.0.0.5", str(here / "ca.crt"), str(here / "own.crt"), str(home / "own.key"), "direct", "require", "3.2"
    )
    assert set(PROTOCOL_WORDS) >= {upstream.reach.max_protocol_version}


def test_trust_in_the_system_means_verify_full() -> None:
    """Unless something weaker is asked for, which is refused."""
    assert read_upstream(URL + "sslrootcert=system").tls == "verify-full"
    with pytest.raises(ConfigurationInvalid):
        read_upstream(URL + "sslrootcert=system&sslmode=require")


@pytest.mark.parametrize(
    ("mode", "root", "verifies", "by_name"),
    [
        ("prefer", "", False, False),
        ("require", "", False, False),
        ("require", "own", True, False),
        ("verify-ca", "own", True, False),
        ("verify-full", "own", True, True),
        ("verify-full", "", True, True),
        ("verify-full", "system", True, True),
    ],
)
def test_what_each_word_checks(files: tuple[Path, Path], mode: str, root: str, verifies: bool, by_name: bool) -> None:
    """require with an authority checks that authority, as libpq documents."""
    upstream = read_upstream(f"{URL}sslmode={mode}&sslrootcert={files[0] if root == 'own' else root}")
    context = tls_context(upstream, "postgresql")
    assert context is not None
    assert context.check_hostname is by_name
    assert (context.verify_mode is ssl.CERT_REQUIRED) is verifies
    assert tls_context(upstream, "postgresql") is context


def test_a_file_that_changed_is_read_again(files: tuple[Path, Path]) -> None:
    """Client certificates are renewed while Doorward runs."""
    upstream = read_upstream(f"{URL}sslmode=require&sslcert={files[0]}&sslkey={files[1]}")
    before = tls_context(upstream, "postgresql")
    for path in files:
        path.unlink()
    ensure_certificate(*files, "127.0.0.1")
    assert tls_context(upstream, "postgresql") is not before


@pytest.mark.parametrize("damage", ["gone", "garbage", "another key", "key gone", "key garbage", "key for all"])
def test_files_that_cannot_be_used_are_named(files: tuple[Path, Path], damage: str) -> None:
    """With what is wrong and what to do."""
    certificate, key = files
    if damage == "gone":
        certificate.unlink()
    elif damage == "garbage":
        certificate.write_text("garbage")
    elif damage == "another key":
        key.unlink()
        ensure_certificate(certificate.with_name("other.crt"), key, "127.0.0.1")
    elif damage == "key gone":
        key.unlink()
    elif damage == "key garbage":
        key.write_text("garbage")
    else:
        key.chmod(0o644)
    upstream = read_upstream(f"{URL}sslmode=require&sslcert={certificate}&sslkey={key}")
    with pytest.raises(ConfigurationInvalid) as raised:
        tls_context(upstream, "postgresql")
    assert str(certificate.parent) in raised.value.message
    assert raised.value.remedy
    expected = {"another key": "belongs to another", "key for all": "read by others", "key gone": "sslkey="}
    assert expected.get(damage, "sslcert=") in raised.value.message
