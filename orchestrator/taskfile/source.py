"""The text of tasks.yaml as plain values, with the line of each."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from orchestrator.errors import InvalidTaskFile
from orchestrator.taskfile.environments import Location
from orchestrator.taskfile.problems import Problems

#: A file with more nodes than this, aliases followed, is a mistake or an attack: it is a hundred for each of ten
#: thousand tasks.
_NODE_LIMIT = 1_000_000

_SWITCH, _TEXT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:str"


class _Loader(yaml.SafeLoader):
    """A date that no month has stays text, so that the field that wants a date can say where it stands."""

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


if yaml.__with_libyaml__:

    class _Parser(Composer, yaml.CSafeLoader):
        """Five times as fast. Nodes are put together in Python: libyaml's own way of doing so ends the process where
        they are nested too deeply.
        """

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            Composer.__init__(self)


def read(path: Path, problems: Problems) -> Mapping[str, Any]:
    """Reads a file as plain values, and notes the line of each in ``problems``.

    Raises :class:`InvalidTaskFile` for what cannot be read, is no YAML, or has no tasks.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as fault:
        raise InvalidTaskFile([f"{path}: cannot be read: {fault.strerror}"]) from fault
    except UnicodeDecodeError as fault:
        raise InvalidTaskFile([f"{path.name}: expected UTF-8, found another encoding: {fault.reason}"]) from fault
    loader = _Loader(text)
    try:
        node = _single_node(text, loader)
        if node is None:
            raise InvalidTaskFile([f"{path.name}:1: expected a mapping with tasks, found nothing"])
        _note(node, (), problems, [0])
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line = mark.line + 1 if mark else 1
        # What a schedule in a flow mapping runs into: * begins an alias there, and ? a key.
        cron = "alias" in str(fault.context) or "'?'" in str(fault.problem)
        hint = "; inside { } write an expression in quotes" if cron else ""
        said = f"{path.name}:{line}: this is not YAML: {fault.problem or fault.context}{hint}"
        raise InvalidTaskFile([said]) from fault
    except (yaml.YAMLError, RecursionError, ValueError) as fault:
        raise InvalidTaskFile([f"{path.name}: this is not YAML: {fault}"]) from fault
    if not isinstance(data, dict) or not isinstance(data.get("tasks"), dict):
        problems.add(("tasks",) if isinstance(data, dict) else (), "expected a mapping of tasks")
        problems.raise_if_any()
    return dict(data)


def _single_node(text: str, loader: _Loader) -> yaml.Node | None:
    """``loader``, which is slow, is everywhere, and says better what is wrong."""
    if yaml.__with_libyaml__:
        with suppress(yaml.YAMLError):
            return _Parser(text).get_single_node()
    return loader.get_single_node()


def _note(node: yaml.Node, at: Location, problems: Problems, count: list[int]) -> None:
    count[0] += 1
    if count[0] > _NODE_LIMIT:
        raise yaml.YAMLError(f"more than {_NODE_LIMIT} values")
    problems.lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag == _SWITCH:
                # The field `on` is one of YAML's words for true.
                key.tag = _TEXT
            name = str(key.value)
            problems.lines[(*at, name)] = key.start_mark.line + 1
            if name in seen and name != "<<":
                problems.add((*at, name), "this name is used twice")
            seen.add(name)
            _note(value, (*at, name), problems, count)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note(value, (*at, index), problems, count)
