"""DiffusionLifter: several hypotheses of the same keypoints, drawn by denoising.

Shan, Liu, Zhang, Wang, Han, Wang, Ma, Gao, "Diffusion-based 3D human pose estimation with
multi-hypothesis aggregation", ICCV 2023, https://arxiv.org/abs/2303.11579. One pose out of many is
chosen in ``estimators.hypotheses``.

Every window of every clip starts from the same noise, where the published code draws it anew: what
a clip gets then depends neither on its neighbours in the batch nor on how windows are grouped.

Axes: s steps, b batch, h hypotheses, t frames, k keypoints, j joints (as many), c channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.estimators import ddim
from vitruve.estimators.lifter import Lifter, LifterConfig
from vitruve.estimators.precision import computing
from vitruve.estimators.windows import predict_windows
from vitruve.nets.diffusion_schedule import NUM_STEPS
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class DiffusionLifterConfig(LifterConfig):
    """A lifting estimator that draws hypotheses; its net has ``denoise``, as ``d3dp``."""

    num_hypotheses: int = 5
    """Poses drawn for each clip."""
    num_steps: int = 5
    """Denoising steps, 1 to 1000; time grows with steps times hypotheses."""
    scale: float = 1.0
    """Of the joints while they are noisy; trained and sampled with the same one."""
    flip: bool = True
    """Denoise the mirrored clip too, at every step, and average; as published."""
    seed: int = 0
    """Of the noise: same seed, same hypotheses."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.num_hypotheses < 1 or not 1 <= self.num_steps <= NUM_STEPS or self.scale <= 0:
            raise ValueError(
                f"num_hypotheses {self.num_hypotheses} must be 1 or more, num_steps "
                f"{self.num_steps} 1 to {NUM_STEPS} and scale {self.scale} above 0"
            )


class DiffusionLifter(Lifter):
    """2D keypoints to several 3D poses relative to the root; every frame is predicted."""

    config: DiffusionLifterConfig
    trains_on_labels = True

    def __init__(self, config: DiffusionLifterConfig) -> None:
        super().__init__(config)
        if not hasattr(self.net, "denoise"):
            raise ValueError(
                f"net {config.net!r} cannot denoise joints, so nothing can be drawn with it; "
                "take 'd3dp', or the estimator 'lifter'"
            )

    def forward(self, batch: PoseBatch) -> Prediction:
        """Draw hypotheses for every frame; the config's seed decides which."""
        return self.draw(batch, torch.Generator().manual_seed(self.config.seed))

    def draw(self, batch: PoseBatch, generator: torch.Generator) -> Prediction:
        """Draw hypotheses for every frame, with noise from a generator on the CPU."""
        x = self._encode(batch)
        config, window = self.config, self.net.window
        shape = (config.num_hypotheses, window, self.skeleton.num_joints, 3)
        noise = torch.randn(config.num_steps, 1, *shape, generator=generator).to(x)
        copies = config.num_hypotheses * (2 if config.flip else 1)
        with computing(self.net, self.precision):
            joints = predict_windows(_Sampler(self, noise), x, copies)
        poses = [self._to_metres(pose, batch) for pose in joints.unbind(2)]
        joints_cam = torch.stack(poses, dim=-4)
        joints_cam[..., self.skeleton.root, :] = 0.0
        return Prediction(self.skeleton, joints_cam)

    def sample(
        self, keypoints: Float[Tensor, "b t k c"], noise: Float[Tensor, "s #b h t j 3"]
    ) -> Float[Tensor, "b s h t j 3"]:
        """Denoise given noise, for one window of normalised keypoints.

        Args:
            keypoints: Of exactly ``net.window`` frames.
            noise: Standard normal, one for each step; the first is where sampling starts.

        Returns:
            The guess of every step in the net's unit, times the scale as published; the last is
            the answer.
        """
        mirrored = _mirror(keypoints, self.keypoint_skeleton.mirror_index)
        swap = self.skeleton.mirror_index

        def denoise(noisy: Tensor, step: int) -> Tensor:
            time = torch.full(keypoints.shape[:1], step, device=keypoints.device)
            if not self.config.flip:
                return self.net.denoise(keypoints, noisy, time)
            both = self.net.denoise(
                torch.cat([keypoints, mirrored]),
                torch.cat([noisy, _mirror(noisy, swap)]),
                torch.cat([time, time]),
            )
            plain, flipped = both.chunk(2)
            return (plain + _mirror(flipped, swap)) / 2

        noise = noise.expand(-1, len(keypoints), -1, -1, -1, -1)
        return ddim.sample(denoise, noise, self.config.scale)

    def training_forward(self, batch: PoseBatch) -> Prediction:
        """Clean joints from labels with noise of one random time step per clip, in one step.

        The noise comes from torch's global generator, as that of dropout does. Unlabelled joints
        start as the root. The root itself is predicted too, for the objectives to keep at zero:
        while drawing it is denoised with the others.

        Raises:
            ValueError: The batch has no 3D labels, or of another skeleton, or is not exactly as
                long as the net's window.
        """
        x, clean = self._encode(batch), self._encode_labels(batch)
        if x.shape[1] != self.net.window:
            raise ValueError(
                f"training takes clips of exactly {self.net.window} frames, got {x.shape[1]}; "
                "set the source's window to the net's num_frames"
            )
        time = torch.randint(NUM_STEPS, (len(x),)).to(x.device)
        noisy = ddim.add_noise(clean, torch.randn(clean.shape).to(clean), time, self.config.scale)
        joints = self._to_metres(self.net.denoise(x, noisy, time)[:, 0], batch)
        return Prediction(self.skeleton, joints.unsqueeze(-4))

    def _encode_labels(self, batch: PoseBatch) -> Float[Tensor, "b 1 t j 3"]:
        """Labels relative to the root, as the net speaks them."""
        if batch.joints_cam is None or batch.skeleton is None:
            raise ValueError(
                "a diffusion lifter trains on PoseBatch.joints_cam; the batch has none"
            )
        if batch.skeleton.names != self.skeleton.names:
            raise ValueError(
                f"labels are of skeleton {batch.skeleton.name!r} but the estimator says "
                f"{self.skeleton.name!r}; convert the data or choose another estimator skeleton"
            )
        root = self.skeleton.root
        joints = batch.joints_cam - batch.joints_cam[..., root : root + 1, :]
        if batch.valid is not None:
            known = batch.valid & batch.valid[..., root : root + 1]
            joints = joints.where(known.unsqueeze(-1), 0.0)
        joints = self.normaliser.encode_joints(joints, batch) / self.config.metres_per_unit
        return joints.reshape(-1, 1, *joints.shape[-3:])


class _Sampler:
    """A window's hypotheses under given noise, in the form of a net of a fixed window."""

    padding = (0, 0)

    def __init__(self, lifter: DiffusionLifter, noise: Float[Tensor, "s 1 h t j 3"]) -> None:
        self.lifter, self.noise = lifter, noise
        self.window = lifter.net.window

    def __call__(self, x: Float[Tensor, "b t k c"]) -> Float[Tensor, "b t h j 3"]:
        answer = self.lifter.sample(x, self.noise)[:, -1] / self.lifter.config.scale
        return answer.transpose(1, 2)


def _mirror(x: Float[Tensor, "*b j c"], mirror_index: Sequence[int]) -> Float[Tensor, "*b j c"]:
    """Points as a mirror would show them: x changes sign and sides swap names."""
    x = x[..., list(mirror_index), :]
    return torch.cat([-x[..., :1], x[..., 1:]], dim=-1)
