"""Search of a recipe's settings on its validation subject, over one storage (extra ``tune``)."""

from importlib.util import find_spec

from vitruve.recipes.search.plan import Part, Pruning, Search, check_search

__all__ = ["Part", "Pruning", "Search", "check_search", "check_tune"]


def check_tune() -> None:
    """Refuse to begin a search that could not run.

    Raises:
        ImportError: Optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise ImportError("a search needs optuna: pip install 'vitruve[tune]'")
