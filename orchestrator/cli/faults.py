"""How a command that fails says so: a sentence for people (where, what, what to try) and an exit code for scripts."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from errno import ENOSPC
from io import TextIOWrapper
from typing import TYPE_CHECKING, TypeGuard

import click

from orchestrator.errors import (
    FolderNotEmpty,
    FutureSlots,
    InvalidDefinition,
    InvalidLockList,
    InvalidProject,
    InvalidSchedule,
    InvalidTaskFile,
    InvalidTimezone,
    NoProject,
    NoRunOfSlot,
    NotABuild,
    NotPaused,
    NotReplayable,
    NotRunning,
    NotSwitched,
    OrchestratorError,
    PausedBySwitch,
    SlotPassed,
    SlotTaken,
    SlotToCome,
    StillRunning,
    TaskPaused,
    UnknownTask,
)

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

# exit codes
FAILED = 1
BAD_INPUT = 2
AWS_UNREACHABLE = 3
NOTHING_COMPARED = 4
INTERRUPTED = 130

_CREDENTIALS = "log in (`aws sso login`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

#: What only the extra ``local`` brings.
_EMBEDDED = ("jsonata", "moto")
_WITHOUT_LOCAL = 'the embedded AWS is not installed: pip install "scheduled-task-orchestrator[local]"'

#: What to try, by the kind of fault: names of classes of botocore.exceptions.
_ADVICE = (
    (("NoCredentialsError", "PartialCredentialsError"), _CREDENTIALS),
    (("ProfileNotFound",), "AWS_PROFILE names a profile of ~/.aws/config"),
    (("NoRegionError",), "set AWS_REGION"),
    (("InvalidRegionError",), "AWS_REGION is to be the name of a region, like us-east-1"),
    (
        ("HTTPClientError", "ConnectionError"),
        "is the network up? AWS_ENDPOINT_URL, if it is set, must be where something listens: `orchestrator local`",
    ),
)

_THROTTLED = "it was tried again with growing delays; wait a minute, then repeat the command, which goes on from here"

_UNKNOWN = (
    f"AWS does not know these credentials, or not in this region: {_CREDENTIALS}, or set AWS_REGION to another, or"
    " enable this one for the account"
)

_CODES = {
    "AccessDenied": "the credentials lack this permission",
    "AccessDeniedException": "the credentials lack this permission",
    "ExpiredToken": f"the credentials have expired: {_CREDENTIALS}",
    "ExpiredTokenException": f"the credentials have expired: {_CREDENTIALS}",
    "InvalidClientTokenId": _UNKNOWN,
    "ResourceNotFoundException": "is the stack deployed, in this region and under this name?",
    "StateMachineDoesNotExist": "is the stack deployed, in this region and under this name?",
    "AuthFailure": _UNKNOWN,
    "OptInRequired": "this region is not enabled for the account; set AWS_REGION to another, or enable it",
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "ProvisionedThroughputExceededException": _THROTTLED,
    "SlowDown": _THROTTLED,
    "UnrecognizedClientException": _UNKNOWN,
}


#: What whoever typed the command has got wrong.
_BAD_INPUT = (
    FolderNotEmpty,
    FutureSlots,
    InvalidDefinition,
    InvalidLockList,
    InvalidProject,
    InvalidSchedule,
    InvalidTaskFile,
    InvalidTimezone,
    NoProject,
    NoRunOfSlot,
    NotABuild,
    NotPaused,
    NotReplayable,
    NotRunning,
    NotSwitched,
    PausedBySwitch,
    SlotPassed,
    SlotTaken,
    SlotToCome,
    StillRunning,
    TaskPaused,
    UnknownTask,
)


def explain(fault: BotoCoreError | ClientError) -> str:
    """One paragraph, without a traceback."""
    from botocore import exceptions

    if isinstance(fault, exceptions.ClientError):
        error = fault.response.get("Error", {})
        code = error.get("Code", "?")
        said = f"AWS refused {fault.operation_name}: {code}: {error.get('Message', '')}".rstrip(": ")
        return f"{said} ({_CODES[code]})" if code in _CODES else said
    said = str(fault).rstrip(". ")
    kinds = {kind.__name__ for kind in type(fault).__mro__}
    advice = next((advice for names, advice in _ADVICE if not kinds.isdisjoint(names)), None)
    return "; ".join(filter(None, (said, _unknown_region(said), advice)))


def _unknown_region(said: str) -> str | None:
    """Explains that the region may not exist, when no endpoint answers."""
    if host := re.search(r"\.([a-z]+(?:-[a-z]+)+-\d+)\.amazonaws\.com", said):
        import boto3

        session = boto3.Session()
        partitions = session.get_available_partitions()
        known = [region for one in partitions for region in session.get_available_regions("cloudformation", one)]
        if (region := host.group(1)) not in known:
            close = get_close_matches(region, known, n=1)
            return f"{region} is no region that boto3 knows{f' (did you mean {close[0]}?)' if close else ''}"
    return None


def run(
    command: click.Command,
    arguments: list[str] | None,
    *,
    interrupted: Callable[[], str],
    bad_input: Callable[[], int],
) -> int:
    """Runs a command and gives its exit code; what a person can put right is said in a sentence, not in a traceback.

    ``interrupted`` is what to say then, and ``bad_input`` the code for what whoever typed the command has got wrong:
    which command that was is known afterwards.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A locale without a character shows another in its place.
            stream.reconfigure(errors="replace")
    try:
        code = command.main(arguments, standalone_mode=False)
    except click.ClickException as fault:
        fault.show()
        return bad_input()
    except (KeyboardInterrupt, click.Abort):
        return _say(interrupted(), INTERRUPTED)
    except _BAD_INPUT as fault:
        return _say(str(fault), bad_input())
    except OrchestratorError as fault:
        return _say(str(fault), FAILED)
    except BrokenPipeError:
        return FAILED
    except Exception as fault:
        if _is_of_aws(fault):
            return _say(explain(fault), AWS_UNREACHABLE)
        if isinstance(fault, ValueError) and str(fault).startswith("Invalid endpoint"):
            # What botocore says of AWS_ENDPOINT_URL without a scheme.
            return _say(f"{fault}: AWS_ENDPOINT_URL is to be like http://127.0.0.1:4566", bad_input())
        if isinstance(fault, ModuleNotFoundError) and str(fault.name).split(".")[0] in _EMBEDDED:
            return _say(_WITHOUT_LOCAL, FAILED)
        if isinstance(fault, OSError):
            return _say(_of_files(fault), bad_input())
        raise
    return code if isinstance(code, int) else 0


def _of_files(fault: OSError) -> str:
    said = fault.strerror or str(fault)
    if fault.filename is None and isinstance(fault, FileNotFoundError):
        return f"the working directory is not there any more: {said}; go to another one"
    if fault.filename is None and fault.errno == ENOSPC:
        return f"what was to be printed or written found no room: {said}; make room, or write elsewhere"
    return f"{fault.filename or ''}: {said}".removeprefix(": ")


def _is_of_aws(fault: Exception) -> TypeGuard[BotoCoreError | ClientError]:
    """Whether boto3 raised the fault. This does not import botocore, which is slow: unless it is loaded, it did not."""
    exceptions = sys.modules.get("botocore.exceptions")
    return exceptions is not None and isinstance(fault, (exceptions.BotoCoreError, exceptions.ClientError))


def _say(message: str, code: int) -> int:
    click.echo(message, err=True)
    return code
