"""The folder of an embedded AWS: what is put into it is there again, and one process uses it at a time."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from orchestrator.errors import StateInUse, StateUnusable
from orchestrator.local.aws.kept.folder import Kept


def test_the_newest_of_each_name_is_there_again_and_what_was_removed_is_not(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state")
    assert kept.is_new
    kept.put("item", "Accounts", "a", {"total": {"N": "1"}})
    kept.put("item", "Accounts", "a", {"total": {"N": "2"}})
    kept.put("item", "Accounts", "b", {"id": {"S": "b"}})
    kept.put("object", "reports", "x.pdf", {"value": b"\x00\xff"})
    kept.remove("item", "Accounts", "b")
    kept.close()
    kept.put("item", "Accounts", "late", {})
    again = Kept(tmp_path / "state")
    assert not again.is_new
    assert again.of("item", "Accounts") == [("a", {"total": {"N": "2"}})]
    assert again.of("object", "reports") == [("x.pdf", {"value": b"\x00\xff"})]
    again.remove("object", "reports")
    assert again.of("object", "reports") == []
    again.close()


def test_two_do_not_share_a_folder(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put("item", "Accounts", "a", {})
    with pytest.raises(StateInUse, match="another `orchestrator local` keeps its state there"):
        Kept(tmp_path)
    kept.close()
    Kept(tmp_path).close()


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_text("these are no records")
    with pytest.raises(StateUnusable, match=r"the state in .* cannot be kept: file is not a database; make room there"):
        Kept(tmp_path)


def test_what_finds_no_room_is_not_taken_for_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StateUnusable, match=f"the state in {tmp_path} cannot be kept: "):
            kept.put("object", "reports", "large.pdf", {"value": b"x" * 200_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kept.put("item", "Accounts", "small", {})
    assert [name for name, _ in kept.of("item", "Accounts")] == ["small"]
    assert kept.of("object", "reports") == []
    kept.close()
