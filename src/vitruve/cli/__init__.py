"""Command line of Vitruve: ``vitruve VERB ...``; each verb is a module with ``main(argv)``."""

import os
import sys
from collections.abc import Callable
from importlib import import_module

from vitruve.cli.memory import keep_freed_memory

VERBS = {
    "demo": "run the main job on the clip that comes with Vitruve, and print its error",
    "doctor": "say what works on this machine, what does not, and what to do about it",
    "estimate": "video, image folder or 2D keypoints in, metric 3D in your skeleton out",
    "detect": "find people and their 2D joints in a video",
    "lift": "2D keypoints in, metric 3D out",
    "convert": "change skeleton or file format of a motion file",
    "skeleton": "fit, extend and look at learned bridges between skeletons",
    "view": "make a self-contained page of motion files",
    "train": "train a recipe, or go on where it stopped",
    "tune": "search a recipe's settings on its validation subject",
    "evaluate": "score a file of predictions against a file of truth",
    "benchmark": "predict a benchmark to a file and score the file",
    "reproduce": "put our numbers beside a paper's table, and measure those that are missing",
    "study": "answer one question about lifters with numbers and a picture",
    "data": "build and check sequence stores",
    "import-checkpoint": "turn a published checkpoint of a lifting net into weights of ours",
    "export": "write a lifter's net as an ONNX file, checked against torch",
}
"""What each verb does, in the order people meet them; a module's name has _ for -."""

BAD_INPUT = 2
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one verb; errors of the user are one line and a non-zero exit code."""
    # Idle OpenMP threads must not spin: with two busy cores that costs up to a factor of 12.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    args = sys.argv[1:] if argv is None else argv
    if not args or args[0] in {"-h", "--help"}:
        print(_usage())
        return 0 if args else BAD_INPUT
    if args[0] == "--version":
        from vitruve import __version__

        print(f"vitruve {__version__}")
        return 0
    if args[0] not in VERBS:
        return _fail(f"no verb {args[0]!r}; there are {', '.join(VERBS)}")
    return _run(args[0], args[1:])


def _run(verb: str, rest: list[str]) -> int:
    module = import_module(f"vitruve.cli.{verb.replace('-', '_')}")
    keep_freed_memory()
    return guarded(lambda: module.main(rest))


def guarded(call: Callable[[], int]) -> int:
    """The exit code of a call, whose errors become one line; VITRUVE_DEBUG lets them through."""
    if os.environ.get("VITRUVE_DEBUG"):
        return call()
    try:
        return call()
    except KeyboardInterrupt:
        print("\nvitruve: interrupted; run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; closing stdout quietly is what they expect.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as stop:
        # tyro's way out of --help (0) and of arguments it cannot read (2).
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    except KeyError as error:
        # str() of a KeyError quotes its message.
        return _fail(str(error.args[0]) if error.args else "unknown name")
    except (ValueError, OSError, ImportError, FloatingPointError, MemoryError) as error:
        return _fail(str(error) or type(error).__name__)


def _fail(message: str) -> int:
    print(f"vitruve: {' '.join(message.split())}", file=sys.stderr)
    return BAD_INPUT


def _usage() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:{width}}  {text}" for verb, text in VERBS.items())
    return (
        "usage: vitruve VERB ...\n\n"
        f"{verbs}\n\n"
        "vitruve VERB --help says what a verb takes. VITRUVE_DEBUG=1 shows tracebacks."
    )


if __name__ == "__main__":
    sys.exit(main())
