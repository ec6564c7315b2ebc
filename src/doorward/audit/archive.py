"""Parts of a log put away: full entry bundles, each with its own way to a signed root, so that a part is proven by itself.

An archive is a folder that is written once and never changed. Its name says which entries it holds and under which root: stores
whose objects are locked can take it, and no two archives have one name.
"""

from __future__ import annotations

import base64
import os
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from doorward.audit.checkpoint import CHECKPOINT_FILE, VKEY_FILE, Checkpoint, VerifierKey, read_checkpoint, verify_checkpoint
from doorward.audit.files import make_directory, sync_directory, sync_file, write_durably
from doorward.audit.log import ATTACHMENTS_FOLDER, attachment_path
from doorward.audit.merkle import TILE_HEIGHT, TILE_WIDTH, full_root, inclusion_path, leaf_hash, node_hash, root_of_inclusion
from doorward.audit.order import time_of
from doorward.audit.tiles import TileFiles, split_bundle, tile_path
from doorward.errors import ConfigurationInvalid, Conflict, LogDamaged, NotFound

MANIFEST_FILE = "manifest.json"
FORMAT = "doorward-archive/1"
_BUNDLES_FOLDER = "bundles"


class Bundle(msgspec.Struct, frozen=True):
    """256 entries. *path* leads from the root over them to the checkpoint's root: hashes in base64, from below."""

    index: int
    sha256: str
    path: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True):
    """What an archive holds: the entries from *first* to before *end*, and what they name."""

    format: str
    origin: str
    first: int
    end: int
    bundles: tuple[Bundle, ...]
    attachments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file of an archive; *index* is the first entry concerned, -1 for none."""

    file: str
    index: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


def archive(log: Path, to: Path, before_us: int) -> Path:
    """Put away, in a new folder in *to*, all that is older than *before_us* and not in *to* yet. Nothing is taken from the log.

    Raises NotFound when there is nothing to put away, LogDamaged when the log does not prove what would be.
    """
    checkpoint = read_checkpoint(log)
    if checkpoint is None:
        raise NotFound(f"Nothing is signed in {log}.", "Give the folder of a log.")
    files = TileFiles(log, checkpoint.size)
    first = _next_in(to, checkpoint.origin)
    bundles, contents, attachments = [], [], set()
    for index in range(first // TILE_WIDTH, checkpoint.size // TILE_WIDTH):
        content = files.read(None, index, TILE_WIDTH)
        entries = [entry for _, entry in split_bundle(content, TILE_WIDTH)]
        if max(map(time_of, entries), default=before_us) >= before_us:
            break
        leaf = index * TILE_WIDTH
        path = inclusion_path(leaf, checkpoint.size, files.node)[TILE_HEIGHT:]
        if not _is_proven(entries, index, checkpoint, path):
            raise LogDamaged(
                f"Entries {leaf} to {leaf + 255} are not those that were signed.", "Run `doorward audit verify`.", leaf
            )
        hashes = tuple(base64.b64encode(each).decode() for each in path)
        bundles.append(Bundle(index, sha256(content).hexdigest(), hashes))
        contents.append(content)
        attachments.update(_attachments_of(entries))
    if not bundles:
        raise NotFound(
            "There is nothing to put away: no 256 entries in a row are old enough and not archived yet.",
            "Give a later day, or wait.",
        )
    end = first + len(bundles) * TILE_WIDTH
    manifest = Manifest(FORMAT, checkpoint.origin, first, end, tuple(bundles), tuple(sorted(attachments)))
    return _write(log, to, checkpoint, manifest, contents)


def verify_archive(folder: Path, vkey: str | None = None) -> tuple[Manifest, tuple[Problem, ...]]:
    """Check an archive by itself against *vkey* (None: its own ``log.pub``, which shows damage but not forgery).

    Raises ConfigurationInvalid when it is none.
    """
    manifest, checkpoint, problems = _open(folder, vkey)
    if checkpoint is not None:
        problems += [problem for bundle in manifest.bundles if (problem := _wrong_with(folder, bundle, checkpoint)) is not None]
    expected = range(manifest.first // TILE_WIDTH, manifest.end // TILE_WIDTH)
    if [bundle.index for bundle in manifest.bundles] != list(expected):
        problems.append(Problem(MANIFEST_FILE, manifest.first, "does not list all entries that it says are here"))
    for digest in manifest.attachments:
        path = folder / ATTACHMENTS_FOLDER / digest
        if not path.is_file():
            problems.append(Problem(f"{ATTACHMENTS_FOLDER}/{digest}", -1, "is missing"))
        elif sha256(path.read_bytes()).hexdigest() != digest:
            problems.append(Problem(f"{ATTACHMENTS_FOLDER}/{digest}", -1, "was altered: it does not match its name"))
    return manifest, tuple(problems)


def restore(folder: Path, log: Path, vkey: str) -> int:
    """Put back what *log* lost or what was altered there of the entries in an archive; how many files that were.

    Raises LogDamaged when the archive is not intact, or is of another history than the log.
    """
    manifest, problems = verify_archive(folder, vkey)
    if problems:
        raise LogDamaged(f"The archive is not intact: {problems[0]}.", "Restore from another copy of it.", problems[0].index)
    present = read_checkpoint(log)
    if present is None or verify_checkpoint(present.note, VerifierKey.parse(vkey)).size < manifest.end:
        raise LogDamaged(f"The log in {log} does not reach the archive's end.", "Restore its checkpoint and tiles first.")
    files = TileFiles(log, present.size)
    count = 0
    for bundle in manifest.bundles:
        content = (folder / _BUNDLES_FOLDER / _name(bundle)).read_bytes()
        leaves = [leaf_hash(entry) for _, entry in split_bundle(content, TILE_WIDTH)]
        if full_root(leaves) != files.node(TILE_HEIGHT, bundle.index):
            raise LogDamaged("The archive is of another history than the log.", "Keep both; together they are evidence.")
        count += _put_back(log / tile_path(None, bundle.index), content)
        count += _put_back(log / tile_path(0, bundle.index), b"".join(leaves))
    for digest in manifest.attachments:
        count += _put_back(attachment_path(log, digest), (folder / ATTACHMENTS_FOLDER / digest).read_bytes())
    return count


def _write(log: Path, to: Path, checkpoint: Checkpoint, manifest: Manifest, contents: list[bytes]) -> Path:
    name = f"{manifest.first:012}-{manifest.end:012}-{checkpoint.root.hex()[:16]}"
    final, aside = to / name, to / f".{name}.{os.getpid()}.tmp"
    make_directory(to)
    if final.exists():
        raise Conflict(f"{final} exists already.", "An archive is never changed; give another folder.")
    try:
        for part in (_BUNDLES_FOLDER, ATTACHMENTS_FOLDER):
            make_directory(aside / part)
        for bundle, content in zip(manifest.bundles, contents, strict=True):
            write_durably(aside / _BUNDLES_FOLDER / _name(bundle), content, mode=0o400)
        for digest in manifest.attachments:
            shutil.copyfile(attachment_path(log, digest), aside / ATTACHMENTS_FOLDER / digest)
            sync_file(aside / ATTACHMENTS_FOLDER / digest)
        write_durably(aside / CHECKPOINT_FILE, checkpoint.note, mode=0o400)
        write_durably(aside / VKEY_FILE, (log / VKEY_FILE).read_bytes(), mode=0o400)
        write_durably(aside / MANIFEST_FILE, msgspec.json.format(msgspec.json.encode(manifest), indent=1), mode=0o400)
        for made in (aside / _BUNDLES_FOLDER, aside / ATTACHMENTS_FOLDER, aside):
            sync_directory(made)
        aside.rename(final)
        sync_directory(to)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise ConfigurationInvalid(
            f"The archive can't be written to {to}: {error.strerror}.", "Make room, or give another."
        ) from None
    return final


def _open(folder: Path, vkey: str | None) -> tuple[Manifest, Checkpoint | None, list[Problem]]:
    try:
        manifest = msgspec.json.decode((folder / MANIFEST_FILE).read_bytes(), type=Manifest)
        if manifest.format != FORMAT:
            raise ConfigurationInvalid(f"{folder} is an archive of a later version ({manifest.format}).", "Update Doorward.")
        key = VerifierKey.parse(vkey or (folder / VKEY_FILE).read_text("utf-8"))
        note = (folder / CHECKPOINT_FILE).read_bytes()
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise ConfigurationInvalid(
            f"{folder} is no archive, or its manifest, key or checkpoint can't be read: {type(error).__name__}.",
            "Give the folder that doorward audit archive printed.",
        ) from None
    try:
        checkpoint = verify_checkpoint(note, key)
        if checkpoint.origin != manifest.origin:
            return manifest, None, [Problem(MANIFEST_FILE, -1, f"is of another log than the key: {manifest.origin}")]
        return manifest, checkpoint, []
    except LogDamaged as error:
        return manifest, None, [Problem(CHECKPOINT_FILE, -1, error.message)]


def _wrong_with(folder: Path, bundle: Bundle, checkpoint: Checkpoint) -> Problem | None:
    name, first = f"{_BUNDLES_FOLDER}/{_name(bundle)}", bundle.index * TILE_WIDTH
    try:
        content = (folder / name).read_bytes()
    except FileNotFoundError:
        return Problem(name, first, f"is missing; it holds entries {first} to {first + 255}")
    entries = [entry for _, entry in split_bundle(content, TILE_WIDTH)]
    try:
        path = [base64.b64decode(each, validate=True) for each in bundle.path]
        proven = len(entries) == TILE_WIDTH and _is_proven(entries, bundle.index, checkpoint, path)
    except ValueError:
        proven = False
    if proven and sha256(content).hexdigest() == bundle.sha256:
        return None
    where = "it or its path in the manifest" if sha256(content).hexdigest() == bundle.sha256 else "it"
    return Problem(name, first, f"entries {first} to {first + 255} are not those that were signed: {where} was altered")


def _is_proven(entries: list[bytes], index: int, checkpoint: Checkpoint, path: list[bytes]) -> bool:
    """Whether *entries* are bundle *index* of the tree: from the first leaf up within them, and on by *path*."""
    row = [leaf_hash(entry) for entry in entries]
    if len(row) != TILE_WIDTH:
        return False
    leaf, inside = row[0], []
    while len(row) > 1:
        inside.append(row[1])
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    try:
        return root_of_inclusion(leaf, index * TILE_WIDTH, checkpoint.size, inside + path) == checkpoint.root
    except ValueError:
        return False


def _next_in(to: Path, origin: str) -> int:
    """The first entry that no archive in *to* holds."""
    end = 0
    for path in sorted(to.glob(f"*/{MANIFEST_FILE}")) if to.is_dir() else ():
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
        if found.origin == origin and found.first <= end:
            end = max(end, found.end)
    return end


class _Attached(msgspec.Struct):
    attachment: str = ""


def _attachments_of(entries: list[bytes]) -> set[str]:
    marked = (entry for entry in entries if b'"attachment":"sha256:' in entry)
    return {msgspec.json.decode(entry, type=_Attached).attachment.removeprefix("sha256:") for entry in marked} - {""}


def _put_back(path: Path, content: bytes) -> bool:
    if path.is_file() and path.read_bytes() == content:
        return False
    make_directory(path.parent, 0o755)
    write_durably(path, content, mode=0o644)
    sync_directory(path.parent)
    return True


def _name(bundle: Bundle) -> str:
    return f"{bundle.index:012}"
