"""Names that must agree everywhere: what a stack calls its resources, and what its Lambdas find in their environment.

Physical names start with the stack's name, so that environments live side by side in one account. Nothing here reads
the environment; the edge does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: The CloudWatch namespace of the project's metrics; TaskRunner's role may publish to no other.
METRICS_NAMESPACE = "ScheduledTasks"

#: An index of the registry, of who is due when: hash ``shard`` (a small number), range ``nextRun``. What an index holds
#: cannot be changed: one that is to hold something else gets another name, and takes this one's place.
DUE_INDEX = "DueIndex"

#: An index of the ledger: hash ``status``, range ``slot``.
STATUS_INDEX = "StatusIndex"

#: The alias of each state machine that schedules and people start.
LIVE = "live"

#: A metric that the watchdog publishes at the end of each round.
HEARTBEAT_METRIC = "WatchdogHeartbeat"

#: A metric of the runs that TaskRunner has ended badly, by stack alone: an alarm can only watch one set of dimensions.
FAILURES_METRIC = "RunsFailed"

#: A metric of rows and records that cannot be read, each time that somebody comes across one.
UNREADABLE_METRIC = "UnreadableRecords"

#: What stacks begin with whose project has no name.
DEFAULT_PROJECT = "orchestrator"

#: A project's name has no hyphen, so that no two projects have a stack of one name. With an environment's it is part of
#: the names of buckets, which are 63 characters at most.
PROJECT_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
ENVIRONMENT_NAME = re.compile(r"[a-z][a-z0-9-]{0,11}")

# environment of the Lambdas
HEARTBEAT_URL = "HEARTBEAT_URL"
STACK = "ORCHESTRATOR_STACK"
DATA_BUCKET = "DATA_BUCKET"
IDEMPOTENCY_TABLE = "IDEMPOTENCY_TABLE"
MAIL_FROM = "MAIL_FROM"
SITE_URL = "SITE_URL"
OUTCOMES_BUS = "OUTCOMES_BUS"
SCHEDULER_ROLE = "SCHEDULER_ROLE"
OUTCOME_KINDS = "OUTCOME_KINDS"


#: The function that does at once what a row of the ledger asks for.
FOLLOWER = "follower"

#: The function that takes requests to webhooks, and messages of queues, that start tasks.
RECEIVER = "receiver"

#: What stack.yaml may call a queue, and a queue's ARN.
QUEUE_NAME = "[a-z][a-z0-9-]{0,31}"
QUEUE_ARN = r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?"

#: What stack.yaml calls the bus that the stack makes for itself.
OWN_BUS = "own"


def sibling(arn: str, service: str, resource: str) -> str:
    """The ARN of a resource of another service in the partition, region and account of ``arn``."""
    prefix, partition, _, region, account = arn.split(":")[:5]
    return ":".join((prefix, partition, service, region, account, resource))


def live(state_machine_arn: str) -> str:
    """The ARN of a state machine's alias ``live``."""
    return f"{state_machine_arn}:{LIVE}"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One deployment of the orchestrator: a CloudFormation stack and the names of what is in it."""

    #: The CloudFormation stack's name, and the prefix of every physical name.
    name: str = "orchestrator-dev"

    @classmethod
    def of(cls, project: str, environment: str) -> Stack:
        """The stack of a project's environment."""
        return cls(name=f"{project}-{environment}")

    @property
    def environment(self) -> str:
        """What ``environments`` of tasks.yaml calls it: what follows the project's name."""
        return self.name.partition("-")[2] or self.name

    @property
    def tasks_table(self) -> str:
        """The registry."""
        return self.table("ScheduledTasks")

    @property
    def runs_table(self) -> str:
        """The ledger."""
        return self.table("TaskRuns")

    @property
    def failed_tasks_table(self) -> str:
        """Deliveries that never became an execution."""
        return self.table("FailedTasks")

    @property
    def incidents_table(self) -> str:
        """The table of open incidents."""
        return self.table("Incidents")

    @property
    def limits_table(self) -> str:
        """What stops, mutes and limits many tasks at once."""
        return self.table("Limits")

    @property
    def task_runner(self) -> str:
        """The state machine that every schedule targets."""
        return f"{self.name}-TaskRunner"

    @property
    def express_runner(self) -> str:
        """Its twin, the Express state machine that the schedules of short tasks target."""
        return f"{self.name}-ExpressRunner"

    @property
    def backfill(self) -> str:
        """The state machine that runs slots of the past."""
        return f"{self.name}-Backfill"

    @property
    def alerts_topic(self) -> str:
        return f"{self.name}-Alerts"

    @property
    def outcomes_bus(self) -> str:
        """The bus that the stack makes for itself, if it is to publish what becomes of its tasks."""
        return f"{self.name}-Outcomes"

    @property
    def courier_queue(self) -> str:
        """The queue of messages that go to webhooks and to others' topics."""
        return f"{self.name}-Courier"

    def inbound_queue(self, name: str) -> str:
        """A queue of the stack's own whose messages start tasks."""
        return f"{self.name}-queue-{name}"

    @property
    def destinations_path(self) -> str:
        """Below it are the parameters of Systems Manager that say who is told."""
        return f"/{self.name}/alerts"

    def secret_parameter(self, name: str) -> str:
        """The parameter of Systems Manager that ``ssm:NAME`` of tasks.yaml stands for."""
        return f"/{self.name}/secrets/{name}"

    def secret(self, name: str) -> str:
        """The secret of Secrets Manager that ``secret:NAME`` of tasks.yaml stands for."""
        return f"{self.name}/{name}"

    @property
    def mail_events(self) -> str:
        """The configuration set of SES whose mails leave an event."""
        return f"{self.name}-mail"

    @property
    def mail_events_log(self) -> str:
        """The log group of those events. EventBridge writes to names that begin so and to no other."""
        return f"/aws/events/{self.name}-mail"

    @property
    def failure_alarm(self) -> str:
        """The alarm that sends a new version back."""
        return f"{self.name}-Failures"

    @property
    def scheduler_dlq(self) -> str:
        return f"{self.name}-SchedulerDlq"

    @property
    def execution_failures(self) -> str:
        """The queue of executions that failed, timed out or were aborted, and the rule that fills it."""
        return f"{self.name}-ExecutionFailures"

    @property
    def handler_failures(self) -> str:
        """The queue of messages that were received from another queue again and again, and never dealt with."""
        return f"{self.name}-HandlerFailures"

    @property
    def schedule_group(self) -> str:
        return self.name

    @property
    def one_time_group(self) -> str:
        """The schedule group of runs that applications ask for while they run; no deployment writes into it.

        A stack's name has no point, so this is no other stack's group.
        """
        return f"{self.schedule_group}.one-time"

    @property
    def rule_prefix(self) -> str:
        """What the names of the rules of EventBridge begin with that start tasks."""
        return f"{self.name}-on."

    @property
    def function_prefix(self) -> str:
        """The prefix that TaskRunner puts before a task's logical target; its role may invoke nothing outside it."""
        return f"{self.name}-task-"

    def function(self, name: str, *, is_task: bool = True) -> str:
        """The physical name of a function; what is no task's target stands outside the prefix of those."""
        return f"{self.function_prefix if is_task else self.name + '-'}{name}"

    def state_machine(self, name: str) -> str:
        """The physical name of a definition: TaskRunner and Backfill are the project's own, others are workflows."""
        own = {"TaskRunner": self.task_runner, "ExpressRunner": self.express_runner, "Backfill": self.backfill}
        return own.get(name) or f"{self.workflow_prefix}{name}"

    @property
    def workflow_prefix(self) -> str:
        """The same for nested state machines."""
        return f"{self.name}-workflow-"

    def table(self, logical_name: str) -> str:
        """The physical name of a table, ``ScheduledTasks`` or a table of the application's own."""
        return f"{self.name}-{logical_name}"
