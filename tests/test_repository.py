"""The repository as strangers get it: nothing of one machine in it, every licence permissive, every change noted alike."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import PACKAGE, ROOT, repository_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

# Spelled in pieces, so that this file passes its own test.
PERSONAL_FOLDER = re.compile(r"(?<![\w.~$}{*-])/" + r"(?:home|root|Users|work)/[A-Za-z0-9_.-]+")
REGISTRY_HOST = re.compile(
    "|".join([r"files\.python" + "hosted", "pypi" + r"\.org", "registry" + r"\.npmjs", "--" + "index-url"])
)
FRAGMENT_NAME = re.compile(r"\d+\.(added|changed|deprecated|removed|fixed|security)\.md")
LOCAL_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|0BSD|Unlicense|zlib)\b",
    re.IGNORECASE,
)
COPYLEFT = re.compile(r"\b(A|L)?GPL|\bMozilla\b|\bMPL\b|\bEUPL\b|\bSSPL\b", re.IGNORECASE)
# certifi is Mozilla's list of certificate authorities, unchanged: its licence asks for nothing but to stay with that file.
ACCEPTED_BY_NAME = {"certifi": "MPL-2.0"}


def text_of(path: Path) -> str:
    """A file's text; empty for pictures and the like."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", errors="replace")


def mentions(pattern: re.Pattern[str]) -> list[str]:
    """Every match in every file, with the file's name."""
    return [f"{path.relative_to(ROOT)}: {hit}" for path in repository_files() for hit in pattern.findall(text_of(path))]


def needed_at_run_time() -> list[str]:
    """Every distribution that plain `pip install doorward` brings, through all levels."""
    waiting = list(PROJECT["dependencies"])
    found: dict[str, None] = {}
    while waiting:
        requirement = Requirement(waiting.pop())
        extras = requirement.extras or {""}
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found[name] = None
        for inner in distribution(name).requires or ():
            parsed = Requirement(inner)
            if parsed.marker is None or any(parsed.marker.evaluate({"extra": extra}) for extra in extras):
                parsed.marker = None
                waiting.append(str(parsed))
    return sorted(found)


def licence_of(name: str) -> str:
    """What a distribution says of its licence, in its own words."""
    found = distribution(name)
    expression = found.metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [line for line in found.metadata.get_all("Classifier") or () if line.startswith("License ::")]
    # Some put the whole text into the field, some only into a file; its first line is its title.
    files = [file.read_text() for file in found.files or () if file.name.upper().startswith("LICEN")]
    texts = [found.metadata.get("License") or "", *files]
    return "; ".join([*classifiers, *(text.strip().partition("\n")[0] for text in texts)])


def test_no_file_names_a_personal_folder() -> None:
    """What works only on one machine is a mistake."""
    found = [
        f"{path.relative_to(ROOT)}: {hit}" for path in repository_files() for hit in PERSONAL_FOLDER.findall(text_of(path))
    ]
    assert not found


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the installer's choice; the lock has names, versions and hashes only."""
    found = mentions(REGISTRY_HOST)
    assert not found, found


def test_every_pin_has_a_hash() -> None:
    """`make setup` refuses what does not match."""
    pins = re.split(r"(?m)^(?=[a-z0-9])", LOCK)[1:]
    assert len(pins) > 20
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_lock_has_every_declared_dependency() -> None:
    """pyproject.toml and requirements.lock change together (scripts/lock.sh)."""
    pinned = {canonicalize_name(name): version for name, version in re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\S+)", LOCK)}
    declared = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    for line in declared:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), line


def test_every_run_time_dependency_is_permissive() -> None:
    """Whoever ships Doorward inside a product of theirs owes no more than notices."""
    names = needed_at_run_time()
    assert {"cryptography", "starlette", "anyio"} <= set(names)
    refused = {}
    for name in names:
        licence = licence_of(name)
        if name in ACCEPTED_BY_NAME and ACCEPTED_BY_NAME[name] in licence:
            continue
        if not PERMISSIVE.search(licence) or COPYLEFT.search(licence):
            refused[name] = licence
    assert not refused, refused


def test_psycopg_is_no_run_time_dependency() -> None:
    """It is under the LGPL: fine to test and demonstrate with, not to depend on."""
    assert not {"psycopg", "psycopg-binary", "psycopg2"} & set(needed_at_run_time())


def test_unknown_distribution_is_an_error() -> None:
    """A dependency that is not installed can't be waved through."""
    with pytest.raises(PackageNotFoundError):
        licence_of("no-such-distribution-anywhere")


def test_changelog_fragments_are_named_by_issue_and_kind() -> None:
    """Their names are how a release sorts them."""
    names = {path.name for path in (ROOT / "changelog.d").iterdir()} - {"README.md"}
    assert [name for name in sorted(names) if not FRAGMENT_NAME.fullmatch(name)] == []


def test_changelog_fragments_are_sentences() -> None:
    """They go into the changelog as they are."""
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md"]
    assert [path.name for path in fragments if not path.read_text(encoding="utf-8").strip().endswith(".")] == []


def test_links_between_pages_lead_somewhere() -> None:
    """A link to another file of the repository names one that is there."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in repository_files()
        if page.suffix == ".md"
        for target in LOCAL_LINK.findall(text_of(page))
        if not (page.parent / target).exists()
    ]
    assert not broken, broken


def test_architecture_page_names_every_package() -> None:
    """The table of places has each top-level package and module, and none that is not there."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## Where things are")[2].partition("\n## ")[0]
    cells = re.findall(r"(?m)^\| (`[^|]+) \|", page)
    named = {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}
    there = {path.stem for path in PACKAGE.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"}
    differing = named ^ (there - {"__init__", "__main__"})
    assert not differing, differing


def test_licence_is_apache_2() -> None:
    """The licence that pyproject.toml declares is the one in the file."""
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
