"""The values that ``ssm:NAME`` and ``secret:NAME`` of tasks.yaml stand for."""

from __future__ import annotations

from orchestrator.clients import Clients
from orchestrator.runs.destinations import Secret
from orchestrator.stack import Stack


def plain(clients: Clients, stack: Stack, secret: Secret) -> str:
    """The value, without what may stand around it. Raises what boto3 raises."""
    if secret.store == "ssm":
        name = stack.secret_parameter(secret.name)
        return str(clients("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]).strip()
    found = clients("secretsmanager").get_secret_value(SecretId=stack.secret(secret.name))
    return str(found["SecretString"]).strip()
