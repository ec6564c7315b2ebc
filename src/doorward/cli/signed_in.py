"""The sign-in that ``doorward login`` keeps for the commands after it: in a file that its owner alone may read."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

ADDRESS_VARIABLE = "DOORWARD_URL"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, where, and until when."""

    address: str
    name: str
    ends_us: int
    token: str = field(repr=False)


def place() -> Path:
    """``$XDG_CONFIG_HOME/doorward/sign-in.json``."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "doorward" / "sign-in.json"


def keep(signed_in: SignedIn) -> None:
    """Keep it in place of any before."""
    file = place()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = file.with_suffix(".new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        json.dump(asdict(signed_in), written)
    aside.replace(file)


def kept() -> SignedIn | None:
    """The one that is kept, if its time is not over."""
    try:
        found = SignedIn(**json.loads(place().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.ends_us > time.time_ns() // 1_000 else None


def forget() -> None:
    """Keep none."""
    place().unlink(missing_ok=True)
