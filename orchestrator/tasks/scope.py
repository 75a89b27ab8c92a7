"""Which tasks something is about: one task, those with a tag, those of an owner, or all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from shlex import quote

from orchestrator.tasks.task import Task


class ScopeKind(StrEnum):
    """What tasks of a scope have in common."""

    #: It is this task.
    TASK = "task"
    #: They have this tag.
    TAG = "tag"
    #: They have this owner.
    OWNER = "owner"
    #: They are tasks of this stack.
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A scope never holds the product's own tasks: the watchdog has to end what people have forgotten."""

    kind: ScopeKind
    #: The id, the tag or the owner; empty for all tasks.
    name: str = ""

    def covers(self, task: Task) -> bool:
        """Returns whether the task is one of those."""
        if task.is_system:
            return False
        match self.kind:
            case ScopeKind.TASK:
                return task.id == self.name
            case ScopeKind.TAG:
                return self.name in task.tags
            case ScopeKind.OWNER:
                return task.owner == self.name
            case ScopeKind.ALL:
                return True

    @property
    def key(self) -> str:
        """The scope in one word: ``tag:etl``, or ``all``."""
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)

    @classmethod
    def from_key(cls, key: str) -> Scope:
        """Raises ValueError for what is no scope's key."""
        kind, _, name = key.partition(":")
        scope = cls(kind=ScopeKind(kind), name=name)
        if bool(name) is (scope.kind is ScopeKind.ALL):
            raise ValueError(f"{key!r} is no scope: all, task:ID, tag:TAG or owner:OWNER")
        return scope

    @property
    def option(self) -> str:
        """The scope as the options of a command say it, to be copied: ``--tag etl``, ``--owner 'Data Platform'``."""
        match self.kind:
            case ScopeKind.TASK:
                return self.name
            case ScopeKind.ALL:
                return "--all"
            case _:
                return f"--{self.kind} {quote(self.name)}"

    def __str__(self) -> str:
        """What it covers, in words: ``all tasks with the tag etl``."""
        match self.kind:
            case ScopeKind.TASK:
                return self.name
            case ScopeKind.TAG:
                return f"all tasks with the tag {self.name}"
            case ScopeKind.OWNER:
                return f"all tasks of {self.name}"
            case ScopeKind.ALL:
                return "all tasks"
