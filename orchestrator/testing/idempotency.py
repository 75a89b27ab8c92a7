"""Whether a handler may be killed anywhere and run again: what is delivered at least once may be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.testing.calls import Call, Make, intercepted
from orchestrator.testing.effects import differences, effects
from orchestrator.testing.invocation import Context, Handler
from orchestrator.testing.invocation import event as any_event
from orchestrator.testing.restoring import Restored


class Killed(BaseException):
    """The process is gone, and what it has written is written. No handler catches it as an exception."""


def assert_idempotent(
    handler: Handler,
    event: Any = None,
    *,
    aws: EmbeddedAws,
    again: Any = None,
    prepare: Callable[[], object] | None = None,
    ignore: Collection[str] = (),
) -> int:
    """Runs ``handler`` on ``event``, kills it after each of its writes to ``aws``, runs it again on ``again`` (or the
    same event) to its end, and compares what it has left with what an undisturbed run leaves.

    ``prepare`` puts into ``aws`` what the handler begins with, and is called before each run that begins anew; without
    it, tables and buckets are put back as they are now, and mails and messages are forgotten. ``ignore`` are patterns
    of what may differ, like ``dynamodb Idempotency *`` or ``s3 */work/*``. Moments may always differ.

    Returns how many writes there are. Raises AssertionError that names the write after which it was killed, and what
    is there twice, is missing, or is otherwise.
    """
    event = any_event() if event is None else event
    restored = Restored(aws)
    begin = prepare or restored.restore

    def whole() -> tuple[Any, list[Call]]:
        restored.forget_sent()
        begin()
        with _killing(aws, None) as writes:
            handler(event, Context())
        return effects(aws, ignore), writes

    wanted, writes = whole()
    twice, _ = whole()
    for number, write in enumerate(writes, start=1):
        restored.forget_sent()
        begin()
        with _killing(aws, number), suppress(Killed):
            handler(event, Context())
        try:
            handler(event if again is None else again, Context())
        except Exception as fault:
            raise AssertionError(
                f"killed after write {number} of {len(writes)}, {write}, and run again, the handler raises"
                f" {type(fault).__name__}: {fault}"
            ) from fault
        if said := differences(wanted, twice, effects(aws, ignore)):
            listed = "\n  ".join(said)
            raise AssertionError(
                f"not idempotent: killed after write {number} of {len(writes)}, {write}, and run again, the handler"
                f" leaves\n  {listed}"
            )
    return len(writes)


@contextmanager
def _killing(aws: EmbeddedAws, number: int | None) -> Iterator[list[Call]]:
    """Gives the writes; after so many, and at every call that follows, whoever calls is killed."""
    writes: list[Call] = []
    guard, dead = threading.Lock(), threading.Event()

    def around(call: Call, make: Make) -> Any:
        if dead.is_set():
            raise Killed
        answer = make()
        if call.writes:
            with guard:
                writes.append(call)
                if number is not None and len(writes) >= number:
                    dead.set()
                    raise Killed
        return answer

    with intercepted(aws, around):
        yield writes
