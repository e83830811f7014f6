"""How the process treats memory that tensors no longer need."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST = 2**30


def keep_freed_memory() -> bool:
    """Let the C library keep freed memory for the next tensor in place of returning it.

    Each layer of a net frees what the next one asks for; getting pages from the system anew, filled
    with zeros, costs some nets a seventh of their time.

    Returns:
        Whether this C library can be told so; only glibc can.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST) and mallopt(_TRIM_THRESHOLD, _LARGEST))
