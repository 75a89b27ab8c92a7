"""What was read of a definition is loaded by the next process, and read again where anything about it is doubtful."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.local.aws.step_functions import programs

Read = Callable[[str], tuple[Any, Any]]


class Parser:
    """Counts what it reads."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, definition: str) -> tuple[Any, Any]:
        self.read.append(definition)
        if not definition:
            raise ValueError
        return {"program": definition}, "tree"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "caches" / "programs"


def test_a_definition_is_read_once_for_all_processes(folder: Path) -> None:
    first, second = Parser(), Parser()
    assert programs.kept(first, lambda: folder)("one") == ({"program": "one"}, "tree")
    assert programs.kept(second, lambda: folder)("one") == ({"program": "one"}, None)
    assert programs.kept(second, lambda: folder)("two")[0] == {"program": "two"}
    assert (first.read, second.read) == (["one"], ["two"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_cannot_be_read_is_refused_each_time(folder: Path) -> None:
    read = programs.kept(parser := Parser(), lambda: folder)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^$"):
            read("")
    assert parser.read == ["", ""]


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\x80\x05\x8c\x04none\x8c\x04gone\x93."])
def test_a_file_that_is_damaged_is_read_anew(folder: Path, damage: bytes) -> None:
    read = programs.kept(parser := Parser(), lambda: folder)
    read("one")
    (file,) = folder.iterdir()
    file.write_bytes(damage)
    assert read("one")[0] == {"program": "one"}
    assert read("one") == ({"program": "one"}, None)
    assert parser.read == ["one", "one"]


def test_nothing_is_loaded_of_a_folder_that_others_can_write_to(folder: Path) -> None:
    read = programs.kept(parser := Parser(), lambda: folder)
    read("one")
    folder.chmod(0o777)
    assert read("one") == ({"program": "one"}, "tree")
    assert parser.read == ["one", "one"]


def test_without_a_folder_definitions_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    read = programs.kept(parser := Parser(), lambda: tmp_path / "file" / "programs")
    assert [read("one")[1], read("one")[1]] == ["tree", "tree"]
    assert parser.read == ["one", "one"]


def test_nor_does_it_take_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert programs.kept(Parser(), programs.of_user)("one") == ({"program": "one"}, "tree")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert programs.of_user() == tmp_path / "orchestrator" / "programs"


def test_another_version_reads_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = programs.kept(parser := Parser(), lambda: folder)
    read("one")
    monkeypatch.setattr(programs, "version", lambda name: "another")
    programs._made_with.cache_clear()
    read("one")
    programs._made_with.cache_clear()
    assert parser.read == ["one", "one"]


def test_the_oldest_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_KEPT", 2)
    read = programs.kept(Parser(), lambda: folder)
    for age, definition in enumerate(("old", "older", "oldest")[::-1]):
        read(definition)
        for file in folder.iterdir():
            os.utime(file, (file.stat().st_mtime - 10, file.stat().st_mtime - 10 - age))
    assert len(list(folder.iterdir())) == 2
    assert read("old") == ({"program": "old"}, None)


def test_what_is_still_read_does_not_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_KEPT", 1)
    read = programs.kept(Parser(), lambda: folder)
    read("read again")
    (file,) = folder.iterdir()
    os.utime(file, (0, 0))
    read("read again")
    assert file.stat().st_mtime > 0
