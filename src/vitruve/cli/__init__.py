"""Command line of Vitruve."""


def main() -> int:
    """Run one verb."""
    return 0
