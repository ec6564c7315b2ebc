"""Signed tree heads (C2SP tlog-checkpoint in a signed note, Ed25519), and the key that signs them."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from doorward.audit.files import sync_directory, write_durably
from doorward.errors import ConfigurationInvalid, LogDamaged

KEY_FILE = "log.key"
VKEY_FILE = "log.pub"
CHECKPOINT_FILE = "checkpoint"
_ED25519 = b"\1"  # signed-note, "Signature types"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: *size* entries under *root*. *note* is the signed text whole, as it lies in the file."""

    origin: str
    size: int
    root: bytes
    note: bytes


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """What is needed to check a log's signatures; its text form is the vkey ``name+id+key``."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first bytes of the hash that names this key on signature lines (signed-note, "Ed25519 signatures")."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key in a vkey; ConfigurationInvalid when anything in it is off."""
        name, _, rest = text.strip().partition("+")
        coded = unbase64(rest.partition("+")[2])
        key = cls(name, (coded or b"")[1:])
        if coded is None or len(coded) != 33 or not _NAME.fullmatch(name) or str(key) != text.strip():
            raise ConfigurationInvalid(
                "The log's public key (vkey) is malformed.", f"Copy it again from {VKEY_FILE}, one line `name+id+key`."
            )
        return key


class Signer:
    """Signs checkpoints. Holds the private key in memory; never shows it."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.vkey = VerifierKey(name, private.public_key().public_bytes_raw())

    def sign(self, size: int, root: bytes) -> Checkpoint:
        """A signed checkpoint over *size* entries under *root*."""
        body = f"{self.vkey.name}\n{size}\n{base64.b64encode(root).decode()}\n".encode()
        signature = base64.b64encode(self.vkey.key_id + self._private.sign(body)).decode()
        return Checkpoint(self.vkey.name, size, root, body + f"\n— {self.vkey.name} {signature}\n".encode())

    def vouch(self, *lines: str) -> bytes:
        """A signed note of *lines*, none empty, that is no checkpoint: the first says what it is, and is not the log's name."""
        assert all(lines), lines
        assert lines[0] != self.vkey.name
        body = "".join(f"{line}\n" for line in lines).encode()
        signature = base64.b64encode(self.vkey.key_id + self._private.sign(body)).decode()
        return body + f"\n— {self.vkey.name} {signature}\n".encode()


def create_key(directory: Path, name: str) -> Signer:
    """Make a new key named *name* (a scheme-less URL, by custom) into ``log.key`` (0600) and ``log.pub``.

    Raises ConfigurationInvalid when there is a key already: a log's key is never replaced.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationInvalid(
            "A log's name can't be empty or hold spaces or a plus sign.", "Choose one like `db.example.com/audit`."
        )
    path = directory / KEY_FILE
    if path.exists():
        raise ConfigurationInvalid(
            f"{path} exists already; a log keeps its key.", "Use it, or start a log in another directory."
        )
    private = Ed25519PrivateKey.generate()
    signer = Signer(name, private)
    secret = base64.b64encode(_ED25519 + private.private_bytes_raw()).decode()
    write_durably(directory / VKEY_FILE, f"{signer.vkey}\n".encode(), mode=0o644)
    write_durably(path, f"PRIVATE+KEY+{name}+{signer.vkey.key_id.hex()}+{secret}\n".encode())
    sync_directory(directory)
    return signer


def load_key(directory: Path) -> Signer:
    """The signer in ``log.key``; ConfigurationInvalid when missing, malformed or open to others."""
    path = directory / KEY_FILE
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationInvalid(
                f"{path} can be read by others than its owner.", f"chmod 600 {path}, and consider the key known."
            )
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(
            f"The log's key {path} can't be read.", "Restore it, or start a log in another directory."
        ) from error
    parts = text.rstrip("\n").split("+", 4)
    coded = unbase64(parts[4]) if len(parts) == 5 and parts[:2] == ["PRIVATE", "KEY"] else None
    if coded is None or len(coded) != 33 or coded[:1] != _ED25519:
        raise ConfigurationInvalid(f"The log's key {path} is malformed.", "Restore it from a backup.")
    signer = Signer(parts[2], Ed25519PrivateKey.from_private_bytes(coded[1:]))
    if signer.vkey.key_id.hex() != parts[3]:
        raise ConfigurationInvalid(f"The log's key {path} is damaged: its id does not match.", "Restore it from a backup.")
    return signer


def load_or_create_key(directory: Path, name: str) -> Signer:
    """The signer in ``log.key``, made first when there is none."""
    return load_key(directory) if (directory / KEY_FILE).exists() else create_key(directory, name)


def load_vkey(directory: Path) -> VerifierKey:
    """The public key in ``log.pub``."""
    try:
        return VerifierKey.parse((directory / VKEY_FILE).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(f"{directory / VKEY_FILE} can't be read.", "Give the log's vkey by hand.") from error


def parse_checkpoint(note: bytes) -> Checkpoint:
    """What *note* says, its signature NOT checked; LogDamaged when it is malformed."""
    body, lines = _split_note(note)
    parts = body.decode().split("\n")
    root = unbase64(parts[2]) if len(parts) >= 4 else None
    # Extension lines are allowed, empty ones are not (tlog-checkpoint, "Note text").
    if root is None or len(root) != 32 or not parts[0] or not _DECIMAL.fullmatch(parts[1]) or not all(parts[:-1]) or not lines:
        raise LogDamaged(
            "The checkpoint is malformed: it needs an origin, a size and a root hash.", "Restore it from a backup."
        )
    return Checkpoint(parts[0], int(parts[1]), root, note)


def verify_checkpoint(note: bytes, vkey: VerifierKey) -> Checkpoint:
    """What *note* says, signed by *vkey*; LogDamaged when it is malformed, unsigned or wrongly signed."""
    checkpoint = parse_checkpoint(note)
    body, lines = _split_note(note)
    verified = False
    for line in lines:
        mark, _, rest = line.partition(" ")
        name, _, coded = rest.partition(" ")
        signature = unbase64(coded)
        if mark != "—" or signature is None or len(signature) < 5:
            raise LogDamaged("The checkpoint has a malformed signature line.", "Restore it from a backup.")
        if name == vkey.name and signature[:4] == vkey.key_id:
            try:
                Ed25519PublicKey.from_public_bytes(vkey.public).verify(signature[4:], body)
            except InvalidSignature:
                raise LogDamaged("The checkpoint's signature does not verify: its text or signature was altered.") from None
            verified = True
    if not verified:
        raise LogDamaged(f"The checkpoint carries no signature by the key {vkey.name}+{vkey.key_id.hex()}.")
    if checkpoint.origin != vkey.name:
        raise LogDamaged(f"The checkpoint is of another log: its origin is not {vkey.name}.")
    return checkpoint


def read_checkpoint(directory: Path) -> Checkpoint | None:
    """The checkpoint in *directory*, its signature NOT checked; None when nothing was ever signed."""
    try:
        note = (directory / CHECKPOINT_FILE).read_bytes()
    except FileNotFoundError:
        return None
    return parse_checkpoint(note)


def write_checkpoint(directory: Path, checkpoint: Checkpoint) -> None:
    """Put *checkpoint* in place, whole or not at all, on stable storage."""
    write_durably(directory / CHECKPOINT_FILE, checkpoint.note, mode=0o644)
    sync_directory(directory)


def _split_note(note: bytes) -> tuple[bytes, list[str]]:
    try:
        text = note.decode()
    except UnicodeDecodeError:
        text = ""
    body, gap, signatures = text.rpartition("\n\n")
    if not gap or not signatures.endswith("\n") or any(letter < " " and letter != "\n" for letter in text):
        raise LogDamaged("The checkpoint is malformed: it is not a signed note.", "Restore it from a backup.")
    return body.encode() + b"\n", signatures[:-1].split("\n")


def unbase64(text: str) -> bytes | None:
    """The bytes that *text* stands for; None when it is not the one text for any."""
    try:
        coded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Unused bits in the last digit must be zero, or two texts would mean one value.
    return coded if base64.b64encode(coded).decode() == text else None
