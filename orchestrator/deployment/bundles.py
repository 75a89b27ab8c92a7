"""The functions' code, as the zip files that Lambda takes.

A bundle holds the handler's module or package, what the handlers share (``shared``, and names that begin with ``_``),
the part of this library that handlers may import, and the distributions that both import, built for Lambda's Linux.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from orchestrator.deployment.dependencies import Dependencies
from orchestrator.functions import Function
from orchestrator.rooms import ROOMS

#: The rooms of the library that functions may import.
_BUNDLED = frozenset(room.name for room in ROOMS if room.bundled)

#: Where a bundle has the library.
_LIBRARY = "orchestrator/"

#: The earliest time that a zip file can hold: a bundle depends on what is in it, not on when it was made.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A function's own files, by their path in the zip file, and what they depend on, if that is in it, too."""

    name: str
    files: Mapping[str, bytes]
    dependencies: Dependencies | None = None

    @cached_property
    def digest(self) -> str:
        """A hash of the files, not of the zip file: compression differs between versions of zlib."""
        digest = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            digest.update(f"{path}\0{len(content)}\0".encode())
            digest.update(content)
        if self.dependencies:
            digest.update(self.dependencies.digest.encode())
        return digest.hexdigest()

    @property
    def key(self) -> str:
        """Its key in the artifacts bucket."""
        return f"lambdas/{self.name}/{self.digest[:32]}.zip"

    def to_zip(self) -> bytes:
        """The same files are the same bytes. Raises :class:`~orchestrator.errors.MissingWheels`."""
        library = tuple(sorted(item for item in self.files.items() if item[0].startswith(_LIBRARY)))
        own = {path: content for path, content in self.files.items() if not path.startswith(_LIBRARY)}
        return _zipped(own, behind=_with_library(self.dependencies, library))


def bundle(
    function: Function, lambdas: Path, library: Mapping[str, bytes], dependencies: Dependencies | None = None
) -> Bundle:
    """The bundle of a function; ``lambdas`` is the folder of that package, ``library`` what :func:`library_files` says.

    Without ``dependencies`` it is for what has them already, in this machine's Python.
    """
    own = _contents(lambdas, own_files(function, lambdas))
    return Bundle(name=function.name, files={**own, **library}, dependencies=dependencies)


def library_files(library: Path) -> dict[str, bytes]:
    """Returns the files of this library that every bundle holds, by the path in the zip file."""
    return _contents(library, _modules(library, lambda name: name in _BUNDLED or name == "__init__"))


def _contents(folder: Path, paths: Iterable[Path]) -> dict[str, bytes]:
    return {f"{folder.name}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths}


def own_files(function: Function, lambdas: Path) -> tuple[Path, ...]:
    """Returns the files of ``lambdas`` that a bundle holds: the function's module or package, and what all share."""
    return tuple(_modules(lambdas, lambda name: name == function.package or is_shared(name)))


def is_shared(name: str) -> bool:
    """Whether a module or package of the folder ``lambdas`` is in every bundle, and is no function itself."""
    return name == "shared" or name.startswith("_")


# They are most of a bundle and take seconds to compress, and most functions have the same.
@lru_cache(maxsize=4)
def _packed(dependencies: Dependencies) -> bytes:
    return _zipped(dependencies.files())


# Every bundle of a project has the same library.
@lru_cache(maxsize=4)
def _with_library(dependencies: Dependencies | None, library: tuple[tuple[str, bytes], ...]) -> bytes:
    return _zipped(dict(library), behind=_packed(dependencies) if dependencies else b"")


def _zipped(files: Mapping[str, bytes], *, behind: bytes = b"") -> bytes:
    """A zip file, of the files of the zip file ``behind`` and of these."""
    packed = io.BytesIO(behind)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on whatever system this runs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def _modules(package: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """Every file of those modules and subpackages of a package that are wanted by their names, in order."""
    for entry in sorted(package.iterdir()):
        if entry.is_dir() and entry.name != "__pycache__" and wanted(entry.name):
            yield from sorted(
                path for path in entry.rglob("*") if _is_source(path.relative_to(package)) and path.is_file()
            )
        elif entry.suffix != ".pyc" and wanted(entry.stem) and entry.is_file():
            yield entry


def _is_source(path: Path) -> bool:
    return path.suffix != ".pyc" and "__pycache__" not in path.parts
