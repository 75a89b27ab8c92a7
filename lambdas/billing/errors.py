"""What the steps of the billing run raise.

NonRetryableError
├── InvalidPlan         a price plan that could charge wrongly
├── InvoiceConflict     an invoice of this customer and period exists, made from other charges
├── NoPrice             a customer used what the price plan has no price for
├── NoUsageFiles        nobody has put the usage of the period where it is looked for
├── UnreadableUsage     a file of usage events is not one
└── UsageCutOff         a file of usage events ends in the middle of a line
OrchestratorError
└── MailInDoubt         nobody knows yet whether an invoice has been mailed
"""

from __future__ import annotations

from orchestrator.errors import NonRetryableError, OrchestratorError


class InvalidPlan(NonRetryableError):
    """A price plan could charge wrongly; nobody who has it is billed."""

    def __init__(self, plan_id: str, problems: list[str]) -> None:
        self.plan_id = plan_id
        super().__init__(f"the price plan {plan_id!r} is wrong: " + "; ".join(problems))


class InvoiceConflict(NonRetryableError):
    """An invoice of this customer and period exists and was made from other charges: it stays as it is."""

    def __init__(self, customer_id: str, period: str, invoiced: str, charged: str) -> None:
        super().__init__(
            f"the invoice of {customer_id} for {period} says {invoiced}, and what was used now makes {charged} or other"
            " lines: settle the difference by hand, the invoice is not changed"
        )


class NoPrice(NonRetryableError):
    """A customer used what the price plan has no price for."""

    def __init__(self, customer_id: str, plan_id: str, meter: str) -> None:
        self.meter = meter
        super().__init__(f"{customer_id} used {meter!r}, for which the price plan {plan_id!r} has no price")


class NoUsageFiles(NonRetryableError):
    """Nobody has put the usage of the period where it is looked for."""

    def __init__(self, prefix: str) -> None:
        super().__init__(
            f"there is no *.csv and no *.jsonl below {prefix}; upload the usage (a file with no events, if there was"
            " none) and run the slot again"
        )


class UnreadableUsage(NonRetryableError):
    """A file of usage events is not one."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        self.file, self.line = file, line
        super().__init__(f"{file}, line {line}: {problem}; correct the file and run the slot again")


class UsageCutOff(NonRetryableError):
    """A file of usage events ends in the middle of a line: what is missing could be anybody's."""

    def __init__(self, file: str, line: int) -> None:
        self.file, self.line = file, line
        super().__init__(
            f"{file} is cut off in line {line}, which has no end; nobody was billed. Upload the whole file and run the"
            " slot again"
        )


class MailInDoubt(OrchestratorError):
    """Nobody knows yet whether an invoice has been mailed; SES will have said so in a while."""

    def __init__(self, customer_id: str, period: str) -> None:
        super().__init__(f"the mail with the invoice of {customer_id} for {period} was begun and not recorded as sent")
