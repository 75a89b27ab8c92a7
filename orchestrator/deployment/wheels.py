"""Wheels of pinned distributions for a platform that is not this one: kept in a folder, fetched by pip when absent."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.deployment import pip
from orchestrator.errors import InvalidLockList, MissingWheels

#: The glibc of Amazon Linux 2023, 2.34, which runtimes from python3.12 on run on ("Lambda runtimes").
_GLIBC_MINOR = 34

#: PEP 600: the oldest glibc that wheels for arm64 are built for, also called manylinux2014.
_OLDEST_GLIBC_MINOR = 17

_PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})+)")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One version of a distribution, and the SHA-256 of each of its files that may be taken."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    def to_line(self) -> str:
        """Returns the pin as a line of a requirements file."""
        return " ".join((str(self), *(f"--hash=sha256:{one}" for one in self.hashes)))


def read_lock(file: Path) -> tuple[Pin, ...]:
    """The pins of a lock list for one platform, which therefore has no markers.

    Raises :class:`~orchestrator.errors.InvalidLockList`.
    """
    pins = []
    for line in file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            if not (pin := _PIN.fullmatch(line.strip())):
                raise InvalidLockList(str(file), line.split(" --hash", 1)[0].strip())
            hashes = re.findall(r"sha256:(\w+)", pin["hashes"])
            pins.append(Pin(name=pin["name"], version=pin["version"], hashes=tuple(hashes)))
    return tuple(pins)


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The platform of a Lambda runtime: ``python`` is like ``3.13``, the processor's Linux name like ``aarch64``."""

    python: str
    machine: str

    @classmethod
    def of_lambda(cls, runtime: str, architecture: str) -> Platform:
        """Makes it from a function's properties ``Runtime`` and ``Architectures``: ``python3.13``, ``arm64``."""
        return cls(python=runtime.removeprefix("python"), machine={"arm64": "aarch64"}.get(architecture, architecture))

    def __str__(self) -> str:
        return f"Python {self.python} on {self.machine}"

    @property
    def folder(self) -> str:
        """The name of its wheels' folder."""
        return f"python{self.python}-{self.machine}"

    @property
    def options(self) -> list[str]:
        """Options of pip that choose its wheels; one for a newer glibc comes first, as on the platform itself."""
        names = [f"manylinux_2_{minor}" for minor in range(_GLIBC_MINOR, _OLDEST_GLIBC_MINOR - 1, -1)]
        tags = [f"--platform={name}_{self.machine}" for name in (*names, "manylinux2014")]
        return [*tags, f"--python-version={self.python}", "--implementation=cp"]


def wheels(pins: Sequence[Pin], platform: Platform, cache: Path) -> dict[str, Path]:
    """A wheel for each pin, by the pin's name, in the platform's folder of ``cache``.

    What is there with one of the pinned hashes needs no network; the rest is fetched from the index that pip is set
    up with. Raises :class:`~orchestrator.errors.MissingWheels`.
    """
    folder = cache / platform.folder
    held = _held(pins, folder)
    if absent := [pin for pin in pins if pin.name not in held]:
        said = _fetch(absent, platform, folder)
        held = _held(pins, folder)
        if absent := [pin for pin in pins if pin.name not in held]:
            raise MissingWheels([str(pin) for pin in absent], str(platform), str(folder), said)
    return held


def _held(pins: Sequence[Pin], folder: Path) -> dict[str, Path]:
    # By what they hold: a file that was cut off, or replaced, is none of them.
    held = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in sorted(folder.glob("*.whl"))}
    return {pin.name: held[one] for pin in pins for one in pin.hashes if one in held}


def _fetch(pins: Sequence[Pin], platform: Platform, folder: Path) -> str:
    """Puts the pins' wheels into ``folder``, and says what pip said of those that it did not get."""
    folder.mkdir(parents=True, exist_ok=True)
    # Beside their destination, so that another build never sees half a wheel.
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as fetched:
        lock = Path(fetched, "lock.txt")
        lock.write_text("".join(f"{pin.to_line()}\n" for pin in pins))
        ran = pip.run(
            [
                *("download", "--no-deps", "--require-hashes", "--only-binary=:all:", *platform.options),
                *(f"--dest={fetched}", f"--requirement={lock}"),
            ]
        )
        for path in Path(fetched).glob("*.whl"):
            path.replace(folder / path.name)
    lines = ran.stderr.strip().splitlines()
    return next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1] if lines else "")
