"""The local operator's key: a random token in a file that the data directory's owner alone may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def operator_token(path: Path) -> str:
    """The token in *path*, made (mode 0600) if there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        token = "dwo_" + secrets.token_urlsafe(32)
        file.write(token + "\n")
    return token
