"""What an account of the embedded AWS may have."""

from __future__ import annotations

from orchestrator.local.aws.server import EmbeddedAws


def test_a_new_account_has_all_of_lambdas_concurrency(aws: EmbeddedAws) -> None:
    limit = aws.client("lambda").get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (1000, 1000)
