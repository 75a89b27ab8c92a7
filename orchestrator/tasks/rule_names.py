"""The names of the rules of EventBridge that start tasks; what starts a task otherwise has another name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from orchestrator.stack import Stack
from orchestrator.tasks.event_start import EventStart

#: "PutRule": the length of a rule's name.
NAME_LIMIT = 64

_DIGEST_LENGTH = 6


def rule_name(stack: Stack, task_id: str, start: EventStart, *, express: bool) -> str:
    """``orchestrator-dev-on.nightly-import.1f2e3d``: neither a stack's name nor a task's id has a point."""
    # How requests are signed is no concern of the rule.
    said = replace(start, per_day=0, webhook=None).to_value()
    digest = hashlib.sha256(json.dumps([said, express], sort_keys=True).encode()).hexdigest()
    return f"{stack.rule_prefix}{task_id}.{digest[:_DIGEST_LENGTH]}"


def task_of_rule(name: str) -> str:
    """The id of the task that a rule of this name starts; empty if it is none of ours."""
    parts = name.split(".")
    return parts[1] if len(parts) == 3 and parts[0].endswith("-on") else ""
