"""What the allocator gives back."""

import subprocess
import sys

import pytest

SCRIPT = """
from playground.concurrency.allocator import return_freed_memory
{first}
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20
del_later = bytearray(b"x") * (30 << 20)
del del_later  # from here on glibc keeps blocks of up to this size, unless it was told
blocks = [bytearray(b"x") * (8 << 20) for _ in range(20)]
before = resident()
del blocks[::2]
print(before - resident())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_large_blocks_go_back_between_others_that_stay():
    """Guards against a server whose memory rises with its visitors though little more is kept: holes between what lives
    longer are never given back."""

    def freed(first: str) -> int:
        """MiB, of 80."""
        script = SCRIPT.format(first=first)
        return int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)

    assert freed("assert return_freed_memory()") >= 75
    assert freed("") <= 20, "what it guards against"
