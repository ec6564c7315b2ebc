"""One entry with everything that is known of it: what was sealed opened, a text that was too long taken from its attachment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from doorward.audit.log import attachment_path
from doorward.audit.sealing import Opener


def whole_entry(entry: bytes, directory: Path, opener: Opener) -> dict[str, Any]:
    """*entry* of the log in *directory* as a reader wants it. What can't be opened or is not there stays as it is."""
    kept: dict[str, Any] = msgspec.json.decode(entry)
    whole: dict[str, Any] = msgspec.json.decode(opener.readable(entry))
    name = kept.get("attachment", "")
    if name:
        try:
            text = attachment_path(directory, name.removeprefix("sha256:")).read_bytes()
            # Before texts were sealed, they were attached as they are.
            plain = opener.open_box(text, kept["sealed"]["key"]) if "sealed" in kept else text
        except (OSError, ValueError):
            plain = None
        if plain is not None:
            whole["statement"] = plain.decode("utf-8", "replace")
    return whole
