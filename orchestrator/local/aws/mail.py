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

from orchestrator.local.aws.cloudformation.resource_type import Made, Place, Properties, ResourceType
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


class ConfigurationSetResource(ResourceType, CloudFormationModel):
    """AWS::SES::ConfigurationSet."""

    type_name, name_property = "AWS::SES::ConfigurationSet", "Name"

    @classmethod
    def create(cls, name: str, properties: Properties, place: Place) -> Any:
        place.backend(ses_backends).create_configuration_set(name)
        return Made(name, cls.type_name)

    @classmethod
    def delete(cls, name: str, place: Place) -> None:
        backend = place.backend(ses_backends)
        backend.config_sets.pop(name, None)
        destination = backend.config_set_event_destination.pop(name, {})
        backend.event_destinations.pop(destination.get("Name", ""), None)


class EventDestinationResource(ResourceType, CloudFormationModel):
    """AWS::SES::ConfigurationSetEventDestination, which is deleted with its configuration set."""

    type_name = "AWS::SES::ConfigurationSetEventDestination"

    @classmethod
    def create(cls, name: str, properties: Properties, place: Place) -> Any:
        place.backend(ses_backends).create_configuration_set_event_destination(
            properties["ConfigurationSetName"], properties["EventDestination"]
        )
        return Made(name, cls.type_name)


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
