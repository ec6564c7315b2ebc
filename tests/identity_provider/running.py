"""The identity provider as a process, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
ACCOUNTS: dict[str, dict[str, Any]] = {
    "ann": {"email": "alice@example.com", "email_verified": True, "groups": ["engineering"]},
    "newcomer": {"email": "nora@example.com", "email_verified": True, "groups": ["engineering"]},
    "unverified": {"email": "bob@example.com", "email_verified": False, "groups": ["engineering"]},
    "impostor": {"email": "alice@example.com", "email_verified": True, "groups": ["engineering"]},
    "outsider": {"email": "bob@example.com", "email_verified": True, "groups": ["sales"]},
}


@dataclass
class IdentityProvider:
    """Where it is, and who is there."""

    issuer: str
    accounts: dict[str, dict[str, Any]]

    def replace(self, accounts: dict[str, dict[str, Any]]) -> None:
        """Change who is there, and what is claimed of them."""
        self.accounts = accounts
        body = json.dumps(accounts).encode()
        with urlopen(Request(f"{self.issuer}/test/accounts", body, {"Content-Type": "application/json"}), timeout=20):
            pass


@contextlib.contextmanager
def identity_provider(**settings: Any) -> Iterator[IdentityProvider]:
    """Start it; redirections to any port of loopback are its client's."""
    assert (HERE / "node_modules").is_dir(), "run scripts/setup.sh tests: it installs the identity provider"
    given = {"accounts": ACCOUNTS, "redirect_uris": ["http://127.0.0.1/sign-in/callback"], **settings}
    process = subprocess.Popen(
        ["node", str(HERE / "provider.mjs"), json.dumps(given)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the identity provider did not start"
        yield IdentityProvider(json.loads(line)["issuer"], dict(given["accounts"]))
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
