"""Every exception of the library. A function's own stand beside it, as ``lambdas/billing/errors.py`` does.

OrchestratorError
├── NonRetryableError           a second attempt cannot help; TaskRunner records it at once
│   ├── InvalidParameters       a task's params are not what its target takes
│   └── NotConfigured           a function lacks a setting of its environment
├── NotYet                      a handler asks to be called again later, and nothing is held until then
├── HeartbeatLost               a handler has given no sign of life for too long
├── BackfillIncomplete          slots of a backfill failed, or were not run
├── InvalidSchedule             a schedule expression that EventBridge Scheduler would refuse, or never fire
├── InvalidTimezone             no time zone of the tz database
├── InvalidTaskFile             tasks.yaml (every mistake, each with file, line, field and what was expected)
├── InvalidDefinition           a state machine definition that would not run as written
├── InvalidProject              what a project declares, in code or beside it (every mistake)
├── NoProject                   no tasks.yaml here, nor in any folder above
├── FolderNotEmpty              a new project was to be written over something
├── InvalidLockList             a line of a lock list that pins nothing
├── InvalidRecord               a record of the registry that no registration made
├── InvalidRow                  a row of the ledger that no run has written
├── FutureSlots                 a backfill was to run slots that are still to come
├── MissingWheels               what functions depend on is neither on this machine nor to be had
├── DeploymentFailed            AWS refused, or did not finish, what was to be deployed
├── IndexNotFilled              DynamoDB takes too long to fill an index that is to be read
├── DeploymentUnderWay          another apply writes tasks and schedules of this stack now
├── OlderRelease                a stack was deployed with a newer release of this library
├── MotoChanged                 the embedded AWS was written against another moto
├── NoPip                       there is nothing that fetches what functions depend on
├── NoSuchAlarm                 the alarm that is to watch a new version does not exist
├── NoSuchVersion               there is no version of a state machine to go back to
├── RolledBack                  a new version's alarm went off, and the old one runs again
├── RoundIncomplete             the watchdog could not look after everything
├── NoRunOfSlot                 a rerun of a slot that nothing has run
├── NobodyTold                  a test of alerts where nobody would get it
├── NotABuild                   the folder to build into holds something else
├── NothingAsked                a person answered where no run asks anything
├── AnsweredAlready             a person answered after somebody else, or too late
├── NotPaused                   a person ended the pause of a task that has none
├── EventRefused                EventBridge has not taken an event that somebody sent
├── RequestRefused              a request to a webhook that starts a task is not taken
├── RuleNotWritten              EventBridge has not taken the target of a rule that starts a task
├── UnknownQueue                no task of the stack listens to a queue
├── UnknownBackfill             a backfill was named that Step Functions does not know
├── InvalidSelection            a form does not say which slots a backfill is to run
├── NothingToRun                of the slots that a backfill was to run none is to be run
├── NotBackfilling              a backfill that has ended was to be stopped
├── StillBackfilling            a backfill that goes on was to be gone on with
├── PausedBySwitch              a person ended the pause of one task that is paused together with others
├── NotSwitched                 a person ended what nobody has begun: no switch is on for these tasks
├── PauseContended              others have changed the pause of a task each time that it was to be changed
├── PoolContended               others have let runs into a pool each time that one was to be let in
├── NotReplayable               a dead letter does not say what is to be run
├── NotDeployed                 there is no such stack in this account and region
├── NotRunning                  a run was to be stopped that does not go on
├── NotStoppable                a run was to be stopped that nobody can stop
├── NotRerun                    TaskRunner left a slot as it was, for another run was in the way
├── PortInUse                   the embedded AWS cannot listen where it was told to
├── SlotPassed                  a run was asked for at a moment that has passed
├── SlotTaken                   a slot was to be started that has a row
├── SlotToCome                  a slot was to be started that its schedule will start
├── StateInUse                  another process keeps its embedded AWS in the same folder
├── StateUnusable               the folder of an embedded AWS cannot be read, or written
├── StillRunning                a rerun of a slot whose run goes on
├── TaskPaused                  a person asked for runs of a task that a person has paused
├── WebhookRefused              a webhook will not take an alert, however often it is sent
├── WebhookUnavailable          a webhook does not take an alert now
├── UnknownAction               the console was asked for something that it cannot do
├── UnknownTask                 an operator named a task that the registry does not have
└── RefusedRun                  TaskRunner did not start the task
    ├── ClaimContended          other transactions were in the way of the claim, every time
    ├── InvalidInput            the execution's input names no task
    ├── InvalidTask             the registry's record cannot be run
    ├── TaskNotFound            no such task in the registry
    └── UpstreamLate        a slot still waited for another one at its deadline

The name of a class is the name of the error in Step Functions: Lambda reports the Python class name of what a handler
raised as the error's name ("Handling errors in Step Functions workflows"), and definitions derive ``ErrorEquals`` from
these classes with :func:`error_names`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


class OrchestratorError(Exception):
    """The root of everything that this project raises on purpose."""


class NonRetryableError(OrchestratorError):
    """A second attempt cannot help: the task fails at once, whatever its retry policy says."""


class InvalidParameters(NonRetryableError):
    """A task's params are not what its target takes."""

    def __init__(self, target: str, problems: list[str]) -> None:
        self.target = target
        self.problems = problems
        super().__init__(f"{target} was given wrong params: " + "; ".join(problems))


class NotConfigured(NonRetryableError):
    """A function lacks a setting of its environment."""

    def __init__(self, variable: str, parameter: str) -> None:
        self.variable = variable
        super().__init__(f"{variable} is not set; deploy with a value for the stack's parameter {parameter}")


class NotYet(OrchestratorError):
    """What a handler waits for is not there yet: TaskRunner is to look again after ``retry_after`` seconds.

    The run ends, and holds nothing: its row waits. No attempt of the retry policy is used up. Looks begin at full
    minutes, as EventBridge Scheduler does, and go on until the task's ``notYetFor`` is over: then the run has failed.
    It is this class itself that TaskRunner knows, and none that is derived from it.
    """

    def __init__(self, retry_after: float, why: str = "") -> None:
        self.retry_after = retry_after
        # TaskRunner reads the number off this text: Lambda hands on no more of an exception than its name and text.
        super().__init__(f"look again in {max(0, round(retry_after))} s{f': {why}' if why else ''}")


class HeartbeatLost(OrchestratorError):
    """A handler has not called :func:`orchestrator.handlers.heartbeat` for longer than its task allows."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no sign of life for {seconds:g} s; the task's heartbeat says how long it may be silent")


class BackfillIncomplete(OrchestratorError):
    """Slots of a backfill failed, or were not run: the same command again goes on with what is not done.

    Raised by no Python code: it is the name of Backfill's Fail state.
    """


class InvalidSchedule(OrchestratorError):
    """EventBridge Scheduler would refuse the expression, or never fire it."""

    def __init__(self, expression: str, field: str, given: str, allowed: str, hint: str = "") -> None:
        self.expression = expression
        self.field = field
        said = f"{expression!r}: {field}: found {given!r}, allowed: {allowed}"
        super().__init__(f"{said} ({hint.strip()})" if hint else said)


class InvalidTimezone(OrchestratorError):
    """A name is not a time zone of the tz database."""

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        super().__init__(f"{timezone!r} is no time zone: write a name of the tz database, like Europe/Berlin or UTC")


class InvalidTaskFile(OrchestratorError):
    """tasks.yaml cannot be deployed: nothing has been written to AWS."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = f"{len(problems)} mistakes" if len(problems) > 1 else "1 mistake"
        super().__init__("\n".join([*problems, f"{count}; nothing was deployed"]))


class InvalidDefinition(OrchestratorError):
    """A state machine definition would not run as written."""

    def __init__(self, comment: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join([f"the definition “{comment}” would not run as written:", *problems]))


class InvalidRecord(OrchestratorError):
    """A record of the registry is not one that a registration makes."""

    def __init__(self, task_id: str, problem: str) -> None:
        self.task_id = task_id
        super().__init__(
            f"the registry's record of {task_id!r} cannot be read ({problem}); deploy again, that writes it anew"
        )


class InvalidRow(OrchestratorError):
    """A row of the ledger cannot be read: no run, and nothing that closes runs, has written it so."""

    def __init__(self, task_id: str, slot: str, problem: str) -> None:
        self.task_id = task_id
        self.slot = slot
        super().__init__(
            f"the ledger's row of task {task_id!r}, slot {slot!r}, cannot be read ({problem}); somebody has written it"
            " by hand: correct it, or delete it"
        )


class DeploymentFailed(OrchestratorError):
    """AWS refused, or did not finish, what was to be deployed: deploying again goes on from where this ended."""

    def __init__(self, stack: str, status: str, reason: str) -> None:
        self.status = status
        super().__init__(f"stack {stack} is in {status}: {reason}")


class IndexNotFilled(OrchestratorError):
    """DynamoDB is still filling an index, which code that is to be deployed reads."""

    def __init__(self, table: str, unready: Sequence[str]) -> None:
        super().__init__(
            f"table {table}: {', '.join(unready)} after two hours; deploy again when all of it is ACTIVE, which goes on"
            " from here"
        )


class EventRefused(OrchestratorError):
    """EventBridge has not taken an event that somebody sent."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"EventBridge refuses the event: {code}: {reason}; nothing was sent")


class RequestRefused(OrchestratorError):
    """A request to a webhook that starts a task is not taken; the sender is answered so."""

    def __init__(self, status: int, error: str, said: str) -> None:
        super().__init__(said)
        #: Of HTTP, and the error's name for programs.
        self.status, self.error = status, error


class RuleNotWritten(OrchestratorError):
    """EventBridge has not taken the target of a rule that starts a task: deploying again writes it anew."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"rule {rule} has no target, and starts nothing: {reason}; deploy again")


class DeploymentUnderWay(OrchestratorError):
    """Another apply writes tasks and schedules of this stack now."""

    def __init__(self, stack: str, holder: str, until: str) -> None:
        super().__init__(
            f"stack {stack} is being deployed by {holder}; wait for its end, or, if it died, until {until} (UTC),"
            " then deploy again"
        )


class OlderRelease(OrchestratorError):
    """A stack was deployed with a newer release of this library, which an older one would take back."""

    def __init__(self, stack: str, deployed: str, version: str) -> None:
        super().__init__(
            f"{stack} was deployed with {deployed}, and this is {version}: install {deployed} or a newer one; a state"
            " machine alone goes back with `orchestrator rollback`"
        )


class MotoChanged(OrchestratorError):
    """The installed moto is not the one that the embedded AWS was written against."""

    def __init__(self, version: str, changed: Sequence[str]) -> None:
        self.changed = tuple(changed)
        more = f"\n  and {len(changed) - 10} more" if len(changed) > 10 else ""
        listed = "\n  ".join(changed[:10]) + more
        super().__init__(
            f"the embedded AWS replaces code of moto, and moto {version} has other code there:\n  {listed}\n"
            "Install the moto that pyproject.toml names; or compare each of these with its replacement, and then run"
            " `python -m orchestrator.local.aws.replacements --write`"
        )


class NoSuchAlarm(OrchestratorError):
    """The alarm that is to watch a new version does not exist, so nothing would send the version back."""

    def __init__(self, alarm: str) -> None:
        super().__init__(
            f"there is no alarm {alarm} in this account and region; name another with --alarm, or deploy all at once"
        )


class NoSuchVersion(OrchestratorError):
    """A state machine has no version to go back to."""

    def __init__(self, state_machine: str, wanted: int | None, versions: Sequence[int]) -> None:
        said = "an older version" if wanted is None else f"a version {wanted}"
        listed = ", ".join(map(str, versions)) or "none"
        super().__init__(f"{state_machine} does not have {said}; its versions: {listed} (choose one with --to)")


class RolledBack(OrchestratorError):
    """A new version's alarm went off, and the old one runs again; tasks and schedules are as they were."""

    def __init__(self, state_machine: str, old: int, new: int, percent: int, alarm: str) -> None:
        super().__init__(
            f"{state_machine}: alarm {alarm} went off with {percent} % on version {new}, and version {old} runs again;"
            f" find out why executions of version {new} failed, then deploy again"
        )


class InvalidProject(OrchestratorError):
    """A project's functions, workflows or settings cannot be deployed: nothing has been written to AWS."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        count = f"{len(self.problems)} mistakes" if len(self.problems) > 1 else "1 mistake"
        super().__init__("\n".join([*self.problems, f"{count}; nothing was deployed"]))


class NoProject(OrchestratorError):
    """Neither a folder nor any above it has a tasks.yaml."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"there is no tasks.yaml in {folder}, nor in a folder above it; go to a project, name one with --project,"
            " or begin one with `orchestrator init DIR`"
        )


class FolderNotEmpty(OrchestratorError):
    """A new project was to be written into a folder that holds something."""

    def __init__(self, folder: str, held: str) -> None:
        super().__init__(f"{folder} holds {held}, and nothing of it is overwritten; name a new or an empty folder")


class NotABuild(OrchestratorError):
    """The folder to build into holds something else, which a build would replace."""

    def __init__(self, folder: str, given: str) -> None:
        super().__init__(f"{folder} holds {given}, which no build writes; name another folder with --out")


class InvalidLockList(OrchestratorError):
    """A line of a lock list of the functions' dependencies pins nothing, or only on some platforms."""

    def __init__(self, file: str, line: str) -> None:
        super().__init__(
            f"{file}: {line}: expected NAME==VERSION with hashes and without a marker;"
            " make the list anew as CONTRIBUTING.md says"
        )


class MissingWheels(OrchestratorError):
    """The wheels that functions depend on are neither on this machine nor to be fetched."""

    def __init__(self, wanted: Sequence[str], platform: str, folder: str, said: str) -> None:
        self.wanted = wanted
        others = f" and {len(wanted) - 1} more" if len(wanted) > 1 else ""
        super().__init__(
            f"{folder} has no wheel for {platform} of {wanted[0]}{others}, and pip could not fetch what is missing"
            f" ({said}); is the network up, and pip's index the one that has them? Without a network, copy the folder"
            " from where `orchestrator fetch` has filled it"
        )


class NoPip(OrchestratorError):
    """What functions depend on has to be resolved or fetched, and nothing here can."""

    def __init__(self, python: str) -> None:
        super().__init__(
            f"the packages of functions are fetched by pip, which {python} does not have, and there is no uv to run it:"
            f" {python} -m ensurepip, or install uv"
        )


class NobodyTold(OrchestratorError):
    """A test of alerts where nobody would get it."""

    def __init__(self, stack: str) -> None:
        super().__init__(
            f"{stack} tells nobody: add `alerts: {{to: [{{mail: you@example.com}}]}}` to tasks.yaml,"
            " and run `orchestrator apply`"
        )


class NotDeployed(OrchestratorError):
    """The stack does not exist in this account and region."""

    def __init__(self, stack: str) -> None:
        super().__init__(
            f"there is no stack {stack} in this account and region; deploy it with `orchestrator apply`,"
            " or name another with --stack"
        )


class UnknownTask(OrchestratorError):
    """An operator named a task that the registry does not have."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"there is no task {task_id!r} in the registry; `orchestrator tasks` lists them")


class UnknownQueue(OrchestratorError):
    """No task of the stack listens to a queue."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        there = f"; they listen to {', '.join(known)}" if known else "; they listen to none"
        super().__init__(f"no task listens to the queue {name!r}{there}")


class UnknownBackfill(OrchestratorError):
    """A backfill was named that Step Functions does not know."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no backfill {name!r}: Step Functions forgets one 90 days after its end")


class InvalidSelection(OrchestratorError):
    """A form does not say which slots a backfill is to run."""

    def __init__(self, why: str) -> None:
        super().__init__(f"which slots? {why}: expected days or moments like 2026-12-01 or 2026-12-01T08:00:00Z")


class NothingToRun(OrchestratorError):
    """Of the slots that a backfill was to run none is to be run."""

    def __init__(self, name: str, slots: int) -> None:
        super().__init__(f"{name}: none of {slots} slots is to be run")


class NotBackfilling(OrchestratorError):
    """A backfill that has ended was to be stopped."""

    def __init__(self, name: str, status: str) -> None:
        super().__init__(f"the backfill {name} is {status}: there is nothing to stop")


class StillBackfilling(OrchestratorError):
    """A backfill that goes on was to be gone on with."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the backfill {name} goes on: stop it, or wait for its end")


class UnknownAction(OrchestratorError):
    """The console was asked for something that it cannot do, or not for what."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"the console cannot do {name!r}; it knows {', '.join(known)}")


class WebhookRefused(OrchestratorError):
    """A webhook will not take an alert, however often it is sent."""

    def __init__(self, said: int | str) -> None:
        super().__init__(f"the webhook refuses the alert: {_answer(said)}")
        #: A status, or what is wrong with the URL.
        self.said = said


class WebhookUnavailable(OrchestratorError):
    """A webhook does not take an alert now."""

    def __init__(self, said: int | str) -> None:
        super().__init__(f"the webhook does not take the alert now: {_answer(said)}")


def _answer(said: int | str) -> str:
    return f"it answers {said}" if isinstance(said, int) else said


class FutureSlots(OrchestratorError):
    """A backfill was to run slots that are still to come."""

    def __init__(self, task_id: str, slot: str) -> None:
        super().__init__(
            f"{slot} of {task_id} is still to come, and a backfill runs slots of the past: leave out --to, or set it to"
            " an earlier moment"
        )


class NoRunOfSlot(OrchestratorError):
    """A slot was named that nothing has run, or a task that has never run."""

    def __init__(self, task_id: str, slot: str | None = None) -> None:
        super().__init__(
            f"{task_id} has not run yet; `orchestrator start {task_id}` runs it now"
            if slot is None
            else f"{task_id} has no run of {slot}; `orchestrator runs {task_id}` lists them, and"
            f" `orchestrator backfill {task_id} --from {slot} --to {slot}` runs a slot that has none"
        )


class NotRunning(OrchestratorError):
    """A run was to be stopped that does not go on."""

    def __init__(self, task_id: str, slot: str, status: str) -> None:
        super().__init__(f"{slot} of {task_id} does not run, it is {status}: there is nothing to stop")


class NotStoppable(OrchestratorError):
    """A run was to be stopped whose execution is an Express one."""

    def __init__(self, task_id: str, slot: str) -> None:
        super().__init__(
            f"{slot} of {task_id} is in an Express execution, which nobody can stop: it ends within five minutes"
        )


class NotRerun(OrchestratorError):
    """TaskRunner left a slot as it was, for another run was in the way."""

    def __init__(self, task_id: str, slot: str, execution_arn: str) -> None:
        super().__init__(
            f"{slot} of {task_id} is as it was: another run of the task goes on, or somebody else was first; try again"
            f" when `orchestrator tasks` says that it is waiting, or look at {execution_arn}"
        )


class SlotPassed(OrchestratorError):
    """A run was asked for at a moment that has passed."""

    def __init__(self, task_id: str, slot: str) -> None:
        super().__init__(
            f"{slot} has passed: name a moment to come, or run {task_id} for it with `orchestrator start {task_id}"
            f" --slot {slot}`"
        )


class SlotTaken(OrchestratorError):
    """A person started a slot that has a row: nothing was started."""

    def __init__(self, task_id: str, slot: str, status: str) -> None:
        super().__init__(
            f"nothing was started: {slot} of {task_id} has a run already, which is {status}; `orchestrator rerun"
            f" {task_id} {slot}` runs it again"
        )


class SlotToCome(OrchestratorError):
    """A person started a slot that its schedule will start."""

    def __init__(self, task_id: str, slot: str) -> None:
        super().__init__(
            f"nothing was started: {slot} of {task_id} is still to come, and a run by hand takes the place of the"
            " scheduled one, which then starts nothing; leave --slot out to run the task for now, or add --force"
        )


class StateInUse(OrchestratorError):
    """Another process keeps its embedded AWS in the same folder."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"{folder} cannot be used: another `orchestrator local` keeps its state there; end that one, or name"
            " another folder with --state"
        )


class StateUnusable(OrchestratorError):
    """The folder in which an embedded AWS keeps its state cannot be read or written."""

    def __init__(self, folder: str, why: str) -> None:
        super().__init__(
            f"the state in {folder} cannot be kept: {why}; make room there, or end `orchestrator local` and start it"
            " with another folder for --state"
        )


class StillRunning(OrchestratorError):
    """A rerun of a slot whose run goes on."""

    def __init__(self, task_id: str, slot: str, execution_arn: str) -> None:
        super().__init__(
            f"{slot} of {task_id} is still running; wait for its end, or stop it with `orchestrator stop"
            f" {task_id} {slot}` ({execution_arn})"
        )


class TaskPaused(OrchestratorError):
    """A person asked for runs of a task that a person has paused."""

    def __init__(self, task_id: str, who: str, why: str) -> None:
        by = f" by {who}" if who else ""
        super().__init__(f"{task_id} is paused{by}{f': {why}' if why else ''}; nothing of it runs until it is resumed")


class PortInUse(OrchestratorError):
    """The embedded AWS cannot listen where it was told to."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(f"port {port} on 127.0.0.1 is in use; try another one with --port, or --port 0 for any")


class RefusedRun(OrchestratorError):
    """TaskRunner did not start the task. Raised by no Python code: the names are those of TaskRunner's Fail state."""


class ClaimContended(RefusedRun):
    """Other transactions were in the way of the claim, every time: run the slot again."""


class InvalidInput(RefusedRun):
    """The execution's input names no task: ``{"taskId": "…"}`` is the least that TaskRunner takes."""


class InvalidTask(RefusedRun):
    """The registry's record lacks a field or has one of a wrong type: register the task again."""


class TaskNotFound(RefusedRun):
    """The registry has no such task: register it, or delete the schedule that names it."""


class UpstreamLate(RefusedRun):
    """A slot still waited for a slot of another task at its deadline: look at that one, then run this one again."""


def error_names(root: type[OrchestratorError]) -> list[str]:
    """The names of ``root`` and of this module's classes below it, sorted: what ``ErrorEquals`` of a definition lists.

    Classes of other modules are not among them, or a definition would depend on what happens to be imported.
    """

    def walk(kind: type[OrchestratorError]) -> Iterator[str]:
        yield kind.__name__
        for child in kind.__subclasses__():
            if child.__module__ == __name__:
                yield from walk(child)

    return sorted(set(walk(root)))


class RoundIncomplete(OrchestratorError):
    """The watchdog could not look after everything; what it could is done."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        super().__init__(f"{len(faults)} faults: " + "; ".join(faults[:3]) + more)


class NotPaused(OrchestratorError):
    """A person ended the pause of a task that has none."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"{task_id} is not paused")


class NothingAsked(OrchestratorError):
    """A person answered where no run asks anything."""

    def __init__(self, task_id: str, slot: str, status: str | None) -> None:
        super().__init__(
            f"{slot} of {task_id} waits for no approval: "
            + (f"it is {status}" if status else f"it has no row; `orchestrator runs {task_id}` lists what there is")
        )


class AnsweredAlready(OrchestratorError):
    """A person answered after somebody else, or too late."""

    def __init__(self, task_id: str, slot: str, answer: str = "", who: str = "") -> None:
        said = f"it was {answer} by {who}" if answer else "somebody else was first"
        super().__init__(
            f"{slot} of {task_id} waits for no answer any more: {said}; `orchestrator show {task_id} {slot}` tells more"
        )


class PausedBySwitch(OrchestratorError):
    """A person ended the pause of one task that is paused together with others."""

    def __init__(self, task_id: str, scope: str, option: str, who: str, why: str) -> None:
        by = f" by {who}" if who else ""
        super().__init__(
            f"{task_id} is paused with {scope}{by}{f': {why}' if why else ''};"
            f" `orchestrator resume {option}` ends that for all of them"
        )


class NotSwitched(OrchestratorError):
    """A person ended what nobody has begun: no switch is on for these tasks."""

    def __init__(self, scope: str, what: str, on: Sequence[str]) -> None:
        there = f"; what is: {', '.join(on)}" if on else ""
        super().__init__(f"{scope}: not {what}{there}")


class PauseContended(OrchestratorError):
    """Others have changed the pause of a task each time that it was to be changed."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"the pause of {task_id} is being changed by others at the same time; try again")


class PoolContended(OrchestratorError):
    """Others have let runs into a pool each time that one was to be let in."""

    def __init__(self, pool: str) -> None:
        super().__init__(f"the pool {pool} is being changed by others at the same time; it is looked at again")


class NotReplayable(OrchestratorError):
    """A dead letter does not say what is to be run."""

    def __init__(self, message_id: str, why: str) -> None:
        super().__init__(f"{message_id} cannot be run again: {why}")
