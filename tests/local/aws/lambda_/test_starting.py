"""Execution environments that are forked: as if each had been started by itself, but sooner."""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.local.aws.lambda_ import starting
from orchestrator.local.aws.lambda_.processes import Process, Request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has what a fork needs here")

#: Everything of a process that a handler could see of the process that it was forked of.
REPORT = """
    import gc, locale, os, random, resource, signal, socket, stat, sys, threading, time, warnings
    loaded = "boto3" in sys.modules
    import boto3
    from aws_lambda_powertools import Tracer
    from aws_xray_sdk.core import xray_recorder
    Tracer()

    def kinds():
        for number in sorted(int(name) for name in os.listdir("/proc/self/fd")):
            try:
                about = os.fstat(number)
            except OSError:
                continue  # what has listed them
            yield stat.filemode(about.st_mode)[0], os.readlink(f"/proc/self/fd/{number}").partition(":")[0]

    def handler(event, context):
        same = {
            "descriptors": sorted(kinds()),
            "environment": dict(os.environ),
            "began with": f"LAMBDA_TASK_ROOT={os.environ['LAMBDA_TASK_ROOT']}\\0" in open("/proc/self/environ").read(),
            "folder": os.getcwd(),
            "path": sys.path,
            "flags": repr(sys.flags),
            "arguments": [sys.argv[0], len(sys.argv)],
            "main": [sys.modules["__main__"].__name__, sys.modules["__main__"].__file__],
            "session": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()],
            "threads": [threading.active_count(), threading.current_thread() is threading.main_thread()],
            "signals": [str(signal.getsignal(number)) for number in (2, 13, 15, 17)],
            "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
            "streams": [[one.encoding, one.write_through, one.isatty()] for one in (sys.stdout, sys.stderr)],
            "input": sys.stdin.read(),
            "zone": time.tzname,
            "locale": locale.setlocale(locale.LC_ALL),
            "collects": gc.isenabled(),
            "warnings": len(warnings.filters),
            "mask": os.umask(0o22),
            "priority": os.nice(0),
            "limits": [resource.getrlimit(one) for one in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
            "default session": str(boto3.DEFAULT_SESSION),
            "key": boto3.client("dynamodb")._request_signer._credentials.access_key,
            "emitter": type(xray_recorder.emitter).__name__,
        }
        own = {"loaded": loaded, "random": random.random(), "process": os.getpid()}
        return {"same": same, "own": own}
"""


def environment(root: Path, **variables: str) -> dict[str, str]:
    names = ("FUNCTION_NAME", "FUNCTION_VERSION", "FUNCTION_MEMORY_SIZE", "LOG_GROUP_NAME", "LOG_STREAM_NAME")
    return {
        **{f"AWS_LAMBDA_{name}": "1" for name in names},
        "_HANDLER": "handlers.handler",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(root),
        "POWERTOOLS_TRACE_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": ":UTC",
        **variables,
    }


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[Process] = []

    def one(code: str, files: dict[str, str] | None = None, **variables: str) -> Process:
        for name, text in {**(files or {}), "handlers.py": code}.items():
            (tmp_path / name).write_text(textwrap.dedent(text))
        begun.append(process := Process(tmp_path, environment(tmp_path, **variables)))
        assert process.load(20) is None
        return process

    yield one
    for process in begun:
        process.end()


def asked(process: Process) -> Any:
    request = Request(id="1", arn="a", event=b"{}", timeout=20, trace="", memory_mb=512)
    return json.loads(process.ask(request).payload)


def test_a_fork_is_what_a_new_process_would_be(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    forked, other = asked(start(REPORT)), asked(start(REPORT))
    monkeypatch.setattr(starting, "_CAN_FORK", False)
    plain = asked(start(REPORT))
    assert forked["same"] == plain["same"]
    assert [one["own"]["loaded"] for one in (forked, other, plain)] == [True, True, False]
    assert len({one["own"]["random"] for one in (forked, other, plain)}) == 3


def test_variables_that_python_reads_when_it_starts_hold_in_a_fork(start: Start) -> None:
    code = "import sys\ndef handler(event, context): return [sys.flags.utf8_mode, sys.flags.hash_randomization]"
    assert asked(start(code, PYTHONUTF8="1", PYTHONHASHSEED="0")) == [1, 0]
    assert asked(start(code, PYTHONUTF8="0")) == [0, 1]


def test_what_python_is_to_warn_of_holds_in_a_fork_of_the_same_process(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
        import sys, warnings
        def handler(event, context):
            return [sys.warnoptions, [[kind, of.__name__] for kind, _, of, *_ in warnings.filters[:3]]]
    """
    of_others = asked(start(code))
    controls = len(starting._zygotes._controls)
    warned = start(code, PYTHONWARNINGS="default,error:Nobody:UserWarning")
    assert isinstance(warned._process, starting.Forked)
    assert len(starting._zygotes._controls) == controls
    forked = asked(warned)
    monkeypatch.setattr(starting, "_CAN_FORK", False)
    assert forked == asked(start(code, PYTHONWARNINGS="default,error:Nobody:UserWarning")) != of_others


def test_what_one_fork_has_compiled_another_takes_as_its_own(start: Start, tmp_path: Path) -> None:
    files = {
        "plain.py": "def where():\n    return [where.__code__.co_filename, __file__]",
        "odd.py": "import plain\nasked = '\\d'",
        "handlers.py": "import odd\ndef handler(event, context):\n    return odd.plain.where()",
    }
    for folder in ("one", "other"):
        (root := tmp_path / folder).mkdir()
        for name, text in files.items():
            (root / name).write_text(text)
        process = Process(root, environment(root))
        assert process.load(20) is None
        assert asked(process) == [str(root / "plain.py")] * 2
        process.end()
    # Of a module that is compiled with a warning each process is to be warned.
    assert len(list((tmp_path / "compiled").iterdir())) == 2


def test_a_module_of_the_bundle_goes_before_a_library_that_was_loaded(start: Start) -> None:
    code = "import wrapt\ndef handler(event, context): return wrapt.OWN"
    assert asked(start(code, {"wrapt.py": "OWN = 'mine'"})) == "mine"


def test_the_end_of_a_fork_is_told_as_that_of_a_child(start: Start) -> None:
    code = "import os\ndef handler(event, context): return os.getpid()"
    process = start(code)
    assert isinstance(process._process, starting.Forked)
    assert process._process.poll() is None
    os.kill(process._process.pid, signal.SIGTERM)
    assert process._process.wait(20) == -signal.SIGTERM
    # It keeps its id until it is forgotten.
    assert Path(f"/proc/{process._process.pid}/stat").read_text().split()[2] == "Z"
    process.end()


def test_where_what_forks_is_gone_functions_start_plainly(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "_zygotes", zygotes := starting._Zygotes())
    code = "import os\ndef handler(event, context): return os.getpid()"
    living = start(code)
    zygotes._processes[0].kill()
    zygotes._processes[0].wait()
    assert asked(living) == living._process.pid
    process = start(code)
    assert asked(process) == process._process.pid
    assert not isinstance(process._process, starting.Forked)
    zygotes._end()
    assert living.end() is None
