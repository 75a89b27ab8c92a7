"""From sources to AWS: build (files, no AWS), apply (the stack, then tasks and schedules)."""

from __future__ import annotations

from orchestrator.deployment.application import Application
from orchestrator.deployment.applying import Applied, apply
from orchestrator.deployment.building import build

__all__ = ["Application", "Applied", "apply", "build"]
