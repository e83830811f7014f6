"""Verbs under a verb, such as ``vitruve data list``."""

from collections.abc import Callable, Mapping

BAD_INPUT = 2
SubVerbs = Mapping[str, tuple[Callable[[list[str]], int], str]]
"""What runs each, and what it does in a few words."""


def run_sub_verb(verb: str, known: SubVerbs, argv: list[str]) -> int:
    """Do one of them, or print which there are.

    Returns:
        What it returns; 2 if none was named.

    Raises:
        ValueError: There is no such verb.
    """
    name = argv[0] if argv else ""
    if name in ("", "-h", "--help"):
        width = max(map(len, known))
        print(f"usage: vitruve {verb} VERB ...\n")
        print("\n".join(f"  {n:{width}}  {what}" for n, (_, what) in known.items()))
        print(f"\nvitruve {verb} VERB --help says what it takes.")
        return 0 if name else BAD_INPUT
    if name not in known:
        raise ValueError(f"no verb {name!r} of vitruve {verb}; there are {', '.join(known)}")
    return known[name][0](argv[1:])
