"""What the embedded AWS replaces in moto, each piece declared with a digest of what it replaces.

A replacement takes over what moto's own code did, so it is right only for the code that it was written against. Each
is declared where it is made::

    @replaces(StreamShard, "add", digest="0123456789ab")
    def add(self, old, new): ...

    adds(StepFunctionResponse, "list_state_machine_versions")(_list)

The embedded AWS does not start on a moto in which any of that is another: :func:`check` names every such place. When
moto is moved, ``python -m orchestrator.local.aws.replacements`` lists them with their new digests, and ``--write`` puts
the digests into the sources, after a person has compared the code.

Digests are of the source text, since compiled code differs between versions of Python.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

from orchestrator.errors import MotoChanged

T = TypeVar("T")

#: The digest of what is not there.
ABSENT = "absent"

_MISSING = object()


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """One piece of moto that is replaced, or one that is added to it."""

    #: As one would import it: ``moto.sqs.models.Queue.add_message``.
    name: str
    #: What the replacement was written against.
    digest: str
    #: What this moto has.
    actual: str
    #: Where it is declared.
    file: Path
    line: int

    @property
    def holds(self) -> bool:
        return self.digest == self.actual

    def __str__(self) -> str:
        return f"{self.name}  (replaced in {self.file.name}:{self.line}; digest {self.digest!r}, now {self.actual!r})"


_declared: list[Replacement] = []

#: What has been put in place, and the digest of what moto had there: a second replacement stands on the same code.
_put_in_place: dict[int, tuple[Any, str]] = {}


def replaces(owner: Any, name: str, *, digest: str) -> Callable[[T], T]:
    """Puts what it decorates in the place of ``name`` of a class, a module or a table of moto's.

    ``digest`` is of what stands there now; :func:`check` tells where it is another.
    """
    return _put(owner, name, digest)


def adds(owner: Any, name: str) -> Callable[[T], T]:
    """Puts what it decorates where moto has nothing; :func:`check` tells where moto has something by now."""
    return _put(owner, name, ABSENT)


def declared() -> tuple[Replacement, ...]:
    """Every replacement that has been made in this process."""
    return tuple(_declared)


def check() -> None:
    """Raises MotoChanged, which names every replacement of something that is no longer what it was."""
    # All that was replaced has been read, and the sources of half of moto are in memory.
    linecache.clearcache()
    if changed := [str(one) for one in _declared if not one.holds]:
        raise MotoChanged(version("moto"), changed)


def digest_of(value: Any) -> str:
    """Hashes a function's source, a plain value, or the name of a class, module, type or built-in."""
    return hashlib.sha256(_text(value).encode()).hexdigest()[:12]


def _put(owner: Any, name: str, digest: str) -> Callable[[T], T]:
    place = sys._getframe(2)
    file, line = Path(place.f_code.co_filename), place.f_lineno

    def put(value: T) -> T:
        if isinstance(owner, MutableMapping):
            standing = owner.get(name, _MISSING)
            owner[name] = value
        else:
            standing = inspect.getattr_static(owner, name, _MISSING)
            setattr(owner, name, value)
        _, actual = _put_in_place.get(id(standing)) or (None, ABSENT if standing is _MISSING else digest_of(standing))
        if callable(value) or isinstance(value, property):
            _put_in_place[id(value)] = (value, actual)
        label = f"{_label(owner)}.{name}"
        _declared.append(Replacement(name=label, digest=digest, actual=actual, file=file, line=line))
        return value

    return put


def _label(owner: Any) -> str:
    if isinstance(owner, ModuleType):
        return owner.__name__
    return f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else "a table of moto's"


def _text(value: Any) -> str:
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    elif isinstance(value, property):
        value = value.fget
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, FunctionType) and value.__module__.partition(".")[0] not in sys.stdlib_module_names:
        return textwrap.dedent("".join(_source(value.__code__))).strip()
    if isinstance(value, ModuleType):
        return value.__name__
    if value is None or isinstance(value, str | bool | int | float):
        return repr(value)
    # What a store of moto's holds says nothing about its code.
    return str(getattr(value, "__qualname__", type(value).__qualname__))


def _source(code: CodeType) -> list[str]:
    """The lines of a function: to its last statement, and what is as deep within it. inspect's looks at every token."""
    first, last = code.co_firstlineno, max(line or 0 for _, _, line in code.co_lines())
    lines = linecache.getlines(code.co_filename)[first - 1 :]
    depth = _indent(lines[0])
    rest = takewhile(lambda line: not line.strip() or _indent(line) > depth, lines[last - first + 1 :])
    return [*lines[: last - first + 1], *rest]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _write(changed: Iterable[Replacement]) -> None:
    """Puts the actual digests in the place of the others: at the declaration, or where the file has them in a table."""
    for one in changed:
        lines = one.file.read_text().splitlines(keepends=True)
        near = range(one.line - 1, min(one.line + 5, len(lines)))
        for at in (*near, *range(len(lines))):
            if f'"{one.digest}"' in lines[at]:
                lines[at] = lines[at].replace(f'"{one.digest}"', f'"{one.actual}"', 1)
                break
        one.file.write_text("".join(lines))


def main(adapt: Callable[[], None], arguments: Sequence[str]) -> int:
    """Lists what has changed under the replacements; 1 if anything has and was not written."""
    adapt()
    changed = [one for one in _declared if not one.holds]
    print(f"moto {version('moto')}: {len(_declared)} replacements, {len(changed)} of code that has changed")  # noqa: T201
    print(*changed, sep="\n")  # noqa: T201
    if "--write" in arguments:
        _write(changed)
        return 0
    return 1 if changed else 0


if __name__ == "__main__":
    # Not this module, which Python knows as __main__, but the one that the adapters declare to.
    here = importlib.import_module("orchestrator.local.aws.replacements")
    sys.exit(here.main(importlib.import_module("orchestrator.local.aws.server").adapt_all, sys.argv[1:]))
