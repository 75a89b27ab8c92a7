"""The states of Amazon States Language, built by the `stepfunctions` SDK: this module is the only one that imports it.

The SDK is from 2021. It lacks every field of JSONata mode, item processors and jitter; each is added here by overriding
``allowed_fields`` or ``to_dict``, and JSONPath's fields are taken away, so that a JSONPath field fails where it is
written. It also imports `sagemaker` (300 MB, pandas and numpy) and `pkg_resources` (gone from setuptools), of which
nothing here is used: both are played by empty stand-ins while the SDK is imported, and are gone from ``sys.modules``
afterwards.

The SDK's ``Chain`` and ``next`` change the states they link, so a state belongs to one definition: builders are
functions that make fresh states at every call.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

from orchestrator.asl.expressions import JSONPATH_FIELDS
from orchestrator.asl.expressions import Jsonata as Jsonata
from orchestrator.asl.expressions import composed as composed
from orchestrator.asl.expressions import jsonata as jsonata
from orchestrator.asl.expressions import literal as literal

_PLAYED = ("pkg_resources", "sagemaker")


class _StandIn(ModuleType):
    """A module that has whatever it is asked for: the SDK subclasses and mentions sagemaker's classes, no more."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})

    @staticmethod
    def require(_name: str) -> list[SimpleNamespace]:
        """`pkg_resources.require`, which the SDK asks for its own version."""
        return [SimpleNamespace(version="2.3.0")]


class _StandInFinder(MetaPathFinder, Loader):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname.split(".")[0] in _PLAYED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = _StandIn(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Runs nothing: the stand-in module is empty."""


@contextmanager
def _without_sagemaker() -> Iterator[None]:
    """Plays the two modules while the SDK is imported, and puts back all that the import disturbs."""

    def played() -> list[str]:
        return [name for name in sys.modules if name.split(".")[0] in _PLAYED]

    level = logging.getLogger().level
    real = {name: sys.modules.pop(name) for name in played()}
    finder = _StandInFinder()
    sys.meta_path.insert(0, finder)
    try:
        with warnings.catch_warnings():
            # `is` with a literal, in the SDK's source: a SyntaxWarning when it is first compiled.
            warnings.simplefilter("ignore", SyntaxWarning)
            yield
    finally:
        sys.meta_path.remove(finder)
        for name in played():
            del sys.modules[name]
        sys.modules.update(real)
        logging.getLogger().setLevel(level)


with _without_sagemaker():
    from stepfunctions.steps import states as sdk
    from stepfunctions.steps.choice_rule import BaseRule
    from stepfunctions.steps.fields import Field


class JsonataField(Enum):
    """Fields that the SDK does not know; it writes their names in PascalCase."""

    Arguments = "arguments"
    Assign = "assign"
    ItemProcessor = "item_processor"
    ItemSelector = "item_selector"
    Items = "items"
    JitterStrategy = "jitter_strategy"
    MaxDelaySeconds = "max_delay_seconds"
    Output = "output"
    QueryLanguage = "query_language"


def _fields(of_the_sdk: Sequence[Enum], *added: JsonataField) -> list[Enum]:
    return [*(field for field in of_the_sdk if field.name not in JSONPATH_FIELDS), *added]


class Retry(sdk.Retry):
    """A retrier. With ``jitter_strategy="FULL"`` a crowd of failures does not come back as a crowd."""

    def allowed_fields(self) -> list[Enum]:
        return _fields(super().allowed_fields(), JsonataField.MaxDelaySeconds, JsonataField.JitterStrategy)


class Catch(sdk.Catch):
    """A catcher; ``assign`` sees the error as ``$states.errorOutput``."""

    def allowed_fields(self) -> list[Enum]:
        return _fields(super().allowed_fields(), JsonataField.Assign, JsonataField.Output)


class Pass(sdk.Pass):
    def allowed_fields(self) -> list[Enum]:
        return _fields([Field.Comment], JsonataField.Assign, JsonataField.Output)


class Succeed(sdk.Succeed):
    def allowed_fields(self) -> list[Enum]:
        return _fields(super().allowed_fields(), JsonataField.Output)


class Fail(sdk.Fail):
    """Ends the execution as FAILED; ``error`` and ``cause`` may be expressions."""


class Wait(sdk.Wait):
    def __init__(self, state_id: str, *, next_state: Any = None, **fields: Any) -> None:
        super().__init__(state_id, **fields)
        if next_state is not None:
            self.next(next_state)

    def allowed_fields(self) -> list[Enum]:
        paths = [Field.SecondsPath, Field.TimestampPath]  # its constructor asks for them
        return [*_fields(super().allowed_fields(), JsonataField.Assign, JsonataField.Output), *paths]


class When(BaseRule):
    """A rule of a Choice: an expression that is true or false."""

    def __init__(self, condition: str, *, assign: Mapping[str, Any] | None = None) -> None:
        self.condition = jsonata(condition)
        self.assign = assign

    def to_dict(self) -> dict[str, Any]:
        return {"Condition": self.condition} | ({"Assign": dict(self.assign)} if self.assign else {})


class Choice(sdk.Choice):
    """``choices`` are tried in order; ``default`` is where none holds."""

    def __init__(self, state_id: str, *, choices: Sequence[tuple[When, Any]], default: Any, **fields: Any) -> None:
        super().__init__(state_id, **fields)
        for rule, state in choices:
            self.add_choice(rule, state)
        self.default_choice(default)

    def allowed_fields(self) -> list[Enum]:
        return _fields(super().allowed_fields(), JsonataField.Assign, JsonataField.Output)


class Task(sdk.Task):
    """Work done by an AWS service. ``next_state`` is None where the execution ends."""

    def __init__(self, state_id: str, *, next_state: Any = None, **fields: Any) -> None:
        super().__init__(state_id, **fields)
        if next_state is not None:
            self.next(next_state)

    def allowed_fields(self) -> list[Enum]:
        return _fields(super().allowed_fields(), JsonataField.Arguments, JsonataField.Assign, JsonataField.Output)


class Parallel(sdk.Parallel):
    def allowed_fields(self) -> list[Enum]:
        return _fields(super().allowed_fields(), JsonataField.Arguments, JsonataField.Assign, JsonataField.Output)


class Map(sdk.Map):
    """``iterator`` (a state and what follows it) becomes the ``ItemProcessor``, inline by default."""

    def __init__(self, state_id: str, *, processor: Mapping[str, Any] | None = None, **fields: Any) -> None:
        self.processor = dict(processor or {"Mode": "INLINE"})
        super().__init__(state_id, **fields)

    def allowed_fields(self) -> list[Enum]:
        added = (JsonataField.Items, JsonataField.ItemSelector, JsonataField.Assign, JsonataField.Output)
        return _fields(super().allowed_fields(), *added)

    def to_dict(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().to_dict()
        return fields | {"ItemProcessor": {"ProcessorConfig": self.processor} | fields.pop(Field.Iterator.name)}


@dataclass(frozen=True, kw_only=True)
class _Named:
    """Stands for a state until :func:`linked` puts the state itself there."""

    state_id: str


def to(state_id: str) -> Any:
    """Names the state that a transition leads to, so that states which lead to each other come in any order."""
    return _Named(state_id=state_id)


def linked(states: Iterable[Any]) -> Mapping[str, Any]:
    """States by their names, with each transition that :func:`to` has named. KeyError if there is no such state."""
    by_name = {state.state_id: state for state in states}

    def found(step: Any) -> Any:
        return by_name[step.state_id] if isinstance(step, _Named) else step

    for state in by_name.values():
        state.next_step = found(state.next_step)
        for catch in getattr(state, "catches", ()):
            catch.next_step = found(catch.next_step)
        if isinstance(state, Choice):
            state.choices = [[rule, found(step)] for rule, step in state.choices]
            state.default = found(state.default)
    return by_name


class Graph(sdk.Graph):
    """A whole state machine: the states reachable from its first."""

    def allowed_fields(self) -> list[Enum]:
        return _fields(super().allowed_fields(), JsonataField.QueryLanguage)
