"""What outlives the process: records, objects and schedules, in a folder.

A change is in the folder before whoever made it hears that it was made, so nothing that was acknowledged is lost when
the process is killed. It is an SQLite database with a write-ahead log. What was kept of a table, a bucket or a schedule
group is in it again as soon as one of that name is created: the stack is deployed anew, and finds its data. Executions,
logs, mails and messages in queues are not kept.
"""

from __future__ import annotations

from orchestrator.local.aws.kept import objects, records, schedules
from orchestrator.local.aws.parts import Aws


def install(aws: Aws) -> None:
    """Keeps what changes, where there is a folder to keep it in."""
    for kind in (records, objects, schedules):
        kind.install(aws)
