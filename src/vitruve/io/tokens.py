"""Words of a text file, one after the other, with line numbers for errors."""

import math
from pathlib import Path

from vitruve.io.errors import FileError
from vitruve.io.limits import clip


class Tokens:
    """Reads words, numbers and lines forward; every failure names file and line."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._lines = text.splitlines()
        self._words: list[str] = []
        self.line = 0

    def peek(self) -> str:
        """The next word without taking it; empty at the end of the file."""
        while not self._words and self.line < len(self._lines):
            self._words = self._lines[self.line].split()[::-1]
            self.line += 1
        return self._words[-1] if self._words else ""

    def next(self, what: str) -> str:
        """Take a word.

        Raises:
            FileError: The file ends.
        """
        word = self.peek()
        if not word:
            raise FileError(f"{self.path} ends where a {what} was expected (line {self.line})")
        return self._words.pop()

    def expect(self, word: str) -> None:
        """Take exactly this word, in any case.

        Raises:
            FileError: Another word stands there.
        """
        found = self.next(word)
        if found.upper() != word:
            raise FileError(
                f"{self.path}, line {self.line}: {clip(found)!r} where {word} was expected"
            )

    def number(self, what: str) -> float:
        """Take a finite number.

        Raises:
            FileError: It is none.
        """
        word = self.next(what)
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise FileError(f"{self.path}, line {self.line}: {what} is {clip(word)!r}, no number")
        return value

    def integer(self, what: str, most: int = 2**31) -> int:
        """Take a whole number from 0 to ``most``.

        Raises:
            FileError: It is none.
        """
        value = self.number(what)
        if value != int(value) or not 0 <= value <= most:
            raise FileError(
                f"{self.path}, line {self.line}: {what} is {value:g}; allowed is 0 to {most}"
            )
        return int(value)

    def rest_of_line(self) -> str:
        """Take the rest of the current line, blanks as one underscore."""
        words, self._words = self._words[::-1], []
        if words and words[-1] == "{":
            self._words = [words.pop()]
        return "_".join(words)

    def rest_lines(self) -> list[str]:
        """All lines after the current one."""
        return self._lines[self.line :]
