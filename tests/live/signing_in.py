"""A Doorward whose people sign in with a real identity provider, in a real browser and on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.cli.commands import environment
from tests.identity_provider.running import IdentityProvider
from tests.live.running import Running

SETTINGS = """
[sign_in]
issuer = "{issuer}"
client_id = "doorward"
client_secret_file = "{folder}/oidc-secret"
strip_domain = "example.com"
groups = {{ engineering = "developers", admins = "admins" }}
allowed_groups = ["engineering"]
check_seconds = 1
title = "Example"
"""


@dataclass
class SigningIn:
    """The provider, the browser, and the home of whoever types commands."""

    doorward: Running
    provider: IdentityProvider
    browser: Browser
    home: Path

    @property
    def url(self) -> str:
        return self.doorward.control.console_url

    def page(self) -> Page:
        """A page of a browser that nobody has used."""
        return self.browser.new_context().new_page()

    def at_provider(self, page: Page, account: str) -> None:
        """Sign in and say yes where the browser is: at the provider's."""
        page.fill("input[name=login]", account)
        page.fill("input[name=password]", "anything")
        page.click("button[type=submit]")
        page.click("button[type=submit]")

    def signed_in(self, account: str) -> Page:
        page = self.page()
        page.goto(f"{self.url}/login")
        page.click("text=Sign in with Example")
        self.at_provider(page, account)
        return page

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment,
        )

    @property
    def environment(self) -> dict[str, str]:
        return environment(
            XDG_CONFIG_HOME=str(self.home),
            HOME=str(self.home),
            DOORWARD_URL=self.url,
            DOORWARD_DATA_DIR=str(self.home / "none"),
        )

    def login(self, account: str = "ann") -> dict[str, Any]:
        """``doorward login`` with the browser's part played; what it says."""
        process = subprocess.Popen(
            [sys.executable, "-m", "doorward", "login", "--no-browser", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment,
        )  # fmt: skip
        assert process.stderr is not None
        told = ""
        while "/sign-in/command" not in told:
            told = process.stderr.readline()
            assert told, process.communicate()
        page = self.page()
        page.goto(told.strip())
        page.click("text=Sign in with Example")
        self.at_provider(page, account)
        page.click("text=Yes, sign it in")
        page.wait_for_selector("text=Signed in")
        output, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        page.context.close()
        return dict(json.loads(output))
