"""The embedded AWS starts without what it does not offer."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import boto3
import pytest
from moto.apigateway import models
from moto.core.utils import get_service_model

from orchestrator.local.aws import imports
from orchestrator.local.aws.server import EmbeddedAws

ASKED = """
import json, sys
import orchestrator.local.aws.server
from moto.ec2.models.instance_types import INSTANCE_TYPES
print(json.dumps([sorted({"openapi_spec_validator", "pydantic_settings"} & sys.modules.keys()), len(INSTANCE_TYPES)]))
"""


def test_it_imports_no_validator_of_openapi_and_reads_no_types_of_instances() -> None:
    ran = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [[], 0]


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
