"""Frozen nets of other packages that turn pictures into feature maps: what all of them share.

They need the extra ``image``, which is imported when a source is built. A source is built with
random weights; ``load_pretrained`` gets the published ones. Weights are only read as safetensors.

Axes: n pictures, c channels, y x pixels or cells.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from vitruve.estimators.torchvision_build import repair_torchvision

HUB, RANDOM = "hub", "random"


class ImageFeatures(nn.Module, ABC):
    """Pictures in, feature maps out."""

    config: Any
    """The frozen dataclass it was built from; its ``weights`` say where they come from."""
    channels: tuple[int, ...]
    """Channels of each map."""

    @abstractmethod
    def forward(self, images: Float[Tensor, "n 3 y x"]) -> list[Float[Tensor, "n _ _ _"]]:
        """Feature maps of RGB pictures with values 0 to 1; every map covers the whole picture."""

    @abstractmethod
    def from_hub(self) -> Mapping[str, Tensor]:
        """The published weights, from the Hugging Face hub or this machine's copy of it.

        Raises:
            OSError: They cannot be reached.
        """

    def load_pretrained(self) -> None:
        """Fill it with the weights that its config names; nothing where that says ``random``.

        Raises:
            OSError: The hub cannot be reached, or there is no such file.
            ValueError: The file is damaged, or of another net.
        """
        weights = self.config.weights
        if weights == RANDOM:
            return
        if weights != HUB:
            self.fill(read_weights(weights))
            return
        try:
            state = self.from_hub()
        except OSError as error:
            raise OSError(
                f"the weights of {self.config} cannot be fetched from the Hugging Face hub "
                f"({type(error).__name__}); give weights=PATH.safetensors, a file of them"
            ) from error
        self.fill(state)

    def fill(self, state: Mapping[str, Tensor]) -> None:
        """Take its own weights out of ``state``, which may hold more.

        Raises:
            ValueError: One is missing or has another shape.
        """
        own = self.state_dict()
        if missing := sorted(own.keys() - state.keys()):
            raise ValueError(f"weights of another net: {len(missing)} lack, such as {missing[0]!r}")
        try:
            self.load_state_dict({name: state[name] for name in own})
        except RuntimeError as error:
            raise ValueError(f"weights of another size: {' '.join(str(error).split())}") from None


def imported(package: str) -> Any:
    """A package of the extra ``image``.

    Raises:
        ImportError: It is not installed.
    """
    try:
        repair_torchvision()
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f"image features need {package}, of the extra image ({error}): "
            "pip install 'vitruve[image]'"
        ) from error


def to_multiple(images: Float[Tensor, "n 3 y x"], of: int) -> Float[Tensor, "n 3 _ _"]:
    """Pictures in the nearest size that a net's grid divides."""
    size = [max(1, round(side / of)) * of for side in images.shape[-2:]]
    if list(images.shape[-2:]) == size:
        return images
    return functional.interpolate(images, size, mode="bilinear", antialias=True)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file, by name.

    Raises:
        FileNotFoundError: There is no such file of that kind.
        ValueError: It is damaged.
    """
    if not Path(path).is_file() or Path(path).suffix != ".safetensors":
        raise FileNotFoundError(
            f"no weights file {path}: give an existing .safetensors file, {HUB!r} or {RANDOM!r}"
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or not a safetensors file ({error})") from None
