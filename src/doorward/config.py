"""Settings of one Doorward, and where its files lie."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from doorward.databases import DATABASES
from doorward.errors import ConfigurationInvalid
from doorward.model.upstream import Reach, Upstream
from doorward.proxy.admission import Limits
from doorward.proxy.upstream_pool import PoolLimits
from doorward.proxy.upstream_tls import check_words

DEFAULT_PORT = 6432
DEFAULT_CONSOLE_PORT = 8765
DATA_DIRECTORY_VARIABLE = "DOORWARD_DATA_DIR"


def default_data_directory() -> Path:
    """``$DOORWARD_DATA_DIR``, or ``~/.local/share/doorward`` as the XDG base directory specification has it."""
    given = os.environ.get(DATA_DIRECTORY_VARIABLE)
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "doorward"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The files of one Doorward, by what they are for."""

    path: Path

    @property
    def store(self) -> Path:
        """Identities, verifiers, verdicts, requests."""
        return self.path / "control.db"

    @property
    def log(self) -> Path:
        """The audit log."""
        return self.path / "log"

    @property
    def index(self) -> Path:
        """What the log is searched with; made from it, and made anew when it is lost."""
        return self.path / "index"

    @property
    def evidence(self) -> Path:
        """Packs of evidence that were made from the console."""
        return self.path / "evidence"

    @property
    def policy(self) -> Path:
        """The operator's own rules, in place of the packaged ones where it holds any."""
        return self.path / "policy"

    @property
    def detectors(self) -> Path:
        """The operator's own detectors, beside the rules."""
        return self.policy / "detectors"

    @property
    def identity(self) -> Path:
        """Whose tokens are believed, and how people sign in; may be absent."""
        return self.path / "identity.toml"

    @property
    def export_settings(self) -> Path:
        """Where copies of the log are sent to; absent when nowhere."""
        return self.path / "export.toml"

    @property
    def export(self) -> Path:
        """How far each destination is."""
        return self.path / "export"

    @property
    def notify_settings(self) -> Path:
        """Who is told outside, and who answers from there; absent when nobody."""
        return self.path / "notify.toml"

    @property
    def notify(self) -> Path:
        """How telling goes, by receiver."""
        return self.run / "notify"

    @property
    def run(self) -> Path:
        """What belongs to a running Doorward: sockets, the operator's key, its addresses."""
        return self.path / "run"

    @property
    def link_socket(self) -> Path:
        """Where gateways meet the control process."""
        return self.run / "gateway.sock"

    @property
    def operator_token(self) -> Path:
        """The local operator's key to the API."""
        return self.run / "operator.token"

    @property
    def state(self) -> Path:
        """Addresses and process id of the Doorward that runs here, as JSON; absent when none does."""
        return self.run / "state.json"

    @property
    def digest_key(self) -> Path:
        """The key that makes parameter values in the log recognisable to nobody else."""
        return self.path / "keys" / "digest.key"

    @property
    def wrapping_key(self) -> Path:
        """What the log's keys are kept under, unless the environment names another."""
        return self.path / "keys" / "wrapping.key"

    @property
    def day_keys(self) -> Path:
        """The log's keys, one a day: they open what is sealed in its entries."""
        return self.path / "keys" / "days"

    @property
    def certificate(self) -> Path:
        """The certificate shown to clients."""
        return self.path / "keys" / "tls.crt"

    @property
    def private_key(self) -> Path:
        """Its private key."""
        return self.path / "keys" / "tls.key"

    def prepare(self) -> None:
        """Make the folders, for the owner alone. Raises ConfigurationInvalid, naming what can't be written."""
        for folder in (self.path, self.log, self.policy, self.run, self.digest_key.parent):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
            except OSError as error:
                raise ConfigurationInvalid(
                    f"The data directory can't be used: {folder}: {error.strerror}.",
                    "Give another with --data-dir, or make this one yours.",
                ) from None
            if not os.access(folder, os.W_OK | os.X_OK):
                raise ConfigurationInvalid(f"The data directory {folder} can't be written.", "Give another with --data-dir.")


@dataclass(frozen=True, slots=True)
class Settings:
    """What one ``doorward up`` is started with. Ports of 0 mean any free one.

    *workers* is the number of gateways that share the port. What is under way when Doorward is told to stop has
    *drain_seconds* to come to its end. *presets* are laid over the rules of the data directory, or the packaged ones.
    *shadow_policy* is a folder of candidate rules that are asked beside those in force, without any effect.
    """

    data: DataDirectory
    upstream: Upstream
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    console_host: str = "127.0.0.1"
    console_port: int = DEFAULT_CONSOLE_PORT
    tls: bool = True
    strict_durability: bool = False
    limits: Limits = field(default_factory=Limits)
    pool: PoolLimits = field(default_factory=PoolLimits)
    workers: int = 1
    drain_seconds: int = 30
    presets: tuple[str, ...] = ()
    shadow_policy: Path | None = None


# What a URL may say behind its question mark, all in libpq's words.
_REACH_OPTIONS = Reach.__struct_fields__
_FILE_OPTIONS = ("sslrootcert", "sslcert", "sslkey")
_URL_OPTIONS = ("sslmode", *_REACH_OPTIONS, "host", "port", "user", "password", "dbname")


def read_upstream(url: str, name: str = "", *, observe: bool = False) -> Upstream:
    """The upstream of a connection URL such as ``postgresql://user:password@host:5432/database?sslmode=require``.

    *observe* makes it one that is only watched.

    Raises ConfigurationInvalid; its message never holds the password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # The parser's own words may hold a part of the password.
        raise ConfigurationInvalid(
            "The URL can't be read.", "Give postgresql://user:password@host/database, with /, @ and [ in a password as %XX."
        ) from None
    database = next((row for row in DATABASES.values() if parts.scheme in row.scheme), None)
    if database is None:
        raise ConfigurationInvalid(
            f"{parts.scheme or 'That'} is not a database that Doorward speaks.",
            "Give a URL like postgresql://user:password@host/database.",
        )
    path = unquote(parts.path.lstrip("/"))
    # libpq decodes %XX alone; a plus is a plus.
    options = {key: values[-1] for key, values in parse_qs(parts.query.replace("+", "%2B")).items()}
    unknown = sorted(set(options) - set(_URL_OPTIONS))
    if unknown:
        # An @ behind the question mark: what looks like options may be the rest of a password.
        named = "" if "@" in parts.query else f": {', '.join(unknown)}"
        raise ConfigurationInvalid(
            f"The URL has options that are not known{named}.",
            f"Known: {', '.join(_URL_OPTIONS)}. Give a ? in a password as %3F.",
        )
    user = options.get("user") or unquote(parts.username or "")
    catalog = options.get("dbname") or path
    if not user or not catalog:
        raise ConfigurationInvalid("The URL names no user or no database.", "Give postgresql://user:password@host/database.")
    reach = Reach(**{word: _absolute(word, options[word]) for word in _REACH_OPTIONS if word in options})
    # Trust in whatever authorities the machine trusts says nothing without the name: so libpq has it, too.
    tls = options.get("sslmode", "verify-full" if reach.sslrootcert == "system" else "prefer")
    check_words(tls, reach)
    try:
        given = options.get("port") or parts.port
        port = database.default_port if given is None else int(given)
    except ValueError:
        port = 0
    if not 0 < port < 1 << 16:
        raise ConfigurationInvalid("The URL's port is not one.", "Give a port from 1 to 65535.")
    return Upstream(
        name=name or catalog,
        engine=database.engine,
        host=options.get("host") or parts.hostname or "127.0.0.1",
        port=port,
        database=catalog,
        user=user,
        password=options.get("password") or unquote(parts.password or ""),
        tls=tls,
        observe=observe,
        reach=reach,
    )


def _absolute(word: str, value: str) -> str:
    """A file's whole path: two processes read it."""
    if word not in _FILE_OPTIONS or value in ("", "system"):
        return value
    return str(Path(value).expanduser().absolute())


def read_texts(folder: Path, pattern: str) -> dict[str, str]:
    """Name to text of the files in *folder*, which need not exist. Raises ConfigurationInvalid for an unreadable one."""
    try:
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob(pattern))}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(
            f"The policy folder {folder} can't be read: {error}.", "Make its files readable UTF-8."
        ) from None
