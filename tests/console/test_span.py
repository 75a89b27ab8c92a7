"""How a span is divided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.console.span import LENGTHS, span

NOW = datetime(2026, 12, 1, 8, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(LENGTHS))
def test_a_span_begins_and_ends_at_the_edge_of_a_column_and_holds_now(name: str) -> None:
    found = span(name, NOW)
    column = found.column(NOW)
    assert found.begin(column) <= NOW < found.begin(column + 1)
    assert found.begin(0) == found.since
    assert found.begin(found.columns) == found.until
    assert 0 < column < found.columns


def test_a_span_is_the_same_until_the_next_column_begins() -> None:
    assert span("day", NOW) == span("day", NOW + timedelta(minutes=7))
    assert span("day", NOW) != span("day", NOW + timedelta(minutes=8))


def test_what_is_outside_of_a_span_is_in_none_of_its_columns() -> None:
    found = span("week", NOW)
    assert found.column(found.since - timedelta(seconds=1)) < 0
    assert found.column(found.until) == found.columns


def test_there_are_no_other_spans() -> None:
    with pytest.raises(KeyError):
        span("year", NOW)
