"""tasks.yaml: every mistake is found at once, and says its line, its field, and what was expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.errors import InvalidTaskFile
from orchestrator.schedules.calendars import OnClosed, closure_at
from orchestrator.schedules.clock_changes import Ambiguous, Nonexistent
from orchestrator.taskfile import source
from orchestrator.taskfile.problems import Problems
from orchestrator.taskfile.reader import load, read
from orchestrator.taskfile.schema import schema
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.records import item_of, task_of
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import Alerting, CatchUp, OverlapPolicy, Target, TargetKind, Task, TaskSchedule
from tests.testbed import ROOT

TODAY = date(2026, 11, 23)

Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(text: str) -> Path:
        file = tmp_path / "tasks.yaml"
        file.write_text(text)
        return file

    return write


def problems(file: Path) -> list[str]:
    with pytest.raises(InvalidTaskFile) as caught:
        load(file, today=TODAY, known_functions=["work", "report-generator"], known_workflows=["billing"])
    return caught.value.problems


def task(written: Written, *lines: str) -> Task:
    """The task ``t`` of a file with these fields."""
    (found,) = load(written("tasks:\n  t:\n" + "".join(f"    {line}\n" for line in lines)), today=TODAY)
    return found


def test_a_handler_may_be_silent_and_wait_for_so_long(written: Written) -> None:
    found = task(written, "run: lambda/work", "heartbeat: 60s", "notYetFor: 6h")
    assert (found.heartbeat_seconds, found.not_yet_seconds) == (60, 21_600)
    assert task_of(item_of(found)) == found
    for fields, why in {
        "run: workflow/billing, heartbeat: 60s": "only the handler of a function gives signs of life",
        "run: lambda/work, timeout: 1m, heartbeat: 1m": "heartbeat: expected less than the timeout, 60 s, found 60 s",
        "run: lambda/work, notYetFor: 30s": "60",
    }.items():
        (problem,) = problems(written(f"tasks:\n  t: {{{fields}}}\n"))
        assert why in problem


@pytest.mark.parametrize(
    ("fields", "express"),
    [
        (["run: lambda/work"], False),
        (["run: lambda/work", "timeout: 1m", "express: true"], True),
        (["run: lambda/work", "timeout: 1m", "express: auto"], True),
        (["run: lambda/work", "timeout: 4m", "retry: false", "express: auto"], True),
        (["run: lambda/work", "timeout: 4m", "express: auto"], False),
        (["run: lambda/work", "timeout: 1m", "overlap: buffer_one", "express: auto"], False),
        (["run: workflow/billing", "timeout: 1m", "express: auto"], False),
    ],
)
def test_a_task_is_express_where_it_says_so_or_may(written: Written, fields: list[str], express: bool) -> None:
    assert task(written, *fields).express is express


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("run: workflow/billing, timeout: 1m", "a nested workflow is waited for, which an Express execution cannot do"),
        (
            "run: lambda/work, timeout: 4m",
            "all its attempts and delays can take 750 s, and an Express execution",
        ),
        ("run: lambda/work, timeout: 1m, overlap: cancel_other", "overlap cancel_other waits for or stops another run"),
    ],
)
def test_a_task_that_no_express_execution_may_run_is_refused_with_the_reason(
    written: Written, fields: str, why: str
) -> None:
    (problem,) = problems(written(f"tasks:\n  t: {{{fields}, express: true}}\n"))
    assert "t.express: expected no express, or auto: " in problem
    assert why in problem


def test_owners_have_budgets(written: Written) -> None:
    text = "budgets: {ann: 12.5}\ntasks:\n  t: {run: lambda/work, owner: ann, budget: 3}\n"
    declared = read(written(text), today=TODAY)
    assert (declared.budgets, declared.tasks[0].budget) == ({"ann": Decimal("12.5")}, Decimal(3))


@pytest.mark.parametrize(
    ("budgets", "said"),
    [
        ("{bob: 1}", "no task has the owner 'bob'"),
        ("{'': 1}", "no task has the owner ''"),
        ("{ann: -1}", "0 or 0.01 to 1,000,000,000; found -1"),
        ("{ann: much}", "expected dollars a month, as a number"),
        ("{ann: true}", "expected dollars a month, as a number"),
        ("{ann: .nan}", "expected dollars a month, as a number"),
        ("{ann: .inf}", "expected dollars a month, as a number"),
        ("{ann: 0.001}", "0 or 0.01 to 1,000,000,000; found 0.001"),
        ("[ann]", "expected a mapping of owners to dollars a month"),
    ],
)
def test_a_budget_that_is_none_is_refused_of_an_owner(written: Written, budgets: str, said: str) -> None:
    (problem,) = problems(written(f"budgets: {budgets}\ntasks:\n  t: {{run: lambda/work, owner: ann}}\n"))
    assert said in problem


@pytest.mark.parametrize("budget", ["-1", "'5'", "true", ".nan", ".inf", "1e+300", "0.001"])
def test_a_budget_that_is_none_is_refused_of_a_task(written: Written, budget: str) -> None:
    (problem,) = problems(written(f"tasks:\n  t: {{run: lambda/work, budget: {budget}}}\n"))
    assert "tasks.yaml:2: tasks.t.budget: expected dollars a month, as a number: 0 or 0.01 to 1,000,000,000" in problem


@pytest.mark.parametrize("owner", [r"a\nb", r"a\x1b[31m", r"\u202eann", " ann", "ann\\0"])
def test_an_owner_is_a_name_in_one_line(written: Written, owner: str) -> None:
    (problem,) = problems(written(f'tasks:\n  t: {{run: lambda/work, owner: "{owner}"}}\n'))
    assert "tasks.t.owner: expected a name in one line" in problem


CALENDARS = """
defaults: {timezone: Europe/Berlin}
calendars:
  business-days: {weekdays: MON-FRI, closed: [2026-12-25, {from: 2026-12-28, to: "2026-12-31", why: freeze}]}
  fair: {timezone: America/New_York, closed: [2026-12-01]}
"""


def test_a_task_does_not_run_while_its_calendars_are_closed(written: Written) -> None:
    more = "tasks:\n  t: {run: lambda/work, calendars: [business-days, fair], onClosed: next_business_day}\n"
    (found,) = load(written(CALENDARS + more), today=TODAY)
    assert found.on_closed is OnClosed.NEXT_BUSINESS_DAY
    christmas = datetime(2026, 12, 24, 23, tzinfo=UTC)
    assert closure_at(found.closures, christmas)
    assert not closure_at(found.closures, christmas - timedelta(seconds=1))
    fair = closure_at(found.closures, datetime(2026, 12, 1, 5, tzinfo=UTC))
    assert fair is not None
    assert fair.why == "fair"


def test_one_calendar_can_stand_alone_and_for_all_tasks(written: Written) -> None:
    text = CALENDARS.replace("{timezone: Europe/Berlin}", "{calendars: fair}") + "tasks:\n  t: {run: lambda/work}\n"
    (found,) = load(written(text), today=TODAY)
    assert [closure.why for closure in found.closures] == ["fair"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "tasks:\n  t: {run: lambda/work, calendars: bisiness-days}",
            "there is no calendar 'bisiness-days'; did you mean",
        ),
        ("tasks:\n  t: {run: lambda/work, onClosed: later}", "skip"),
        ("tasks:\n  t: {run: lambda/work, spread: 90s}", "expected whole minutes"),
        ("tasks:\n  t: {run: lambda/work, nonexistent: later}", "next_valid"),
    ],
)
def test_what_a_task_says_of_calendars_and_clocks_is_checked(written: Written, text: str, problem: str) -> None:
    (found,) = problems(written(CALENDARS + text))
    assert found.startswith("tasks.yaml:7: tasks.t.")
    assert problem in found


MAINTENANCE = """\
defaults: {timezone: Europe/Berlin}
maintenance:
  upgrade:
    from: 2026-12-01T22:00:00Z
    to: 2026-12-02T02:00:00Z
    why: the database moves
    slots: postpone
    tags: etl
  vacuum: {schedule: cron(0 2 ? * SUN *), duration: 2h, tasks: plain}
tasks:
  load: {run: lambda/work, tags: [etl, nightly]}
  plain: {run: lambda/work}
  watchdog: {run: lambda/watchdog, tags: etl}
"""


def test_a_maintenance_window_closes_the_tasks_that_it_names(written: Written) -> None:
    load_, plain, watchdog = load(written(MAINTENANCE), today=TODAY)
    since, until = datetime(2026, 12, 1, 22, tzinfo=UTC), datetime(2026, 12, 2, 2, tzinfo=UTC)
    (window,) = load_.closures
    assert (window.since, window.until, window.postponed_to) == (since, until, until)
    assert window.why == "maintenance upgrade: the database moves"
    assert len(plain.closures) == 104
    closure = closure_at(plain.closures, datetime(2026, 11, 29, 1, tzinfo=UTC))
    assert closure is not None
    assert (closure.why, closure.until - closure.since) == ("maintenance vacuum", timedelta(hours=2))
    assert watchdog.closures == ()
    for task in (load_, plain):
        assert task_of(item_of(task)) == task


def test_a_window_that_names_nobody_is_everybodys_and_its_days_are_those_of_its_zone(written: Written) -> None:
    text = MAINTENANCE.replace("T22:00:00Z", "").replace("T02:00:00Z", "").replace("    tags: etl\n", "")
    load_, plain, watchdog = load(written(text), today=TODAY)
    assert (load_.closures[0].since, load_.closures[0].until) == (
        datetime(2026, 11, 30, 23, tzinfo=UTC),
        datetime(2026, 12, 2, 23, tzinfo=UTC),
    )
    assert load_.closures[0] in plain.closures
    assert watchdog.closures == ()


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ("{from: 2026-12-01}", "maintenance.w: expected from and to, or schedule and duration"),
        (
            "{from: 2026-12-02, to: 2026-12-03, duration: 2h}",
            "maintenance.w: expected from and to, or schedule and duration",
        ),
        ("{from: 2026-12-02T08:00:00Z, to: 2026-12-01}", "maintenance.w: expected to later than from"),
        ("{schedule: cron(0 2 * * ? *), duration: 0}", "maintenance.w: duration: expected at least 1 s"),
        ("{schedule: daily, duration: 1h}", "maintenance.w.schedule: "),
        (
            "{from: 2026-12-01, to: 2026-12-02, tags: elt}",
            "maintenance.w.tags: no task has the tag 'elt'; did you mean",
        ),
        ("{from: 2026-12-01, to: 2026-12-02, owners: [x]}", "maintenance.w.owners: no task has the owner 'x'"),
        ("{from: 2026-12-01, to: 2026-12-02, tasks: s}", "maintenance.w.tasks: there is no task 's'"),
        ("{from: 2026-12-01, to: 2026-12-02, slots: run}", "maintenance.w.slots: "),
        ("{schedule: rate(1 hour), duration: 1m}", "tasks.t: calendars and maintenance: expected at most 100000 bytes"),
    ],
)
def test_a_maintenance_window_says_where_it_is_wrong(written: Written, window: str, problem: str) -> None:
    text = f"maintenance:\n  w: {window}\ntasks:\n  t: {{run: lambda/work, tags: etl, owner: data}}\n"
    (found,) = problems(written(text))
    assert problem in found


POOLS = """\
pools: {reports: {atOnce: 3, perMinute: 30}, calls: {perMinute: 5}}
tasks:
  t: {run: lambda/work, FIELDS}
"""


@pytest.mark.parametrize(
    ("fields", "limit", "priority", "at_once"),
    [
        ("pool: reports", Limit(name="reports", at_once=3, per_minute=30), 0, 0),
        ("pool: calls, priority: 9", Limit(name="calls", at_once=500, per_minute=5), 9, 0),
        ("atOnce: 2, overlap: allow_all", Limit(name="task:t", at_once=2), 0, 2),
        (
            "pool: reports, atOnce: 2, overlap: allow_all, priority: 1",
            Limit(name="reports", at_once=3, per_minute=30),
            1,
            2,
        ),
        ("express: auto, timeout: 1m", None, 0, 0),
    ],
)
def test_a_task_says_where_its_runs_wait_for_a_place(
    written: Written, fields: str, limit: Limit | None, priority: int, at_once: int
) -> None:
    (found,) = load(written(POOLS.replace("FIELDS", fields)), today=TODAY)
    assert (found.limit, found.priority, found.at_once) == (limit, priority, at_once)
    assert (HoldKind.POOL in found.gates, found.is_linked) == ((limit is not None),) * 2
    assert task_of(item_of(found)) == found


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("pool: report", "tasks.t.pool: there is no pool 'report'; did you mean 'reports'?"),
        ("atOnce: 2", "atOnce: expected overlap allow_all beside it, found skip"),
        ("priority: 2", "priority: expected it beside pool or atOnce"),
        ("pool: reports, priority: 10", "tasks.t.priority: "),
        ("pool: reports, express: true, timeout: 1m", "its slots wait for pool before they run"),
    ],
)
def test_what_is_wrong_with_a_limit_is_said(written: Written, fields: str, problem: str) -> None:
    (found,) = problems(written(POOLS.replace("FIELDS", fields)))
    assert problem in found


def test_the_watchdog_waits_for_nobody(written: Written) -> None:
    text = POOLS.replace("lambda/work, FIELDS", "lambda/watchdog, pool: reports")
    with pytest.raises(InvalidTaskFile, match="nothing may hold up what looks after the others"):
        load(written(text), today=TODAY)


@pytest.mark.parametrize(
    ("calendar", "problem"),
    [
        ("{weekdays: 0-4}", "calendars.c.weekdays: expected days of the week like MON-FRI"),
        ("{weekdays: MON#2}", "calendars.c.weekdays: expected days of the week like MON-FRI"),
        ("{closed: [2026-13-01]}", "calendars.c.closed[0].from: expected a date like 2026-12-25"),
        ("{closed: [{from: 2026-12-31, to: 2026-12-24}]}", "expected to not before from"),
        ("{closed: [yesterday]}", "expected a date like 2026-12-25, found 'yesterday'"),
        ("{holidays: []}", "unknown field"),
    ],
)
def test_a_calendar_says_where_it_is_wrong(written: Written, calendar: str, problem: str) -> None:
    found = problems(written(f"calendars:\n  c: {calendar}\ntasks:\n  t: {{run: lambda/work}}\n"))
    assert found[0].startswith("tasks.yaml:2: calendars.c")
    assert problem in found[0]


def test_spread_moves_the_expression_that_scheduler_gets(written: Written) -> None:
    found = task(written, "run: lambda/work", "schedule: cron(0 8 * * ? *)", "spread: 15m")
    (schedule,) = found.schedules
    assert schedule.expression == f"cron({schedule.spread_minutes} 8 * * ? *)"
    assert 0 < schedule.spread_minutes < 15


def test_a_task_says_what_it_does_when_the_clock_is_set(written: Written) -> None:
    found = task(
        written, "run: lambda/work", "schedule: cron(0 8 * * ? *)", "nonexistent: next_valid", "ambiguous: second"
    )
    assert (found.nonexistent, found.ambiguous) == (Nonexistent.NEXT_VALID, Ambiguous.SECOND)


def test_a_task_needs_only_what_it_runs(written: Written) -> None:
    assert task(written, "run: lambda/work") == Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"))


def test_a_task_says_everything(written: Written) -> None:
    found = task(
        written,
        "run: workflow/billing",
        "description: Bills.",
        "schedules: [rate(1 hour), {expression: 'cron(0 8 * * ? *)', timezone: Asia/Tokyo}]",
        "timezone: Europe/Berlin",
        "params: {a: [1, null, {b: x}]}",
        "timeout: 2h",
        "retry: {attempts: 2, interval: 1m, backoff: 1.5, maxDelay: 10m, neverOn: [OutOfPaper]}",
        "overlap: allow_all",
        "idempotent: true",
        "grace: 10m",
        "catchUp: latest",
        "catchUpWindow: 2h",
        "minDuration: 1s",
        "maxDuration: 1h",
        "pauseAfterFailures: 3",
        "alerts: {failures: 2, of: 5, quiet: 4h}",
        "owner: data-platform",
        "runbook: https://example.com/billing",
    )
    assert found == Task(
        id="t",
        target=Target(kind=TargetKind.WORKFLOW, name="billing"),
        schedules=(
            TaskSchedule(expression="rate(1 hour)", timezone="Europe/Berlin"),
            TaskSchedule(expression="cron(0 8 * * ? *)", timezone="Asia/Tokyo"),
        ),
        params={"a": [1, None, {"b": "x"}]},
        timeout_seconds=7200,
        retry=RetryPolicy(
            max_attempts=2, interval_seconds=60, backoff_rate=1.5, max_delay_seconds=600, never_on=("OutOfPaper",)
        ),
        overlap=OverlapPolicy.ALLOW_ALL,
        idempotent=True,
        grace_seconds=600,
        catch_up=CatchUp.LATEST,
        catch_up_window_seconds=7200,
        min_duration_seconds=1,
        max_duration_seconds=3600,
        pause_after_failures=3,
        alerts=Alerting(failures=2, of=5, quiet_seconds=14_400),
        owner="data-platform",
        description="Bills.",
        runbook="https://example.com/billing",
    )


@pytest.mark.parametrize(("text", "attempts"), [("1", 1), ("5", 5), ("false", 1), ("true", 3)])
def test_a_retry_may_be_a_number_or_a_switch(written: Written, text: str, attempts: int) -> None:
    assert task(written, "run: lambda/work", f"retry: {text}").retry.max_attempts == attempts


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("'5 m'", 300)])
def test_a_length_of_time_is_written_as_people_do(written: Written, text: str, seconds: int) -> None:
    assert task(written, "run: lambda/work", f"timeout: {text}").timeout_seconds == seconds


def test_a_task_has_the_defaults_that_it_does_not_override(written: Written) -> None:
    text = """
defaults: {timezone: Asia/Tokyo, owner: us, retry: {attempts: 5, interval: 1s}}
tasks:
  plain: {run: lambda/work, schedule: rate(1 day)}
  own: {run: lambda/work, owner: them, retry: {attempts: 2}}
"""
    plain, own = load(written(text), today=TODAY)
    assert (plain.owner, plain.schedules[0].timezone, plain.retry.max_attempts) == ("us", "Asia/Tokyo", 5)
    assert (own.owner, own.retry.max_attempts, own.retry.interval_seconds) == ("them", 2, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run: lambda/wrok", "t.run: there is no lambda 'wrok'; did you mean 'work'?"),
        ("run: workflow/work", "t.run: there is no workflow 'work'; there is: billing"),
        (
            "run: work",
            "t.run: expected lambda/NAME, workflow/NAME, http/NAME, ecs/NAME, batch/NAME or glue/NAME, found 'work'",
        ),
        (
            "run: lambda/work:PROD",
            "t.run: expected lambda/NAME, workflow/NAME, http/NAME, ecs/NAME, batch/NAME or glue/NAME, found"
            " 'lambda/work:PROD'",
        ),
        ("scedule: rate(1 day)", "t.scedule: unknown field; did you mean 'schedule'?"),
        ("schedule: cron(0 8 * * 1-5)", "Unix cron has five fields"),
        (
            "schedule: cron(0 25 * * ? *)",
            "t.schedule.expression: 'cron(0 25 * * ? *)': hour: found '25', allowed: 0–23",
        ),
        ("timezone: Europe/Berlim", "t.timezone: 'Europe/Berlim' is no time zone"),
        ("timeout: soon", "t.timeout: expected a length of time like 90s, 5m or 2h, found 'soon'"),
        ("timeout: 16m", "a Lambda function runs at most 900 s, found 960 s; longer work is a workflow"),
        ("timeout: 0", "timeout: expected at least 1 s"),
        ("retry: {attempts: 21}", "t.retry.attempts: Input should be less than or equal to 20, found '21'"),
        ("retry: {atempts: 2}", "t.retry.atempts: unknown field"),
        ("alerts: {failures: 3, of: 2}", "t.alerts: expected of not less than failures, found 3 of 2"),
        ("grace: 10s", "t.grace: Input should be greater than or equal to 60, found '10s'"),
        (
            "overlap: sometimes",
            "t.overlap: Input should be 'skip', 'buffer_one', 'buffer_all', 'cancel_other',",
        ),
        ("idempotent: maybe", "t.idempotent: expected true or false, found 'maybe'"),
        ("owner: 7", "t.owner: expected text (put it in quotes if it looks like a number), found '7'"),
        ("params: [1]", "t.params: expected a mapping, found '[1]'"),
        ("params: {when: 2026-12-01}", "t.params: expected values that JSON has (write dates and times in quotes)"),
        ("params: {x: .nan}", "t.params: expected values that JSON has"),
    ],
)
def test_one_mistake_is_said_with_its_line_and_field(written: Written, line: str, said: str) -> None:
    run = "" if line.startswith("run:") else "    run: lambda/work\n"
    (found,) = problems(written(f"tasks:\n  t:\n{run}    {line}\n"))
    line_number = 3 if not run else 4
    assert found.startswith(("tasks.yaml:2: ", f"tasks.yaml:{line_number}: "))
    assert said in found


def test_a_task_that_runs_nothing_is_a_mistake(written: Written) -> None:
    assert problems(written("tasks:\n  t: {owner: us}\n")) == [
        "tasks.yaml:2: tasks.t.run: expected this field, found none"
    ]


@pytest.mark.parametrize("task_id", ["a:b", "a/b", "a b", "x" * 49, "ä"])
def test_an_id_holds_letters_digits_and_dashes_alone(written: Written, task_id: str) -> None:
    (found,) = problems(written(f"tasks:\n  '{task_id}': {{run: lambda/work}}\n"))
    assert found.endswith("expected an id of letters, digits, - and _, at most 48 of them")


def test_an_id_that_is_used_twice_is_a_mistake(written: Written) -> None:
    text = "tasks:\n  t: {run: lambda/work}\n  t: {run: lambda/work}\n"
    assert problems(written(text)) == ["tasks.yaml:3: tasks.t: this name is used twice"]


def test_a_task_has_schedule_or_schedules(written: Written) -> None:
    text = "tasks:\n  t: {run: lambda/work, schedule: rate(1 day), schedules: [rate(2 days)]}\n"
    assert problems(written(text)) == ["tasks.yaml:2: tasks.t: expected schedule or schedules, found both"]


def test_params_beyond_the_limit_are_a_mistake(written: Written) -> None:
    (found,) = problems(written(f"tasks:\n  t: {{run: lambda/work, params: {{a: {'x' * 100_001}}}}}\n"))
    assert "expected at most 100000 bytes of JSON, found 100010: put large data into S3" in found


def test_a_run_that_could_last_longer_than_a_day_is_a_mistake(written: Written) -> None:
    (found,) = problems(written("tasks:\n  t: {run: workflow/billing, timeout: 13h, retry: 2}\n"))
    assert "all attempts and delays together can take 93610 s, at most 86400 s (a day) are allowed" in found


def test_every_mistake_is_said_in_the_order_of_the_file(written: Written) -> None:
    text = """defaults: {tiemout: 3}
extra: 1
tasks:
  a:b: {run: lambda/work}
  c: {run: nothing, overlap: never}
  d: [1]
"""
    found = problems(written(text))
    assert [line.split(": ", 2)[:2] for line in found] == [
        ["tasks.yaml:1", "defaults.tiemout"],
        ["tasks.yaml:2", "extra"],
        ["tasks.yaml:4", "tasks.a:b"],
        ["tasks.yaml:5", "tasks.c.overlap"],
        ["tasks.yaml:5", "tasks.c.run"],
        ["tasks.yaml:6", "tasks.d"],
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tasks: [", "tasks.yaml:1: this is not YAML"),
        ("tasks:\n  t: {schedule: cron(0 8 * * ? *)", "inside { } write an expression in quotes"),
        ("tasks:\n\tt: 1", "tasks.yaml:2: this is not YAML"),
        ("", "tasks.yaml:1: expected a mapping with tasks, found nothing"),
        ("- a", "expected a mapping of tasks"),
        ("defaults: {}", "expected a mapping of tasks"),
        ("tasks: 7", "tasks.yaml:1: tasks: expected a mapping of tasks"),
    ],
)
def test_a_file_that_is_no_tasks_file_says_so(written: Written, text: str, said: str) -> None:
    (found,) = problems(written(text))
    assert said in found


def test_a_file_that_is_not_there_or_not_utf_8_says_so(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.yaml") == [f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"]
    (tmp_path / "latin.yaml").write_bytes("tasks: {ä: 1}".encode("latin-1"))
    assert "expected UTF-8" in problems(tmp_path / "latin.yaml")[0]


def test_aliases_that_multiply_are_refused(written: Written) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (found,) = problems(written("\n".join(lines)))
    assert "more than 1000000 values" in found


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_what_is_nested_too_deeply_is_refused(written: Written, opening: str) -> None:
    (found,) = problems(written("tasks:\n" + opening * 100_000))
    assert "this is not YAML" in found


def test_the_sample_file_is_right_and_fits_its_schema() -> None:
    file = ROOT / "tasks.yaml"
    assert len(load(file, today=TODAY)) == 10
    jsonschema.validate(source.read(file, Problems(file.name)), json.loads(schema()))


def test_without_libyaml_a_file_says_the_same(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = written("tasks:\n  t:\n    run: lambda/x\n    tiemout: 5m\n")
    found = load(ROOT / "tasks.yaml", today=TODAY), problems(wrong)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert (load(ROOT / "tasks.yaml", today=TODAY), problems(wrong)) == found


def test_the_schema_refuses_what_the_file_may_not_hold() -> None:
    with pytest.raises(jsonschema.ValidationError, match="scedule"):
        jsonschema.validate({"tasks": {"t": {"run": "lambda/x", "scedule": "rate(1 day)"}}}, json.loads(schema()))


def test_the_schema_that_editors_use_is_current(golden: Callable[[str, str], None]) -> None:
    golden("../../tasks.schema.json", schema())


def test_a_window_is_of_days_in_the_schedules_zone_or_of_moments(written: Written) -> None:
    lines = ["run: lambda/work", "schedule: cron(0 8 * * ? *)", "timezone: Europe/Berlin"]
    (days,) = task(written, *lines, "startDate: 2026-12-01", "endDate: 2026-12-24").schedules
    assert (days.start, days.end) == ("2026-11-30T23:00:00Z", "2026-12-24T22:59:59Z")
    (moments,) = task(
        written, *lines, "startDate: 2026-12-01T08:00:00Z", 'endDate: "2026-12-24T08:00:00+01:00"'
    ).schedules
    assert (moments.start, moments.end) == ("2026-12-01T08:00:00Z", "2026-12-24T07:00:00Z")


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ("startDate: soon", "expected 2026-12-25 or 2026-12-25T08:00:00Z, found 'soon'"),
        ("startDate: '2026-12-01T08:00:00'", "a moment with its zone"),
        (
            "startDate: 2026-12-02, endDate: 2026-12-01",
            "expected it not before startDate",
        ),
    ],
)
def test_a_window_that_is_none_is_refused(written: Written, window: str, problem: str) -> None:
    (found,) = problems(written(f"tasks:\n  t: {{run: lambda/work, schedule: rate(1 day), {window}}}\n"))
    assert problem in found
