"""The embedded AWS starts without what it does not offer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import boto3
import pytest
from moto.apigateway import models
from moto.core.utils import get_service_model
from moto.iam.models import aws_managed_policies_data

from orchestrator.local.aws import imports
from orchestrator.local.aws.server import EmbeddedAws

ASKED = """
import json, sys
import orchestrator.local.aws.server
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.iam.models import aws_managed_policies_data
unwanted = sorted({"openapi_spec_validator", "pydantic_settings"} & sys.modules.keys())
print(json.dumps([unwanted, len(INSTANCE_TYPES), len(aws_managed_policies_data)]))
"""


def test_what_it_does_not_offer_is_not_imported_and_what_it_is_told_to_load_is() -> None:
    environment = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    ran = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True, env=environment)
    unwanted, instance_types, policies = json.loads(ran.stdout)
    assert (unwanted, instance_types) == ([], 0)
    assert policies > 1_000_000


def test_what_is_put_off_is_there_when_it_is_asked_for() -> None:
    models.validate({"openapi": "3.0.0", "info": {"title": "t", "version": "1"}, "paths": {}})
    with pytest.raises(models.OpenAPIValidationError):
        models.validate({"openapi": "3.0.0"})


def test_a_description_is_there_once_but_for_what_moto_changes(aws: EmbeddedAws) -> None:
    def is_shared(service: str) -> bool:
        told = aws.client(service).meta.service_model._service_description
        return told is get_service_model(service)._service_description

    assert [service for service in ("dynamodb", "sqs", "stepfunctions") if is_shared(service)] == [
        "dynamodb",
        "stepfunctions",
    ]


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_ec2_is_where_boto3_says(partition: str) -> None:
    here, plain = imports.session(), boto3.Session()
    assert here.get_available_regions("ec2", partition) == plain.get_available_regions("ec2", partition)


def test_every_service_has_the_regions_that_boto3_knows(aws: EmbeddedAws) -> None:
    ec2: Any = aws.client("ec2")
    regions = ec2.describe_regions()["Regions"]
    assert {"us-east-1", "eu-central-1"} <= {region["RegionName"] for region in regions}


def test_texts_for_people_are_not_in_memory(aws: EmbeddedAws) -> None:
    model = aws.client("stepfunctions").meta.service_model
    assert {model.operation_model(name).documentation for name in model.operation_names} == {""}
    assert aws_managed_policies_data == "{}"
