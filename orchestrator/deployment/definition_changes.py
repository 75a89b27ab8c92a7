"""What differs between two definitions of a state machine, state by state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class DefinitionChange:
    """The states of one state machine that differ; a state within another one is ``Outer/Inner``."""

    state_machine: str
    #: Whether there was none.
    is_new: bool = False
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    #: Fields beside the states: ``StartAt``, ``TimeoutSeconds``, ``Comment`` …
    fields: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.fields)


def definition_change(state_machine: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> DefinitionChange:
    """Compares two definitions, as parsed from JSON; ``old`` is empty for a new state machine."""
    before, after = dict(_states(old)), dict(_states(new))
    return DefinitionChange(
        state_machine=state_machine,
        is_new=not old,
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name, state in after.items() if name in before and before[name] != state),
        fields=tuple(sorted(name for name in (old.keys() | new.keys()) - {"States"} if old.get(name) != new.get(name))),
    )


def _states(definition: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Every state by its path, without the states inside it, which stand for themselves."""
    for name, state in definition.get("States", {}).items():
        path = f"{within}{name}"
        inner = [state[field] for field in ("ItemProcessor", "Iterator") if field in state] + state.get("Branches", [])
        own = {field: value for field, value in state.items() if field not in ("ItemProcessor", "Iterator", "Branches")}
        yield path, {**own, "inner": [{f: v for f, v in one.items() if f != "States"} for one in inner]}
        for one in inner:
            yield from _states(one, f"{path}/")
