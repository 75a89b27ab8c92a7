"""What tests stand on: deployed stacks, embedded or faulty, people who type, and data that nobody sane would send.

- ``billing``, ``deployed``, ``everything``, ``sample``, ``task_runner``: applications in the embedded AWS, from one
  function to all of the project
- ``tables``, ``queues``, ``clients``: a stack's tables alone, what lies in a queue, clients that a test may change
- ``handlers``, ``ours``: the project's own functions and application, apart from what its user adds
- ``conduct``: what handlers may do to the process that they run in
- ``endpoint``, ``listener``: HTTP servers, for requests of any kind and for webhooks
- ``typed``, ``processes``, ``proxy``: commands, one that goes on, and AWS with faults
- ``calendars``, ``rounds``, ``recorded``: days, rounds of the watchdog, and a deployment's calls
- ``company``: a project that says all that can be said of functions and stack
- ``cloudformation``, ``roles``: a template and a role of the embedded AWS
- ``pristine``: a module of moto's as it comes; ``sources``: functions made of a text
- ``hostile``: messages and records that no sane sender would send
- ``node``: programs of Node.js; ``linters``: of definitions and templates; ``reference``: the reference JSONata
- ``statements``: IAM statements, taken apart; ``waiting``: what happens soon; ``wheelhouse``: wheels without a network
"""

from __future__ import annotations

import shutil
from pathlib import Path

#: The checkout.
ROOT = Path(__file__).parent.parent.parent

#: Programs of Node.js, and what they need.
NODE = ROOT / "tests" / "node"

#: Handlers that do as a test tells them.
LAMBDAS = Path(__file__).parent / "lambdas"

#: For :func:`shutil.copytree`: byte code that another process is writing now, and that has its own name soon.
UNFINISHED = shutil.ignore_patterns("*.pyc.*")
