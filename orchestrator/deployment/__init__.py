"""From sources to AWS: build (files, no AWS), apply (the stack, the versions that run, then tasks and schedules)."""

from __future__ import annotations

from orchestrator.deployment.application import Application
from orchestrator.deployment.applying import Applied, apply
from orchestrator.deployment.building import build
from orchestrator.deployment.publishing import Rollout
from orchestrator.deployment.rollback import rollback

__all__ = ["Application", "Applied", "Rollout", "apply", "build", "rollback"]
