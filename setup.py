"""What the wheel holds: the library, and inside it the sources of the functions that every stack has.

``definitions`` and ``lambdas`` are this repository's own project and no part of the library, but for
``lambdas/system``, which a wheel carries as ``orchestrator/system/lambdas/system``. The rest is said in pyproject.toml.
"""

from setuptools import find_packages, setup

FUNCTIONS = "orchestrator.system.lambdas.system"

setup(
    packages=[
        *find_packages(include=["orchestrator", "orchestrator.*"]),
        FUNCTIONS,
        *(f"{FUNCTIONS}.{name}" for name in find_packages("lambdas/system")),
    ],
    package_dir={FUNCTIONS: "lambdas/system"},
)
