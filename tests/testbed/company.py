"""A project that says of its functions and its stack whatever can be said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.deployment import Project

KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
LEGACY = "arn:aws:lambda:us-east-1:123456789012:function:legacy"
ETL = "arn:aws:states:us-east-1:123456789012:stateMachine:etl"

FILES = {
    "tasks.yaml": "tasks: {}\n",
    "stack.yaml": f"""\
tags: {{team: shop}}
permissionsBoundary: {BOUNDARY}
key: {KEY}
tables:
  Orders: {{key: [orderId, line]}}
buckets: [exports]
ecs:
  rebuild: {{cluster: jobs, taskDefinition: rebuild, container: main, subnets: [subnet-0123456789abcdef0], roles: [me]}}
batch: {{crunch: {{jobQueue: nightly, jobDefinition: crunch}}}}
glue: {{load: {{job: nightly load}}}}
existing: {{legacy: {LEGACY}, etl: {ETL}}}
functions:
  vpc: {{subnets: [subnet-0123456789abcdef0], securityGroups: [sg-0123456789abcdef0]}}
  environment: {{COLOUR: blue}}
environments:
  dev: {{key: {KEY[:-1]}6}}
""",
    "lambdas/hello.py": "def handler(event, context):\n    return event\n",
    "lambdas/hello.yaml": """\
memory: 1024
timeout: 5m
temporaryStorage: 2048
environment: {SIZE: large}
secrets: {STRIPE: secret:stripe, OTHER: ssm:other}
layers: [arn:aws:lambda:us-east-1:123456789012:layer:fonts:3]
permissions:
  - actions: s3:GetObject
    resources: arn:aws:s3:::company-raw/in/*
    conditions: {Bool: {aws:SecureTransport: 'true'}}
  - {effect: Deny, actions: [s3:DeleteObject], resources: ['arn:aws:s3:::company-raw/*']}
  - {actions: [s3:PutObject], resources: ['bucket:exports:2026/*', 'table:Orders']}
""",
}


def project(folder: Path, files: Mapping[str, str] = FILES) -> Project:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Project(root=folder)
