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


@pytest.mark.parametrize("text", ["2026-12-01T08:00:12Z", "2026-12-01T08:00:12Z#4f0c-9", "2026-12-01T08:00:12.345Z#a"])
def test_a_slot_is_a_moment_and_perhaps_an_id_behind_it(text: str) -> None:
    assert instants.is_slot(text)
    assert instants.to_second(instants.of_slot(text)) == "2026-12-01T08:00:12Z"


@pytest.mark.parametrize(
    "text", ["2026-12-01", "2026-12-01T08:00:12Z#", "2026-12-01T08:00:12Z#a/b", "2026-02-30T08:00:00Z#a"]
)
def test_nothing_else_is_a_slot(text: str) -> None:
    assert not instants.is_slot(text)


def test_the_end_of_a_window_belongs_to_the_next() -> None:
    ends = [instants.window_end(datetime(2026, 12, 1, 8, 4, 59, tzinfo=UTC), 300)]
    ends.append(instants.window_end(datetime(2026, 12, 1, 8, 5, tzinfo=UTC), 300))
    assert ends == ["2026-12-01T08:05:00Z", "2026-12-01T08:10:00Z"]


def test_slots_are_put_in_order_by_their_moments() -> None:
    texts = ["2026-12-01T08:00:12Z#b", "2026-12-01T08:00:12.345Z", "2026-12-01T08:00:13Z#a"]
    assert sorted(texts, key=instants.order) == texts


def test_moments_of_both_precisions_are_put_in_order() -> None:
    texts = ["2026-12-01T08:00:12Z", "2026-12-01T08:00:12.345Z", "2026-12-01T08:00:13Z"]
    assert sorted(texts) != texts
    assert sorted(texts, key=instants.order) == texts
