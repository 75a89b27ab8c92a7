"""Who is told: the destinations of tasks.yaml become subscriptions of the alerts topic.

What SNS reaches by itself has a subscription with a filter policy. What it does not reach, the function ``courier``
does: its queue is subscribed to everything while there is any webhook, and it reads from the record who wants what.
Only what the record names is ever changed or removed; a subscription that somebody else has made for an address that
tasks.yaml names is taken over, since SNS has no second one for the same address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.runs.destinations import Destination, Kind
from orchestrator.stack import Stack, sibling
from orchestrator.stores.subscriptions import PROTOCOLS, Destinations, Recorded, Subscribed, Subscriptions


@dataclass(frozen=True, kw_only=True)
class Change:
    """A destination that is new, goes, or is told something else."""

    #: ``add``, ``remove`` or ``change``.
    action: str
    destination: Destination
    #: The ARN of the subscription that there is.
    subscription: str | None = None

    def __str__(self) -> str:
        said = {"add": "send alerts to", "change": "send other alerts to", "remove": "send no more alerts to"}
        return f"{said[self.action]} {self.destination}"


@dataclass(frozen=True, kw_only=True)
class FoundDestinations:
    """Destinations and subscriptions as AWS has them."""

    #: What was declared when it was last applied, by key.
    recorded: Mapping[str, Recorded] = field(default_factory=dict)
    #: The subscriptions of those, and of what is declared now, by key.
    subscribed: Mapping[str, Subscribed] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AlertsPlan:
    """The operations on alerts' destinations, in order, and those that wait for somebody."""

    changes: tuple[Change, ...] = ()
    #: Declared, but its owner has not confirmed yet.
    unconfirmed: tuple[Destination, ...] = ()
    #: No longer declared; "Cannot unsubscribe a subscription that is pending confirmation", says SNS.
    leaving: tuple[Destination, ...] = ()

    def notes(self) -> Iterator[str]:
        """Yields what people must do or know."""
        for one in self.unconfirmed:
            yield f"{one.address} hears nothing yet: AWS has sent a mail there whose link must be followed"
        for one in self.leaving:
            yield (
                f"{one.address} was never confirmed, and SNS ends no such subscription before it has forgotten it"
                " by itself; the next apply looks again"
            )


def topics(destinations: Sequence[Destination]) -> str:
    """The topics that the courier must be allowed to publish to, as the template's parameter has them."""
    return ",".join(sorted(one.address for one in destinations if one.kind is Kind.SNS))


def with_courier(destinations: Sequence[Destination], stack: Stack, topic: str = "") -> tuple[Destination, ...]:
    """The destinations and, where SNS does not reach all of them, the queue of the function that does.

    ``topic`` is the ARN of the alerts topic. Before the first deployment nobody knows it, and the queue goes by its
    name instead of its ARN; :func:`located` puts that right.
    """
    address = sibling(topic, "sqs", stack.courier_queue) if topic else stack.courier_queue
    queue = Destination(kind=Kind.SQS, address=address)
    return (*destinations, *([queue] if any(one.kind not in PROTOCOLS for one in destinations) else []))


def located(changes: Sequence[Change], stack: Stack, topic: str) -> tuple[Change, ...]:
    """The changes, with the ARN of the courier's queue where they have its name."""
    arn = sibling(topic, "sqs", stack.courier_queue)
    return tuple(
        replace(one, destination=replace(one.destination, address=arn))
        if one.destination.address == stack.courier_queue
        else one
        for one in changes
    )


def find(destinations: Sequence[Destination], record: Destinations, subscriptions: Subscriptions) -> FoundDestinations:
    """Reads only: the record, the topic's subscriptions, and one call for each of them that is or becomes ours."""
    recorded, listed = record.all(), subscriptions.all()
    known = {one.key: one for one in (*(one.destination for one in recorded.values()), *destinations)}
    subscribed = {}
    for key, one in known.items():
        at = (PROTOCOLS.get(one.kind, ""), one.address)
        if at not in listed:
            continue
        # The list does not say the ARN of one that is not confirmed.
        arn = listed[at] or (recorded[key].subscription if key in recorded else None)
        if arn and (subscription := subscriptions.describe(arn)):
            subscribed[key] = subscription
    return FoundDestinations(recorded=recorded, subscribed=subscribed)


def plan(destinations: Sequence[Destination], deployed: FoundDestinations, dead_letters: str) -> AlertsPlan:
    """Plans the operations that make ``deployed`` into ``destinations``.

    ``dead_letters`` is the ARN of the queue that gets what a queue refuses.
    """
    changes, unconfirmed, leaving = [], [], []
    for one in destinations:
        before, current = deployed.recorded.get(one.key), deployed.subscribed.get(one.key)
        is_there = before is not None if one.kind not in PROTOCOLS else current is not None
        is_same = before is not None and before.destination == one and _is_as_declared(one, current, dead_letters)
        if not is_there:
            changes.append(Change(action="add", destination=one))
        elif not is_same:
            arn = current.arn if current else None
            changes.append(Change(action="change", destination=one, subscription=arn))
        if one.kind is Kind.MAIL and not (current and current.is_confirmed):
            unconfirmed.append(one)
    wanted = {one.key for one in destinations}
    for key in sorted(deployed.recorded.keys() - wanted):
        gone, current = deployed.recorded[key].destination, deployed.subscribed.get(key)
        if current and not current.is_confirmed:
            leaving.append(gone)
        else:
            arn = current.arn if current else None
            changes.append(Change(action="remove", destination=gone, subscription=arn))
    return AlertsPlan(changes=tuple(changes), unconfirmed=tuple(unconfirmed), leaving=tuple(leaving))


def carry_out(
    changes: Sequence[Change],
    record: Destinations,
    subscriptions: Subscriptions,
    dead_letters: str,
    progress: Callable[[str], object],
) -> None:
    """Makes the changes. Each subscription is recorded before it is created, so an interrupted apply still owns it."""
    for change in changes:
        one, arn = change.destination, change.subscription
        if change.action == "remove":
            if arn:
                subscriptions.unsubscribe(arn)
            record.remove(one.key)
        elif one.kind not in PROTOCOLS:
            record.put(Recorded(destination=one))
        elif arn:
            subscriptions.change(arn, one, dead_letters)
            record.put(Recorded(destination=one, subscription=arn))
        else:
            record.put(Recorded(destination=one))
            arn = subscriptions.subscribe(one, dead_letters)
            record.put(Recorded(destination=one, subscription=arn))
        progress(str(change))


def dead_letters_of(stack: Stack, topic: str) -> str:
    """The ARN of the queue for what cannot be delivered."""
    return sibling(topic, "sqs", stack.handler_failures)


def _is_as_declared(one: Destination, current: Subscribed | None, dead_letters: str) -> bool:
    if current is None:
        return one.kind not in PROTOCOLS
    wanted = dead_letters if one.kind is Kind.SQS else ""
    policy = {name: sorted(values) for name, values in current.filter_policy.items()}
    return policy == one.filter_policy() and current.dead_letters == wanted
