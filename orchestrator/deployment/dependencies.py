"""The third-party distributions that functions need beside boto3, which the runtime has."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.deployment.wheels import Pin, Platform, read_lock, wheels
from orchestrator.errors import InvalidProject

#: What no interpreter reads: sources of extension modules, and types for those who write code.
_UNUSED_SUFFIXES = (".c", ".h", ".pxd", ".pyi", ".pyx")

#: The folders of a wheel's ``NAME.data`` whose files belong beside its packages ("Binary distribution format").
_IMPORTED_DATA = ("purelib", "platlib")


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """Pinned distributions for a platform. They are known by their pins, and fetched only when :meth:`files` asks."""

    pins: tuple[Pin, ...]
    platform: Platform
    #: The folder that holds the wheels of every platform.
    cache: Path

    @classmethod
    def read(cls, locks: Iterable[Path], platform: Platform, cache: Path) -> Dependencies:
        """Reads several lock lists as one.

        Raises :class:`~orchestrator.errors.InvalidLockList`, and
        :class:`~orchestrator.errors.InvalidProject` where two lists pin two versions of one distribution.
        """
        owners: dict[str, tuple[Pin, Path]] = {}
        for lock in locks:
            for pin in read_lock(lock):
                first, of = owners.setdefault(pin.name, (pin, lock))
                if first.version != pin.version:
                    raise InvalidProject([f"{lock}: {pin}, but a bundle holds one version, and {of} has {first}"])
        pins = tuple(pin for _, (pin, _) in sorted(owners.items()))
        return cls(pins=pins, platform=platform, cache=cache)

    def without(self, names: Collection[str]) -> Dependencies:
        """The others."""
        return replace(self, pins=tuple(pin for pin in self.pins if pin.name not in names))

    @property
    def digest(self) -> str:
        """A hash of what :meth:`files` would give, without fetching it: the pins hold the files' hashes."""
        text = "\n".join((self.platform.folder, *(pin.to_line() for pin in self.pins)))
        return hashlib.sha256(text.encode()).hexdigest()

    def fetch(self) -> list[Path]:
        """Their wheels, all of them in the cache from now on. Raises :class:`~orchestrator.errors.MissingWheels`."""
        return list(wheels(self.pins, self.platform, self.cache).values())

    def files(self) -> dict[str, bytes]:
        """Returns the wheels' files by path, without those that no function reads.

        Raises :class:`~orchestrator.errors.MissingWheels`.
        """
        files: dict[str, bytes] = {}
        for wheel in self.fetch():
            with zipfile.ZipFile(wheel) as archive:
                files.update({path: archive.read(name) for name in archive.namelist() if (path := _path(name))})
        return files


def _path(name: str) -> str | None:
    """Returns the path in the bundle of a wheel's file ``name``; None if the bundle leaves it out."""
    folder, *inner = name.split("/")
    if folder.endswith(".data"):
        return "/".join(inner[1:]) if inner[0] in _IMPORTED_DATA and inner[-1] else None
    is_needed = inner[-1:] != [""] and "tests" not in inner[:-1] and not name.endswith(_UNUSED_SUFFIXES)
    return name if is_needed else None
