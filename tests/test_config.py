"""Connection URLs as people write them, and the folders of one Doorward."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from doorward.config import DATA_DIRECTORY_VARIABLE, DataDirectory, default_data_directory, read_upstream
from doorward.errors import ConfigurationInvalid
from doorward.model.upstream import Upstream


def at(**changes: object) -> Upstream:
    """The shop on its usual host, but for *changes*."""
    fields: dict[str, object] = {
        "name": "shop", "engine": "postgresql", "host": "db.example", "port": 5432, "database": "shop", "user": "owner",
    }  # fmt: skip
    return Upstream(**(fields | changes))  # type: ignore[arg-type]


GOOD = {
    "postgresql://owner@db.example/shop": at(),
    "postgres://owner@db.example/shop": at(),
    "POSTGRESQL://owner@db.example/shop": at(),
    "postgresql://owner:hunter2@db.example:5433/shop": at(port=5433, password="hunter2"),
    "postgresql://owner:p%40ss%2F%3A%3F%23%25@db.example/shop": at(password="p@ss/:?#%"),
    "postgresql://owner:p@ss@db.example/shop": at(password="p@ss"),
    "postgresql://owner:a+b@db.example/shop": at(password="a+b"),
    "postgresql://owner:%C3%A4@db.example/shop": at(password="ä"),
    "postgresql://o%77ner%40corp@db.example/my%20shop": at(user="owner@corp", database="my shop", name="my shop"),
    "postgresql://owner@[::1]:5433/shop": at(host="::1", port=5433),
    "postgresql://owner@[2001:db8::7]/shop": at(host="2001:db8::7"),
    "postgresql://owner@/shop": at(host="127.0.0.1"),
    "postgresql:///shop?user=owner": at(host="127.0.0.1"),
    "postgresql:///?host=/run/postgresql&port=5433&user=owner&dbname=shop": at(host="/run/postgresql", port=5433),
    "postgresql://owner@db.example/shop?password=a+b%26c": at(password="a+b&c"),
    "postgresql://owner@db.example/shop?sslmode=disable": at(tls="disable"),
    "postgresql://owner@db.example/shop?sslmode=prefer": at(tls="prefer"),
    "postgresql://owner@db.example/shop?sslmode=require": at(tls="require"),
    "postgresql://owner@db.example/shop?sslmode=verify-full": at(tls="verify-full"),
    "postgresql://owner@db.example:1/shop": at(port=1),
    "postgresql://owner@db.example:65535/shop": at(port=65535),
}


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_is_read_in_full(url: str) -> None:
    """As libpq would read it."""
    assert read_upstream(url) == GOOD[url]


def test_an_upstream_may_have_a_name_of_its_own() -> None:
    """What clients give as database name beside the database's own."""
    assert read_upstream("postgresql://owner@db.example/shop", "webshop") == at(name="webshop")


BAD = {
    "no scheme": "owner:hunter2@db.example/shop",
    "nothing": "",
    "another database": "mysql://owner:hunter2@db.example/shop",
    "no user": "postgresql://db.example/shop",
    "no database": "postgresql://owner:hunter2@db.example",
    "no database but a slash": "postgresql://owner:hunter2@db.example/",
    "port in words": "postgresql://owner:hunter2@db.example:many/shop",
    "port zero": "postgresql://owner:hunter2@db.example:0/shop",
    "port too high": "postgresql://owner:hunter2@db.example:65536/shop",
    "port option in words": "postgresql://owner:hunter2@db.example/shop?port=many",
    "port option too high": "postgresql://owner:hunter2@db.example/shop?port=65536",
    "port option below zero": "postgresql://owner:hunter2@db.example/shop?port=-1",
    "sslmode unknown": "postgresql://owner:hunter2@db.example/shop?sslmode=allow",
    "sslmode in capitals": "postgresql://owner:hunter2@db.example/shop?sslmode=REQUIRE",
    "option unknown": "postgresql://owner:hunter2@db.example/shop?connect_timeout=3",
    "bracket open": "postgresql://owner:hunter2@[::1/shop",
    "bracket in the password": "postgresql://owner:hunter2[@db.example/shop",
    "question mark in the password": "postgresql://owner:a?hunter2@db.example/shop",
    "option in the password": "postgresql://owner:a?hunter2=b@db.example/shop",
    "options in the password": "postgresql://owner:a?b=c&hunter2=b@db.example/shop",
    "at and option in the password": "postgresql://owner:p@a?hunter2=1@db.example/shop",
    "slash in the password": "postgresql://owner:a/hunter2@db.example/shop",
    "hash in the password": "postgresql://owner:a#hunter2@db.example/shop",
    "slash in the password, user as option": "postgresql://owner:hunter2/b@db.example/shop?user=owner",
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_url_is_refused_without_telling_the_password(case: str) -> None:
    """What to do is said; what was typed is not said again where it may be a secret."""
    with pytest.raises(ConfigurationInvalid) as raised:
        read_upstream(BAD[case])
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.remedy


def test_an_unknown_option_is_named() -> None:
    """So that it can be taken out."""
    with pytest.raises(ConfigurationInvalid, match="connect_timeout"):
        read_upstream(BAD["option unknown"])


def test_an_upstream_never_shows_its_password() -> None:
    """Neither printed nor formatted."""
    upstream = read_upstream("postgresql://owner:hunter2@db.example/shop")
    assert "hunter2" not in f"{upstream!r} {upstream}"


def modes_in(path: Path) -> dict[str, int]:
    """Permissions of *path* and all folders in it, by name."""
    folders = [path, *(entry for entry in path.rglob("*") if entry.is_dir())]
    return {folder.name: stat.S_IMODE(folder.stat().st_mode) for folder in folders}


def test_a_data_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Whatever the umask, and also when its folders were there with other permissions."""
    old = tmp_path / "old"
    (old / "log").mkdir(parents=True)
    old.chmod(0o755)
    (old / "log").chmod(0o777)
    before = os.umask(0)
    try:
        for path in (tmp_path / "deep" / "fresh", old):
            DataDirectory(path).prepare()
            DataDirectory(path).prepare()
            names = {path.name, "log", "policy", "run", "keys"}
            assert modes_in(path) == dict.fromkeys(names, 0o700)
    finally:
        os.umask(before)


def test_everything_lies_inside_the_data_directory(tmp_path: Path) -> None:
    """Each thing in a place of its own, in folders that prepare makes."""
    data = DataDirectory(tmp_path / "d")
    data.prepare()
    files = [data.store, data.link_socket, data.operator_token, data.state, data.digest_key, data.certificate, data.private_key]
    assert len(set(files)) == len(files)
    assert all(file.parent.is_dir() and file.is_relative_to(data.path) for file in files)


@pytest.mark.parametrize("taken", ["", "log", "keys", "run", "policy"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, taken: str) -> None:
    """The operator is told which."""
    path = tmp_path / "d" / taken
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file")
    with pytest.raises(ConfigurationInvalid, match="can't be used") as raised:
        DataDirectory(tmp_path / "d").prepare()
    assert str(path) in raised.value.message
    assert "--data-dir" in raised.value.remedy


PREPARE = """
import os, sys
from pathlib import Path
from doorward.config import DataDirectory
from doorward.errors import ConfigurationInvalid
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    DataDirectory(Path(sys.argv[1])).prepare()
except ConfigurationInvalid as error:
    print(error)
"""


def test_a_directory_that_is_not_ours_is_named() -> None:
    """Tried as an ordinary account: root may write anywhere."""
    with tempfile.TemporaryDirectory() as name:
        locked = Path(name)
        locked.chmod(0o555)
        path = locked / "doorward"
        command = [sys.executable, "-c", PREPARE, str(path)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert f"The data directory can't be used: {path}" in ended.stdout, ended
    assert "--data-dir" in ended.stdout


@pytest.mark.parametrize(
    ("own", "xdg", "expected"),
    [
        ("/srv/doorward", "/xdg", "/srv/doorward"),
        ("", "/xdg", "/xdg/doorward"),
        (None, "/xdg", "/xdg/doorward"),
        (None, "", "/srv/dana/.local/share/doorward"),
        (None, None, "/srv/dana/.local/share/doorward"),
    ],
)
def test_the_default_directory_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, own: str | None, xdg: str | None, expected: str
) -> None:
    """Our own variable first, then XDG's, then XDG's default; an empty one counts as absent."""
    monkeypatch.setenv("HOME", "/srv/dana")
    for name, value in ((DATA_DIRECTORY_VARIABLE, own), ("XDG_DATA_HOME", xdg)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert default_data_directory() == Path(expected)


def test_an_upstream_is_enforced_unless_it_is_said_to_be_only_observed() -> None:
    """The safe one is what nobody has to ask for."""
    url = "postgresql://u@h/d"
    assert (read_upstream(url).observe, read_upstream(url, observe=True).observe) == (False, True)
