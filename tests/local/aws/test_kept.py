"""The folder of an embedded AWS: what is put into it is there again, and one process uses it at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import StateInUse
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
