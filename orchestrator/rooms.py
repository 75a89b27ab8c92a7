"""The rooms of this library, from the ground up: each imports those below it, and no other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Room:
    """A module or a package of this library."""

    name: str
    #: It reads and writes nothing outside the process.
    pure: bool = False
    #: Lambda functions may import it, so it is in their bundles.
    bundled: bool = False
    #: A package outside the library that this room alone imports.
    alone_imports: str | None = None


ROOMS = (
    Room(name="rooms", pure=True),
    Room(name="errors", pure=True, bundled=True),
    Room(name="instants", pure=True, bundled=True),
    Room(name="stack", pure=True, bundled=True),
    Room(name="dynamodb", pure=True, bundled=True),
    Room(name="functions", pure=True, bundled=True),
    Room(name="clients", pure=True, bundled=True),
    Room(name="schedules", pure=True, bundled=True),
    Room(name="tasks", pure=True, bundled=True),
    Room(name="runs", pure=True, bundled=True),
    Room(name="pricing", pure=True),
    Room(name="taskfile"),
    Room(name="asl.jsonata", pure=True),
    Room(name="asl", alone_imports="stepfunctions"),
    Room(name="system"),
    Room(name="handlers", bundled=True),
    Room(name="stores", bundled=True),
    Room(name="operations", bundled=True),
    Room(name="deployment"),
    # The emulator looks at schedules, expressions, errors and the types of clients alone: see the architecture test.
    Room(name="local.aws", alone_imports="moto"),
    Room(name="local"),
    Room(name="testing"),
    Room(name="scaffold"),
    Room(name="console", alone_imports="starlette"),
    Room(name="cli"),
)

#: What the embedded AWS may import of the library.
KNOWN_TO_THE_EMULATOR = frozenset({"asl.jsonata", "clients", "errors", "schedules"})

#: What definitions may import of the library, beside what is pure.
KNOWN_TO_DEFINITIONS = frozenset({"asl"})
