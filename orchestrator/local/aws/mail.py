"""SES says what became of a mail.

On AWS a mail that is sent with a configuration set leaves events, which an event destination hands to EventBridge
("Setting up an EventBridge destination for Amazon SES event publishing"). moto keeps configuration sets and their
destinations, but CloudFormation cannot make them, and no mail leaves an event.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.ses.models import ses_backends
from moto.ses.responses import EmailResponse

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


class _Named:
    """What Ref gives of a resource."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name
        self.type = ""

    def is_created(self) -> bool:
        return True


class ConfigurationSetResource(CloudFormationModel):
    """AWS::SES::ConfigurationSet."""

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SES::ConfigurationSet"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Any:
        ses_backends[account_id][region_name].create_configuration_set(resource_name)
        return _Named(resource_name)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Any, *_: Any, **__: Any) -> Any:
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        backend = ses_backends[account_id][region_name]
        backend.config_sets.pop(resource_name, None)
        destination = backend.config_set_event_destination.pop(resource_name, {})
        backend.event_destinations.pop(destination.get("Name", ""), None)


class EventDestinationResource(CloudFormationModel):
    """AWS::SES::ConfigurationSetEventDestination."""

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SES::ConfigurationSetEventDestination"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_: Any
    ) -> Any:
        properties = cloudformation_json["Properties"]
        backend = ses_backends[account_id][region_name]
        name = properties["ConfigurationSetName"]
        backend.create_configuration_set_event_destination(name, properties["EventDestination"])
        return _Named(resource_name)

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: Any, *_: Any, **__: Any) -> Any:
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """It goes with its configuration set."""


def install(aws: Aws) -> None:
    """Emits an event for each raw mail whose configuration set hands what was sent to EventBridge."""
    send = EmailResponse.send_raw_email

    @replaces(EmailResponse, "send_raw_email", digest="b2e4b7729f5a")
    def send_raw_email(self: Any) -> Any:
        result = send(self)
        name = self._get_param("ConfigurationSetName")
        destination = self.backend.config_set_event_destination.get(name, {})
        if "EventBridgeDestination" in destination and "send" in destination.get("MatchingEventTypes", []):
            tags = {tag["Name"]: [tag["Value"]] for tag in self._get_param("Tags", [])}
            mail = {
                "messageId": self.backend.sent_messages[-1].id,
                "tags": {**tags, "ses:configuration-set": [name]},
            }
            detail = {"eventType": "Send", "mail": mail, "send": {}}
            event = {"Source": "aws.ses", "DetailType": "Email Sent", "Detail": json.dumps(detail)}
            aws.backend("events").put_events([event])
        return result
