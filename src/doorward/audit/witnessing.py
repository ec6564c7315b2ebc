"""Cosigning another's checkpoints (C2SP tlog-cosignature, Ed25519), never two that contradict each other.

A witness keeps the last checkpoint that it cosigned. It cosigns one that extends it, by a proof, and no other: a log that is
rewritten gets no signature of it any more, though whoever rewrites it may hold the log's own key.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from doorward.audit.checkpoint import Checkpoint, VerifierKey, read_checkpoint, unbase64, verify_checkpoint
from doorward.audit.files import make_directory, sync_directory, write_durably
from doorward.audit.merkle import EMPTY_ROOT, consistency_path
from doorward.audit.proofs import verify_consistency
from doorward.audit.tiles import TileFiles
from doorward.errors import ConfigurationInvalid, LogDamaged, NotFound

KEY_FILE = "witness.key"
VKEY_FILE = "witness.pub"
LAST_FILE = "last.checkpoint"
_COSIGNATURE = b"\4"  # signed-note, "Signature types": timestamped Ed25519 witness cosignatures
_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """What is needed to check a witness's cosignatures; its text form is a vkey as well."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first bytes of the hash that names this key on signature lines."""
        return sha256(self.name.encode() + b"\n" + _COSIGNATURE + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_COSIGNATURE + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """The key in a vkey; ConfigurationInvalid when anything in it is off."""
        name, _, rest = text.strip().partition("+")
        coded = unbase64(rest.partition("+")[2]) or b""
        key = cls(name, coded[1:])
        if len(coded) != 33 or not name or str(key) != text.strip():
            raise ConfigurationInvalid("The witness's key is malformed.", f"Copy it again from {VKEY_FILE}, one line.")
        return key


class Witness:
    """One witness of one log. *folder* is the witness's own, on another machine than the log's if it is to be of use."""

    def __init__(self, folder: Path, name: str) -> None:
        """Take up the key in *folder*, made when there is none. Raises ConfigurationInvalid."""
        self._folder = folder
        make_directory(folder)
        path = folder / KEY_FILE
        if not path.exists():
            private = Ed25519PrivateKey.generate()
            made = WitnessKey(name, private.public_key().public_bytes_raw())
            write_durably(folder / VKEY_FILE, f"{made}\n".encode(), mode=0o644)
            write_durably(path, base64.b64encode(private.private_bytes_raw()) + b"\n")
            sync_directory(folder)
        coded = unbase64(path.read_text("ascii").strip())
        if coded is None or len(coded) != 32:
            raise ConfigurationInvalid(f"The witness's key {path} is malformed.", "Restore it, or begin in another folder.")
        self._private = Ed25519PrivateKey.from_private_bytes(coded)
        self.key = WitnessKey.parse((folder / VKEY_FILE).read_text("utf-8"))
        if self.key.public != self._private.public_key().public_bytes_raw():
            raise ConfigurationInvalid(f"{VKEY_FILE} is not the public half of {KEY_FILE}.", "Restore both from a backup.")

    def cosign(self, log: Path, vkey: VerifierKey, at_seconds: int) -> bytes:
        """The present checkpoint of the log in *log* (its files, or a copy), cosigned. It is kept as the last one.

        Raises NotFound when nothing was signed yet, LogDamaged when it is not signed by *vkey* or does not extend the last one.
        """
        found = read_checkpoint(log)
        if found is None:
            raise NotFound(f"Nothing is signed in {log}.", "Give the folder of a log.")
        present = verify_checkpoint(found.note, vkey)
        last = self.last(vkey)
        size, root = (last.size, last.root) if last else (0, EMPTY_ROOT)
        if present.size < size:
            raise LogDamaged(
                f"The log has {present.size} entries, but {size} were cosigned: history was cut off.",
                "Keep both checkpoints; together they are evidence.",
            )
        path = tuple(consistency_path(size, present.size, TileFiles(log, present.size).node))
        verify_consistency(Checkpoint(present.origin, size, root, b""), present, path)
        cosigned = present.note + self._line(present.note, at_seconds)
        # On stable storage before anybody sees it: a signature that was forgotten could be given to a rewritten log.
        write_durably(self._folder / LAST_FILE, cosigned)
        sync_directory(self._folder)
        return cosigned

    def last(self, vkey: VerifierKey) -> Checkpoint | None:
        """The last checkpoint that was cosigned; None when there is none. Raises LogDamaged for one that was altered."""
        try:
            note = (self._folder / LAST_FILE).read_bytes()
        except FileNotFoundError:
            return None
        verify_cosignature(note, self.key)
        return verify_checkpoint(note, vkey)

    def _line(self, note: bytes, at_seconds: int) -> bytes:
        signature = self._private.sign(_signed(note, at_seconds))
        coded = base64.b64encode(self.key.key_id + at_seconds.to_bytes(_TIME_BYTES, "big") + signature).decode()
        return f"— {self.key.name} {coded}\n".encode()


def verify_cosignature(note: bytes, key: WitnessKey) -> int:
    """When *note* was cosigned with *key*, in seconds since the epoch; LogDamaged when it was not."""
    for line in note.decode("utf-8", "replace").rpartition("\n\n")[2].split("\n"):
        _, _, rest = line.partition("— ")
        name, _, coded = rest.partition(" ")
        given = unbase64(coded) or b""
        if name != key.name or given[:4] != key.key_id or len(given) != 4 + _TIME_BYTES + 64:
            continue
        at_seconds = int.from_bytes(given[4 : 4 + _TIME_BYTES], "big")
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(given[4 + _TIME_BYTES :], _signed(note, at_seconds))
        except InvalidSignature:
            raise LogDamaged(f"The cosignature of {key.name} does not verify: text or signature was altered.") from None
        return at_seconds
    raise LogDamaged(f"The checkpoint carries no cosignature by {key.name}+{key.key_id.hex()}.")


def _signed(note: bytes, at_seconds: int) -> bytes:
    """What a cosignature is over (tlog-cosignature, "Format"): the time, and the checkpoint's text."""
    body = note.rpartition(b"\n\n")[0] + b"\n"
    return b"cosignature/v1\ntime %d\n" % at_seconds + body
