"""What whoever runs `deploy.py` must be allowed to do, by call: its own calls, and those that CloudFormation makes.

Of what the types' handlers may call ("handlers" in AWS's resource type schemas) this is what the template's properties
need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: For what IAM, or its service, knows no finer resource.
_ALL = ("*",)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Actions on resources, and what for."""

    #: ``deploy.py``, a resource type of CloudFormation, or what a project may say of its functions and its stack.
    what: str
    actions: tuple[str, ...]
    #: What follows the partition, with ``STACK``, ``REGION`` and ``ACCOUNT``; ``*`` for all.
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


DEPLOY = "deploy.py"

#: Of artifacts, and of everything else: a project may have buckets of its own.
_BUCKETS = ("s3:::STACK-artifacts-*", "s3:::STACK-*")
_FUNCTIONS = ("lambda:REGION:ACCOUNT:function:STACK-*",)
#: Nobody knows the id of a stack's key before it is there, and its alias goes with the stack, before the key.
KEYS = ("kms:REGION:ACCOUNT:key/*",)
_GROUP = ("scheduler:REGION:ACCOUNT:schedule-group/STACK",)
_GROUPS = (*_GROUP, "scheduler:REGION:ACCOUNT:schedule-group/STACK.one-time")
_LOG_GROUPS = tuple(
    f"logs:REGION:ACCOUNT:log-group:/aws/{kind}/STACK-*" for kind in ("events", "lambda", "vendedlogs/states")
)
_MACHINES = ("states:REGION:ACCOUNT:stateMachine:STACK-*",)
_QUEUES = ("sqs:REGION:ACCOUNT:STACK-*",)
ROLES = ("iam::ACCOUNT:role/STACK/*",)
#: The stack's own, and those that start tasks, on any bus.
_RULES = ("events:REGION:ACCOUNT:rule/STACK-*", "events:REGION:ACCOUNT:rule/*/STACK-on.*")
_SCHEDULES = ("scheduler:REGION:ACCOUNT:schedule/STACK/*",)
_TABLES = ("dynamodb:REGION:ACCOUNT:table/STACK-*",)


def _grant(what: str, service: str, actions: str, resources: tuple[str, ...], **conditions: Any) -> Grant:
    named = tuple(f"{service}:{action}" for action in actions.split())
    return Grant(what=what, actions=named, resources=resources, conditions=conditions)


def _passing(what: str, service: str) -> Grant:
    """Each role can be passed to the service only that its trust policy names; this says so once more."""
    return _grant(what, "iam", "PassRole", ROLES, StringEquals={"iam:PassedToService": f"{service}.amazonaws.com"})


def _through(what: str, service: str, actions: str) -> Grant:
    """Use of keys by a service, for its caller."""
    return _grant(what, "kms", actions, KEYS, StringLike={"kms:ViaService": f"{service}.REGION.amazonaws.com"})


#: The requests of plan, apply, rollback and destroy.
OWN: tuple[Grant, ...] = (
    _grant(
        DEPLOY,
        "cloudformation",
        "CreateChangeSet DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents DescribeStacks"
        " ExecuteChangeSet GetTemplate ListStackResources",
        ("cloudformation:REGION:ACCOUNT:stack/STACK/*",),
    ),
    # To list: S3 says that an object is absent only to those who may.
    _grant(DEPLOY, "s3", "DeleteBucket ListBucketVersions", _BUCKETS),
    _grant(DEPLOY, "s3", "ListBucket", _BUCKETS[:1]),
    _grant(DEPLOY, "s3", "GetObject PutObject", (f"{_BUCKETS[0]}/*",)),
    _grant(DEPLOY, "s3", "DeleteObjectVersion", tuple(f"{bucket}/*" for bucket in _BUCKETS)),
    _grant(
        DEPLOY,
        "states",
        "CreateStateMachineAlias DescribeStateMachine DescribeStateMachineAlias ListStateMachineVersions"
        " PublishStateMachineVersion UpdateStateMachineAlias",
        _MACHINES,
    ),
    # "You can't return information about composite alarms if your [permission] has a narrower scope" (DescribeAlarms).
    _grant(DEPLOY, "cloudwatch", "DescribeAlarms", _ALL),
    _grant(
        DEPLOY,
        "dynamodb",
        "DeleteItem GetItem Scan UpdateItem",
        ("dynamodb:REGION:ACCOUNT:table/STACK-ScheduledTasks",),
    ),
    _grant(DEPLOY, "dynamodb", "Query", ("dynamodb:REGION:ACCOUNT:table/STACK-Limits",)),
    _grant(DEPLOY, "dynamodb", "DeleteItem PutItem", ("dynamodb:REGION:ACCOUNT:table/STACK-Idempotency",)),
    _grant(DEPLOY, "dynamodb", "DeleteTable DescribeTable UpdateTable", _TABLES),
    _grant(DEPLOY, "scheduler", "CreateSchedule DeleteSchedule GetSchedule UpdateSchedule", _SCHEDULES),
    _grant(DEPLOY, "scheduler", "ListTagsForResource TagResource", _GROUP),
    # A list is of no resource.
    _grant(DEPLOY, "scheduler", "ListSchedules", _ALL),
    _grant(DEPLOY, "events", "DeleteRule PutRule PutTargets RemoveTargets", _RULES),
    _grant(DEPLOY, "events", "ListRules", _ALL),
    _grant(
        DEPLOY,
        "sns",
        "ListSubscriptionsByTopic Subscribe",
        ("sns:REGION:ACCOUNT:STACK-Alerts",),
    ),
    # These know no resource ("Actions, resources, and condition keys for Amazon SNS").
    _grant(DEPLOY, "sns", "GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe", _ALL),
    _grant(DEPLOY, "ssm", "GetParametersByPath", ("ssm:REGION:ACCOUNT:parameter/STACK/alerts",)),
    _grant(DEPLOY, "ssm", "DeleteParameter PutParameter", ("ssm:REGION:ACCOUNT:parameter/STACK/alerts/*",)),
    _passing(DEPLOY, "events"),
    _passing(DEPLOY, "scheduler"),
    _through(DEPLOY, "dynamodb", "Decrypt"),
    _through(DEPLOY, "s3", "Decrypt GenerateDataKey"),
    _through(DEPLOY, "ssm", "Decrypt Encrypt"),
    _grant(DEPLOY, "kms", "ScheduleKeyDeletion", KEYS),
)

#: What CloudFormation calls in the caller's name, by resource type; tags are its own, ``aws:cloudformation:…``.
CLOUDFORMATION: tuple[Grant, ...] = (
    _grant(
        "AWS::CloudWatch::Alarm",
        "cloudwatch",
        "DeleteAlarms ListTagsForResource PutMetricAlarm TagResource",
        ("cloudwatch:REGION:ACCOUNT:alarm:STACK-*",),
    ),
    _grant("AWS::CloudWatch::Alarm", "cloudwatch", "DescribeAlarms", _ALL),
    _grant(
        "AWS::CloudWatch::Dashboard",
        "cloudwatch",
        "DeleteDashboards GetDashboard ListTagsForResource PutDashboard TagResource",
        ("cloudwatch::ACCOUNT:dashboard/STACK",),
    ),
    _grant(
        "AWS::DynamoDB::Table",
        "dynamodb",
        "CreateTable DeleteTable DescribeContinuousBackups DescribeContributorInsights"
        " DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive GetResourcePolicy ListTagsOfResource"
        " UpdateContinuousBackups UpdateTable UpdateTimeToLive",
        _TABLES,
    ),
    _through("AWS::DynamoDB::Table", "dynamodb", "CreateGrant Decrypt DescribeKey Encrypt"),
    _grant(
        "AWS::Events::EventBus",
        "events",
        "CreateEventBus DeleteEventBus DescribeEventBus ListTagsForResource TagResource UpdateEventBus",
        ("events:REGION:ACCOUNT:event-bus/STACK-*",),
    ),
    _grant(
        "AWS::Events::Rule",
        "events",
        "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets RemoveTargets TagResource",
        _RULES,
    ),
    _grant(
        "AWS::IAM::Role",
        "iam",
        "CreateRole DeleteRole DeleteRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies"
        " PutRolePolicy UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        ROLES,
    ),
    _grant("AWS::KMS::Alias", "kms", "CreateAlias DeleteAlias UpdateAlias", ("kms:REGION:ACCOUNT:alias/STACK", *KEYS)),
    _grant("AWS::KMS::Alias", "kms", "ListAliases", _ALL),
    _grant(
        "AWS::KMS::Key",
        "kms",
        "DescribeKey EnableKeyRotation GetKeyPolicy GetKeyRotationStatus ListResourceTags PutKeyPolicy"
        " ScheduleKeyDeletion UpdateKeyDescription",
        KEYS,
    ),
    # There is none yet.
    _grant("AWS::KMS::Key", "kms", "CreateKey", _ALL),
    _grant(
        "AWS::Lambda::EventSourceMapping",
        "lambda",
        "CreateEventSourceMapping DeleteEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping",
        # They have ids that nobody knows before; whose function it is can be known.
        _ALL,
        ArnLike={"lambda:FunctionArn": _FUNCTIONS},
    ),
    _grant(
        "AWS::Lambda::EventSourceMapping",
        "lambda",
        "ListTags TagResource",
        ("lambda:REGION:ACCOUNT:event-source-mapping:*",),
    ),
    _grant(
        "AWS::Lambda::Function",
        "lambda",
        "CreateFunction DeleteFunction DeleteFunctionConcurrency GetFunction GetFunctionCodeSigningConfig"
        " GetFunctionRecursionConfig GetRuntimeManagementConfig PutFunctionConcurrency TagResource UpdateFunctionCode"
        " UpdateFunctionConfiguration",
        _FUNCTIONS,
    ),
    _grant("AWS::Lambda::Function", "s3", "GetObject", (f"{_BUCKETS[0]}/*",)),
    _passing("AWS::Lambda::Function", "lambda"),
    _through("AWS::Lambda::Function", "lambda", "CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey"),
    # These two for webhooks.
    _grant("AWS::Lambda::Permission", "lambda", "AddPermission GetPolicy RemovePermission", _FUNCTIONS),
    _grant(
        "AWS::Lambda::Url",
        "lambda",
        "CreateFunctionUrlConfig DeleteFunctionUrlConfig GetFunctionUrlConfig UpdateFunctionUrlConfig",
        _FUNCTIONS,
    ),
    _grant(
        "AWS::Logs::LogGroup",
        "logs",
        "AssociateKmsKey CreateLogGroup DeleteLogGroup DescribeIndexPolicies GetDataProtectionPolicy"
        " ListTagsForResource PutRetentionPolicy TagResource",
        _LOG_GROUPS,
    ),
    # A list is of no resource, and resource policies are none.
    _grant("AWS::Logs::LogGroup", "logs", "DescribeLogGroups", _ALL),
    _grant(
        "AWS::Logs::ResourcePolicy", "logs", "DeleteResourcePolicy DescribeResourcePolicies PutResourcePolicy", _ALL
    ),
    _grant(
        "AWS::S3::Bucket",
        "s3",
        "CreateBucket DeleteBucket GetBucketNotification GetBucketOwnershipControls GetBucketPublicAccessBlock"
        " GetBucketTagging GetBucketVersioning GetEncryptionConfiguration ListBucket PutBucketNotification"
        " PutBucketOwnershipControls"
        " PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning PutEncryptionConfiguration",
        _BUCKETS,
    ),
    _grant("AWS::S3::BucketPolicy", "s3", "DeleteBucketPolicy GetBucketPolicy PutBucketPolicy", _BUCKETS),
    # SES's first API, which has these, too, knows no resource of theirs.
    _grant(
        "AWS::SES::ConfigurationSet",
        "ses",
        "CreateConfigurationSet DeleteConfigurationSet DescribeConfigurationSet GetConfigurationSet TagResource",
        _ALL,
    ),
    _grant(
        "AWS::SES::ConfigurationSetEventDestination",
        "ses",
        "CreateConfigurationSetEventDestination DeleteConfigurationSetEventDestination"
        " GetConfigurationSetEventDestinations UpdateConfigurationSetEventDestination",
        _ALL,
    ),
    _grant(
        "AWS::SNS::Topic",
        "sns",
        "CreateTopic DeleteTopic GetDataProtectionPolicy GetTopicAttributes ListSubscriptionsByTopic"
        " ListTagsForResource SetTopicAttributes TagResource",
        ("sns:REGION:ACCOUNT:STACK-*",),
    ),
    _grant("AWS::SNS::TopicPolicy", "sns", "SetTopicAttributes", ("sns:REGION:ACCOUNT:STACK-*",)),
    _grant(
        "AWS::SQS::Queue",
        "sqs",
        "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes",
        _QUEUES,
    ),
    _grant("AWS::SQS::QueuePolicy", "sqs", "SetQueueAttributes", _QUEUES),
    _grant(
        "AWS::Scheduler::ScheduleGroup",
        "scheduler",
        "CreateScheduleGroup DeleteScheduleGroup GetScheduleGroup ListTagsForResource TagResource",
        _GROUPS,
    ),
    _grant(
        "AWS::Scheduler::ScheduleGroup",
        "scheduler",
        "DeleteSchedule",
        (*_SCHEDULES, "scheduler:REGION:ACCOUNT:schedule/STACK.one-time/*"),
    ),
    _grant(
        "AWS::StepFunctions::StateMachine",
        "states",
        "CreateStateMachine DeleteStateMachine DescribeStateMachine ListTagsForResource TagResource UpdateStateMachine",
        _MACHINES,
    ),
    _passing("AWS::StepFunctions::StateMachine", "states"),
)


#: What CloudFormation calls beside that for what stack.yaml, or a file beside a handler, may say, by its field. Tags
#: may be changed and taken away again ("tagging" in AWS's resource type schemas).
PLACED: tuple[Grant, ...] = (
    # "Giving Lambda functions access to resources in an Amazon VPC"; a description is of no resource.
    _grant("vpc", "ec2", "DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs", _ALL),
    # A layer may be of any account.
    _grant("layers", "lambda", "GetLayerVersion", ("lambda:REGION:*:layer:*",)),
    _grant("tags", "cloudformation", "TagResource UntagResource", ("cloudformation:REGION:ACCOUNT:stack/STACK/*",)),
    _grant("tags", "cloudwatch", "UntagResource", ("cloudwatch:REGION:ACCOUNT:alarm:STACK-*",)),
    _grant("tags", "cloudwatch", "UntagResource", ("cloudwatch::ACCOUNT:dashboard/STACK",)),
    _grant("tags", "dynamodb", "TagResource UntagResource", _TABLES),
    _grant("tags", "events", "UntagResource", ("events:REGION:ACCOUNT:event-bus/STACK-*",)),
    _grant("tags", "events", "UntagResource", _RULES),
    _grant("tags", "iam", "ListRoleTags TagRole UntagRole", ROLES),
    _grant("tags", "kms", "TagResource UntagResource", KEYS),
    _grant("tags", "lambda", "ListTags UntagResource", _FUNCTIONS),
    _grant("tags", "lambda", "UntagResource", ("lambda:REGION:ACCOUNT:event-source-mapping:*",)),
    _grant("tags", "logs", "UntagResource", _LOG_GROUPS),
    _grant("tags", "s3", "ListTagsForResource TagResource UntagResource", _BUCKETS),
    _grant("tags", "ses", "ListTagsForResource UntagResource", _ALL),
    _grant("tags", "sns", "UntagResource", ("sns:REGION:ACCOUNT:STACK-*",)),
    _grant("tags", "sqs", "TagQueue UntagQueue", _QUEUES),
    _grant("tags", "scheduler", "UntagResource", _GROUPS),
    _grant("tags", "states", "UntagResource", _MACHINES),
)

ALL = OWN + CLOUDFORMATION + PLACED
