"""What comes with the project, and what its user has added: tests of ours are about the former alone.

A user's workflow has no golden file, and a user's function no scenario of ours. Whatever holds for any of them, such as
that a linter accepts a definition, is tested of all.
"""

from __future__ import annotations

from dataclasses import replace

from deploy import PROJECT
from orchestrator.deployment import Application
from orchestrator.stack import Stack

#: Two tasks of the project's own function, one of which was due long ago.
TASKS = """
tasks:
  daily-sales-report:
    run: lambda/report-generator
    schedule: cron(0 2 * * ? *)
  once:
    run: lambda/report-generator
    schedule: at(2020-01-01T00:00:00)
"""

#: State machines, by their names in the project.
MACHINES = ("TaskRunner", "ExpressRunner", "Backfill", "billing", "billing-page")

#: Modules of functions that are tasks' targets; what has an event source is ours in any case.
MODULES = (
    "billing.calculate_charges",
    "billing.create_invoice",
    "billing.fetch_usage_data",
    "billing.send_invoice_email",
    "billing.update_billing_records",
    "cache_warmer",
    "data_cleanup",
    "email_digest",
    "report_generator",
    "system.watchdog",
)


def functions() -> tuple[str, ...]:
    """The modules of all functions that come with the project."""
    everything = PROJECT.application(Stack()).functions
    return tuple(one.module for one in everything if not one.is_target or one.module in MODULES)


def application() -> Application:
    """Returns the project's own application: what a user adds has alarms, permissions and prices, too."""
    everything, ours = PROJECT.application(Stack()), functions()
    return replace(
        everything,
        functions=tuple(one for one in everything.functions if one.module in ours),
        definitions={name: one for name, one in everything.definitions.items() if name in MACHINES},
    )


def added() -> tuple[str, ...]:
    """Returns what its user has added: ``lambda/NAME`` and ``workflow/NAME``."""
    ours = functions()
    project = PROJECT.application(Stack())
    more = [f"lambda/{one.name}" for one in project.functions if one.module not in ours]
    return (*more, *(f"workflow/{name}" for name in project.definitions if name not in MACHINES))
