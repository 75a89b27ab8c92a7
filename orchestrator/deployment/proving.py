"""Tests each documented assumption about AWS by one call. Yields a row for each: the assumption and AWS's answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from orchestrator.clients import Clients
from orchestrator.deployment.assumptions import Assumption


class Verdict(StrEnum):
    """The result of testing an assumption."""

    #: AWS answers as expected.
    HOLDS = "holds"
    #: AWS answers otherwise.
    FAILS = "fails"
    #: AWS refused to answer: a permission is missing, or the service has no such operation in this region.
    NO_ANSWER = "no answer"
    #: No call tells, or what it needs was not given.
    NOT_ASKED = "not asked"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """An assumption, and AWS's answer."""

    assumption: Assumption
    verdict: Verdict
    answer: str = ""


def prove(clients: Clients, assumptions: Sequence[Assumption]) -> Iterator[Proof]:
    """Asks one after the other. Raises what boto3 raises where AWS cannot be reached at all."""
    for assumption in assumptions:
        if assumption.question is None:
            yield Proof(assumption=assumption, verdict=Verdict.NOT_ASKED)
            continue
        try:
            answer = assumption.question.ask(clients)
        except ClientError as fault:
            error = fault.response["Error"]
            said = f"{error['Code']}: {error.get('Message', '')}"
            yield Proof(assumption=assumption, verdict=Verdict.NO_ANSWER, answer=said)
            continue
        # A refusal may say more than what is expected of it: where.
        holds = answer == assumption.expected or answer.startswith(f"{assumption.expected} ")
        yield Proof(assumption=assumption, verdict=Verdict.HOLDS if holds else Verdict.FAILS, answer=answer)


def proof_json(proof: Proof) -> dict[str, Any]:
    assumption = proof.assumption
    return {
        "assumption": assumption.claim,
        "source": assumption.source,
        "call": assumption.question.call if assumption.question else None,
        "expected": assumption.expected or None,
        "answer": proof.answer or None,
        "verdict": str(proof.verdict),
        "instead": assumption.instead or None,
    }


def not_shown(assumptions: Sequence[Assumption]) -> str:
    """Writes the documentation's list of what has not been shown on AWS: a table in Markdown."""
    lines = ["| Read, never seen | Where | What settles it |", "| --- | --- | --- |"]
    for one in assumptions:
        settled = f"`prove`: {one.question.call}" if one.question else one.instead
        lines.append(f"| {_cell(one.of_each or one.claim)} | {_cell(one.source)} | {_cell(settled)} |")
    return "\n".join(dict.fromkeys(lines)) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
