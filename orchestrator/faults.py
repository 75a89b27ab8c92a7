"""What to tell a person whose call of AWS failed: where, what, and what to try."""

from __future__ import annotations

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

_CREDENTIALS = "log in (`aws sso login`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

#: What to try, by the kind of fault.
_ADVICE: tuple[tuple[tuple[type[BotoCoreError], ...], str], ...] = (
    ((exceptions.NoCredentialsError, exceptions.PartialCredentialsError), _CREDENTIALS),
    ((exceptions.ProfileNotFound,), "AWS_PROFILE names a profile of ~/.aws/config"),
    ((exceptions.NoRegionError,), "set AWS_REGION"),
    (
        (exceptions.HTTPClientError, exceptions.ConnectionError),
        "is the network up? AWS_ENDPOINT_URL, if it is set, must be where something listens: `orchestrator local`",
    ),
)

_CODES = {
    "AccessDenied": "the credentials lack this permission",
    "AccessDeniedException": "the credentials lack this permission",
    "ExpiredToken": f"the credentials have expired: {_CREDENTIALS}",
    "ExpiredTokenException": f"the credentials have expired: {_CREDENTIALS}",
    "InvalidClientTokenId": f"AWS does not know these credentials: {_CREDENTIALS}",
    "ResourceNotFoundException": "is the stack deployed, in this region and under this name?",
    "StateMachineDoesNotExist": "is the stack deployed, in this region and under this name?",
    "UnrecognizedClientException": f"AWS does not know these credentials: {_CREDENTIALS}",
}


def explain(fault: BotoCoreError | ClientError) -> str:
    """One paragraph, without a traceback."""
    if isinstance(fault, ClientError):
        error = fault.response.get("Error", {})
        code = error.get("Code", "?")
        said = f"AWS refused {fault.operation_name}: {code}: {error.get('Message', '')}".rstrip(": ")
        return f"{said} ({_CODES[code]})" if code in _CODES else said
    said = str(fault).rstrip(". ")
    return next((f"{said}; {advice}" for kinds, advice in _ADVICE if isinstance(fault, kinds)), said)
