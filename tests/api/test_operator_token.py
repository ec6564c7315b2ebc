"""The operator's token file."""

from pathlib import Path

from doorward.api.operator_token import operator_token


def test_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Long, random, mode 0600, the same at the next start."""
    path = tmp_path / "operator.token"
    token = operator_token(path)
    assert token.startswith("dwo_")
    assert len(token) > 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert operator_token(path) == token
    assert operator_token(tmp_path / "other") != token


def test_wider_mode_is_narrowed(tmp_path: Path) -> None:
    """A copy restored from a backup, say."""
    path = tmp_path / "operator.token"
    path.write_text("dwo_known\n")
    path.chmod(0o644)
    assert operator_token(path) == "dwo_known"
    assert path.stat().st_mode & 0o777 == 0o600
