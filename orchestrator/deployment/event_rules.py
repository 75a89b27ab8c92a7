"""Reconciles the rules of EventBridge that start tasks with what tasks.yaml says of events.

They are data, as schedules are: a stack holds 500 resources. A rule that changes is another rule, so that its successor
is there before it goes: an event in between is delivered twice, and runs once. What no task wants any more goes before
the registry forgets that there was something on its bus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from orchestrator.deployment.application import Application
from orchestrator.deployment.inbound import Inbound
from orchestrator.deployment.storage import bucket_name
from orchestrator.errors import InvalidProject
from orchestrator.runs.task_state import Item
from orchestrator.stores.event_rules import EventRule, ListedRule, Rules
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.records import task_of
from orchestrator.tasks.rule_names import NAME_LIMIT, rule_name, task_of_rule
from orchestrator.tasks.task import Task

#: "Amazon EventBridge quotas": rules on a bus, unless the account has been given more.
RULES_ON_A_BUS = 300

#: How a record says that no event starts its task; most do.
_NOTHING = {"S": "[]"}

#: Writes at a time.
_WORKERS = 5


@dataclass(frozen=True, kw_only=True)
class RuleChange:
    """A rule that is written or goes."""

    #: ``add``, ``change`` or ``remove``.
    action: str
    name: str
    bus: str
    #: What it is to be; None where it goes.
    rule: EventRule | None = None
    #: Whether nothing is left on its bus.
    is_last: bool = False

    def __str__(self) -> str:
        said = {"add": "create", "change": "update", "remove": "delete"}[self.action]
        what = f": {self.rule.start} start {self.rule.task_id}" if self.rule else ""
        return f"{said} rule {self.name}{what}"


@dataclass(frozen=True, kw_only=True)
class RulesPlan:
    """The writes that make the rules what tasks.yaml says."""

    changes: tuple[RuleChange, ...] = ()
    #: What people should know.
    notes: tuple[str, ...] = ()


#: Rules by bus, and there by name.
Listed = Mapping[str, Mapping[str, ListedRule]]


def wanted(tasks: Iterable[Task], application: Application, machine: str = "") -> dict[str, EventRule]:
    """The rules that the tasks are to have, by name. ``machine`` is TaskRunner's ARN, once it is known.

    Raises :class:`~orchestrator.errors.InvalidProject` where the name of one would be too long.
    """
    rules, problems = {}, []
    for task in tasks:
        for start in task.starts:
            if unheard := list(_unheard(start, application)):
                problems += [f"{task.id}: {problem}" for problem in unheard]
                continue
            resolved = of_stack(start, application, machine)
            rule = EventRule(task_id=task.id, start=resolved, express=task.express)
            name = rule_name(application.stack, task.id, start, express=task.express)
            if len(name) > NAME_LIMIT:
                problems.append(
                    f"{task.id}: the name of its rule would be {name}, of {len(name)} characters, and EventBridge"
                    f" takes {NAME_LIMIT}; shorten the task's id by {len(name) - NAME_LIMIT}"
                )
            rules[name] = rule
    if problems:
        raise InvalidProject(problems)
    return rules


def of_stack(start: EventStart, application: Application, machine: str = "") -> EventStart:
    """What starts a task, with the names of stack and buckets that tasks.yaml cannot know."""
    region, account = (machine.split(":") + [""] * 5)[3:5]

    def filled(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [filled(one) for one in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        if value.startswith("${bucket:"):
            return _bucket(value.removeprefix("${bucket:").removesuffix("}"), application, account, region)
        if value.startswith("${queue:"):
            name = value.removeprefix("${queue:").removesuffix("}")
            return application.inbound.address(name, application.stack, machine)
        outcomes = application.outcome_events.address(application.stack) if application.outcome_events else ""
        return value.replace("${stack}", application.stack.name).replace("${outcomes}", _plain(outcomes))

    return replace(start, pattern=filled(start.pattern), bus=filled(start.bus))


def _unheard(start: EventStart, application: Application) -> Iterator[str]:
    """Why no event would come, if it is one that the stack itself makes."""
    if start.webhook and not application.inbound.webhooks:
        yield "on: stack.yaml opens no URL for webhooks; say `webhooks: {}` there"
    yield from _no_queue(start, application.inbound)
    if start.bus != "${outcomes}":
        return
    published = application.outcome_events.kinds if application.outcome_events else ()
    told = {kind.detail_type for kind in published}
    if missing := [kind for kind in start.pattern["detail-type"] if kind not in told]:
        yield f"on: stack.yaml publishes no {', '.join(missing)}; say `outcomes: {{}}` there, or name it in kinds"


def _no_queue(start: EventStart, inbound: Inbound) -> Iterator[str]:
    named = start.pattern.get("detail", {}).get("queue")
    text = str(named[0]) if isinstance(named, list) else ""
    name = text.removeprefix("${queue:").removesuffix("}")
    known = [*inbound.queues, *(queue.arn for queue in inbound.queues.values() if queue.arn)]
    if text.startswith("${queue:") and name not in known:
        said = f"NAME: {{arn: {name}}}" if name.startswith("arn:") else f"{name}: {{}}"
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"say `queues: {{{said}}}` there"
        yield f"on: stack.yaml has no queue {name!r}; {hint}"


def _plain(bus: str) -> str:
    """The default bus goes without a name."""
    return "" if bus == "default" else bus


def _bucket(name: str, application: Application, account: str, region: str) -> str:
    purposes = {"data-bucket": "data", **{one: one for one in application.buckets}}
    return bucket_name(application.stack, purposes[name], account, region) if name in purposes else name


def buses(rules: Iterable[EventRule], registered: Mapping[str, Item], outputs: Mapping[str, str]) -> set[str]:
    """Where rules of the stack may be: on the buses of those that it is to have, and of those that it has had."""
    outcomes = _plain(outputs.get("OutcomesBus", ""))
    before = {start.bus.replace("${outcomes}", outcomes) for item in registered.values() for start in _registered(item)}
    return before | {rule.start.bus for rule in rules}


def _registered(item: Item) -> tuple[EventStart, ...]:
    if item.get("on") == _NOTHING:
        return ()
    try:
        return task_of(item).starts
    except (KeyError, ValueError, TypeError, AttributeError):
        return ()


def find(rules: Rules, on: Iterable[str]) -> Listed:
    """Reads only: a call for each page of a bus."""
    return {bus: rules.listed(bus) for bus in sorted(on)}


def plan(
    rules: Mapping[str, EventRule], listed: Listed, is_current: Callable[[EventRule, ListedRule], bool]
) -> RulesPlan:
    """What makes ``listed`` into ``rules``."""
    changes = []
    for name, rule in rules.items():
        there = listed.get(rule.start.bus, {}).get(name)
        if there is None or not is_current(rule, there):
            action = "add" if there is None else "change"
            changes.append(RuleChange(action=action, name=name, bus=rule.start.bus, rule=rule))
    kept = {(rule.start.bus, rule.task_id) for rule in rules.values()}
    for bus, names in listed.items():
        for name in sorted(names):
            if name not in rules or rules[name].start.bus != bus:
                is_last = (bus, task_of_rule(name)) not in kept
                changes.append(RuleChange(action="remove", name=name, bus=bus, is_last=is_last))
    return RulesPlan(changes=tuple(changes), notes=tuple(_notes(rules)))


def _notes(rules: Mapping[str, EventRule]) -> Iterator[str]:
    counts = Counter(rule.start.bus for rule in rules.values())
    for bus, count in sorted(counts.items()):
        if count > RULES_ON_A_BUS:
            yield (
                f"{count} rules on the bus {bus or 'default'}: EventBridge takes {RULES_ON_A_BUS} there, unless the"
                " account has a greater quota"
            )


def carry_out(changes: Sequence[RuleChange], rules: Rules, progress: Callable[[str], object]) -> None:
    """Makes the changes: what is written first, then what goes."""
    for actions in (("add", "change"), ("remove",)):
        chosen = [change for change in changes if change.action in actions]
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="rules") as pool:
            for change, _ in zip(chosen, pool.map(lambda one: _carry_out(one, rules), chosen), strict=True):
                progress(str(change))


def delete_all(rules: Rules, on: Iterable[str]) -> None:
    """Deletes every rule of the stack that starts a task, on these buses."""
    for bus, names in find(rules, on).items():
        for name in names:
            rules.delete(name, bus)


def _carry_out(change: RuleChange, rules: Rules) -> None:
    if change.rule:
        rules.put(change.name, change.rule, is_new=change.action == "add")
    else:
        rules.delete(change.name, change.bus)
