"""What a deployment changes about the stack: found by comparing templates, shown by a plan, carried out by an apply.

A plan writes nothing, so there is no change set: even one that is never executed is a resource of the account, and
creating it needs a permission that a reader should not have. The deployed template is read and compared instead.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

import orchestrator
from orchestrator.clients import Clients
from orchestrator.deployment import updates
from orchestrator.deployment.application import Application
from orchestrator.deployment.bundles import Bundle
from orchestrator.deployment.definition_changes import DefinitionChange, definition_change
from orchestrator.deployment.settings import StackSettings
from orchestrator.deployment.stack import CloudFormationStack, Deployed
from orchestrator.deployment.updates import Template
from orchestrator.errors import OlderRelease
from orchestrator.runs.destinations import Destination
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_STATE_MACHINE = "AWS::StepFunctions::StateMachine"

#: The properties of a state machine that make a version ("State machine versions"), and what they depend on.
_REVISION_PARAMETERS = ("LogLevel", "Tracing")
_REVISION = ("DefinitionString", "LoggingConfiguration", "RoleArn", "TracingConfiguration")


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """A change of the template: of a resource, or of an entry of another section."""

    #: ``Resources``, ``Parameters``, ``Outputs`` …
    section: str
    name: str
    #: ``add``, ``remove`` or ``change``.
    action: str
    #: What a resource is: ``AWS::Lambda::Function``; empty in other sections.
    type: str = ""
    #: Which properties differ; of a parameter: its values, old and new.
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StackChange:
    """The stack as it is deployed, and as it is to be."""

    stack: Stack
    #: Before the first deployment: none.
    deployed: Deployed | None
    #: The template that the stack was last deployed with; empty before the first deployment.
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    #: What a first deployment begins with.
    bootstrap: Mapping[str, Any]
    #: The values of the template's parameters.
    parameters: Mapping[str, str]
    #: The functions' code, by the parameter that names it.
    bundles: Mapping[str, Bundle]
    #: Of the stack itself; None where the project says nothing of tags, and never did.
    tags: Mapping[str, str] | None = None

    @cached_property
    def is_empty(self) -> bool:
        """Whether the stack has the template and the parameters already."""
        deployed = self.deployed
        return deployed is not None and dict(deployed.parameters) == self.parameters and self.before == self.after

    @property
    def outputs(self) -> Mapping[str, str]:
        """The outputs as deployed. A stack whose first deployment got no further than its first step has few."""
        return self.deployed.outputs if self.deployed else {}

    @property
    def reindexed(self) -> set[str]:
        """The names of the tables that stay, and get or lose an index."""
        changed = (*updates.new_indexes(self.before, self.after), *updates.old_indexes(self.before, self.after))
        return {one.table_name for one in changed}

    def infrastructure(self) -> Iterator[ResourceChange]:
        """Every entry of the template, and every value of a parameter, that differs."""
        yield from _resources(self.before, self.after)
        yield from _parameters(self.deployed.parameters if self.deployed else {}, self.parameters)

    def definitions(self) -> Iterator[DefinitionChange]:
        """The state machines whose definition differs."""
        old = self.before.get("Resources", {})
        for logical_id, resource in self.after["Resources"].items():
            if name := _state_machine_name(resource):
                change = definition_change(name, _definition(old.get(logical_id, {})), _definition(resource))
                if change:
                    yield change

    def state_machines(self) -> set[str]:
        """The names of the state machines that are deployed."""
        return {name for one in self.before.get("Resources", {}).values() if (name := _state_machine_name(one))}

    def republished(self) -> Iterator[str]:
        """The names of the state machines that are new or change, each of which gets a version."""
        old, parameters = self.before.get("Resources", {}), self.deployed.parameters if self.deployed else {}
        for logical_id, resource in self.after["Resources"].items():
            before, after = _revision(old.get(logical_id), parameters), _revision(resource, self.parameters)
            if (name := _state_machine_name(resource)) and before != after:
                yield name


def stack_change(
    stack: CloudFormationStack,
    application: Application,
    settings: StackSettings,
    destinations: tuple[Destination, ...],
) -> StackChange:
    """Finds the change that makes ``stack`` as the application says; it reads only.

    Raises :class:`~orchestrator.errors.DeploymentFailed` for a stack that must be mended by a person first, and
    :class:`~orchestrator.errors.OlderRelease` for one that a newer release of this library has deployed.
    """
    deployed = stack.deployable()
    its = deployed.outputs.get("Version", "") if deployed else ""
    if _release(its) > _release(orchestrator.__version__):
        raise OlderRelease(application.stack.name, its, orchestrator.__version__)
    before = stack.template() if deployed else {}
    template, bundles = application.template, application.bundles()
    kept = deployed.parameters if deployed else {}
    return StackChange(
        stack=application.stack,
        deployed=deployed,
        before=before,
        after=template,
        bootstrap=application.bootstrap_template,
        parameters=_parameters_of(template, bundles, kept, settings.parameters(destinations)),
        bundles=bundles,
        tags=application.surroundings.tags if _is_tagged(before) or _is_tagged(template) else None,
    )


def _is_tagged(template: Mapping[str, Any]) -> bool:
    return any("Tags" in resource.get("Properties", {}) for resource in template.get("Resources", {}).values())


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version; those before 0.2.0 have left none in their stacks."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def carry_out(
    change: StackChange,
    stack: CloudFormationStack,
    clients: Clients,
    *,
    sleep: Callable[[float], object],
    progress: Callable[[str], object],
) -> Mapping[str, str]:
    """Deploys the stack, where it differs; its outputs then.

    The first time the bucket that all else comes from is created first. Where one update cannot do it, there are
    several, each of them begun when the indexes of the one before are filled. Raises
    :class:`~orchestrator.errors.DeploymentFailed` and :class:`~orchestrator.errors.IndexNotFilled`.
    """
    if change.is_empty:
        return change.outputs
    deployed = change.deployed or stack.deploy({}, change.tags, TemplateBody=json.dumps(change.bootstrap))
    bucket = _Artifacts(clients("s3"), deployed.outputs["ArtifactsBucket"], is_new=change.deployed is None)
    for bundle in change.bundles.values():
        bucket.upload(bundle.key, bundle.to_zip)
    kept = deployed.parameters
    steps: list[tuple[Template, Mapping[str, str], Mapping[str, str] | None]] = [
        *((step, kept, None) for step in updates.first(change.before, change.after)),
        *((step, change.parameters, change.tags) for step in updates.then(change.before, change.after)),
    ]
    there = change.before
    for step, parameters, tags in steps:
        if tables := change.reindexed:
            updates.wait_until_filled(clients("dynamodb"), there, tables, sleep=sleep, progress=progress)
        text = json.dumps(step).encode()
        key = f"templates/{hashlib.sha256(text).hexdigest()[:32]}.json"
        bucket.upload(key, partial(bytes, text))
        location = f"https://{deployed.outputs['ArtifactsDomain']}/{key}"
        deployed, there = stack.deploy(parameters, tags, TemplateURL=location), step
    return deployed.outputs


def _parameters_of(
    template: Mapping[str, Any], bundles: Mapping[str, Bundle], deployed: Mapping[str, str], chosen: Mapping[str, str]
) -> dict[str, str]:
    """The template's defaults, the deployed values, the chosen ones and the keys of the code; later ones win."""
    defaults = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    kept = {name: value for name, value in deployed.items() if name in defaults}
    return {**defaults, **kept, **chosen, **{name: bundle.key for name, bundle in bundles.items()}}


class _Artifacts:
    """The bucket for bundles and templates. A key holds the hash of its content, so an object is never overwritten."""

    def __init__(self, client: S3Client, bucket: str, *, is_new: bool) -> None:
        self._client = client
        self._bucket = bucket
        self._is_new = is_new

    def upload(self, key: str, content: Callable[[], bytes]) -> None:
        if self._is_new or not self._has(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content())

    def _has(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as fault:
            if fault.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
                raise
            return False
        return True


def _resources(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ResourceChange]:
    """Every entry of the template that differs, other than by what a state machine does."""
    for section in sorted(before.keys() | after.keys()):
        old, new = before.get(section, {}), after.get(section, {})
        if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
            # Texts about the template itself: of a new stack they say nothing.
            if old != new and before:
                yield ResourceChange(section=section, name=section, action="change")
            continue
        for name in sorted(old.keys() | new.keys()):
            type_ = new.get(name, old.get(name))["Type"] if section == "Resources" else ""
            if name not in old:
                yield ResourceChange(section=section, name=name, action="add", type=type_)
            elif name not in new:
                yield ResourceChange(section=section, name=name, action="remove", type=type_)
            elif properties := tuple(_differing(old[name], new[name])):
                yield ResourceChange(section=section, name=name, action="change", type=type_, properties=properties)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if key == "Properties":
            inner, other = old.get(key, {}), new.get(key, {})
            yield from (
                name
                for name in sorted(inner.keys() | other.keys())
                if inner.get(name) != other.get(name)
                and not (name == "DefinitionString" and old.get("Type") == _STATE_MACHINE)
            )
        elif old.get(key) != new.get(key):
            yield key


def _parameters(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[ResourceChange]:
    """Values of parameters, the keys of code among them, that differ."""
    for name in sorted(new):
        if name in old and old[name] != new[name]:
            said = (f"{old[name] or '(empty)'} → {new[name] or '(empty)'}",)
            yield ResourceChange(section="Parameters", name=name, action="change", properties=said)


def _state_machine_name(resource: Mapping[str, Any]) -> str | None:
    return resource["Properties"]["StateMachineName"] if resource.get("Type") == _STATE_MACHINE else None


def _definition(resource: Mapping[str, Any]) -> dict[str, Any]:
    text = resource.get("Properties", {}).get("DefinitionString", "{}")
    return dict(json.loads(text["Fn::Sub"] if isinstance(text, dict) else text))


def _revision(resource: Mapping[str, Any] | None, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Returns the parts of a state machine that a version fixes."""
    properties = resource["Properties"] if resource else {}
    own = {name: properties.get(name) for name in _REVISION}
    return own | {name: parameters.get(name) for name in _REVISION_PARAMETERS}
