"""What a person types, as processes of their own that are forked from one with the libraries loaded.

A command has its own folder, environment, output and exit code, as it has in a terminal. To start Python and to import
boto3 costs several times as much as what most commands do, so that is done once.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

Ran = subprocess.CompletedProcess[str]


class Shell:
    """Runs one command after the other."""

    def __init__(self, loaded: subprocess.Popen[str], folder: Path) -> None:
        self._loaded = loaded
        self._out, self._err = folder / "out", folder / "err"

    def run(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ran:
        """What ``orchestrator …``, ``aws …``, ``python FILE …`` or ``python -m MODULE …`` prints in a folder."""
        assert self._loaded.stdin is not None
        assert self._loaded.stdout is not None
        asked = {"words": list(words), "folder": str(folder), "environment": dict(environment)}
        asked |= {"out": str(self._out), "err": str(self._err)}
        self._loaded.stdin.write(f"{json.dumps(asked)}\n")
        self._loaded.stdin.flush()
        code = int(self._loaded.stdout.readline())
        return subprocess.CompletedProcess(list(words), code, self._out.read_text(), self._err.read_text())


@contextmanager
def shell() -> Iterator[Shell]:
    """One that has loaded what commands load."""
    command, pipe = [sys.executable, "-W", "ignore", __file__], subprocess.PIPE
    with (
        tempfile.TemporaryDirectory(prefix="typed-") as folder,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as loaded,
    ):
        yield Shell(loaded, Path(folder))


def _serve() -> None:
    # A command's own folder takes the place of this file's.
    del sys.path[0]
    _load()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _load() -> None:
    from importlib import import_module

    import awscli.clidriver  # noqa: F401

    import orchestrator.cli.deploying
    import orchestrator.deployment.checking  # noqa: F401
    from orchestrator.cli.commands import OPERATING

    for name in OPERATING.values():
        import_module(name.rpartition(".")[0])


def _become(asked: dict[str, object]) -> NoReturn:
    """Is the command, and ends."""
    code = 1
    try:
        for number, path in enumerate((os.devnull, asked["out"], asked["err"])):
            os.dup2(os.open(str(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
        environment, words = asked["environment"], asked["words"]
        assert isinstance(environment, dict)
        assert isinstance(words, list)
        # The AWS CLI has noted there, as it was loaded, where its own files are.
        noted = {name: os.environ[name] for name in ("AWS_DATA_PATH",) if words[0] == "aws"}
        os.environ.clear()
        os.environ.update(noted | environment)
        os.chdir(str(asked["folder"]))
        code = _code_of(words)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _code_of(words: list[str]) -> int:
    """What a program exits with."""
    program, *sys.argv[1:] = words
    try:
        path, _, _ = words[1].rpartition("/") if program == "python" and words[1] != "-m" else ("", "", "")
        sys.path.insert(0, str(Path(path).resolve()))
        if program == "orchestrator":
            from orchestrator.cli.main import main

            return main()
        if program == "aws":
            from awscli.clidriver import main as aws

            return int(aws())
        if words[1] == "-m":
            del sys.argv[1]
            runpy.run_module(words[2], run_name="__main__", alter_sys=True)
        else:
            del sys.argv[0]
            runpy.run_path(words[1], run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return 0


if __name__ == "__main__":
    _serve()
