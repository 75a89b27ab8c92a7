"""Moments, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestrator import instants

MOMENT = datetime(2026, 12, 1, 8, 0, 12, 345_678, tzinfo=UTC)


def test_a_moment_is_written_to_the_second_or_to_the_millisecond_and_in_utc() -> None:
    there = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert instants.to_second(there) == "2026-12-01T08:00:12Z"
    assert instants.to_millisecond(there) == "2026-12-01T08:00:12.345Z"
    assert instants.to_millisecond(there.replace(microsecond=0)) == "2026-12-01T08:00:12.000Z"


def test_a_slot_has_milliseconds_only_if_it_does_not_fall_on_a_second() -> None:
    assert instants.slot_text(MOMENT) == "2026-12-01T08:00:12.345Z"
    assert instants.slot_text(MOMENT.replace(microsecond=0)) == "2026-12-01T08:00:12Z"


@pytest.mark.parametrize("text", ["2026-12-01T08:00:12Z", "2026-12-01T08:00:12.345Z"])
def test_what_was_written_can_be_read(text: str) -> None:
    moment = instants.read(text)
    assert moment is not None
    assert moment.tzinfo is not None
    assert instants.slot_text(moment) == text


@pytest.mark.parametrize(
    "value", ["", "soon", "2026-02-30T00:00:00Z", "2026-12-01T08:00:12Z\n", "٢٠٢٧-05-02T00:00:00Z", 7]
)
def test_nothing_else_is_a_moment(value: object) -> None:
    assert instants.read(value) is None


def test_moments_of_both_precisions_are_put_in_order() -> None:
    texts = ["2026-12-01T08:00:12Z", "2026-12-01T08:00:12.345Z", "2026-12-01T08:00:13Z"]
    assert sorted(texts) != texts
    assert sorted(texts, key=instants.order) == texts
