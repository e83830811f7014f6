import sys

from vitruve.cli.memory import keep_freed_memory


def test_says_whether_the_c_library_can():
    kept = keep_freed_memory()
    assert isinstance(kept, bool)
    if sys.platform != "linux":
        assert not kept
