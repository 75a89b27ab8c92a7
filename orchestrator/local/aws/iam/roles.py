"""The roles that the template gives to the interpreter and to the functions.

moto answers every request whoever signs it. Here a request that is signed with a role's credentials is checked against
the role's policies, action, resource and condition, so that a permission that is missing fails here and not on AWS. All
other credentials are an administrator's.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moto.backends import get_backend
from moto.core import errors
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.responses import S3Response

from orchestrator.local.aws import keys
from orchestrator.local.aws.environment import REGION
from orchestrator.local.aws.iam import requests
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.iam.statements import Statement, agree, names
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

ACCOUNT = "123456789012"

_ACCESS_KEY = re.compile(r"Credential=(ROLE[A-Z0-9]+)/")

#: Condition keys and variables whose values pass.
_TIMES = re.compile("aws:(currenttime|epochtime)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The credentials of an assumed role."""

    access_key: str
    secret_key: str
    token: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An action that a role asked for."""

    role: str
    permission: Permission


class AccessDenied(ServiceException):
    """The role's policies do not allow it."""

    code = "AccessDeniedException"

    def __init__(self, role: str, action: str, resource: str) -> None:
        super().__init__(
            self.code,
            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{role}/embedded is not authorized to perform: {action}"
            f" on resource: {resource} because no identity-based policy allows the {action} action",
        )


_lock = threading.Lock()
#: The AWS that runs, whose time is that of requests.
_running: list[Aws] = []
_role_of_key: dict[str, str] = {}
#: Where a role was found last.
_id_of_role: dict[str, str] = {}
_used: set[Asked] = set()
_denied: set[Asked] = set()


def credentials_for(role_arn: str) -> Credentials:
    """Credentials whose requests act under ``role_arn``; the same ones each time."""
    name = role_arn.rsplit("/", 1)[-1]
    key = "ROLE" + name.upper().encode().hex().upper()
    with _lock:
        _role_of_key[key] = name
    return Credentials(access_key=key, secret_key="embedded", token="embedded")


def used() -> set[Asked]:
    """Returns what was asked for and allowed."""
    return set(_used)


def denied() -> set[Asked]:
    """Returns what was asked for and denied."""
    return set(_denied)


def forget() -> None:
    """Starts :func:`used` and :func:`denied` anew."""
    _used.clear()
    _denied.clear()


def may(role_arn: str, wanted: Permission) -> bool:
    """Whether the role's identity policies allow it; the answer is remembered for :func:`used` and :func:`denied`."""
    return _first_denied(role_arn, [wanted]) is None


def _may(role_arn: str, one: Permission) -> bool:
    name = role_arn.rsplit("/", 1)[-1]
    documents = _documents(name)
    allowed = _allowed(documents, name, one)
    if allowed is None:
        now = _running[0].clock.now()
        moment = {"aws:CurrentTime": now.isoformat(), "aws:EpochTime": str(int(now.timestamp()))}
        context = {**_of_every_request(name), **moment, **one.context}
        allowed = agree(_about(documents, one.action, one.resource), context)
    (_used if allowed else _denied).add(Asked(role=name, permission=one))
    return allowed


@lru_cache(4096)
def _allowed(documents: tuple[str, ...], role: str, one: Permission) -> bool | None:
    """Whether a role's policies allow it at any time; None where they ask for the time."""
    found = _about(documents, one.action, one.resource)
    if any(_TIMES.search(json.dumps(statement.get("Condition", {}))) for statement in found):
        return None
    return agree(found, {**_of_every_request(role), **one.context})


def _of_every_request(role: str) -> Mapping[str, str]:
    """What AWS knows of a function's or an execution's request ("AWS global condition context keys") but its time.

    That it comes by TLS is said of the request as AWS would get it: here none does.
    """
    return {
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": "AssumedRole",
        "aws:RequestedRegion": REGION,
        "aws:SecureTransport": "true",
        "aws:SourceIp": "127.0.0.1",
        "aws:ViaAWSService": "false",
    }


def statements(role_name: str) -> list[Statement]:
    """Returns the statements of all policies of a role; none if the role does not exist."""
    return list(_stated(_documents(role_name)))


def _documents(role_name: str) -> tuple[str, ...]:
    roles = get_backend("iam")[ACCOUNT]["aws"].roles
    role = roles.get(_id_of_role.get(role_name, ""))
    if role is None or role.name != role_name:
        # A copy: another thread may create one meanwhile.
        role = next((role for role in list(roles.values()) if role.name == role_name), None)
        if role is None:
            return ()
        _id_of_role[role_name] = role.id
    documents = (*role.policies.values(), *map(_current, role.managed_policies.values()))
    return tuple(one if isinstance(one, str) else json.dumps(one) for one in documents)


@lru_cache(256)
def _stated(documents: tuple[str, ...]) -> tuple[Statement, ...]:
    stated = [json.loads(document)["Statement"] for document in documents]
    return tuple(statement for one in stated for statement in (one if isinstance(one, list) else [one]))


@lru_cache(4096)
def _about(documents: tuple[str, ...], action: str, resource: str) -> tuple[Statement, ...]:
    """Those statements that name the action and the resource; what they say of it may depend on the request."""
    return tuple(statement for statement in _stated(documents) if names(statement, action, resource))


def _current(policy: Any) -> Any:
    """The document of a managed policy: that of its default version."""
    return next(version.document for version in policy.versions if version.version_id == policy.default_version_id)


def role_of(request: Any) -> str | None:
    """The role whose credentials signed a request, or None where an administrator's did."""
    key = _ACCESS_KEY.search(str(request.headers.get("Authorization", "")))
    return _role_of_key.get(key.group(1), "") if key else None


def _first_denied(role: str, wanted: Iterable[Permission]) -> Permission | None:
    """Returns the first permission that the role lacks, the use of encryption keys included."""
    return next((one for each in wanted for one in (each, *keys.permissions(each)) if not _may(role, one)), None)


def install(aws: Aws) -> None:
    """Checks each request before moto answers it."""
    _running[:] = [aws]
    answer = BaseResponse.call_action

    @replaces(BaseResponse, "call_action", digest="8534b74bc5df")
    def call_action(self: Any) -> Any:
        role = role_of(self)
        if role is not None and (lacking := _first_denied(role, requests.permissions(self))):
            denied = AccessDenied(role, lacking.action, lacking.resource)
            status, headers, body = self.serialized(ActionResult(denied))
            headers["status"] = str(status)
            return status, headers, body
        return answer(self)

    @replaces(S3Response, "_authenticate_and_authorize_s3_action", digest="4c833abb7e6c")
    def authorize_s3(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
        role = role_of(self)
        if role is not None and _first_denied(role, requests.s3_permissions(self, bucket_name, key_name)):
            raise S3AccessDeniedError

    # AccessDenied is a common error of all services, which none of their models names: moto would warn of that.
    replaces(errors, "warn", digest="aa63925edf22")(lambda *_, **__: None)
