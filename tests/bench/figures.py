"""The figures of one checkout: ``python -m tests.bench.figures``, or as a program in the folder of another checkout.

Seconds of the processor are beside those of the clock, since they say the same on a machine that others use. What is
measured is that of the current folder, so this file uses nothing of the library that an older commit has not.
"""

from __future__ import annotations

import json
import operator
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

AT_ONCE = 40
ROUNDS = 4
LONE = 30
TASKS = 2_000

#: What each figure is called, and whether more of it is better.
NAMES: Mapping[str, tuple[str, bool]] = {
    "runs_per_second": ("runs/s, 40 at once", True),
    "run_cpu_ms": ("CPU of a run, ms", False),
    "lone_ms": ("a lone run, ms", False),
    "peak_mb": ("peak after 200 runs, MB", False),
    "import_ms": ("import orchestrator.cli, CPU ms", False),
    "validate_s": ("validate 2,000 tasks, CPU s", False),
    "start_s": ("orchestrator local is up, CPU s", False),
    "start_mb": ("orchestrator local when up, MB", False),
    "start_2000_s": ("the same with 2,000 tasks, CPU s", False),
    "start_2000_mb": ("the same with 2,000 tasks, MB", False),
    "year_s": ("a year of 25 schedules, CPU s", False),
}


def _item_of() -> Callable[[Any], dict[str, Any]]:
    """Returns what makes a task a record: in older commits, its own method."""
    try:
        from orchestrator.tasks.records import item_of
    except ImportError:
        return operator.methodcaller("to_item")
    return item_of


def of_runs() -> dict[str, float]:
    """Of TaskRunner's runs on the embedded AWS."""
    sys.path.insert(0, str(Path.cwd()))
    from orchestrator.stack import Stack
    from orchestrator.tasks.task import Target, TargetKind, Task
    from tests.bench import runs

    with runs.embedded() as clients:
        machine = runs.set_up(clients)
        dynamodb, states = clients("dynamodb"), clients("stepfunctions")
        item_of = _item_of()

        def batch(label: str, count: int, pause: float) -> tuple[float, float]:
            ids = [f"{label}-{number}" for number in range(count)]
            for task_id in ids:
                task = Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"))
                dynamodb.put_item(TableName=Stack(name="bench").tasks_table, Item=item_of(task))
            began, cpu = time.monotonic(), time.process_time()
            for task_id in ids:
                given = json.dumps({"taskId": task_id})
                states.start_execution(stateMachineArn=machine, name=task_id, input=given)
            running: Any = {"stateMachineArn": machine, "statusFilter": "RUNNING", "maxResults": 1}
            while states.list_executions(**running)["executions"]:
                time.sleep(pause)
            return time.monotonic() - began, time.process_time() - cpu

        batch("warm", AT_ONCE, 0.01)
        many = [batch(f"many-{number}", AT_ONCE, 0.01) for number in range(ROUNDS)]
        lone = [batch(f"lone-{number}", 1, 0.001)[0] for number in range(LONE)]
        ended = states.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED", maxResults=1000)["executions"]
        assert len(ended) == AT_ONCE * (ROUNDS + 1) + LONE
    runs_made = AT_ONCE * ROUNDS
    return {
        "runs_per_second": runs_made / sum(wall for wall, _ in many),
        "run_cpu_ms": 1000 * sum(cpu for _, cpu in many) / runs_made,
        "lone_ms": 1000 * statistics.median(lone),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _cpu_of(program: str, *arguments: str) -> float:
    """Seconds of the processor that a program prints, the least of three."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, '.'); {program}", *arguments]
    ran = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(3)]
    return min(float(text.splitlines()[-1]) for text in ran)


def _write_tasks(file: Path) -> None:
    lines = [
        f"  task-{number}: {{run: lambda/report-generator, schedule: cron({number % 60} 8 * * ? *)}}\n"
        for number in range(TASKS)
    ]
    file.write_text("tasks:\n" + "".join(lines))


def of_commands() -> dict[str, float]:
    """Of the CLI, in processes of their own."""
    timed = "import time; began = time.process_time(); {}; print(time.process_time() - began)"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "tasks.yaml")
        _write_tasks(file)
        validate = "from orchestrator.cli.main import main; main(['validate', sys.argv[1]])"
        return {
            "import_ms": 1000 * _cpu_of(timed.format("import orchestrator.cli.main")),
            "validate_s": _cpu_of(timed.format(validate), str(file)),
        }


def _started(*options: str) -> tuple[float, float]:
    """Seconds of the processor until `orchestrator local` is up, and its megabytes then, its processes included."""
    program = (
        f"import sys; sys.path.insert(0, '.'); from orchestrator.cli.main import main; main({['local', *options]})"
    )
    with subprocess.Popen([sys.executable, "-uc", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert any("is up on" in line for line in process.stdout)
            waiting, ticks, pages = [process.pid], 0, 0
            while waiting:
                folder = Path("/proc", str(waiting.pop()))
                # Behind the name, which may hold spaces: utime, stime, and those of children that have ended.
                ticks += sum(map(int, (folder / "stat").read_text().rpartition(") ")[2].split()[11:15]))
                resident, shared = map(int, (folder / "statm").read_text().split()[1:3])
                pages += resident if folder.name == str(process.pid) else resident - shared
                waiting += [int(one) for of in folder.glob("task/*/children") for one in of.read_text().split()]
        finally:
            process.kill()
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def of_start() -> dict[str, float]:
    """Of `orchestrator local`, with the tasks of the project and with many."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "tasks.yaml")
        _write_tasks(file)
        few, many = (_started("--port", "0", *more) for more in ((), ("--tasks", str(file))))
    return {"start_s": few[0], "start_mb": few[1], "start_2000_s": many[0], "start_2000_mb": many[1]}


def of_year() -> dict[str, float]:
    """Of the simulated year: a part of its schedules, of each kind as often as in the whole."""
    year = "from tests.simulation.year import live, world; [live(n, 1, 365, world(1, 365)) for n in range(3, 1000, 40)]"
    timed = f"import time; began = time.process_time(); {year}; print(time.process_time() - began)"
    return {"year_s": _cpu_of(timed)}


PARTS: tuple[Callable[[], dict[str, float]], ...] = (of_runs, of_commands, of_start, of_year)


def main() -> None:
    found: dict[str, float] = {}
    for part in PARTS:
        found |= part()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
