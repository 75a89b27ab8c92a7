"""Assumptions about AWS and its answers, as a table for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from orchestrator.deployment.proving import Proof, Verdict

_COLOURS = {Verdict.HOLDS: "green", Verdict.FAILS: "bold red", Verdict.NO_ANSWER: "yellow", Verdict.NOT_ASKED: "dim"}


def proofs_table(proofs: Iterable[Proof]) -> Table:
    """A row for each assumption."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("VERDICT", min_width=max(map(len, Verdict)))
    for name in ("ASSUMPTION", "EXPECTED", "AWS'S ANSWER", "SOURCE"):
        table.add_column(name, overflow="fold")
    for proof in proofs:
        one = proof.assumption
        table.add_row(
            Text(proof.verdict, style=_COLOURS[proof.verdict]),
            Text(one.claim),
            Text(one.expected if one.question else one.instead),
            Text(proof.answer),
            Text(one.source),
        )
    return table
