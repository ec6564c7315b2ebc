"""libpq's own files, for clients that read them: a service with the address, and a line in the password file."""

from __future__ import annotations

import configparser
import os
import re
from pathlib import Path
from typing import Any

from doorward.errors import InvalidRequest


def save(minted: dict[str, Any]) -> str:
    """Write service and password of *minted*; the service's name. Other services and lines stay as they are."""
    service = str(minted["database"])
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,63}", service):
        raise InvalidRequest("The database's name can't be that of a service.", "Use --print.")
    _save_service(service, minted)
    _save_password(minted)
    return service


def _save_service(service: str, minted: dict[str, Any]) -> None:
    file = Path(os.environ.get("PGSERVICEFILE") or Path.home() / ".pg_service.conf")
    services = configparser.RawConfigParser(delimiters=("=",), strict=False, interpolation=None)
    services.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        services.read(file, encoding="utf-8")
    except configparser.Error:
        raise InvalidRequest(f"The service file {file} can't be read.", "Mend it, or use --print.") from None
    services[service] = {
        "host": minted["host"],
        "port": str(minted["port"]),
        "dbname": minted["database"],
        "user": minted["principal"],
        "sslmode": minted["sslmode"],
    }
    with _aside(file).open("w", encoding="utf-8") as written:
        services.write(written, space_around_delimiters=False)
    _aside(file).replace(file)


def _save_password(minted: dict[str, Any]) -> None:
    file = Path(os.environ.get("PGPASSFILE") or Path.home() / ".pgpass")
    named = (minted["host"], str(minted["port"]), minted["database"], minted["principal"])
    start = ":".join(re.sub(r"([\\:])", r"\\\1", part) for part in named) + ":"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [f"{start}{minted['secret']}", *(line for line in lines if not line.startswith(start))]
    # Its owner's alone before there is anything in it; libpq reads it only then.
    _aside(file).unlink(missing_ok=True)
    _aside(file).touch(mode=0o600, exist_ok=False)
    _aside(file).write_text("\n".join(kept) + "\n", encoding="utf-8")
    _aside(file).replace(file)


def _aside(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.with_name(file.name + ".doorward-new")
