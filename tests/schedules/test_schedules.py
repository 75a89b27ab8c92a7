"""Fire times agree with EventBridge Scheduler's documented rules, and with a scan that is written differently."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import InvalidSchedule, InvalidTimezone
from orchestrator.schedules import Cron, Rate, Schedule, parse
from tests.schedules.texts import texts


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(expression: str, timezone: str, after: str, count: int) -> list[str]:
    schedule = Schedule.of(expression, timezone)
    found: list[str] = []
    moment = utc(after)
    while len(found) < count and (slot := schedule.next_after(moment)):
        found.append(slot.strftime("%Y-%m-%dT%H:%M"))
        moment = slot
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(15 12 * * ? *)", ["2026-11-23T12:15", "2026-11-24T12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-23T18:00", "2026-11-24T18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-12-01T08:00", "2027-01-01T08:00"]),
        ("cron(0/10 * ? * MON-FRI *)", ["2026-11-23T00:10", "2026-11-23T00:20"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-11-23T08:00", "2026-11-23T08:05"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["2026-11-27T10:15", "2026-12-25T10:15"]),
        ("cron(0 0 L * ? *)", ["2026-11-30T00:00", "2026-12-31T00:00"]),
        ("cron(0 0 LW * ? *)", ["2026-11-30T00:00", "2026-12-31T00:00"]),
        ("cron(0 0 15W * ? *)", ["2026-12-15T00:00", "2027-01-15T00:00"]),
        ("cron(0 0 1W 8 ? *)", ["2027-08-02T00:00", "2028-08-01T00:00"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-12-07T09:00", "2027-01-04T09:00"]),
        ("cron(0 9 ? * fri#3 *)", ["2026-12-18T09:00", "2027-01-15T09:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("cron(0 0 ? * 1 *)", ["2026-11-29T00:00", "2026-12-06T00:00"]),
        ("cron(0 0 ? * L *)", ["2026-11-28T00:00", "2026-12-05T00:00"]),
        ("cron(30 6,18 1-3,10/10 jan,JUL ? *)", ["2027-01-01T06:30", "2027-01-01T18:30"]),
        ("at(2026-12-01T08:00:00)", ["2026-12-01T08:00"]),
        ("at(2020-12-01T08:00:00)", []),
        ("cron(0 0 1 1 ? 2020)", []),
    ],
)
def test_an_expression_is_due_when_aws_says(expression: str, expected: list[str]) -> None:
    assert slots(expression, "UTC", "2026-11-23T00:00", 2) == expected


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        # from "Schedule types in EventBridge Scheduler": the examples
        ("rate(5 minutes)", "UTC", "2022-11-20T00:00", ["2022-11-20T00:05", "2022-11-20T00:10"]),
        ("cron(15 10 ? * 6L 2022-2023)", "UTC", "2022-11-01T00:00", ["2022-11-25T10:15", "2022-12-30T10:15"]),
        ("cron(15 10 ? * 6L 2022-2023)", "UTC", "2023-12-01T00:00", ["2023-12-29T10:15"]),
        ("at(2022-11-20T13:00:00)", "UTC", "2022-11-01T00:00", ["2022-11-20T13:00"]),
        ("at(2022-11-20T13:00:00)", "America/New_York", "2022-11-01T00:00", ["2022-11-20T18:00"]),
        # the wildcards, each as it is explained there
        ("cron(0 0 1 JAN,FEB,MAR ? *)", "UTC", "2022-02-01T00:00", ["2022-03-01T00:00", "2023-01-01T00:00"]),
        ("cron(0 0 1-15 * ? *)", "UTC", "2022-11-14T12:00", ["2022-11-15T00:00", "2022-12-01T00:00"]),
        ("cron(0 * 7 * ? *)", "UTC", "2022-11-07T22:30", ["2022-11-07T23:00", "2022-12-07T00:00"]),
        ("cron(1/10 8 * * ? *)", "UTC", "2022-11-07T08:30", ["2022-11-07T08:31", "2022-11-07T08:41"]),
        ("cron(0 0 7 * ? *)", "UTC", "2022-11-01T00:00", ["2022-11-07T00:00", "2022-12-07T00:00"]),
        ("cron(0 0 L * ? *)", "UTC", "2024-02-01T00:00", ["2024-02-29T00:00", "2024-03-31T00:00"]),
        ("cron(0 0 3W * ? *)", "UTC", "2022-12-01T00:00", ["2022-12-02T00:00", "2023-01-03T00:00"]),
        ("cron(0 0 ? * 3#2 *)", "UTC", "2022-11-01T00:00", ["2022-11-08T00:00", "2022-12-13T00:00"]),
    ],
)
def test_the_examples_of_aws_are_due_as_its_page_says(
    expression: str, timezone: str, after: str, expected: list[str]
) -> None:
    assert slots(expression, timezone, after, 2) == expected


def test_a_local_time_that_does_not_exist_is_skipped() -> None:
    assert slots("cron(30 2 * * ? *)", "America/New_York", "2027-03-12T12:00", 3) == [
        "2027-03-13T07:30",
        "2027-03-15T06:30",
        "2027-03-16T06:30",
    ]


def test_a_local_time_that_occurs_twice_is_used_once_the_first() -> None:
    assert slots("cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00", 2) == [
        "2026-11-01T05:30",
        "2026-11-02T06:30",
    ]


def test_a_one_time_schedule_in_a_gap_never_comes() -> None:
    assert slots("at(2027-03-14T02:30:00)", "America/New_York", "2026-11-23T00:00", 1) == []


def test_a_rate_counts_elapsed_time_from_its_anchor() -> None:
    schedule = Schedule(expression=parse("rate(1 day)"), anchor=utc("2027-03-13T12:00"), timezone="America/New_York")
    found = list(schedule.between(utc("2027-03-13T12:00"), utc("2027-03-15T12:00")))
    assert found == [utc("2027-03-14T12:00"), utc("2027-03-15T12:00")]


def test_a_rate_is_first_due_at_its_anchor() -> None:
    schedule = Schedule(expression=parse("rate(5 minutes)"), anchor=utc("2026-11-23T10:02"))
    assert schedule.next_after(utc("2026-11-23T09:00")) == utc("2026-11-23T10:02")


def test_a_rate_longer_than_the_calendar_comes_once() -> None:
    schedule = Schedule(expression=parse("rate(999999999 days)"), anchor=utc("2026-11-23T10:02"))
    assert list(schedule.between(utc("2026-01-01T00:00"), utc("2199-01-01T00:00"))) == [utc("2026-11-23T10:02")]
    assert schedule.previous_before(utc("2199-01-01T00:00")) == utc("2026-11-23T10:02")
    assert schedule.previous_before(utc("2026-11-23T10:02")) is None


def test_a_rate_has_bounds_and_counts_from_its_start() -> None:
    start, end = utc("2026-12-01T00:07"), utc("2026-12-01T02:30")
    hourly = Schedule(expression=parse("rate(1 hour)"), start=start, end=end)
    slots = [utc("2026-12-01T00:07"), utc("2026-12-01T01:07"), utc("2026-12-01T02:07")]
    assert list(hourly.between(utc("2026-01-01T00:00"), utc("2027-01-01T00:00"))) == slots
    assert [hourly.previous_before(slot) for slot in (*slots, end, utc("2027-01-01T00:00"))] == [
        None,
        *slots,
        slots[-1],
    ]


def test_a_cron_expression_has_no_slot_before_its_start() -> None:
    daily = Schedule(expression=parse("cron(0 0 * * ? *)"), start=utc("2026-12-01T00:00"))
    assert daily.previous_before(utc("2026-12-01T00:00")) is None
    assert daily.previous_before(utc("2026-12-01T00:01")) == utc("2026-12-01T00:00")


def test_a_day_in_29_february_on_a_monday_is_found_and_an_impossible_one_is_refused() -> None:
    assert slots("cron(0 0 ? 2 MON#5 *)", "UTC", "2026-11-23T00:00", 2) == ["2044-02-29T00:00", "2072-02-29T00:00"]
    for impossible in ("cron(0 0 31 2,4,6,9,11 ? *)", "cron(0 0 ? 2 MON#5 2027)"):
        with pytest.raises(InvalidSchedule, match="a date that some year has"):
            parse(impossible)


def test_bounds_hold_for_recurring_schedules_and_not_for_one_time_ones() -> None:
    start, end = utc("2026-12-01T00:00"), utc("2026-12-02T23:59")
    daily = Schedule(expression=parse("cron(0 0 * * ? *)"), start=start, end=end)
    once = Schedule(expression=parse("at(2027-01-01T00:00:00)"), start=start, end=end)
    assert list(daily.between(utc("2026-11-01T00:00"), utc("2027-01-01T00:00"))) == [start, utc("2026-12-02T00:00")]
    assert daily.previous_before(utc("2027-01-01T00:00")) == utc("2026-12-02T00:00")
    assert once.next_after(utc("2026-11-01T00:00")) == utc("2027-01-01T00:00")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("cron(60 * * * ? *)", "minute: found '60', allowed: 0–59"),
        ("cron(0 24 * * ? *)", "hour: found '24', allowed: 0–23"),
        ("cron(0 0 32 * ? *)", "day-of-month: found '32', allowed: 1–31"),
        ("cron(0 0 ? * 0 *)", "(Scheduler counts SUN as 1 and SAT as 7)"),
        ("cron(0 0 ? * MUN *)", "day-of-week: found 'MUN', allowed: 1–7 or SUN–SAT"),
        ("cron(0 0 * * * *)", "exactly one of them to be ?"),
        ("cron(0 0 ? * ? *)", "exactly one of them to be ?"),
        ("cron(0 8 * * 1-5)", "cron(0 8 ? * MON-FRI *)"),
        ("cron(0/5 8 * * 0,6)", "cron(0/5 8 ? * SUN,SAT *)"),
        ("cron(0 8 * * *)", "cron(0 8 * * ? *)"),
        ("0 8 * * *", "did you mean cron(0 8 * * ? *)?"),
        ("*/5 * * * 7", "did you mean cron(*/5 * ? * SUN *)?"),
        ("0 8 ? * MON *", "did you mean cron(0 8 ? * MON *)?"),
        ("cron(0 8 ? * 0-6 *)", "(Scheduler counts SUN as 1 and SAT as 7)"),
        (f"cron({','.join(['0'] * 200)} 8 * * ? *)", "found '415 characters', allowed: at most 256 characters"),
        ("cron(0 0 30 2 ? *)", "a date that some year has"),
        ("cron(5-1 0 * * ? *)", "a range goes upwards"),
        ("cron(*/0 0 * * ? *)", "a step is at least 1"),
        ("cron(0 0 ? * 2#1,3#2 *)", "only one # is allowed"),
        ("cron(0 0 ? * 2#6 *)", "the 1st to the 5th"),
        ("cron(0 0 * * ? 1969)", "year: found '1969', allowed: 1970–2199"),
        ("rate(0 minutes)", "a positive number"),
        ("rate(30 seconds)", "minutes, hours or days"),
        ("at(2026-13-01T00:00:00)", "at: found '2026-13-01T00:00:00'"),
        ("at(2026-12-01 08:00)", "like at(2026-12-01T08:00:00)"),
        ("every day", "cron(…), rate(…) or at(…)"),
    ],
)
def test_a_wrong_expression_says_which_field_what_was_found_and_what_is_allowed(expression: str, said: str) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        parse(expression)
    assert said in str(caught.value)


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidTimezone, match="Europe/Berlim"):
        Schedule.of("rate(1 day)", "Europe/Berlim")


def minutes_that_match(cron: Cron, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The oracle: looks at every minute of elapsed time, and remembers which local times it has seen."""
    seen: set[datetime] = set()
    moment = after.replace(second=0, microsecond=0) - timedelta(hours=30)
    while (moment := moment + timedelta(minutes=1)) <= until:
        local = moment.astimezone(zone).replace(tzinfo=None)
        if local in seen:
            continue
        seen.add(local)
        due = local.minute in cron.minutes and local.hour in cron.hours and local.month in cron.months
        if due and local.day in cron.days.in_month(local.year, local.month) and moment > after:
            yield moment


@pytest.mark.parametrize(
    ("timezone", "around"),
    [
        ("America/New_York", "2027-03-14"),
        ("America/New_York", "2026-11-01"),
        ("Europe/Berlin", "2027-03-28"),
        ("Australia/Lord_Howe", "2027-04-04"),
        ("Australia/Lord_Howe", "2026-10-04"),
        ("America/Havana", "2026-11-01"),
        ("Africa/Cairo", "2026-10-30"),
        ("Asia/Beirut", "2027-03-28"),
        ("America/Scoresbysund", "2026-10-25"),
        ("Pacific/Chatham", "2027-04-04"),
    ],
)
@pytest.mark.parametrize("expression", ["cron(0/15 * * * ? *)", "cron(30 0-3,23 * * ? *)", "cron(45 1 ? * SUN,2 *)"])
def test_a_scan_of_every_minute_agrees_around_a_change_of_clock(timezone: str, around: str, expression: str) -> None:
    cron = parse(expression)
    assert isinstance(cron, Cron)
    after, until = utc(around) - timedelta(days=1), utc(around) + timedelta(days=2)
    expected = list(minutes_that_match(cron, ZoneInfo(timezone), after, until))
    assert list(Schedule(expression=cron, timezone=timezone).between(after, until)) == expected


moments = st.datetimes(datetime(2024, 1, 1), datetime(2034, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
zones = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"])
expressions = st.sampled_from(
    ["cron(0/20 * * * ? *)", "cron(30 1,2 * * ? *)", "cron(0 8 ? * MON-FRI *)", "cron(0 0 L * ? *)", "rate(7 hours)"]
)


@pytest.mark.parametrize(("written", "printed"), [("rate(1 hours)", "rate(1 hour)"), ("rate(5 day)", "rate(5 days)")])
def test_a_unit_may_be_singular_or_plural_and_prints_as_it_is_read_aloud(written: str, printed: str) -> None:
    assert str(parse(written)) == printed


@given(moments, zones, expressions)
def test_the_previous_of_the_next_is_the_last_before(moment: datetime, zone: str, expression: str) -> None:
    schedule = Schedule.of(expression, zone)
    following = schedule.next_after(moment)
    assert following is not None
    assert following > moment
    previous = schedule.previous_before(following)
    assert previous is not None
    assert previous <= moment
    assert schedule.next_after(previous) == following


@given(moments, zones, expressions)
def test_between_is_repeated_next_after(moment: datetime, zone: str, expression: str) -> None:
    schedule = Schedule.of(expression, zone)
    until = moment + timedelta(days=3)
    stepped = []
    step = moment
    while (slot := schedule.next_after(step)) and slot <= until:
        stepped.append(slot)
        step = slot
    assert list(schedule.between(moment, until)) == stepped


@given(expressions | st.builds(lambda n: str(Rate(value=n, unit="hour")), st.integers(1, 999)))
def test_what_is_printed_parses_to_the_same(expression: str) -> None:
    assert parse(str(parse(expression))) == parse(expression)


def test_random_texts_are_refused_with_a_reason_or_have_a_next_slot() -> None:
    refused = 0
    for text in islice(texts(seed=20_261_123), 10_000):
        try:
            schedule = Schedule.of(text)
        except InvalidSchedule:
            refused += 1
            continue
        assert parse(str(schedule.expression)) == schedule.expression
        slot = schedule.next_after(utc("2026-11-23T00:00"))
        assert slot is None or slot > utc("2026-11-23T00:00")
    assert 2000 < refused < 9900


@settings(max_examples=500)
@given(st.text(max_size=40) | st.from_regex(r"cron\([0-9A-Z*?,/#LW -]{0,30}\)", fullmatch=True))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except InvalidSchedule:
        return
    assert parse(str(parsed)) == parsed
