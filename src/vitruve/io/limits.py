"""What is refused before any memory is spent on it. Files come from anywhere."""

from pathlib import Path

import numpy as np

from vitruve.io.errors import FileError

MAX_TEXT_BYTES = 512 * 2**20
"""Largest text file read whole: about six hours of BVH at 60 frames/s."""
MAX_BINARY_BYTES = 2 * 2**30
"""Largest binary file opened."""
MAX_VALUES = 200_000_000
"""Most numbers one array of a file may declare: ten hours of 30 joints at 60 frames/s."""
MAX_JOINTS = 1000
"""Most joints one person may have."""


def check_file(path: Path, max_bytes: int) -> int:
    """Size of a regular file in bytes.

    Raises:
        FileError: A folder, a device, empty, or larger than ``max_bytes``.
        OSError: It does not exist or may not be read.
    """
    if path.exists() and not path.is_file():
        raise FileError(f"{path} is not a file; name one motion file")
    size = path.stat().st_size
    if size == 0:
        raise FileError(f"{path} is empty (0 bytes)")
    if size > max_bytes:
        raise FileError(f"{path} has {size:,} bytes; at most {max_bytes:,} are read")
    return size


def read_text(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """A text file as UTF-8, with or without byte order mark.

    Raises:
        FileError: Too large, empty, or not text.
        OSError: It does not exist or may not be read.
    """
    check_file(path, max_bytes)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is not UTF-8 text (byte {error.start}); is the suffix {path.suffix} right?"
        ) from None
    if "\0" in text:
        raise FileError(f"{path} is not text (it holds zero bytes); is the suffix right?")
    return text


def read_bytes(path: Path) -> bytes:
    """A binary file, whole.

    Raises:
        FileError: Too large or empty.
        OSError: It does not exist or may not be read.
    """
    check_file(path, MAX_BINARY_BYTES)
    return path.read_bytes()


def read_span(path: Path, span: tuple[int, int]) -> bytes:
    """Some bytes of a file: where they begin, and how many.

    Raises:
        FileError: The file ends before them, or they are too many.
        OSError: It does not exist or may not be read.
    """
    start, length = span
    if length > MAX_BINARY_BYTES:
        raise FileError(f"{path}: {length:,} bytes are asked for, at most {MAX_BINARY_BYTES:,}")
    with path.open("rb") as file:
        file.seek(start)
        content = file.read(length)
    if len(content) != length:
        raise FileError(f"{path} ends before byte {start + length:,}; is it cut short?")
    return content


def check_values(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse an array that a file declares but nobody could mean.

    Raises:
        FileError: More than ``MAX_VALUES`` numbers, or a negative size.
    """
    count = 1
    for n in shape:
        count *= n
    if count > MAX_VALUES or any(n < 0 for n in shape):
        raise FileError(f"{path} declares an array of {shape}; at most {MAX_VALUES:,} values")


def to_floats(path: Path, where: str, tokens: list[str], count: int) -> np.ndarray:
    """``count`` finite numbers from one line of a text file.

    Raises:
        FileError: Another count, or something that is no finite number.
    """
    if len(tokens) != count:
        raise FileError(f"{path}, {where}: {len(tokens)} values, expected {count}")
    try:
        values = np.array(tokens, dtype=np.float64)
    except ValueError as error:
        raise FileError(f"{path}, {where}: {clip(str(error))}") from None
    if not np.isfinite(values).all():
        raise FileError(f"{path}, {where}: a value is not finite")
    return values


def clip(text: str) -> str:
    """At most 160 characters, in one line: safe to quote inside an error."""
    return " ".join(text.split())[:160]
