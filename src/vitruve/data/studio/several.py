"""Several folders of pictures as one: what trains on one folder trains on all of them."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from vitruve.data.studio.reader import Studio, StudioPicture


class SeveralStudios:
    """Pictures of several folders, numbered through; so are their moments."""

    def __init__(self, studios: Sequence[Studio]) -> None:
        """Put them in a row.

        Raises:
            ValueError: There are none, or joints or sides of pictures differ.
        """
        if not studios:
            raise ValueError("no folder of pictures: name one at least")
        first = studios[0]
        for studio in studios[1:]:
            if studio.skeleton != first.skeleton:
                raise ValueError(
                    f"{first.reader.folder} has joints {first.skeleton.name!r}, "
                    f"{studio.reader.folder} {studio.skeleton.name!r}; make one of them anew"
                )
            if len(studio) and len(first) and studio[0].image.shape != first[0].image.shape:
                raise ValueError(
                    f"pictures of {first.reader.folder} and {studio.reader.folder} differ in size; "
                    "make one of them anew with the other's --size"
                )
        self.skeleton = first.skeleton
        self._studios = tuple(studios)
        self._starts = list(accumulate(map(len, studios), initial=0))
        self._first_moments = list(accumulate((s.num_moments for s in studios), initial=0))

    def __len__(self) -> int:
        """How many pictures all have."""
        return self._starts[-1]

    def __getitem__(self, number: int) -> StudioPicture:
        """One picture.

        Raises:
            IndexError: There are fewer.
            FileError: Its shard or the picture is damaged.
        """
        at, own = self._place(number)
        return self._studios[at][own]

    def moment_of(self, number: int) -> int:
        """Number of the moment that a picture shows."""
        at, own = self._place(number)
        return self._first_moments[at] + self._studios[at].moment_of(own)

    def _place(self, number: int) -> tuple[int, int]:
        """Which folder a picture is in, and its number there."""
        if not 0 <= number < len(self):
            raise IndexError(f"picture {number}: there are {len(self)}")
        at = bisect_right(self._starts, number) - 1
        return at, number - self._starts[at]
