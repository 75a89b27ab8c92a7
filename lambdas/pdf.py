"""What a function needs that makes a PDF."""

from __future__ import annotations

#: Pillow, which fpdf2 names for pictures, is left out of the lock list: there are none in ours.
DEPENDENCIES = ("defusedxml", "fonttools", "fpdf2")

ENVIRONMENT = {"PYTHONWARNINGS": "ignore:Pillow could not be imported:UserWarning"}
