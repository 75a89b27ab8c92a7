"""A CloudFormation stack, changed through change sets."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from botocore.exceptions import ClientError

from orchestrator.errors import DeploymentFailed

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import TagTypeDef

#: Seconds between two looks at a stack that changes.
POLL_SECONDS = 2.0

#: A change that takes longer than this many looks (an hour) is not waited for.
_LOOKS = 1800

_DELETE = "delete the stack (`orchestrator destroy`), then deploy again"

#: "Stack status codes": nothing can be deployed on top of these.
_ADVICE = {
    "ROLLBACK_FAILED": f"its creation failed, and something that it made could not be deleted; {_DELETE}",
    "CREATE_FAILED": f"its creation failed; {_DELETE}",
    "DELETE_FAILED": f"its deletion failed; {_DELETE}",
    "UPDATE_FAILED": "an update failed; roll the stack back in the console, then deploy again",
    "UPDATE_ROLLBACK_FAILED": "a rollback failed; continue it in the console, then deploy again",
}

#: A stack whose creation failed and was undone: nothing of it is there but its record, which bars the next creation.
_UNDONE = "ROLLBACK_COMPLETE"

#: What to try, by what a resource's event says.
_HINTS = {
    "already exists": "; delete what has this name, or deploy another environment with --env",
    # Lambda's words for a reservation that the account's quota does not allow.
    "UnreservedConcurrentExecution": "; deploy with --no-reserved-concurrency, or ask AWS for a higher quota",
}


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A stack as it stands."""

    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]


class TemplateSource(TypedDict, total=False):
    """The place of a template, as CreateChangeSet takes it: one of the two."""

    TemplateURL: str
    TemplateBody: str


class TagsOfStack(TypedDict, total=False):
    """Tags, in the words of CreateChangeSet."""

    Tags: list[TagTypeDef]


class CloudFormationStack:
    """One stack, through ``client``, boto3's client of CloudFormation.

    ``progress`` is called with a line of text for each event of a resource, ``sleep`` with seconds to wait.
    """

    def __init__(
        self,
        client: CloudFormationClient,
        name: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
        progress: Callable[[str], object] = lambda line: None,
    ) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep
        self._progress = progress

    def describe(self) -> Deployed | None:
        """The stack, or None if there is none, or none but a change set that was never executed."""
        try:
            deployed = self._describe()
        except ClientError as fault:
            if fault.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(fault):
                return None
            raise
        return None if deployed.status == "REVIEW_IN_PROGRESS" else deployed

    def _describe(self) -> Deployed:
        stack = self._client.describe_stacks(StackName=self._name)["Stacks"][0]
        return Deployed(
            status=stack["StackStatus"],
            parameters={item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])},
            outputs={item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])},
        )

    def deployable(self) -> Deployed | None:
        """The same, where something can be deployed on top of it; None where :meth:`deploy` creates it.

        Raises :class:`DeploymentFailed` for a stack that must be mended by a person first.
        """
        return self._on_top_of(self.describe())

    def _on_top_of(self, deployed: Deployed | None) -> Deployed | None:
        if deployed and deployed.status == _UNDONE:
            return None
        if deployed and deployed.status in _ADVICE:
            raise DeploymentFailed(self._name, deployed.status, _ADVICE[deployed.status])
        if deployed and deployed.status.endswith("_IN_PROGRESS"):
            raise DeploymentFailed(self._name, deployed.status, "another deployment is under way; wait for its end")
        return deployed

    def template(self) -> Any:
        """The template that the stack was last deployed with, as what its JSON text says."""
        # A dict where the template is JSON, and the text of one in YAML.
        body: Any = self._client.get_template(StackName=self._name)["TemplateBody"]
        return json.loads(body) if isinstance(body, str) else body

    def deploy(
        self, parameters: Mapping[str, str], tags: Mapping[str, str] | None = None, **template: Unpack[TemplateSource]
    ) -> Deployed:
        """Makes the stack what ``TemplateURL=…`` or ``TemplateBody=…`` says, or leaves it as it was.

        Without ``tags`` it keeps those that it has; CloudFormation gives them to its resources as well.
        Raises :class:`DeploymentFailed` with the first resource that failed.
        """
        found = self.describe()
        before = self._on_top_of(found)
        if before is None and found:
            self._progress(f"the creation of {self._name} failed before and was rolled back; its record goes first")
            self.delete()
        tagged: TagsOfStack = {}
        if tags is not None:
            tagged = {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}
        change_set = self._client.create_change_set(
            StackName=self._name,
            # A name of an interrupted deployment must not be in the way of the next.
            ChangeSetName=f"deploy-{uuid.uuid4()}",
            ChangeSetType="UPDATE" if before else "CREATE",
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            **tagged,
            **template,
        )["Id"]
        if self._changes_something(change_set):
            seen = {event["EventId"] for event in islice(self._events(), 1)}
            self._client.execute_change_set(ChangeSetName=change_set, StackName=self._name)
            return self._wait(seen)
        after = self.describe()
        assert after is not None, "the stack was there a moment ago"
        return after

    def physical_names(self) -> dict[str, str]:
        """Returns the physical name of each existing resource, by its logical id."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self._name)
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource.get("PhysicalResourceId") and resource["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def delete(self) -> None:
        """Deletes the stack, and waits until it is gone. Raises :class:`DeploymentFailed`."""
        # A stack that is gone is found by its id alone.
        stack_id = self._client.describe_stacks(StackName=self._name)["Stacks"][0]["StackId"]
        seen = {event["EventId"] for event in islice(self._events(), 1)}
        self._client.delete_stack(StackName=self._name)
        CloudFormationStack(self._client, stack_id, sleep=self._sleep, progress=self._progress)._wait(
            seen, done=("DELETE_COMPLETE",)
        )

    def _changes_something(self, change_set: str) -> bool:
        for _ in range(_LOOKS):
            described = self._client.describe_change_set(ChangeSetName=change_set, StackName=self._name)
            if described["Status"] == "CREATE_COMPLETE":
                return True
            if described["Status"] == "FAILED":
                self._client.delete_change_set(ChangeSetName=change_set, StackName=self._name)
                reason = described.get("StatusReason", "no reason given")
                if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                    return False
                raise DeploymentFailed(self._name, "FAILED", f"the change set was refused: {reason}")
            self._sleep(POLL_SECONDS)
        raise DeploymentFailed(self._name, "REVIEW_IN_PROGRESS", "the change set is not ready after an hour")

    def _wait(self, seen: set[str], done: Collection[str] = ("CREATE_COMPLETE", "UPDATE_COMPLETE")) -> Deployed:
        failure, status = "", ""
        for _ in range(_LOOKS):
            # The status first: what happened until it was reached is then among the events.
            deployed = self._describe()
            status = deployed.status
            for event in self._new_events(seen):
                line = f"{event['ResourceStatus']} {event['LogicalResourceId']} ({event['ResourceType']})"
                reason = event.get("ResourceStatusReason", "")
                self._progress(line)
                if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
                    failure = failure or f"{line}: {reason}"
            if not status.endswith("_IN_PROGRESS"):
                if status not in done:
                    hint = next((hint for said, hint in _HINTS.items() if said in failure), "")
                    raise DeploymentFailed(self._name, status, (failure or "see the stack's events") + hint)
                return deployed
            self._sleep(POLL_SECONDS)
        raise DeploymentFailed(self._name, status, "it is not done after an hour; deploy again when it is")

    def _new_events(self, seen: set[str]) -> list[Any]:
        """Oldest first; ``seen`` holds at least the newest that is not new."""
        new = []
        for event in self._events():
            if event["EventId"] in seen:
                break
            new.append(event)
        seen.update(event["EventId"] for event in new)
        return new[::-1]

    def _events(self) -> Iterator[Any]:
        """Newest first, a page at a time."""
        for page in self._client.get_paginator("describe_stack_events").paginate(StackName=self._name):
            yield from page["StackEvents"]
