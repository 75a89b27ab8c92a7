"""CloudFormation where moto falls short: change sets that leave outputs, schedule groups, machines that run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.cloudformation import deploy, template

if TYPE_CHECKING:
    from types_boto3_cloudformation.literals import ChangeSetTypeType


def test_a_change_set_leaves_outputs_and_parameters(aws: EmbeddedAws) -> None:
    outputs = deploy(aws, "CREATE", template(), "red")
    assert outputs == {
        "Group": "group",
        "GroupArn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/group",
        "Machine": "arn:aws:states:us-east-1:123456789012:stateMachine:machine",
        "Colour": "red",
    }
    groups = aws.client("scheduler").list_schedule_groups()["ScheduleGroups"]
    assert {group["Name"] for group in groups} == {"default", "group"}


def test_a_stack_whose_first_change_set_was_never_executed_is_there_for_the_next(aws: EmbeddedAws) -> None:
    client = aws.client("cloudformation")
    client.create_change_set(
        StackName="stack", ChangeSetName="forgotten", ChangeSetType="CREATE", TemplateBody=json.dumps(template())
    )
    assert deploy(aws, "CREATE", template(), "green")["Colour"] == "green"
    (stack,) = client.describe_stacks()["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_an_update_keeps_what_stays_and_makes_what_is_new(aws: EmbeddedAws) -> None:
    deploy(aws, "CREATE", template(), "red")
    outputs = deploy(aws, "UPDATE", template(Topic={"Type": "AWS::SNS::Topic"}), "green")
    assert outputs["Colour"] == "green"
    assert len(aws.client("sns").list_topics()["Topics"]) == 1
    assert len(aws.client("scheduler").list_schedule_groups()["ScheduleGroups"]) == 2


def test_a_state_machine_of_a_stack_can_be_started(aws: EmbeddedAws) -> None:
    arn = deploy(aws, "CREATE", template(), "red")["Machine"]
    execution = aws.client("stepfunctions").start_execution(stateMachineArn=arn)["executionArn"]
    assert aws.execution(execution).over.wait(10)
    assert aws.execution(execution).status == "SUCCEEDED"


def test_a_stack_can_be_deleted(aws: EmbeddedAws) -> None:
    deploy(aws, "CREATE", template(), "red")
    aws.client("cloudformation").delete_stack(StackName="stack")
    assert [group["Name"] for group in aws.client("scheduler").list_schedule_groups()["ScheduleGroups"]] == ["default"]


def test_alarms_and_policies_are_made_and_updated(aws: EmbeddedAws) -> None:
    def resources(threshold: int, effect: str) -> dict[str, Any]:
        statement = {"Effect": effect, "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        alarm = {
            "AlarmName": "alarm",
            "Namespace": "Paint",
            "MetricName": "Spilled",
            "Dimensions": [{"Name": "Colour", "Value": {"Ref": "Colour"}}],
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": threshold,
            "TreatMissingData": "breaching",
        }
        policy = {"PolicyDocument": document}
        return {
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "queue"}},
            "QueuePolicy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], **policy}},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket"}},
            "BucketPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Bucket"}, **policy}},
        }

    changes: tuple[tuple[ChangeSetTypeType, int, str], ...] = (("CREATE", 1, "Allow"), ("UPDATE", 2, "Deny"))
    for kind, threshold, effect in changes:
        deploy(aws, kind, template(**resources(threshold, effect)), "red")
        (alarm,) = aws.client("cloudwatch").describe_alarms(AlarmNames=["alarm"])["MetricAlarms"]
        assert (alarm["Threshold"], alarm["TreatMissingData"]) == (threshold, "breaching")
        assert alarm["Dimensions"] == [{"Name": "Colour", "Value": "red"}]
        url = aws.client("sqs").get_queue_url(QueueName="queue")["QueueUrl"]
        attributes = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
        texts = [attributes["Policy"], aws.client("s3").get_bucket_policy(Bucket="bucket")["Policy"]]
        assert [json.loads(text)["Statement"][0]["Effect"] for text in texts] == [effect, effect]
