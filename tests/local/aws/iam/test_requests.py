"""What a request asks for, in IAM's words: the embedded AWS refuses what the role's policies do not name."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.server import EmbeddedAws


def client_under(aws: EmbeddedAws, service: str, **statement: Any) -> Any:
    """A client of ``service`` that may do what the statement says, and nothing else."""
    iam = aws.client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(document))
    credentials = roles.credentials_for(role)
    return boto3.client(
        service,
        region_name=aws.region,
        endpoint_url=aws.endpoint,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
    )


def test_mail_is_sent_from_the_address_of_the_condition_only(aws: EmbeddedAws) -> None:
    for address in ("digest@example.com", "boss@example.com"):
        aws.client("ses").verify_email_identity(EmailAddress=address)
    ses = client_under(
        aws,
        "ses",
        Action="ses:SendEmail",
        Resource=f"arn:aws:ses:{aws.region}:{aws.account}:identity/*",
        Condition={"StringEquals": {"ses:FromAddress": "digest@example.com"}},
    )
    mail = {
        "Destination": {"ToAddresses": ["ann@example.com"]},
        "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
    }
    assert ses.send_email(Source="Digest <digest@example.com>", **mail)["MessageId"]
    with pytest.raises(ClientError, match=r"not authorized to perform: ses:SendEmail on resource: .*identity/boss@"):
        ses.send_email(Source="boss@example.com", **mail)


def test_each_object_of_a_deletion_is_asked_for(aws: EmbeddedAws) -> None:
    owner = aws.client("s3")
    owner.create_bucket(Bucket="data")
    for key in ("tmp/a", "tmp/b", "orders/a"):
        owner.put_object(Bucket="data", Key=key)
    s3 = client_under(aws, "s3", Action="s3:DeleteObject", Resource="arn:aws:s3:::data/tmp/*")
    s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "tmp/a"}]})
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "tmp/b"}, {"Key": "orders/a"}]})
    assert [found["Key"] for found in owner.list_objects_v2(Bucket="data")["Contents"]] == ["orders/a", "tmp/b"]


def test_that_an_object_is_absent_is_told_to_those_who_may_list_the_bucket(aws: EmbeddedAws) -> None:
    aws.client("s3").create_bucket(Bucket="data")
    get = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}
    with pytest.raises(ClientError, match="AccessDenied"):
        client_under(aws, "s3", **get).get_object(Bucket="data", Key="absent")
    aws.client("iam").delete_role_policy(RoleName="r", PolicyName="p")
    aws.client("iam").delete_role(RoleName="r")
    both = {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"]}
    with pytest.raises(ClientError, match="NoSuchKey"):
        client_under(aws, "s3", **both).get_object(Bucket="data", Key="absent")


def test_a_version_of_an_object_has_a_permission_of_its_own(aws: EmbeddedAws) -> None:
    owner = aws.client("s3")
    owner.create_bucket(Bucket="data")
    owner.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    version = owner.put_object(Bucket="data", Key="a")["VersionId"]
    s3 = client_under(aws, "s3", Action="s3:DeleteObject", Resource="arn:aws:s3:::data/*")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "a", "VersionId": version}]})
    s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "a"}]})


def test_a_stack_is_asked_for_by_name(aws: EmbeddedAws) -> None:
    mine = f"arn:aws:cloudformation:{aws.region}:{aws.account}:stack/mine/*"
    stacks = client_under(aws, "cloudformation", Action="cloudformation:CreateStack", Resource=mine)
    body = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    stacks.create_stack(StackName="mine", TemplateBody=body)
    with pytest.raises(ClientError, match=r"cloudformation:CreateStack on resource: .*:stack/yours/\*"):
        stacks.create_stack(StackName="yours", TemplateBody=body)


def test_a_schedule_is_asked_for_with_its_group_and_its_role_is_passed_to_scheduler(aws: EmbeddedAws) -> None:
    role = f"arn:aws:iam::{aws.account}:role/starter"
    mine = f"arn:aws:scheduler:{aws.region}:{aws.account}:schedule/default/mine"
    request: dict[str, Any] = {
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": f"arn:aws:states:{aws.region}:{aws.account}:stateMachine:m", "RoleArn": role},
    }
    actions = ["scheduler:CreateSchedule", "iam:PassRole"]
    schedules = client_under(aws, "scheduler", Action=actions, Resource=[mine, role])
    schedules.create_schedule(Name="mine", **request)
    with pytest.raises(ClientError, match=r"scheduler:CreateSchedule on resource: .*:schedule/default/yours"):
        schedules.create_schedule(Name="yours", **request)
    request["Target"]["RoleArn"] += "-of-another"
    with pytest.raises(ClientError, match=r"iam:PassRole on resource: .*:role/starter-of-another"):
        schedules.create_schedule(Name="mine", **request)
