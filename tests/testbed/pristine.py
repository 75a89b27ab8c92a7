"""A module of moto's that nobody has adapted, beside the one that the embedded AWS uses."""

from __future__ import annotations

import importlib.util
from functools import cache
from types import ModuleType
from typing import Any


@cache
def as_it_comes(module: ModuleType) -> Any:
    """The same source, loaded once more under another name."""
    assert module.__file__
    spec = importlib.util.spec_from_file_location(f"{module.__name__}_as_it_comes", module.__file__)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
