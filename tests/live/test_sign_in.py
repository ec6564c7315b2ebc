"""People sign in with a real identity provider, in a real browser and on the command line; and are out when it says so."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import sync_playwright

from doorward.control.operators import LOCAL
from doorward.model.upstream import Upstream
from tests.console.browser import ARGUMENTS, CHROMIUM
from tests.identity_provider.running import ACCOUNTS, identity_provider
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database
from tests.live.signing_in import SETTINGS, SigningIn

pytestmark = [pytest.mark.live, pytest.mark.browser]


@pytest.fixture(scope="module")
def scene(postgres15: Server) -> Iterator[SigningIn]:
    with (
        identity_provider() as provider,
        fresh_database(postgres15) as made,
        tempfile.TemporaryDirectory(prefix="doorward-people-") as folder,
        sync_playwright() as playwright,
    ):
        data = Path(folder, "data")
        data.mkdir()
        (Path(folder) / "oidc-secret").write_text("of-the-tests\n")
        (data / "identity.toml").write_text(SETTINGS.format(issuer=provider.issuer, folder=folder))
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, made.user, made.password, "disable")
        with running_doorward(upstream, data) as running:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            home = Path(folder, "home")
            home.mkdir()
            yield SigningIn(running, provider, browser, home)
            browser.close()


@pytest.fixture(autouse=True)
def everybody_is_there(scene: SigningIn) -> Iterator[None]:
    """Whatever a test does to the provider's people is undone."""
    yield
    scene.provider.replace(dict(ACCOUNTS))


def test_a_person_signs_in_to_the_console(scene: SigningIn) -> None:
    """By the provider's word, under the name that Doorward knows, in the groups that the provider says."""
    page = scene.signed_in("ann")
    page.wait_for_url(f"{scene.url}/")
    assert "alice" in page.inner_text("header")
    opened = [e for e in scene.doorward.entries("administered") if e["act"] == "sign-in.opened"][-1]
    assert (opened["by"], opened["details"]["via"], opened["details"]["issuer"]) == ("alice", "provider", scene.provider.issuer)
    page.click("text=Sign out")
    page.wait_for_url(f"{scene.url}/login")
    assert [e for e in scene.doorward.entries("administered") if e["act"] == "sign-in.ended"][-1]["details"]["id"] == opened[
        "details"
    ]["id"]


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ("newcomer", "not known here"),
        ("unverified", "not verified"),
        ("outsider", "no group that may sign in"),
        ("impostor", "Somebody else signs in under this name"),
    ],
)
def test_who_may_not_come_stays_out(scene: SigningIn, account: str, told: str) -> None:
    """Unknown, unverified, of another group; and somebody who was given another's address: the first subject keeps the name."""
    if account == "impostor":
        scene.signed_in("ann").context.close()
    page = scene.signed_in(account)
    assert told in page.inner_text("main")
    page.goto(f"{scene.url}/record")
    assert page.url.startswith(f"{scene.url}/login")


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(scene: SigningIn) -> None:
    """Somebody else's code, sent by a link (RFC 6749, section 10.12)."""
    page = scene.page()
    page.goto(f"{scene.url}/sign-in/callback?code=stolen&state=x")
    assert "not begun in this browser" in page.inner_text("main")
    page.goto(f"{scene.url}/login")
    page.click("text=Sign in with Example")
    page.wait_for_selector("input[name=login]")
    page.goto(f"{scene.url}/sign-in/callback?code=stolen&state=wrong")
    assert "not begun here" in page.inner_text("main")


def test_the_command_line_signs_in_and_connects(scene: SigningIn) -> None:
    """login, whoami, connect, exec: as the person, with secrets that end with the sign-in, and nothing in clear."""
    said = scene.login()
    assert said["name"] == "alice"
    kept = scene.home / "doorward" / "sign-in.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(scene.command("whoami", "--json").stdout)["name"] == "alice"
    minted = json.loads(scene.command("connect", "shop", "--json").stdout)
    assert (minted["principal"], minted["database"]) == ("alice", "shop")
    with psycopg.connect(minted["url"], autocommit=True) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    shown = scene.command(
        "exec", "shop", "--", sys.executable, "-c",
        "import os, psycopg; print(psycopg.connect('').execute('SHOW application_name').fetchone(),"
        " sorted(n for n in os.environ if n.startswith('PG')))",
    )  # fmt: skip
    assert "alice" in shown.stdout, shown.stderr
    for name in ("PGDATABASE", "PGHOST", "PGPASSWORD", "PGPORT", "PGSSLMODE", "PGUSER"):
        assert name in shown.stdout
    agent = json.loads(scene.command("connect", "report-bot/shop", "--json").stdout)
    assert agent["principal"] == "report-bot"
    other = scene.command("connect", "bob/shop", "--json")
    assert other.returncode == 1
    assert "may not change this" in other.stderr
    saved = scene.command("connect", "shop", "--save")
    assert saved.returncode == 0, saved.stderr
    assert (scene.home / ".pgpass").stat().st_mode & 0o777 == 0o600
    assert "[shop]" in (scene.home / ".pg_service.conf").read_text()
    log = scene.doorward.data.log
    texts = b"".join(file.read_bytes() for file in log.rglob("*") if file.is_file()) + scene.doorward.data.store.read_bytes()
    for secret in (minted["secret"], agent["secret"], json.loads(kept.read_text())["token"]):
        assert secret.encode() not in texts
    scene.command("logout")
    assert scene.command("whoami").returncode == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(minted["url"])


def test_who_is_gone_at_the_provider_loses_sessions_mid_statement(scene: SigningIn) -> None:
    """The provider is asked again and again; when it does not vouch any more all that was minted in the sign-in is void."""
    scene.login()
    minted = json.loads(scene.command("connect", "shop", "--json").stdout)
    ended: list[str] = []
    with psycopg.connect(minted["url"], autocommit=True) as connection:

        def sleep() -> None:
            try:
                connection.execute("SELECT pg_sleep(60)")
            except psycopg.OperationalError as error:
                ended.append(str(error))

        waiting = threading.Thread(target=sleep)
        waiting.start()
        scene.doorward.wait_for(lambda: any(s.doing for s in scene.doorward.control.office.sessions.live(LOCAL)))
        scene.provider.replace({name: claims for name, claims in ACCOUNTS.items() if name != "ann"})
        waiting.join(20)
    assert "does not vouch for you any more" in ended[0]
    assert scene.command("whoami").returncode == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(minted["url"])


def test_groups_follow_the_provider(scene: SigningIn) -> None:
    """What it gives and takes away is so here a moment later; a session that was let in with the groups of before ends."""
    scene.login()
    minted = json.loads(scene.command("connect", "shop", "--json").stdout)
    principals = scene.doorward.control.office.principals
    connection = psycopg.connect(minted["url"], autocommit=True)
    scene.provider.replace({**ACCOUNTS, "ann": {**ACCOUNTS["ann"], "groups": ["engineering", "admins"]}})
    scene.doorward.wait_for(lambda: "admins" in principals.good("alice").principal.groups, 20)
    scene.doorward.wait_for(lambda: _is_ended(connection), 20)
    connection.close()
    scene.provider.replace(dict(ACCOUNTS))
    scene.doorward.wait_for(lambda: "admins" not in principals.good("alice").principal.groups, 20)


def _is_ended(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_a_machine_without_a_browser_signs_in_by_a_code(scene: SigningIn) -> None:
    """The code is typed in with a browser elsewhere."""
    process = subprocess.Popen(
        [sys.executable, "-m", "doorward", "login", "--device", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=scene.environment,
    )  # fmt: skip
    assert process.stderr is not None
    address = ""
    while not address:
        line = process.stderr.readline()
        assert line, process.communicate()
        found = re.search(r"http\S+", line)
        address = found[0] if found else ""
    page = scene.page()
    page.goto(address)
    with contextlib.suppress(Exception):
        page.click("button[type=submit]", timeout=5_000)
    scene.at_provider(page, "ann")
    output, errors = process.communicate(timeout=40)
    assert process.returncode == 0, errors
    assert json.loads(output)["name"] == "alice"
    page.context.close()


def test_a_local_port_leads_through_doorward(scene: SigningIn) -> None:
    """For tools that know no secret; each session is the person's, and a statement can be cancelled."""
    scene.login()
    process = subprocess.Popen(
        [sys.executable, "-m", "doorward", "proxy", "shop", "--port", "0", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=scene.environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.communicate()
            text += line
        port = json.loads(text)["port"]
        with psycopg.connect(f"host=127.0.0.1 port={port} dbname=anything user=whoever", autocommit=True) as connection:
            row = connection.execute("SHOW application_name").fetchone()
            assert row is not None
            assert row[0].startswith("alice")
            rows = connection.execute("SELECT repeat('x', 1000) FROM generate_series(1, 20000)").fetchall()
            assert len(rows) == 20_000
            threading.Timer(0.5, connection.cancel_safe).start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(30)")
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_nobody_elses_program_may_use_the_local_port() -> None:
    """The system says whose a connection is."""
    import socket

    from doorward.cli.local_port import is_own

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, peer = server.accept()
        with accepted:
            assert is_own(peer, accepted.getsockname())
            assert not is_own(("127.0.0.1", 1), accepted.getsockname())
            assert client.getsockname() == peer
    assert os.getuid() >= 0
