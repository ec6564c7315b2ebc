"""Parts of a log put away, proven by themselves, and put back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from doorward.audit.archive import archive, restore, verify_archive
from doorward.audit.checkpoint import create_key, load_key, load_vkey
from doorward.audit.log import AuditLog
from doorward.audit.sequencer import Sequencer
from doorward.audit.verify import verify
from doorward.errors import ConfigurationInvalid, LogDamaged, NotFound
from doorward.model.entry import StatementIntent

MakeIntent = Callable[..., StatementIntent]
BASE_US = 1_700_000_000_000_000  # the time of the fixture's entry 0; one microsecond each


def write(directory: Path, intent: MakeIntent, first: int, count: int) -> None:
    """*count* more signed entries, the first of them with an attachment."""
    log = AuditLog.open(directory)
    log.append(intent(first, attachment=log.attach(b"SELECT %d" % first)))
    for number in range(first + 1, first + count):
        log.append(intent(number))
    log.close()
    made = (directory / "log.key").exists()
    sequencer = Sequencer(directory, load_key(directory) if made else create_key(directory, "log.test"))
    sequencer.step()
    sequencer.close()


@pytest.fixture
def log(tmp_path: Path, intent: MakeIntent) -> Path:
    write(tmp_path / "log", intent, 0, 1_000)
    return tmp_path / "log"


def test_what_is_old_is_put_away_piece_by_piece(log: Path, tmp_path: Path, intent: MakeIntent) -> None:
    """Full bundles alone; what was put away is not put away again; the log is left as it is."""
    vkey = str(load_vkey(log))
    first = archive(log, tmp_path / "away", BASE_US + 600)
    manifest, problems = verify_archive(first, vkey)
    assert (manifest.first, manifest.end, problems, len(manifest.attachments)) == (0, 512, (), 1)
    assert first.name.startswith("000000000000-000000000512-")
    with pytest.raises(NotFound, match="nothing to put away"):
        archive(log, tmp_path / "away", BASE_US + 600)
    write(log, intent, 1_000, 600)
    second = archive(log, tmp_path / "away", BASE_US + 10_000)
    manifest, problems = verify_archive(second, vkey)
    assert (manifest.first, manifest.end, problems) == (512, 1_536, ())
    assert verify_archive(first, vkey)[1] == ()
    assert verify(log, vkey).is_sound
    assert not [path for path in (tmp_path / "away").iterdir() if path.name.startswith(".")]


def test_every_altered_file_of_an_archive_is_named(log: Path, tmp_path: Path) -> None:
    """Any byte of a bundle or an attachment, the checkpoint, the paths in the manifest; and what is missing."""
    folder = archive(log, tmp_path / "away", BASE_US + 600)
    vkey = str(load_vkey(log))
    for path in [each for each in folder.rglob("*") if each.is_file()]:
        if path.name in ("manifest.json", "log.pub"):
            continue
        name = path.relative_to(folder).as_posix()
        content = path.read_bytes()
        path.chmod(0o600)
        for position in {0, 1, len(content) // 2, len(content) - 1}:
            path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
            assert [problem.file for problem in verify_archive(folder, vkey)[1]] == [name], position
        path.write_bytes(content)
        if name != "checkpoint":
            path.rename(tmp_path / "gone")
            (problem,) = verify_archive(folder, vkey)[1]
            assert (problem.file, "is missing" in problem.text) == (name, True)
            (tmp_path / "gone").rename(path)
    manifest = folder / "manifest.json"
    manifest.chmod(0o600)
    content = manifest.read_bytes()
    for before, after in (
        (b'"end": 512', b'"end": 768'),
        (b'"path": [\n    "', b'"path": [\n    "AAAA'),
        (b"log.test", b"log.best"),
    ):
        assert before in content
        manifest.write_bytes(content.replace(before, after, 1))
        assert verify_archive(folder, vkey)[1]
    manifest.write_bytes(content)
    assert verify_archive(folder, vkey)[1] == ()
    assert verify_archive(folder)[1] == ()


def test_what_a_log_lost_is_put_back(log: Path, tmp_path: Path) -> None:
    """Bundles, tiles, attachments: lost or altered; and then the log is intact."""
    folder = archive(log, tmp_path / "away", BASE_US + 600)
    vkey = str(load_vkey(log))
    (log / "tile/entries/000").unlink()
    bundle = log / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes()[:-5] + b"wrong")
    (log / "tile/0/001").unlink()
    shutil.rmtree(log / "attachments")
    assert not verify(log, vkey).is_sound
    assert restore(folder, log, vkey) == 4
    assert verify(log, vkey).is_sound
    assert restore(folder, log, vkey) == 0


def test_nothing_is_put_back_that_is_not_the_logs_own(log: Path, tmp_path: Path, intent: MakeIntent) -> None:
    """An altered archive, one of another key, one of another history."""
    folder = archive(log, tmp_path / "away", BASE_US + 600)
    vkey = str(load_vkey(log))
    shutil.copytree(log, tmp_path / "forked", ignore=shutil.ignore_patterns("tile", "journal", "checkpoint"))
    write(tmp_path / "forked", intent, 5, 1_000)
    with pytest.raises(LogDamaged, match="another history"):
        restore(folder, tmp_path / "forked", vkey)
    write(tmp_path / "other", intent, 0, 600)
    with pytest.raises(LogDamaged, match="not intact: checkpoint"):
        restore(folder, log, str(load_vkey(tmp_path / "other")))
    bundle = folder / "bundles" / "000000000001"
    bundle.chmod(0o600)
    bundle.write_bytes(bundle.read_bytes()[:-1])
    with pytest.raises(LogDamaged, match="entries 256 to 511"):
        restore(folder, log, vkey)
    assert verify(log, vkey).is_sound


def test_what_is_no_archive_is_said_to_be_none(log: Path, tmp_path: Path) -> None:
    """And a log whose entries were altered is not put away."""
    with pytest.raises(ConfigurationInvalid, match="is no archive"):
        verify_archive(log)
    bundle = log / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes()[:-5] + b"wrong")
    with pytest.raises(LogDamaged, match="not those that were signed"):
        archive(log, tmp_path / "away", BASE_US + 600)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound):
        archive(tmp_path / "empty", tmp_path / "away", BASE_US)
