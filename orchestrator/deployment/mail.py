"""What SES says of the mails it accepted, kept where a function can look it up.

A mail sent with the stack's configuration set leaves an event; a rule writes it into a log group. The event has the
addresses of the mail, so it is kept no longer than a doubt can last.
"""

from __future__ import annotations

import json
from typing import Any

from orchestrator.deployment import storage
from orchestrator.deployment.statements import arn
from orchestrator.stack import Stack

#: Doubts are settled within minutes of the next run of a slot.
_RETENTION_DAYS = 7


def events(stack: Stack) -> dict[str, Any]:
    """The configuration set, where its events go, the rule that keeps them, and the leave to do so."""
    log = arn("logs", f"log-group:{stack.mail_events_log}:*")
    return {
        "MailEvents": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"Name": stack.mail_events}},
        "MailEventsDestination": {
            "Type": "AWS::SES::ConfigurationSetEventDestination",
            "Properties": {
                "ConfigurationSetName": {"Ref": "MailEvents"},
                "EventDestination": {
                    "Name": stack.mail_events,
                    "Enabled": True,
                    "MatchingEventTypes": ["send"],
                    "EventBridgeDestination": {"EventBusArn": arn("events", "event-bus/default")},
                },
            },
        },
        "MailEventsLog": storage.log_group(stack.mail_events_log, days=_RETENTION_DAYS),
        "MailEventsLogPolicy": {
            "Type": "AWS::Logs::ResourcePolicy",
            "Properties": {
                "PolicyName": f"{stack.name}-mail",
                # It is text, so what differs from account to account is put in by Fn::Sub. It has no condition on the
                # source: no page says that EventBridge names one to a log group ("Using resource-based policies for
                # Amazon EventBridge"), and where it does not, events are lost without a word. Its resource confines it.
                "PolicyDocument": {
                    "Fn::Sub": json.dumps(
                        {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Principal": {"Service": ["delivery.logs.amazonaws.com", "events.amazonaws.com"]},
                                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                                    "Resource": log["Fn::Sub"],
                                }
                            ],
                        }
                    )
                },
            },
        },
        "MailEventsRule": {
            "Type": "AWS::Events::Rule",
            "DependsOn": ["MailEventsLogPolicy"],
            "Properties": {
                "Name": f"{stack.name}-mail",
                "State": "ENABLED",
                "EventPattern": {
                    "source": ["aws.ses"],
                    "detail-type": ["Email Sent"],
                    "detail": {"mail": {"tags": {"ses:configuration-set": [stack.mail_events]}}},
                },
                "Targets": [{"Id": "log", "Arn": arn("logs", f"log-group:{stack.mail_events_log}")}],
            },
        },
    }
