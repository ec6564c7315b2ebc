"""The days' keys of one log, one file a key: made when a day begins, wrapped, and destroyed when its texts must go."""

from __future__ import annotations

import base64
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from doorward.audit import hpke
from doorward.audit.files import TEMPORARY_SUFFIX, make_directory, sync_directory, write_durably
from doorward.audit.sealing import Opener
from doorward.audit.wrapping import Wrapping, wrapping_from
from doorward.errors import ConfigurationInvalid, Conflict, DoorwardError, NotFound
from doorward.model.sealing import DayKey, SealingKey

_SUFFIX = ".key"
_ERASED = ".erased"
_HELD = ".held"
_LASTING = ".lasting"
_SALT_BYTES = 32
_PRIVATE_BYTES = 32
_ASK_AGAIN_SECONDS = 60.0
_ID = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.([1-9][0-9]*))?")


class _File(msgspec.Struct, frozen=True):
    """What a day's file holds. *wrapped* is the private key and the salt."""

    id: str
    public: str
    wrapped: str
    wrapped_by: str


class Held(msgspec.Struct, frozen=True):
    """Why a key must not be destroyed: a legal hold on the day's entries."""

    id: str
    at_us: int
    by: str
    reason: str


class Erased(msgspec.Struct, frozen=True):
    """What is left of a key that was destroyed."""

    id: str
    at_us: int
    by: str


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key as people ask for it. *erased* is there if it was destroyed; *wrapped_by* is empty then. *held* is a legal hold."""

    id: str
    wrapped_by: str
    erased: Erased | None = None
    held: Held | None = None


class DayKeys:
    """The keys in *folder*. *wrapping* is asked for only when a key has to be opened or made.

    A key that another process destroys is forgotten here with ``forget``, or when this object goes.
    """

    def __init__(self, folder: Path, wrapping: Callable[[], Wrapping]) -> None:
        self._folder = folder
        self._wrapping = wrapping
        self._opened: dict[str, DayKey] = {}
        self._made: set[str] = set()
        self._lasting: dict[str, bytes] = {}
        self._making = threading.Lock()
        self._absent: dict[str, float] = {}  # until when each is not looked for again

    def current(self, at_us: int) -> SealingKey:
        """What to seal with at *at_us*: the key of that day (in UTC), made when there is none.

        Raises ConfigurationInvalid when it can't be had.
        """
        day = day_of(at_us)
        ids = [state.id for state in self.all() if state.id.partition(".")[0] == day]
        latest = ids[-1] if ids else ""
        if latest and not self._erased_path(latest).exists():
            key = self.key(latest)
            if key is not None:
                return key.sealing
        return self._make(f"{day}.{len(ids)}" if ids else day)

    def was_made_here(self, key_id: str) -> bool:
        """Whether this object made the key."""
        return key_id in self._made

    def key(self, key_id: str) -> DayKey | None:
        """The key, opened; None when it was destroyed or never was here. Raises ConfigurationInvalid when it does not open."""
        found = self._opened.get(key_id)
        if found is not None:
            return found
        kept = self._read(key_id)
        if kept is None:
            return None
        plain = self._wrapping().unwrap(self._wrapped(kept), key_id)
        private, salt = plain[:_PRIVATE_BYTES], plain[_PRIVATE_BYTES:]
        # Sealed with another public key, texts could be read by nobody, or by somebody else.
        if len(salt) != _SALT_BYTES or base64.b64encode(public := hpke.public_of(private)).decode() != kept.public:
            raise self._damaged(key_id)
        opened = DayKey(SealingKey(key_id, public, salt), private)
        self._opened[key_id] = opened
        return opened

    def key_if_any(self, key_id: str) -> DayKey | None:
        """The same for whoever reads on without it: one that is not at hand is not asked for with each entry."""
        if time.monotonic() < self._absent.get(key_id, 0.0):
            return None
        try:
            found = self.key(key_id)
        except DoorwardError:
            found = None
        if found is None:
            self._absent[key_id] = time.monotonic() + _ASK_AGAIN_SECONDS
        return found

    def lasting(self, name: str) -> bytes:
        """A key that is no day's and is never destroyed, for what is kept beside the log: made when there is none.

        Raises ConfigurationInvalid.
        """
        # One at a time: two that make it at once would each go on with a key of their own.
        with self._making:
            if name not in self._lasting:
                self._lasting[name] = self._made_or_read(name)
            return self._lasting[name]

    def _made_or_read(self, name: str) -> bytes:
        kept = self._load(name)
        if kept is not None:
            return self._wrapping().unwrap(self._wrapped(kept), name)
        made = secrets.token_bytes(_SALT_BYTES)
        make_directory(self._folder)
        self._write(name, "", made, self._wrapping())
        return made

    def all(self) -> list[KeyState]:
        """Every key there is or was, oldest first."""
        states: dict[str, KeyState] = {}
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                key_id = path.name.removesuffix(_SUFFIX).removesuffix(_ERASED)
                if path.name.endswith(TEMPORARY_SUFFIX) or not _ID.fullmatch(key_id):
                    continue
                if path.name.endswith(_ERASED):
                    states[key_id] = KeyState(key_id, "", msgspec.json.decode(path.read_bytes(), type=Erased))
                elif key_id not in states and (kept := self._read(key_id)) is not None:
                    states[key_id] = KeyState(key_id, kept.wrapped_by, held=self._held(key_id))
        return [states[key_id] for key_id in sorted(states, key=_order)]

    def erase(self, key_id: str, at_us: int, by: str) -> None:
        """Destroy a key: nothing sealed with it can be read again. Raises NotFound.

        Copies in backups are the operator's to destroy.
        """
        path = self._path(key_id)
        if self._read(key_id) is None:
            raise NotFound(f"There is no key of {key_id}.", "doorward audit keys lists those that there are.")
        if (held := self._held(key_id)) is not None:
            raise Conflict(f"The key of {key_id} is held: {held.reason}", "doorward audit release ends the hold.")
        # What says so comes first: a crash in between leaves a key that is known to be on its way out.
        write_durably(self._erased_path(key_id), msgspec.json.encode(Erased(key_id, at_us, by)))
        sync_directory(self._folder)
        self._opened.pop(key_id, None)
        path.unlink(missing_ok=True)
        sync_directory(self._folder)

    def hold(self, held: Held) -> None:
        """Keep a key from being destroyed until ``release``. Raises NotFound."""
        if self._read(held.id) is None:
            raise NotFound(f"There is no key of {held.id}.", "doorward audit keys lists those that there are.")
        write_durably(self._held_path(held.id), msgspec.json.encode(held))
        sync_directory(self._folder)

    def release(self, key_id: str) -> None:
        """End a hold. Raises NotFound when there is none."""
        try:
            self._held_path(key_id).unlink()
        except FileNotFoundError:
            raise NotFound(f"The key of {key_id} is not held.", "doorward audit keys says which are.") from None
        sync_directory(self._folder)

    def forget(self) -> None:
        """Open every key anew when it is next asked for."""
        self._opened.clear()
        self._absent.clear()

    def rotate(self) -> int:
        """Wrap every key anew, with a fresh key where that is ours to make; how many were wrapped.

        Cut off anywhere, everything still opens, and the next call ends it. Raises ConfigurationInvalid.
        """
        self._wrapping().begin_rotation()
        wrapping = self._wrapping()
        there = [kept for state in self.all() if (kept := self._read(state.id)) is not None]
        for kept in there:
            plain = wrapping.unwrap(self._wrapped(kept), kept.id)
            self._write(kept.id, kept.public, plain, wrapping)
        lasting = sorted(path.name.removesuffix(_LASTING) for path in self._folder.glob(f"*{_LASTING}"))
        for name in lasting:
            self._write(name, "", self.lasting(name), wrapping)
        wrapping.end_rotation()
        return len(there) + len(lasting)

    def _make(self, key_id: str) -> SealingKey:
        private, public = hpke.new_key_pair()
        salt = secrets.token_bytes(_SALT_BYTES)
        wrapping = self._wrapping()
        make_directory(self._folder)
        self._write(key_id, base64.b64encode(public).decode(), private + salt, wrapping)
        self._opened[key_id] = DayKey(SealingKey(key_id, public, salt), private)
        self._made.add(key_id)
        return SealingKey(key_id, public, salt)

    def _write(self, key_id: str, public: str, plain: bytes, wrapping: Wrapping) -> None:
        kept = _File(key_id, public, base64.b64encode(wrapping.wrap(plain, key_id)).decode(), wrapping.name)
        try:
            write_durably(self._path(key_id), msgspec.json.encode(kept) + b"\n")
            sync_directory(self._folder)
        except OSError as error:
            raise ConfigurationInvalid(
                f"The log's key of {key_id} can't be written: {error.strerror}.", "Make room, or make the folder keys yours."
            ) from None

    def _read(self, key_id: str) -> _File | None:
        if not _ID.fullmatch(key_id) or self._erased_path(key_id).exists():
            return None
        return self._load(key_id)

    def _load(self, key_id: str) -> _File | None:
        """The file of a day's key, or of a lasting one by its name."""
        try:
            found = msgspec.json.decode(self._path(key_id).read_bytes(), type=_File)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            raise self._damaged(key_id) from None
        if found.id != key_id:
            raise self._damaged(key_id)
        return found

    def _wrapped(self, kept: _File) -> bytes:
        """What is written there, if exactly as :meth:`_write` writes it: a last letter has bits that mean nothing."""
        try:
            wrapped = base64.b64decode(kept.wrapped, validate=True)
        except ValueError:
            raise self._damaged(kept.id) from None
        if base64.b64encode(wrapped).decode() != kept.wrapped:
            raise self._damaged(kept.id)
        return wrapped

    def _damaged(self, key_id: str) -> ConfigurationInvalid:
        return ConfigurationInvalid(
            f"The log's key {self._path(key_id)} is damaged.", "Restore it from a backup: what was sealed needs it."
        )

    def _held(self, key_id: str) -> Held | None:
        try:
            return msgspec.json.decode(self._held_path(key_id).read_bytes(), type=Held)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            # What says that a key must stay can't be read: it stays.
            return Held(key_id, 0, "", "the word on why can't be read")

    def _held_path(self, key_id: str) -> Path:
        return self._folder / f"{key_id}{_HELD}"

    def _path(self, key_id: str) -> Path:
        return self._folder / f"{key_id}{_SUFFIX if _ID.fullmatch(key_id) else _LASTING}"

    def _erased_path(self, key_id: str) -> Path:
        return self._folder / f"{key_id}{_ERASED}"


def keys_in(folder: Path, wrapping_file: Path) -> DayKeys:
    """The keys of a data directory, wrapped as the operator chose."""
    return DayKeys(folder, lambda: wrapping_from(wrapping_file))


def opener(folder: Path, wrapping_file: Path) -> Opener:
    """What opens the log of a data directory for whoever may read its keys."""
    return Opener(keys_in(folder, wrapping_file).key_if_any)


def day_of(at_us: int) -> str:
    """The day in UTC, as keys are named."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).date().isoformat()


def _order(key_id: str) -> tuple[str, int]:
    day, _, number = key_id.partition(".")
    return day, int(number or 0)
