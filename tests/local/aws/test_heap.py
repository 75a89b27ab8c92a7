"""Threads share one heap, where there is glibc."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.local.aws import heap

PROGRAM = """
import ctypes, sys, threading
from orchestrator.local.aws import heap
if len(sys.argv) > 2:
    heap.bound()
allocated, told = threading.Barrier(9), threading.Barrier(9)
def work():
    kept = bytes(10_000)
    allocated.wait(), told.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
allocated.wait()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(library.fopen(sys.argv[1].encode(), b"w"))
library.malloc_info(0, file)
library.fclose(file)
told.wait()
"""


@pytest.mark.skipif(heap._library() is None, reason="only glibc has heaps to bound")
def test_threads_share_one_heap(tmp_path: Path) -> None:
    def heaps(*bound: str) -> int:
        file = tmp_path / "info"
        subprocess.run([sys.executable, "-c", PROGRAM, str(file), *bound], check=True)
        return len(re.findall("<heap nr", file.read_text()))

    assert heaps("bound") == 1 < heaps()
