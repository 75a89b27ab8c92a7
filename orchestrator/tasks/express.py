"""Which tasks an Express execution may run.

An Express execution costs a fraction of a Standard one, lasts five minutes at most, may run more than once, and nobody
stops it or tells of its death ("Choosing workflow type in Step Functions"). So it is for a short call of a Lambda
function that neither waits for another run of its task nor stops one.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.tasks.task import OverlapPolicy, TargetKind, Task

#: "Quotas related to state machine executions": the longest Express execution.
EXPRESS_SECONDS = 300

#: All attempts of a run and all delays between them must end within so long; the rest is for claiming and recording.
LONGEST_EXPRESS_SECONDS = 240

#: The policies by which no run waits for another or stops it.
EXPRESS_OVERLAPS = (OverlapPolicy.SKIP, OverlapPolicy.ALLOW_ALL)


def obstacles(task: Task) -> Iterator[str]:
    """Why an Express execution may not run the task, a sentence each; none if it may.

    The machine asks the same of each record (``definitions/system/task_runner/claiming.py``), to which tests hold it.
    """
    if task.target.kind is not TargetKind.LAMBDA:
        yield f"a nested {task.target.kind} is waited for, which an Express execution cannot do; it stays Standard"
    longest = task.retry.longest_run(task.timeout_seconds)
    if longest > LONGEST_EXPRESS_SECONDS:
        yield (
            f"all its attempts and delays can take {longest} s, and an Express execution has"
            f" {LONGEST_EXPRESS_SECONDS} s for them; shorten timeout or retry"
        )
    if task.gates:
        yield f"its slots wait for {', '.join(task.gates)} before they run, and TaskRunner alone holds slots"
    if task.overlap not in EXPRESS_OVERLAPS:
        allowed = " or ".join(EXPRESS_OVERLAPS)
        yield f"overlap {task.overlap} waits for or stops another run, which takes a Standard execution; say {allowed}"
