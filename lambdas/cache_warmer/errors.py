"""What the cache warmer raises."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.errors import OrchestratorError


class CacheWarmingFailed(OrchestratorError):
    """More URLs failed than the task allows."""

    def __init__(self, failures: Sequence[str], total: int, max_error_rate: float) -> None:
        self.failures = failures
        shown = [*failures[:5], *([f"{len(failures) - 5} more"] if len(failures) > 5 else [])]
        allowed = f"allowed is a share of {max_error_rate:g}"
        super().__init__(f"{len(failures)} of {total} URLs failed, {allowed}: {', '.join(shown)}")
