"""What the days' keys are kept under: a key in a file, in the environment, or in a key management service."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import shlex
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doorward.audit.files import sync_directory, write_durably
from doorward.errors import ConfigurationInvalid

KEY_VARIABLE = "DOORWARD_LOG_KEY"
COMMAND_VARIABLE = "DOORWARD_LOG_KEY_COMMAND"
_KEY_BYTES = 32
_NONCE_BYTES = 12
# A service that is asked over a network, and a person's patience.
_COMMAND_SECONDS = 20.0


class Wrapping(Protocol):
    """Encrypts keys and decrypts them, as key management services do: *context* must be the same both times."""

    @property
    def name(self) -> str:
        """Which key wraps at present; a day's key says by this one what it is wrapped with."""

    def wrap(self, plain: bytes, context: str) -> bytes:
        """*plain*, for nobody else to read. Raises ConfigurationInvalid."""

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """What was wrapped, by this key or by one before it. Raises ConfigurationInvalid."""

    def begin_rotation(self) -> None:
        """Have a fresh key wrap from the next reading on, where that is ours to do. What was wrapped before still opens."""

    def end_rotation(self) -> None:
        """Nothing is wrapped with an older key any more."""


class KeyRing:
    """Wraps with the first of *keys*, and unwraps with whichever did it: a ring of several is one that is being rotated."""

    def __init__(self, keys: tuple[bytes, ...], place: str, file: Path | None = None) -> None:
        self._keys = keys
        self._place = place
        self._file = file

    @property
    def name(self) -> str:
        """The beginning of the first key's digest."""
        return sha256(self._keys[0]).hexdigest()[:16]

    def wrap(self, plain: bytes, context: str) -> bytes:
        """See :class:`Wrapping`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._keys[0]).encrypt(nonce, plain, context.encode())

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """See :class:`Wrapping`."""
        for key in self._keys:
            try:
                return AESGCM(key).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context.encode())
            except (InvalidTag, ValueError):
                continue
        raise ConfigurationInvalid(
            f"The log's key of {context} does not open with the key from {self._place}.",
            "Bring back the wrapping key that it was made under; without it what was sealed can't be read.",
        )

    def begin_rotation(self) -> None:
        """See :class:`Wrapping`. One in the environment is the operator's to change."""
        if self._file is not None:
            _write(self._file, (secrets.token_bytes(_KEY_BYTES), *self._keys))

    def end_rotation(self) -> None:
        """See :class:`Wrapping`."""
        if self._file is not None:
            _write(self._file, self._keys[:1])


class CommandWrapping:
    """Has a key management service do it, by a command of the operator's: ``COMMAND wrap|unwrap CONTEXT``.

    It is given the bytes as base64 on standard input, and answers on standard output in the same way.
    """

    def __init__(self, command: str) -> None:
        self._command = shlex.split(command)
        self.name = f"command {sha256(command.encode()).hexdigest()[:8]}"

    def wrap(self, plain: bytes, context: str) -> bytes:
        """See :class:`Wrapping`."""
        return self._ask("wrap", plain, context)

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """See :class:`Wrapping`."""
        return self._ask("unwrap", wrapped, context)

    def begin_rotation(self) -> None:
        """See :class:`Wrapping`. A service changes its keys by itself."""

    def end_rotation(self) -> None:
        """See :class:`Wrapping`."""

    def _ask(self, what: str, given: bytes, context: str) -> bytes:
        try:
            answer = subprocess.run(
                [*self._command, what, context],
                input=base64.b64encode(given),
                capture_output=True,
                check=True,
                timeout=_COMMAND_SECONDS,
            )
            return base64.b64decode(answer.stdout.strip(), validate=True)
        except (OSError, subprocess.SubprocessError, binascii.Error) as error:
            raise ConfigurationInvalid(
                f"The command in {COMMAND_VARIABLE} did not {what} the log's key of {context}: {type(error).__name__}.",
                "Run it by hand with the word wrap or unwrap and a day, and base64 on its standard input, to see what it says.",
            ) from None


def wrapping_from(file: Path, environment: Mapping[str, str] = os.environ) -> Wrapping:
    """What the operator chose: a command, a key in the environment, or else the one in *file*.

    Raises ConfigurationInvalid for a key that is missing, malformed, or can be read by others.
    """
    command = environment.get(COMMAND_VARIABLE, "")
    if command:
        return CommandWrapping(command)
    given = environment.get(KEY_VARIABLE, "")
    if given:
        return KeyRing(_parse(given, KEY_VARIABLE), KEY_VARIABLE)
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigurationInvalid(
                f"{file} can be read by others than its owner.",
                f"chmod 600 {file}, and make another: doorward audit rotate-keys",
            )
        text = file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(
            f"The key {file} can't be read.", "Restore it from a backup; without it what was sealed can't be read."
        ) from error
    return KeyRing(_parse(text, str(file)), str(file), file)


def ensure_key(file: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Make *file* with a fresh key when there is none and nothing else was chosen."""
    if not file.exists() and not environment.get(COMMAND_VARIABLE) and not environment.get(KEY_VARIABLE):
        _write(file, (secrets.token_bytes(_KEY_BYTES),))


def _write(file: Path, keys: tuple[bytes, ...]) -> None:
    write_durably(file, b"".join(base64.b64encode(key) + b"\n" for key in keys))
    sync_directory(file.parent)


def _parse(text: str, place: str) -> tuple[bytes, ...]:
    try:
        keys = tuple(base64.b64decode(word, validate=True) for word in text.split())
    except (binascii.Error, ValueError):
        keys = ()
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        # What the key is can't be in the message.
        raise ConfigurationInvalid(
            f"The log's wrapping key in {place} is malformed.",
            "It is 32 bytes in base64, as from `openssl rand -base64 32`; several, the newest first, with a space between.",
        )
    return keys
