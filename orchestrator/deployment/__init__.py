"""From sources to AWS: build (files, no AWS), plan (reads), apply (the stack, versions, tasks and schedules)."""

from __future__ import annotations

from orchestrator.deployment.application import Application
from orchestrator.deployment.applying import Applied, Deployer, apply, carry_out
from orchestrator.deployment.assumptions import Assumption, assumptions
from orchestrator.deployment.building import build
from orchestrator.deployment.cost import billed, monthly_cost
from orchestrator.deployment.dependencies import Dependencies
from orchestrator.deployment.deployer import policy as deployers_policy
from orchestrator.deployment.destroying import Kept, destroy
from orchestrator.deployment.observation import LEVELS as LOG_LEVELS
from orchestrator.deployment.plan_text import plan_json, plan_lines, plan_notes, plan_summary
from orchestrator.deployment.planning import DeploymentPlan, plan
from orchestrator.deployment.project import Project
from orchestrator.deployment.proving import Proof, Verdict, not_shown, proof_json, prove
from orchestrator.deployment.publishing import Rollout
from orchestrator.deployment.rollback import rollback
from orchestrator.deployment.settings import StackSettings
from orchestrator.deployment.surroundings import Surroundings

__all__ = [
    "LOG_LEVELS",
    "Application",
    "Applied",
    "Assumption",
    "Dependencies",
    "Deployer",
    "DeploymentPlan",
    "Kept",
    "Project",
    "Proof",
    "Rollout",
    "StackSettings",
    "Surroundings",
    "Verdict",
    "apply",
    "assumptions",
    "billed",
    "build",
    "carry_out",
    "deployers_policy",
    "destroy",
    "monthly_cost",
    "not_shown",
    "plan",
    "plan_json",
    "plan_lines",
    "plan_notes",
    "plan_summary",
    "proof_json",
    "prove",
    "rollback",
]
