"""What an account may have: GetAccountSettings of Lambda, which moto lacks. A new account's quotas are lower."""

from __future__ import annotations

from typing import Any

from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds

#: "Lambda quotas": concurrent executions of an account in a region.
CONCURRENT_EXECUTIONS = 1000


def install(aws: Aws) -> None:
    """Answers with Lambda's default quota, less what functions have reserved."""

    @adds(LambdaResponse, "get_account_settings")
    def get_account_settings(self: Any) -> ActionResult:
        functions = self.backend.list_functions()
        reserved = sum(int(one.reserved_concurrency or 0) for one in functions)
        limit = {
            "ConcurrentExecutions": CONCURRENT_EXECUTIONS,
            "UnreservedConcurrentExecutions": CONCURRENT_EXECUTIONS - reserved,
        }
        return ActionResult({"AccountLimit": limit, "AccountUsage": {"FunctionCount": len(functions)}})

    adds(urls.url_paths, r"{0}/(?P<api_version>[^/]+)/account-settings/?$")(LambdaResponse.dispatch)
