"""The files of a new project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import orchestrator
from orchestrator.errors import FolderNotEmpty
from orchestrator.stack import DEFAULT_PROJECT

_FILES = Path(__file__).parent / "files"
_SUFFIX = ".in"

#: The same workflow in Python and as Amazon States Language: a project begins with one of them.
_IN_PYTHON, _WRITTEN = "definitions/welcome.py", "definitions/welcome.asl.yaml"

#: What the files of another scheduler's tasks add to, and do not replace.
_STACK = "stack.yaml"

#: What a folder may hold already.
_LEFT_ALONE = frozenset({".git"})

#: Where the sample is.
_SAMPLE = frozenset({"definitions", "lambdas", "tasks.yaml", "tests"})


def create(folder: Path, *, files: Mapping[str, str] | None = None, python: bool | None = None) -> list[str]:
    """Writes a project that runs, and says which files that were.

    ``files`` are its own, by their paths, in place of the sample's. ``python`` says whether its workflow is built in
    Python, which is so by default where the SDK is installed. Raises :class:`~orchestrator.errors.FolderNotEmpty`.
    """
    if folder.is_file():
        raise FolderNotEmpty(str(folder), "text: it is a file")
    if strangers := sorted({path.name for path in folder.iterdir()} - _LEFT_ALONE) if folder.exists() else []:
        raise FolderNotEmpty(str(folder), strangers[0])
    in_python = has_sdk() if python is None else python
    written = _filled(_names(folder, in_python=in_python))
    del written[_WRITTEN if in_python else _IN_PYTHON]
    if files is not None:
        kept = {name: text for name, text in written.items() if name.split("/")[0] not in _SAMPLE}
        written = {**kept, **files}
        if _STACK in files:
            written[_STACK] = f"{kept[_STACK]}\n{files[_STACK]}"
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(written)


def has_sdk() -> bool:
    """Whether the SDK is there that workflows are built with in Python."""
    return find_spec("stepfunctions") is not None


def _names(folder: Path, *, in_python: bool) -> dict[str, str]:
    name = re.sub(r"[^a-z0-9]+", "-", folder.absolute().name.lower()).strip("-")
    major, minor = orchestrator.__version__.split(".")[:2]
    return {
        "@NAME@": name or "tasks",
        "@STACK@": re.sub("^[0-9]+|-", "", name)[:12] or DEFAULT_PROJECT,
        "@EXTRAS@": "local,sdk" if in_python else "local",
        "@VERSIONS@": f">={major}.{minor},<{major}.{int(minor) + 1}",
    }


def _filled(names: Mapping[str, str]) -> dict[str, str]:
    """Returns every file, by its path in the project."""
    files = {}
    for path in _FILES.rglob(f"*{_SUFFIX}"):
        text = path.read_text(encoding="utf-8")
        for placeholder, name in names.items():
            text = text.replace(placeholder, name)
        files[path.relative_to(_FILES).as_posix().removesuffix(_SUFFIX)] = text
    return files
