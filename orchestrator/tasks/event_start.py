"""What starts a task beside the clock: events of EventBridge, by a rule for each.

A rule starts TaskRunner itself, and its input transformer fills TaskRunner's input in from the event ("Amazon
EventBridge input transformation"). So what can be said of an event is what a transformer can do: a path like
``$.detail.date`` stands for what is there, ``{$.detail.date}T08:00:00Z`` puts it into a text, and what an event does
not have is the empty text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orchestrator.tasks.inbound import Webhook, inbound_of

#: The longest window of events that are one run.
LONGEST_WINDOW_SECONDS = 86_400

#: "InputTransformer" in EventBridge's API reference: characters of a template, paths, and characters of a path.
TEMPLATE_LIMIT = 8192
MOST_PATHS = 100
PATH_LIMIT = 256

#: "PutRule": characters of a pattern.
PATTERN_LIMIT = 4096

#: Two events of one moment are two slots.
OWN_SLOT = "{$.time}#{$.id}"

#: "AWS service event metadata": the fields of every event.
_ENVELOPE = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")

#: EventBridge "must use JSON dot notation", and takes letters, digits, dashes, underscores and slashes in it.
_PATH = re.compile(r"\$(\.[A-Za-z0-9_/-]+|\[[0-9]+\])*")
_STEP = re.compile(r"\.([A-Za-z0-9_/-]+)|\[([0-9]+)\]")
_IN_BRACES = re.compile(r"\{(\$[^{}]*)\}")


class WhenAbsent(StrEnum):
    """What a schedule does if the event has not come by then that names the same slot."""

    #: It runs the slot.
    RUN = "run"
    #: The slot is skipped; an event that comes later is a duplicate.
    SKIP = "skip"
    #: The slot is missed, and people are told; an event that comes later runs it.
    ALERT = "alert"


@dataclass(frozen=True, kw_only=True)
class EventStart:
    """One kind of event that starts a task."""

    #: Of EventBridge; empty where it follows from the bucket or the task below.
    pattern: Mapping[str, Any] = field(default_factory=dict)
    #: A name or an ARN; empty is the default bus, or the one that outcomes of tasks are on.
    bus: str = ""
    #: Which slot an event names: a text with paths in braces.
    slot: str = OWN_SLOT
    #: Over the task's own; values may hold paths.
    params: Mapping[str, Any] = field(default_factory=dict)
    #: All events of a window of so many seconds are one run, for the window's end; 0 is no window.
    within_seconds: int = 0
    #: How many such events a day are expected: what they cost follows from it, and nothing else.
    per_day: int = 0
    #: How the requests are signed that become such events; None for other events.
    webhook: Webhook | None = None

    def to_value(self) -> dict[str, Any]:
        """As plain values, for the task's record."""
        return {
            "pattern": self.pattern,
            "bus": self.bus,
            "slot": self.slot,
            "params": self.params,
            "within": self.within_seconds,
            "perDay": self.per_day,
            **({"webhook": self.webhook.to_value()} if self.webhook else {}),
        }

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> EventStart:
        """What :meth:`to_value` made. Raises KeyError or ValueError."""
        return cls(
            pattern=value["pattern"],
            bus=value["bus"],
            slot=value["slot"],
            params=value["params"],
            within_seconds=value["within"],
            per_day=value.get("perDay", 0),
            webhook=Webhook.from_value(value["webhook"]) if "webhook" in value else None,
        )

    def __str__(self) -> str:
        """For a reader: ``events of aws.s3 "Object Created"``, ``webhook nightly-import``, ``messages of orders``."""
        window = f", one run for each {self.within_seconds} s" if self.within_seconds else ""
        if inbound := inbound_of(self.pattern):
            return f"{inbound}{window}"
        sources, kinds = (self.pattern.get(name) for name in ("source", "detail-type"))
        of = " of " + " or ".join(map(str, sources)) if isinstance(sources, list) else ""
        called = " " + " or ".join(f'"{kind}"' for kind in kinds) if isinstance(kinds, list) else ""
        on = f" on {self.bus.rpartition('/')[2].strip('${}')}" if self.bus else ""
        return f"events{of}{called}{on}{window}"


def transformer(task_id: str, start: EventStart, trigger: str) -> dict[str, Any]:
    """The input transformer that makes TaskRunner's input from an event: ``InputPathsMap`` and ``InputTemplate``."""
    names: dict[str, str] = {}
    within = {"within": start.within_seconds} if start.within_seconds else {}
    slot = "{$.time}" if within else start.slot
    parts = {
        "taskId": json.dumps(task_id),
        "scheduledTime": _filled(slot, names),
        "trigger": json.dumps(trigger),
        **{name: json.dumps(value) for name, value in within.items()},
        **({"params": _filled(start.params, names)} if start.params else {}),
    }
    template = "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in parts.items()) + "}"
    return {"InputPathsMap": {name: path for path, name in names.items()}, "InputTemplate": template}


def _filled(value: Any, names: dict[str, str]) -> str:
    """JSON with a placeholder for each path; ``names`` collects them, by path."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_literal(str(name))}:{_filled(one, names)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_filled(one, names) for one in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if value.startswith("$."):
        return _placeholder(value, names)
    pieces = _IN_BRACES.split(value)
    return (
        '"'
        + "".join(_placeholder(one, names) if at % 2 else _literal(one)[1:-1] for at, one in enumerate(pieces))
        + '"'
    )


def _placeholder(path: str, names: dict[str, str]) -> str:
    return f"<{names.setdefault(path, f'p{len(names)}')}>"


def _literal(text: str) -> str:
    """As JSON without what EventBridge would take for a placeholder."""
    return json.dumps(text).replace("<", r"\u003c").replace(">", r"\u003e")


def input_of(task_id: str, start: EventStart, event: Mapping[str, Any], trigger: str) -> dict[str, Any]:
    """TaskRunner's input as :func:`transformer` makes it of an event."""
    slot = "{$.time}" if start.within_seconds else start.slot
    given = {"taskId": task_id, "scheduledTime": _of_event(slot, event), "trigger": trigger}
    within = {"within": start.within_seconds} if start.within_seconds else {}
    return {**given, **within, **({"params": _of_event(start.params, event)} if start.params else {})}


def _of_event(value: Any, event: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _of_event(one, event) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_of_event(one, event) for one in value]
    if not isinstance(value, str):
        return value
    if value.startswith("$."):
        return _at(value, event)
    return _IN_BRACES.sub(lambda found: _said(_at(found[1], event)), value)


def _at(path: str, event: Mapping[str, Any]) -> Any:
    """What is there; the empty text if nothing is."""
    found: Any = event
    for name, index in _STEP.findall(path):
        if name and isinstance(found, Mapping) and name in found:
            found = found[name]
        elif index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        else:
            return ""
    return found


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def paths_in(value: Any) -> Iterator[str]:
    """Every path in a slot, a param, or what is below."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from paths_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from paths_in(one)
    elif isinstance(value, str):
        yield from [value] if value.startswith("$.") else _IN_BRACES.findall(value)


def path_mistake(path: str) -> str | None:
    """What is wrong with a path, if anything is."""
    first = re.split(r"[.\[]", path.removeprefix("$."))[0]
    if not _PATH.fullmatch(path):
        return f"EventBridge takes paths like $.detail.lines[0].id, found {path!r}"
    if len(path) > PATH_LIMIT:
        return f"EventBridge takes paths of at most {PATH_LIMIT} characters, found {len(path)}"
    if path != "$" and first not in _ENVELOPE:
        return f"an event has {', '.join(_ENVELOPE)}; did you mean $.detail{path[1:]}? found {path!r}"
    return None


def slot_mistake(slot: str) -> str | None:
    """What is wrong with the text that names a slot, if anything is."""
    if not list(paths_in(slot)):
        return (
            f"expected a path like $.detail.date or a text with one in braces, found {slot!r}, the same for all events"
        )
    rest = _IN_BRACES.sub("", slot)
    if not re.fullmatch(r"[A-Za-z0-9_.:=@+#-]*", rest):
        return f"a slot is like 2026-12-01T08:00:00Z or 2026-12-01T08:00:00Z#id, found {slot!r}"
    return None


def pattern_mistake(pattern: Mapping[str, Any]) -> str | None:
    """What is wrong with the form of a pattern, if anything is ("Creating Amazon EventBridge event patterns"): what
    an operator takes, EventBridge itself says when the rule is written.
    """
    if not pattern:
        return "expected a mapping like {source: [shop], detail-type: [Order placed]}, found none"
    if (length := len(json.dumps(pattern, separators=(",", ":")))) > PATTERN_LIMIT:
        return f"EventBridge takes patterns of at most {PATTERN_LIMIT} characters, found {length}"
    unknown = [name for name in pattern if name not in (*_ENVELOPE, "$or")]
    if unknown:
        return f"an event has {', '.join(_ENVELOPE)}; found {unknown[0]!r}"
    return next(_malformed(pattern, ""), None)


def _malformed(pattern: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, value in pattern.items():
        where = f"{at}.{name}".lstrip(".")
        if name == "$or" and isinstance(value, list):
            for one in value:
                yield from _malformed(one, where) if isinstance(one, Mapping) else [f"{where}: expected mappings"]
        elif isinstance(value, Mapping):
            yield from (
                _malformed(value, where) if value else [f"{where}: expected a list of values, found an empty mapping"]
            )
        elif not isinstance(value, list) or not value:
            yield f"{where}: expected a list of values, found {value!r}"
