"""Keeps freed memory for the next step, where the C library would give it back to the kernel.

A training step takes and frees some twenty megabytes. By default glibc returns them at the end of every step, and the
kernel hands them out again page by page, each of them emptied first.
"""

import ctypes

# Parameters of mallopt(3), and our values for them in bytes.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
KEPT = 256 * 2**20  # free memory that a process may hold back
SHARED = 32 * 2**20  # larger tensors have pages of their own, which are always given back; glibc takes no higher limit


def keep_freed_memory() -> bool:
    """Tells the C library; MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ in the environment do the same.

    Returns:
        Whether it listened: glibc does, other C libraries have no such parameters.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS; Windows
        return False
    return bool(mallopt(_TRIM_THRESHOLD, KEPT) and mallopt(_MMAP_THRESHOLD, SHARED))
