"""A place where pip finds wheels without a network."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.deployment.wheels import Pin, Platform

LAMBDA = Platform(python="3.13", machine="aarch64")


class Wheelhouse:
    """pip's only index, as long as the test lasts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    def add(
        self, name: str, version: str, tag: str = "py3-none-any", files: Mapping[str, str] | None = None
    ) -> tuple[Path, str]:
        """A wheel of ``files``, and its SHA-256."""
        info = f"{name}-{version}.dist-info"
        path = self.folder / f"{name}-{version}-{tag}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
            for inner, text in (files or {f"{name}.py": f"# {tag}\n"}).items():
                archive.writestr(inner, text)
            archive.writestr(f"{info}/RECORD", "".join(f"{inner},,\n" for inner in archive.namelist()))
        return path, hashlib.sha256(path.read_bytes()).hexdigest()


def pin(name: str, version: str, *hashes: str) -> Pin:
    return Pin(name=name, version=version, hashes=hashes)
