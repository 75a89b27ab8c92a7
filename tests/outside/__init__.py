"""The product from outside: what an operator types, what AWS's own command line answers, and what signals do.

Nothing here imports the library. :mod:`tests.outside.running` starts `orchestrator local` as a process, with handlers
of ``lambdas`` in this folder beside the project's own; :mod:`tests.outside.conftest` shares two of them, one on the
time of this machine (``real``) and one on a virtual clock (``virtual``).
"""
