"""Lengths of time as people write them."""

from __future__ import annotations

import pytest

from orchestrator.taskfile.durations import seconds


@pytest.mark.parametrize(
    ("text", "expected"), [(90, 90), ("90", 90), ("90s", 90), ("5m", 300), ("2 h", 7200), ("1d", 86_400), (" 7s ", 7)]
)
def test_a_length_of_time_is_so_many_seconds(text: str | int, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "5 minutes", "-5m", "1.5h", "m", True, "9999999999"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a length of time like 90s, 5m or 2h"):
        seconds(text)
