"""What moto imports for CloudFormation's sake and the embedded AWS does without.

moto's CloudFormation imports each service that has a resource type. EC2 reads its types of instances and asks boto3
three times for its regions, and API Gateway imports a validator of OpenAPI with pydantic's settings: together half of
the time that the embedded AWS takes to start. It offers neither service. So EC2 knows no types of instances here, and
the validator is imported when API Gateway validates something.

This module comes before any other import of moto; afterwards it saves nothing, and changes nothing either.
"""

from __future__ import annotations

import functools
import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import boto3
from moto.core.base_backend import AccountSpecificBackend
from moto.utilities import utils

from orchestrator.local.aws.replacements import replaces

#: The resources of EC2 that are not read.
_UNREAD = "ec2/resources/instance_type"

_OPENAPI = "openapi_spec_validator"
_EXCEPTIONS = f"{_OPENAPI}.validation.exceptions"

#: A session reads the list of all endpoints once.
session = functools.cache(boto3.Session)


class _Invalid(Exception):
    """Stands for the validator's exception."""


def _validate(*arguments: Any, **named: Any) -> None:
    fault = importlib.import_module(_EXCEPTIONS).OpenAPIValidationError
    try:
        importlib.import_module(_OPENAPI).validate(*arguments, **named)
    except fault as invalid:
        raise _Invalid from invalid


@contextmanager
def _light() -> Iterator[None]:
    """Within it boto3 has one session, and the validator of OpenAPI is imported later."""
    stand_ins = {name: ModuleType(name) for name in (_OPENAPI, _EXCEPTIONS)}
    vars(stand_ins[_OPENAPI])["validate"] = _validate
    vars(stand_ins[_EXCEPTIONS])["OpenAPIValidationError"] = _Invalid
    plain = boto3.Session
    sys.modules.update(stand_ins)
    boto3.Session = session
    # Nothing of this is garbage, now or later.
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        boto3.Session = plain
        for name in stand_ins:
            del sys.modules[name]


def _lean(load: Any) -> Any:
    return lambda resource: {} if resource.startswith(_UNREAD) else load(resource)


replaces(utils, "load_resource", digest="f9307723af29")(_lean(utils.load_resource))
replaces(AccountSpecificBackend, "get_session", digest="212f2df9f5f7")(classmethod(lambda _: session()))
if _OPENAPI not in sys.modules:
    with _light():
        importlib.import_module("moto.cloudformation.parsing")
