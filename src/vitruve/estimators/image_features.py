"""Where feature maps of pictures come from: three kinds of frozen nets behind one interface.

``timm``: any convolutional backbone of timm, such as the HRNets of Context-Aware PoseFormer (Zhao
et al., NeurIPS 2023, https://arxiv.org/abs/2311.03312). ``vae``: latents of an image autoencoder
(Kingma and Welling, ICLR 2014) in SDXL's size (Podell et al., 2023,
https://arxiv.org/abs/2307.01952). ``depth_anything``: features of a net for relative depth (Yang et
al., NeurIPS 2024, https://arxiv.org/abs/2406.09414). PrML's appendix C.6 tries all three.

Axes: n pictures, c channels, y x pixels or cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

from vitruve.estimators.image_source import HUB, ImageFeatures, imported, to_multiple


@dataclass(frozen=True)
class TimmConfig:
    """A backbone of timm."""

    model: str = "hrnet_w32"
    """Name in ``timm.list_models()``; it must offer feature maps."""
    levels: tuple[int, ...] = (1, 2, 3, 4)
    """Which of its maps to use, finest first."""
    weights: str = HUB
    """``hub``, ``random``, or a .safetensors file of the model's whole state dict."""


class TimmFeatures(ImageFeatures):
    """Maps of several resolutions of a backbone for images.

    Context-Aware PoseFormer takes a backbone that was trained to find joints; timm's on the hub
    were trained on ImageNet. Weights of the former in timm's names can be given as a file.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: TimmConfig) -> None:
        """Build it with random weights.

        Raises:
            ImportError: The extra ``image`` is not installed.
            ValueError: timm has no such model or level.
        """
        super().__init__()
        self.config = config
        self.net = self._create()
        self.channels = tuple(self.net.feature_info.channels())
        normal = self.net.pretrained_cfg
        for name in ("mean", "std"):
            value = torch.tensor(normal[name]).view(3, 1, 1)
            self.register_buffer(name, value, persistent=False)

    def forward(self, images: Float[Tensor, "n 3 y x"]) -> list[Float[Tensor, "n _ _ _"]]:
        """The chosen maps."""
        return list(self.net((images - self.mean) / self.std))

    def from_hub(self) -> Mapping[str, Tensor]:
        """The model's published weights."""
        repository = self.net.pretrained_cfg.get("hf_hub_id")
        if not repository:
            raise FileNotFoundError(f"timm knows no published weights of {self.config.model}")
        download = imported("huggingface_hub").hf_hub_download
        return load_file(download(repository, "model.safetensors"))

    def fill(self, state: Mapping[str, Tensor]) -> None:
        """Let timm find its weights in ``state`` under the names of the whole model.

        Raises:
            ValueError: They are of another model.
        """
        try:
            filled, again = (self._create(dict(state)).state_dict() for _ in range(2))
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"weights of another net: {' '.join(str(error).split())}") from None
        # timm leaves at random what a backbone's file lacks, and says nothing.
        unfilled = [k for k, v in filled.items() if not torch.equal(v, again[k])]
        if unfilled:
            raise ValueError(f"weights of another net: {unfilled[0]!r} is not among them")
        self.net.load_state_dict(filled)

    def _create(self, state: dict[str, Tensor] | None = None) -> Any:
        try:
            return imported("timm").create_model(
                self.config.model,
                pretrained=state is not None,
                pretrained_cfg_overlay=None if state is None else {"state_dict": state},
                features_only=True,
                out_indices=self.config.levels,
            )
        except IndexError:
            raise ValueError(f"{self.config.model} has no level of {self.config.levels}") from None
        except RuntimeError as error:
            if state is not None:
                raise
            raise ValueError(
                f"timm offers no feature maps of {self.config.model!r} ({error}); "
                "timm.list_models() names all"
            ) from None


@dataclass(frozen=True)
class VaeConfig:
    """The encoder of an image autoencoder; the defaults are SDXL's."""

    block_channels: tuple[int, ...] = (128, 256, 512, 512)
    """Channels of each resolution, finest first; each but the last halves it."""
    layers_per_block: int = 2
    """Residual layers at each resolution."""
    latent_channels: int = 4
    """Channels of a latent."""
    scaling: float = 0.13025
    """Brings latents to a variance of 1."""
    weights: str = HUB
    """``hub``, ``random``, or a .safetensors file of an ``AutoencoderKL``."""


class VaeLatents(ImageFeatures):
    """Mean latents: one map, an eighth of the picture's resolution at SDXL's size."""

    def __init__(self, config: VaeConfig) -> None:
        """Build it with random weights.

        Raises:
            ImportError: The extra ``image`` is not installed.
        """
        super().__init__()
        self.config = config
        self.channels = (config.latent_channels,)
        count = len(config.block_channels)
        whole = imported("diffusers").AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * count,
            up_block_types=("UpDecoderBlock2D",) * count,
            block_out_channels=config.block_channels,
            layers_per_block=config.layers_per_block,
            latent_channels=config.latent_channels,
        )
        self.encoder, self.quant_conv = whole.encoder, whole.quant_conv

    def forward(self, images: Float[Tensor, "n 3 y x"]) -> list[Float[Tensor, "n _ _ _"]]:
        """Latents of the pictures."""
        images = to_multiple(images, 2 ** (len(self.config.block_channels) - 1))
        moments = self.quant_conv(self.encoder(2 * images - 1))
        return [moments.chunk(2, dim=1)[0] * self.config.scaling]

    def from_hub(self) -> Mapping[str, Tensor]:
        """SDXL's weights."""
        load = imported("diffusers").AutoencoderKL.from_pretrained
        return load("stabilityai/sdxl-vae", use_safetensors=True).state_dict()


@dataclass(frozen=True)
class DepthAnythingConfig:
    """A net for relative depth; the defaults are Depth Anything V2's small one."""

    channels: int = 384
    """Features of a token of the transformer."""
    num_layers: int = 12
    """Its layers."""
    num_heads: int = 6
    """Its attention heads."""
    out_layers: tuple[int, ...] = (3, 6, 9, 12)
    """Layers that the depth is made from."""
    neck_channels: tuple[int, ...] = (48, 96, 192, 384)
    """Channels of what is made of each, finest first."""
    fusion_channels: int = 64
    """Channels of the fused maps."""
    weights: str = HUB
    """``hub``, ``random``, or a .safetensors file of a ``DepthAnythingForDepthEstimation``."""


class DepthAnythingFeatures(ImageFeatures):
    """The fused maps that the relative depth is read from, coarsest first."""

    def __init__(self, config: DepthAnythingConfig) -> None:
        """Build it with random weights.

        Raises:
            ImportError: The extra ``image`` is not installed.
        """
        super().__init__()
        self.config = config
        self.channels = (config.fusion_channels,) * len(config.out_layers)
        package = imported("transformers")
        backbone = package.Dinov2Config(
            hidden_size=config.channels,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            image_size=518,
            patch_size=14,
            out_indices=list(config.out_layers),
            reshape_hidden_states=False,
        )
        described = package.DepthAnythingConfig(
            backbone_config=backbone,
            reassemble_hidden_size=config.channels,
            neck_hidden_sizes=list(config.neck_channels),
            fusion_hidden_size=config.fusion_channels,
        )
        whole = package.DepthAnythingForDepthEstimation(described)
        self.backbone, self.neck = whole.backbone, whole.neck

    def forward(self, images: Float[Tensor, "n 3 y x"]) -> list[Float[Tensor, "n _ _ _"]]:
        """The fused maps."""
        images = to_multiple(images, 14)
        mean = images.new_tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
        std = images.new_tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        tokens = self.backbone((images - mean) / std).feature_maps
        return self.neck(tokens, images.shape[-2] // 14, images.shape[-1] // 14)

    def from_hub(self) -> Mapping[str, Tensor]:
        """The weights of the small net, V2."""
        load = imported("transformers").DepthAnythingForDepthEstimation.from_pretrained
        return load("depth-anything/Depth-Anything-V2-Small-hf", use_safetensors=True).state_dict()


IMAGE_FEATURES: dict[str, tuple[Any, Any]] = {
    "depth_anything": (DepthAnythingFeatures, DepthAnythingConfig),
    "timm": (TimmFeatures, TimmConfig),
    "vae": (VaeLatents, VaeConfig),
}
"""Name -> (source, config)."""
