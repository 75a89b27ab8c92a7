"""How the memory of this process is kept small.

The C library gives each thread that waits for it a heap of its own, and gives nothing back that lies below something in
use: with thirty threads, after a deployment, 15 MB of nothing. Nearly all that asks for memory holds Python's lock, so
that one heap serves all threads as fast. Other C libraries than glibc have no such call, and nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

#: Parameters of mallopt(3): below which size at the end nothing is given back, from which size on something lies by
#: itself, and how many heaps there are. A size that is set does not grow with what has been asked for.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_BYTES = 131_072


@cache
def _library() -> Any:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None


@cache
def bound() -> None:
    """Has all threads share one heap; before there are any."""
    if library := _library():
        for parameter, value in ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _BYTES), (_MMAP_THRESHOLD, _BYTES)):
            library.mallopt(parameter, value)


def trim() -> None:
    """Gives back what is free."""
    if library := _library():
        library.malloc_trim(0)
