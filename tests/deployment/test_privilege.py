"""Least privilege, both ways: what the roles lack, nobody needs, and what they have, somebody uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.local import roles
from orchestrator.local.embedded import EmbeddedAws
from tests.deployment import scenarios
from tests.deployment.world import World, world


@pytest.fixture(scope="module")
def deployed(embedded_aws: EmbeddedAws) -> Iterator[World]:
    with world(embedded_aws) as made:
        yield made


@pytest.mark.parametrize("scenario", [one for all_ in scenarios.ALL.values() for one in all_], ids=lambda s: s.__name__)
def test_x(deployed, scenario):
    scenario(deployed)


def test_y(deployed):
    print(roles.denied())
    from orchestrator.local.statements import applies

    for logical, name in deployed.roles.items():
        for s in roles.statements(name):
            for a in s["Action"]:
                for r in s["Resource"] if isinstance(s["Resource"], list) else [s["Resource"]]:
                    if not any(
                        x.role == name and applies({**s, "Action": a, "Resource": r}, x.permission)
                        for x in roles.used()
                    ):
                        if not a.startswith("xray"):
                            print(logical, a, r)
