"""Proofs that travel alone: that an entry is in the log (C2SP tlog-proof), that a checkpoint extends an older one."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from doorward.audit.checkpoint import Checkpoint, VerifierKey, read_checkpoint, verify_checkpoint
from doorward.audit.merkle import consistency_path, inclusion_path, is_consistent, leaf_hash, root_of_inclusion
from doorward.audit.tiles import TileFiles
from doorward.errors import LogDamaged, NotFound

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


def inclusion_proof(directory: Path, index: int) -> str:
    """A tlog-proof that entry *index* is under the present checkpoint.

    Raises NotFound for an entry that is not signed yet, LogDamaged when the tiles do not lead to the signed root.
    """
    checkpoint = read_checkpoint(directory)
    if checkpoint is None or not 0 <= index < checkpoint.size:
        raise NotFound(f"Entry {index} is not under a checkpoint.", "A written entry is signed within seconds: ask again.")
    files = TileFiles(directory, checkpoint.size)
    path = inclusion_path(index, checkpoint.size, files.node)
    if root_of_inclusion(files.node(0, index), index, checkpoint.size, path) != checkpoint.root:
        raise LogDamaged(f"The tiles do not prove entry {index} under the signed root.", "Run `doorward audit verify`.", index)
    lines = [_FIRST_LINE, f"index {index}", *(base64.b64encode(sibling).decode() for sibling in path)]
    return "\n".join(lines) + "\n\n" + checkpoint.note.decode()


def verify_proof(proof: str, entry: bytes, vkey: str) -> Checkpoint:
    """The checkpoint under which *proof* shows *entry*; LogDamaged when it does not prove that."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    if lines and lines[1:2] and lines[1].startswith("extra "):
        del lines[1]  # not authenticated, so it means nothing here
    found = _INDEX.fullmatch(lines[1]) if len(lines) > 1 and lines[0] == _FIRST_LINE else None
    if found is None:
        raise LogDamaged(f"This is no proof: it must begin with {_FIRST_LINE} and an index.")
    index = int(found[1])
    checkpoint = verify_checkpoint(note.encode(), VerifierKey.parse(vkey))
    try:
        path = [base64.b64decode(line, validate=True) for line in lines[2:]]
        proven = all(len(sibling) == 32 for sibling in path)
        proven = proven and root_of_inclusion(leaf_hash(entry), index, checkpoint.size, path) == checkpoint.root
    except (binascii.Error, ValueError) as error:
        raise LogDamaged(f"The proof is malformed: {error}.", index=index) from error
    if not proven:
        raise LogDamaged(f"The proof does not show this text as entry {index} of {checkpoint.origin}.", index=index)
    return checkpoint


def consistency_proof(directory: Path, old_size: int) -> tuple[bytes, ...]:
    """The hashes that prove that the present checkpoint extends one of *old_size* entries (RFC 6962 section 2.1.2)."""
    checkpoint = read_checkpoint(directory)
    if checkpoint is None or not 0 <= old_size <= checkpoint.size:
        raise NotFound(f"No checkpoint covers {old_size} entries.", "Compare with an older checkpoint.")
    return tuple(consistency_path(old_size, checkpoint.size, TileFiles(directory, checkpoint.size).node))


def verify_consistency(old: Checkpoint, present: Checkpoint, proof: tuple[bytes, ...]) -> None:
    """LogDamaged unless *proof* shows that *present* extends *old*; both signatures must have been verified before."""
    if not is_consistent(old.size, old.root, present.size, present.root, proof):
        raise LogDamaged(
            f"The log of {present.size} entries does not extend the one of {old.size}: history was rewritten or lost.",
            "Keep both checkpoints; together they are evidence.",
        )
