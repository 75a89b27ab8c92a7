"""Execution environments without a start: a process that has loaded what functions load, and forks for each of them.

Run as a program with the path of the worker and the number of a descriptor: the socket on which requests come, each
with the descriptors of an environment. It uses nothing of the project, and Linux alone has what it needs.

What a fork gets is what a new process would get: a session, a working directory, environment variables and standard
streams of its own, its channel, the pipe whose end ends it, and no other descriptor. No thread runs when it forks. Of
variables that Python, C libraries or a loaded module read only once, this process has the same values. A request is
refused, and its environment is started plainly, if the bundle has a module of a name that is loaded here.

The status socket of an environment says what becomes of it: ``began`` and its process id, or ``refused``; then
``ended`` and its exit code, as subprocess has it. It stays a zombie until whoever asked for it closes the socket: no
other process has its id until then.
"""

from __future__ import annotations

import _imp
import gc
import hashlib
import importlib
import importlib.machinery
import json
import marshal
import os
import select
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

#: What handlers load with the libraries of a bundle. None of it opens a descriptor, or starts a thread.
PRELOADED = (
    "boto3.session",
    "pydantic",
    "aws_lambda_powertools",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event",
    "aws_lambda_powertools.utilities.data_classes.sqs_event",
    "aws_lambda_powertools.utilities.typing",
    "aws_xray_sdk.core",
    "concurrent.futures.thread",
    "difflib",
    "email.message",
    "urllib.request",
    "wrapt",
    "zoneinfo",
)

#: Services whose models are read before: those that most handlers ask, and the largest.
SERVICES = ("dynamodb", "s3", "ses", "sns", "stepfunctions")

#: Variables that are read once, when a process starts or a module is loaded; these are beginnings of their names.
READ_ONCE = (
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_XRAY_",
    "GLIBC_",
    "LANG",
    "LC_",
    "LD_",
    "MALLOC_",
    "OPENSSL_",
    "POWERTOOLS_DE",
    "PYDANTIC_",
    "PYTHON",
    "SSL_",
    "TZ",
    "WRAPT_",
)

#: Of these, what a fork can read as well when it begins.
WARNINGS = "PYTHONWARNINGS"

#: The longest request: variables of a function are 4 KB at most.
LONGEST = 65_536

#: The variable that tells whose a process is. The one that this process begins with has room for the folder of a fork.
ROOT = "LAMBDA_TASK_ROOT"
ROOM = 512


@dataclass(frozen=True, kw_only=True)
class Request:
    """An environment that is wanted. The descriptors are numbers of this process."""

    root: str
    environment: Mapping[str, str]
    channel: int
    alive: int
    log: int
    status: int


@dataclass(kw_only=True)
class Child:
    """An environment that was forked."""

    process: int
    #: Readable when the process has ended.
    pidfd: int
    status: socket.socket
    has_ended: bool = False


def read_once(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a process must have begun with to fork one that has ``environment``."""
    return {name: value for name, value in environment.items() if name.startswith(READ_ONCE) and name != WARNINGS}


class Zygote:
    """Forks, says what becomes of the forks, and ends when nobody has the other end of its socket any more."""

    def __init__(self, control: socket.socket, worker: CodeType, loaded: frozenset[str]) -> None:
        self._control, self._worker, self._loaded = control, worker, loaded
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._children: dict[int, Child] = {}

    def serve(self) -> Request | None:
        """Returns None at the end, and in a fork what it was forked for."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._control.fileno():
                    self._look(self._children[descriptor], descriptor)
                    # What else was found may be of the same child.
                    break
                request = self._received()
                if request is None or self._fork(request):
                    return request

    def forget(self) -> None:
        """Lets go of descriptors whose numbers will be others' in a fork."""
        for child in self._children.values():
            child.status.detach()
        self._control.detach()

    def _received(self) -> Request | None:
        message, descriptors, _, _ = socket.recv_fds(self._control, LONGEST, 4)
        if not message:
            return None
        channel, alive, log, status = descriptors
        return Request(**json.loads(message), channel=channel, alive=alive, log=log, status=status)

    def _fork(self, request: Request) -> bool:
        """Whether this is the fork."""
        if self._refuses(request):
            os.write(request.status, b"refused")
            process = None
        else:
            process = os.fork()
            if process == 0:
                return True
        for descriptor in (request.channel, request.alive, request.log):
            os.close(descriptor)
        status = socket.socket(fileno=request.status)
        if process is None:
            status.close()
            return False
        child = Child(process=process, pidfd=os.pidfd_open(process), status=status)
        for number in (child.pidfd, request.status):
            self._children[number] = child
            self._poll.register(number, select.POLLIN)
        return False

    def _refuses(self, request: Request) -> bool:
        return not self._loaded.isdisjoint(one.name.partition(".")[0] for one in Path(request.root).iterdir())

    def _look(self, child: Child, descriptor: int) -> None:
        """What the descriptor tells: that the process has ended, or that nobody wants to know it any more."""
        self._poll.unregister(descriptor)
        del self._children[descriptor]
        if descriptor == child.pidfd:
            ended = os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED | os.WNOWAIT)
            assert ended is not None
            code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            with suppress(OSError):
                child.status.send(f"ended {code}".encode())
            child.has_ended = True
        else:
            child.status.close()
        if child.has_ended and child.status.fileno() < 0:
            os.close(child.pidfd)
            os.waitpid(child.process, 0)


def preload() -> None:
    """Loads what handlers load, and what those modules load when they are used for the first time."""
    for name in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    if core := sys.modules.get("aws_xray_sdk.core"):
        # It holds a socket.
        core.xray_recorder.emitter = None
    if loaders := sys.modules.get("botocore.loaders"):
        # Each session reads the models of services again, and changes nothing in them. As plain dictionaries they take
        # half of the time and the space.
        loaders.JSONFileLoader._load_file = lambda _, path, opened: _read(path, opened)
        loaders.JSONFileLoader.load_file = staticmethod(cache(loaders.JSONFileLoader().load_file))
        # Each session looks into the folders of some four hundred services for those that there are.
        loaders.Loader.list_available_services = _of_folders(loaders.Loader.list_available_services)
    if agent := sys.modules.get("botocore.useragent"):
        # Each request looks at every character of its client's name, twice, which is a seventh of its work.
        name = "sanitize_user_agent_string_component"
        setattr(agent, name, lru_cache(256)(getattr(agent, name)))
    if session := sys.modules.get("boto3.session"):
        known = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
        one = session.Session(**known)
        for service in SERVICES:
            one.client(service, endpoint_url="http://127.0.0.1:1")
    if pydantic := sys.modules.get("pydantic"):
        # The first model looks for plugins.
        pydantic.create_model("Model", name=(str, "")).model_validate({})


def _of_folders(find: Callable[[Any, str], list[str]]) -> Callable[[Any, str], list[str]]:
    """What loaders find, once for all that look into the same folders."""
    found: dict[tuple[str, ...], list[str]] = {}

    def services(self: Any, type_name: str) -> list[str]:
        key = (type_name, *self.search_paths)
        if key not in found:
            found[key] = find(self, type_name)
        return found[key]

    return services


def _read(path: str, opened: Callable[..., Any]) -> Any:
    """A file of JSON, or None where there is none."""
    try:
        with opened(path, "rb") as file:
            return json.loads(file.read())
    except OSError:
        return None


def become(request: Request, worker: CodeType) -> None:
    """Makes this fork the process of an environment, and runs the worker in it."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    for number in (1, 2):
        os.dup2(request.log, number)
    kept = sorted({request.channel, request.alive, request.status})
    for before, after in zip([2, *kept], [*kept, os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(before + 1, after)
    os.chdir(request.root)
    # Where no locale is named, Python has chosen one when it started.
    coerced = {name: value for name, value in os.environ.items() if name == "LC_CTYPE"}
    os.environ.clear()
    os.environ.update(coerced | dict(request.environment))
    time.tzset()
    if options := request.environment.get(WARNINGS):
        sys.warnoptions[:0] = options.split(",")
        warnings._processoptions(sys.warnoptions)  # type: ignore[attr-defined] # as it does when it is loaded
    _show(request.root)
    _compile_once(Path(request.root).parent / "compiled")
    if core := sys.modules.get("aws_xray_sdk.core"):
        core.xray_recorder.emitter = sys.modules["aws_xray_sdk.core.emitters.udp_emitter"].UDPEmitter()
    sys.argv = [worker.co_filename, str(request.channel), str(request.alive)]
    os.write(request.status, f"began {os.getpid()}".encode())
    os.close(request.status)
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__file__ = worker.co_filename
    exec(worker, vars(main))  # noqa: S102 # the worker, which is a file beside this one


def _compile_once(folder: Path) -> None:
    """Keeps what a module is compiled to for other processes: bundles have most of their modules in common."""
    loader = importlib.machinery.SourceFileLoader
    plainly = loader.source_to_code

    def source_to_code(self: Any, data: Any, path: Any, **named: Any) -> Any:
        if type(data) is not bytes:
            return plainly(self, data, path, **named)
        kept = folder / hashlib.sha256(data).hexdigest()
        with suppress(OSError, EOFError, ValueError, TypeError):
            code = marshal.loads(kept.read_bytes())  # noqa: S302 # what the functions of this AWS have written, and may write
            _imp._fix_co_filename(code, path)  # type: ignore[attr-defined] # as Python does with what it has compiled
            return code
        code, told = _compiled(lambda: plainly(self, data, path, **named))
        if not told:
            # What is told at a start is told at each.
            with suppress(OSError):
                folder.mkdir(exist_ok=True)
                (made := kept.with_suffix(f".{os.getpid()}")).write_bytes(marshal.dumps(code))
                made.replace(kept)
        return code

    loader.source_to_code = source_to_code  # type: ignore[method-assign] # the same, with a memory


def _compiled(compile_: Callable[[], Any]) -> tuple[Any, bool]:
    """What it is compiled to, and whether there were warnings about it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return compile_(), False
    except (SyntaxError, Warning):
        return compile_(), True


def _show(root: str) -> None:
    """Makes ``/proc/self/environ`` name the folder, as if the process had begun with it."""
    begin, end = (int(number) for number in Path("/proc/self/stat").read_text().rpartition(")")[2].split()[47:49])
    with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
        memory.seek(begin)
        at = memory.read(end - begin).find(f"{ROOT}=".encode())
        memory.seek(begin + at + len(ROOT) + 1)
        memory.write(os.fsencode(root) + b"\0")


def main() -> None:
    file, control = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    control.set_inheritable(False)
    # What the worker itself loads, every process has.
    worker = compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
    module = sys.modules["worker"] = ModuleType("worker")
    exec(worker, vars(module))  # noqa: S102 # the worker, which is a file beside this one
    del sys.modules["worker"]
    own = set(sys.modules)
    preload()
    gc.collect()
    gc.freeze()
    _check()
    loaded = frozenset(name.partition(".")[0] for name in set(sys.modules) - own)
    zygote = Zygote(control, worker, loaded)
    request = zygote.serve()
    if request is not None:
        zygote.forget()
        become(request, worker)


def _check() -> None:
    """A thread or a descriptor more than there should be would be in every fork: none is forked then."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    # Standard streams, the socket of requests, and the folder that is looked at.
    descriptors = len(list(Path("/proc/self/fd").iterdir())) - 1
    if threads > 1 or descriptors > 4:
        sys.exit(f"{threads} threads and {descriptors} descriptors after loading")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
