"""What handlers may do to the process that they run in, and what AWS makes of it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from orchestrator.local.aws.lambda_.functions import RESPONSE_LIMIT_BYTES

EXIT = "Runtime.ExitError"
KILLED = r"Error: Runtime exited with error: signal: killed$"


@dataclass(frozen=True, kw_only=True)
class Case:
    """The body of a handler, and what whoever invokes it is answered."""

    body: str
    #: The result, if there is one.
    result: Any = None
    #: Otherwise the name of the error, and what its message is like.
    error: str | None = None
    message: str = ""


CASES = {
    # --- who answers
    "forks, and the child returns first": Case(
        body="if os.fork() == 0: return 'child'\nos.wait()\nreturn 'parent'", result="parent"
    ),
    "forks, and the child returns later": Case(
        body="if os.fork() == 0:\n    time.sleep(0.1)\n    return 'child'\nreturn 'parent'", result="parent"
    ),
    "forks, and the child fails": Case(body="if os.fork() == 0: 1 / 0\nos.wait()\nreturn 'parent'", result="parent"),
    "forks, and the child exits": Case(body="if os.fork() == 0: sys.exit(1)\nos.wait()\nreturn 'p'", result="p"),
    "works with multiprocessing": Case(
        body="import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    return pool.map(abs, [-1, -2])",
        result=[1, 2],
    ),
    "starts a program that lives on": Case(body="subprocess.Popen(['sleep', '60'])\nreturn 1", result=1),
    "starts a program that lives on and has all descriptors": Case(
        body="subprocess.Popen(['sleep', '60'], close_fds=False)\nreturn 1", result=1
    ),
    "leaves a thread that prints for ever": Case(
        body="def shout():\n    while True: print('y' * 65536)\n"
        "threading.Thread(target=shout, daemon=True).start()\nreturn 1",
        result=1,
    ),
    "writes to every descriptor": Case(
        # A process that was not forked keeps the numbers of the one that has begun it, which may have many.
        body="for number in sorted(map(int, os.listdir('/dev/fd')))[3:]:\n    try: os.write(number, b'garbage' * 9)\n"
        "    except OSError: pass\nreturn 1",
        error=EXIT,
    ),
    # --- what is printed
    "prints long lines in threads": Case(
        body="def shout():\n    for _ in range(5): print('x' * 65536)\n"
        "threads = [threading.Thread(target=shout) for _ in range(4)]\n"
        "for thread in threads: thread.start()\nfor thread in threads: thread.join()\nreturn 1",
        result=1,
    ),
    "writes to the descriptors 1 and 2": Case(
        body="os.write(1, b'one\\n')\nos.write(2, b'two\\n')\nreturn 1", result=1
    ),
    "closes descriptor 1": Case(body="os.close(1)\nreturn 1", result=1),
    "closes standard output": Case(body="sys.stdout.close()\nreturn 1", result=1),
    "closes everything": Case(body="os.closerange(0, 4096)\nreturn 1", error=EXIT),
    # --- how it ends
    "raises": Case(body="raise ValueError('no such colour')", error="ValueError", message="^no such colour$"),
    "exits": Case(body="sys.exit(4)", error=EXIT, message="Error: Runtime exited with error: exit status 4$"),
    "exits without a code": Case(
        body="sys.exit()", error=EXIT, message="Error: Runtime exited without providing a reason$"
    ),
    "ends its process": Case(body="os._exit(7)", error=EXIT, message="exit status 7$"),
    "is killed": Case(body="os.kill(os.getpid(), 9)", error=EXIT, message=KILLED),
    "crashes": Case(body="os.kill(os.getpid(), signal.SIGSEGV)", error=EXIT, message="signal: segmentation fault$"),
    "raises what is no Exception": Case(
        body="class Odd(BaseException): pass\nraise Odd", error=EXIT, message="exit status 1$"
    ),
    "raises what cannot say what it is": Case(
        body="class Odd(Exception):\n    def __str__(self): raise RuntimeError\nraise Odd",
        error=EXIT,
        message="exit status 1$",
    ),
    "calls itself for ever": Case(
        body="def again(): return again()\nagain()", error="RecursionError", message="maximum recursion depth exceeded"
    ),
    "takes too long": Case(
        body="time.sleep(60)", error="Sandbox.Timedout", message=r"Error: Task timed out after 1\.00 seconds$"
    ),
    "stops its process": Case(
        body="os.kill(os.getpid(), signal.SIGSTOP)\nreturn 1", error="Sandbox.Timedout", message="Task timed out"
    ),
    "does not come to its end": Case(
        body="import atexit\natexit.register(time.sleep, 30)\nsys.exit()", error="Sandbox.Timedout"
    ),
    # --- what it returns
    "returns nothing": Case(body="pass", result=None),
    "returns bytes": Case(body="""return b'{"raw": true}'""", result={"raw": True}),
    "returns bytes in an object": Case(body="return {'a': b'x'}", result={"a": "x"}),
    "returns a Decimal": Case(body="return decimal.Decimal('1.10')", result=1.1),
    "returns a named tuple": Case(
        body="return collections.namedtuple('Point', 'x y')(1, 2)", result={"x": 1, "y": 2}
    ),
    "returns a set": Case(
        body="return {1, 2}",
        error="Runtime.MarshalError",
        message="^Unable to marshal response: Object of type set is not JSON serializable$",
    ),
    "returns a moment": Case(body="return datetime.datetime.now()", error="Runtime.MarshalError"),
    "returns a circle": Case(
        body="a = []\na.append(a)\nreturn a", error="Runtime.MarshalError", message="Circular reference detected"
    ),
    "returns a tower": Case(
        body="a = []\nfor _ in range(100_000): a = [a]\nreturn a", error="Runtime.MarshalError"
    ),
    "returns no Unicode": Case(body="return '\\ud800'", error=EXIT),
    "returns as much as is allowed": Case(
        body=f"return 'x' * {RESPONSE_LIMIT_BYTES - 2}", result="x" * (RESPONSE_LIMIT_BYTES - 2)
    ),
    "returns more": Case(
        body=f"return 'x' * {RESPONSE_LIMIT_BYTES - 1}",
        error="Function.ResponseSizeTooLarge",
        message=r"^Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\.$",
    ),
}  # fmt: skip

#: For Linux only.
OF_MEMORY = {
    "takes more memory than it has at once": Case(
        body="return len(bytearray(300_000_000))", error="Runtime.OutOfMemory", message=KILLED
    ),
    "takes more and more memory": Case(
        body="all = []\nwhile True:\n    all.append(bytearray(10_000_000))\n    time.sleep(0.01)",
        error="Runtime.OutOfMemory",
        message=KILLED,
    ),
}

HEAD = "import collections, datetime, decimal, os, signal, subprocess, sys, threading, time\n"


def source() -> str:
    """One module, so that every case finds the process that the case before has used."""
    cases = list((CASES | OF_MEMORY).items())
    handlers = [
        f"def case_{number}():\n{textwrap.indent(case.body, '    ')}\n" for number, (_, case) in enumerate(cases)
    ]
    names = {name: f"case_{number}" for number, (name, _) in enumerate(cases)}
    dispatch = (
        f"NAMES = {names!r}\n"
        "def handler(event, context):\n"
        "    return globals()[NAMES[event['case']]]() if 'case' in event else event\n"
    )
    return HEAD + "".join(handlers) + dispatch
