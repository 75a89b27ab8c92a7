"""What a run costs in a Standard execution and in an Express one, counted from real executions: `make bench`.

States come from the history or the log, log bytes from the log, seconds and attempts from the rows, and prices from
docs/explanation/cost.md.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from deploy import PROJECT
from orchestrator.deployment import billed
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.pricing import logs
from orchestrator.pricing.actual import run_usage
from orchestrator.pricing.prices import PRICES
from orchestrator.pricing.rates import priced
from orchestrator.runs.run import Trigger
from orchestrator.stores.histories import Histories
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.slots import key
from tests.testbed.deployed import STACK, deployed, tasks

RUNS = 20
_MILLION = 1_000_000


def main() -> int:
    print(f"{RUNS} runs each, dollars for a million of them", flush=True)  # noqa: T201
    heads = (
        f"{'machine':<16} {'states':>7} {'log bytes':>10} {'Step Functions $':>17} {'all in $':>9} {'rows say $':>11}"
    )
    print(heads, flush=True)  # noqa: T201
    facts = replace(billed(PROJECT.application(STACK)), memory_mb={"work": 256})
    with EmbeddedAws() as aws, deployed(aws) as applied:
        client, ledger = aws.client("stepfunctions"), Ledger(aws.client("dynamodb"), STACK)
        histories = Histories(client, aws.client("logs"))
        declared = replace(tasks()[0], express=True, timeout_seconds=60, retry=RetryPolicy(max_attempts=1))
        (short,) = priced([declared], facts)
        Registry(aws.client("dynamodb"), STACK).register(short)
        begin = datetime.now(UTC).replace(microsecond=0)
        for number, machine in enumerate(("TaskRunner", "ExpressRunner")):
            slots = [key(begin + timedelta(seconds=60 * number + second)) for second in range(RUNS)]
            for slot in slots:
                given = {"taskId": short.id, "scheduledTime": slot, "trigger": Trigger.SCHEDULE}
                client.start_execution(stateMachineArn=applied.outputs[f"{machine}Arn"], input=json.dumps(given))
                while (run := ledger.get(short.id, slot)) is None or run.ended_at is None:
                    time.sleep(0.01)
            # The log of an Express execution is written at its end.
            time.sleep(0.5)
            runs = [run for slot in slots if (run := ledger.get(short.id, slot))]
            usage = [run_usage(run, short, facts) for run in runs]
            states = [len(histories.path(run.execution_arn or "") or ()) for run in runs]
            group = f"/aws/vendedlogs/states/{STACK.state_machine(machine)}"
            lines = aws.client("logs").filter_log_events(logGroupName=group)["events"]
            size = sum(len(line["message"]) + logs.EVENT_BYTES for line in lines) / len(runs)
            parts = ("state_transition", "express_request", "express_gb_second")
            of_states = sum((getattr(one, name) * getattr(PRICES, name) for one in usage for name in parts), Decimal(0))
            dollars = sum((one.dollars() for one in usage), Decimal(0))
            said = sum((run.dollars or Decimal(0) for run in runs), Decimal(0))
            print(  # noqa: T201
                f"{machine:<16} {sum(states) / len(states):>7.2f} {size:>10,.0f}"
                f" {of_states / len(runs) * _MILLION:>17.2f} {dollars / len(runs) * _MILLION:>9.2f}"
                f" {said / len(runs) * _MILLION:>11.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
