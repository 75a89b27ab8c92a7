"""What moto imports for CloudFormation's sake and the embedded AWS does without.

moto's CloudFormation imports each service that has a resource type. EC2 reads its types of instances and asks boto3
three times for its regions, and API Gateway imports a validator of OpenAPI with pydantic's settings: together half of
the time that the embedded AWS takes to start. It offers neither service. So EC2 knows no types of instances here, and
the validator is imported when API Gateway validates something. Nor are the policies there that AWS manages, 5 MB of
text, unless moto is told to load them.

Each session, and moto for each service, reads the descriptions of services again. Here each is there once, as plain
dictionaries, which take half of the space and the time; what moto adds to some, it adds to its own. Their documentation
for people, a third of the space, is left out.

This module comes before any other import of moto; afterwards it saves little, and changes nothing either.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
from botocore.loaders import JSONFileLoader, Loader
from moto.core import loaders
from moto.core import utils as core
from moto.core.base_backend import AccountSpecificBackend
from moto.settings import load_iam_aws_managed_policies
from moto.utilities import utils

from orchestrator.local.aws.replacements import replaces

#: The resources of EC2 that are not read.
_UNREAD = "ec2/resources/instance_type"

_OPENAPI = "openapi_spec_validator"
_EXCEPTIONS = f"{_OPENAPI}.validation.exceptions"

#: A module with nothing but a long text, which moto reads if a setting says so.
_POLICIES = "moto.iam.aws_managed_policies"

#: A documentation in a description. Some are asked for, so that they stay, without a text.
_DOCUMENTATION = re.compile(rb'("documentation":\s*)"(?:[^"\\]+|\\.)*+"')

#: What comes with botocore.
_DESCRIPTIONS = Path(Loader.BUILTIN_DATA_PATH)


class _Session(boto3.Session):
    """Knows where EC2 is without its description, the largest of all, which has nothing to say of that."""

    def get_available_regions(
        self, service_name: str, partition_name: str = "aws", allow_non_regional: bool = False
    ) -> list[str]:
        if service_name != "ec2":
            return list(super().get_available_regions(service_name, partition_name, allow_non_regional))
        known = self._session._get_internal_component("endpoint_resolver")
        return list(known.get_available_endpoints(service_name, partition_name, allow_non_regional))


#: A session reads the list of all endpoints once.
session = functools.cache(_Session)


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
    """Within it boto3 has one session, and what is not needed is not imported."""
    stand_ins = {name: ModuleType(name) for name in (_OPENAPI, _EXCEPTIONS)}
    if not load_iam_aws_managed_policies():
        stand_ins[_POLICIES] = ModuleType(_POLICIES)
        vars(stand_ins[_POLICIES])["aws_managed_policies_data"] = "{}"
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


def _load_file(self: Any, full_path: str, open_method: Any) -> Any:
    """A description of botocore's, read once: nobody changes it, as all clients of a session have it in common."""
    path = Path(full_path)
    of_botocore = path.is_relative_to(_DESCRIPTIONS)
    if of_botocore and not _is_changed(path.relative_to(_DESCRIPTIONS).parts[0]):
        return _read_once(full_path, open_method)
    return _read(full_path, open_method)


def _read(full_path: str, open_method: Any) -> Any:
    try:
        with open_method(full_path, "rb") as file:
            return json.loads(_DOCUMENTATION.sub(rb'\1""', file.read()))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


_read_once = functools.cache(_read)


@functools.cache
def _is_changed(service: str) -> bool:
    """Whether moto adds something to the description of a service."""
    return any(Path(loaders.moto_root, service.replace("-", "")).glob("*/*extras*"))


def _lean(load: Any) -> Any:
    return lambda resource: {} if resource.startswith(_UNREAD) else load(resource)


JSONFileLoader._load_file = _load_file
replaces(core, "create_loader", digest="789ed39d2781")(functools.cache(core.create_loader))
replaces(utils, "load_resource", digest="f9307723af29")(_lean(utils.load_resource))
replaces(AccountSpecificBackend, "get_session", digest="212f2df9f5f7")(classmethod(lambda _: session()))
if _OPENAPI not in sys.modules:
    with _light():
        importlib.import_module("moto.cloudformation.parsing")
