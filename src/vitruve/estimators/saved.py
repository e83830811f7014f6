"""Estimators with their weights: one safetensors file each, found by name or path."""

from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vitruve.estimators.base import Estimator
from vitruve.estimators.constant_pose import ConstantPose, ConstantPoseConfig
from vitruve.estimators.context_lifter import ContextLifter, ContextLifterConfig
from vitruve.estimators.diffusion_lifter import DiffusionLifter, DiffusionLifterConfig
from vitruve.estimators.heatmap_detector import HeatmapDetector, HeatmapDetectorConfig
from vitruve.estimators.latent_lifter import LatentLifter, LatentLifterConfig
from vitruve.estimators.latent_metric_scale import LatentMetricScale, LatentMetricScaleConfig
from vitruve.estimators.lifter import Lifter, LifterConfig
from vitruve.estimators.masked_keypoints import MaskedKeypoints, MaskedKeypointsConfig
from vitruve.estimators.metric_scale import MetricScale, MetricScaleConfig
from vitruve.estimators.precision import Precision
from vitruve.estimators.ray_blend_lifter import RayBlendLifter, RayBlendLifterConfig
from vitruve.estimators.refine import RefineConfig, RefinedEstimator
from vitruve.io.dataclass_json import config_from_dict
from vitruve.io.tensor_file import build_to_fit, read_tensors, write_tensors
from vitruve.nets import GeometryEnergy, GeometryEnergyConfig, read_energy

ESTIMATORS: dict[str, tuple[type[Estimator], Any]] = {
    "constant_pose": (ConstantPose, ConstantPoseConfig),
    "context_lifter": (ContextLifter, ContextLifterConfig),
    "heatmap_detector": (HeatmapDetector, HeatmapDetectorConfig),
    "latent_lifter": (LatentLifter, LatentLifterConfig),
    "latent_metric_scale": (LatentMetricScale, LatentMetricScaleConfig),
    "lifter": (Lifter, LifterConfig),
    "masked_keypoints": (MaskedKeypoints, MaskedKeypointsConfig),
    "metric_scale": (MetricScale, MetricScaleConfig),
    "ray_blend_lifter": (RayBlendLifter, RayBlendLifterConfig),
    "diffusion_lifter": (DiffusionLifter, DiffusionLifterConfig),
}
"""Every estimator by the name that its weight files carry."""

PACKAGED = Path(__file__).parent / "weights"
"""Folder of the weights that come with the package: NAME.safetensors, and the loss-nets of some:
NAME.energy.safetensors."""
_ENERGY = ".energy"


def make_estimator(name: str, config: Any) -> Estimator:
    """Build an untrained estimator of the table, with the weights of parts that others trained.

    Raises:
        KeyError: No estimator of that name.
        OSError: Weights of such a part cannot be had.
    """
    if name not in ESTIMATORS:
        raise KeyError(f"unknown estimator {name!r}; there are {sorted(ESTIMATORS)}")
    estimator = _build(name, config)
    estimator.load_pretrained()
    return estimator


def save_estimator(
    estimator: Estimator, path: str | Path, card: str = "", commit: str = ""
) -> None:
    """Write an estimator's weights and everything needed to rebuild it.

    Args:
        estimator: One of ``ESTIMATORS``.
        path: The file, by convention ``*.safetensors``.
        card: What it was trained on, its licence and its figures, for people.
        commit: Version of the code that trained it.

    Raises:
        KeyError: The estimator's class is not in the table.
    """
    names = [name for name, (cls, _) in ESTIMATORS.items() if type(estimator) is cls]
    if not names:
        raise KeyError(f"{type(estimator).__name__} is not in ESTIMATORS, so it cannot be saved")
    document = {
        "kind": "estimator",
        "estimator": names[0],
        "config": asdict(estimator.config),
        "skeleton": estimator.skeleton.name,
        "keypoint_skeleton": estimator.keypoint_skeleton.name,
        "unit": "metre",
        "axes": "camera frame: x right, y down, z forward; relative to the root",
        "version": _version(),
        "commit": commit,
        "card": card,
    }
    write_tensors(path, estimator.state_dict(), document)


def load_estimator(path: str | Path) -> Estimator:
    """Rebuild a saved estimator, in eval mode, on the CPU.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, not an estimator, or its parts do not fit together.
        KeyError: It names an estimator or a net that this version does not have.
    """
    tensors, document = read_tensors(path, "estimator")
    name = str(document.get("estimator"))
    if name not in ESTIMATORS:
        raise KeyError(f"{path} holds estimator {name!r}; this version has {sorted(ESTIMATORS)}")
    config = config_from_dict(ESTIMATORS[name][1], document.get("config"))
    return build_to_fit(lambda given: _build(name, given), config, tensors, str(path))


def copy_matching(estimator: Estimator, path: str | Path) -> tuple[int, int]:
    """Start an estimator from a saved one: copy the tensors whose names and shapes agree.

    Returns:
        How many tensors were copied, and of how many.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged or not an estimator's, or none of its tensors fits.
    """
    given, document = read_tensors(path, "estimator")
    own = estimator.state_dict()
    fitting = {k: v for k, v in given.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise ValueError(
            f"{path} holds estimator {document.get('estimator')!r} with no tensor of the same name "
            "and shape as this run's; give one that shares a part of its net"
        )
    estimator.load_state_dict(fitting, strict=False)
    return len(fitting), len(own)


def load(
    name_or_path: str | Path = "default",
    precision: Precision = "auto",
    refine: str | Path | None = None,
    descent: RefineConfig | None = None,
) -> Estimator:
    """Load packaged weights by name, or any weight file that predicts 3D by path.

    Args:
        name_or_path: Which.
        precision: Numbers it computes in; also its attribute of that name.
        refine: Energy down which every answer is moved: ``"default"`` for the loss-net that lies
            beside the weights as NAME.energy.safetensors, a file of another one, or ``"geometry"``
            for rays and symmetry, which need none; None for none.
        descent: How far; the usual way if None.

    Raises:
        KeyError: Neither a packaged name nor a file.
        FileNotFoundError: There is no such loss-net.
        ValueError: The weights only pre-train a net, or the loss-net is damaged or knows poses of
            another skeleton.
    """
    estimator = load_estimator(_find(name_or_path))
    if not estimator.says_joints:
        raise ValueError(
            f"{name_or_path} is a pre-training and predicts no 3D: train a lifter from it "
            "(vitruve train RECIPE --initial FILE)"
        )
    estimator.precision = precision
    if refine is None:
        return estimator
    if refine == "geometry":
        energy = GeometryEnergy(GeometryEnergyConfig(estimator.skeleton))
    else:
        energy = read_energy(_find_energy(name_or_path, refine))
    return RefinedEstimator(estimator, energy, descent or RefineConfig())


def read_statement(name_or_path: str | Path) -> dict[str, Any]:
    """What packaged weights or a weight file state of themselves: card, commit and all else.

    Raises:
        KeyError: Neither a packaged name nor a file.
        ValueError: The file is damaged, or not an estimator's.
    """
    return read_tensors(_find(name_or_path), "estimator")[1]


def _find(name_or_path: str | Path) -> Path:
    packaged = PACKAGED / f"{name_or_path}.safetensors"
    if Path(name_or_path).is_file():
        return Path(name_or_path)
    if Path(name_or_path).name == str(name_or_path) and packaged.is_file():
        return packaged
    stems = (p.stem for p in PACKAGED.glob("*.safetensors"))
    names = sorted(stem for stem in stems if not stem.endswith(_ENERGY))
    raise KeyError(
        f"no weights {str(name_or_path)!r}: packaged are {names}; "
        "a path must name an existing .safetensors file"
    )


def _find_energy(name_or_path: str | Path, refine: str | Path) -> Path:
    """File of the loss-net that comes with some weights, or of a named one."""
    if str(refine) == "default":
        path = _find(name_or_path).with_suffix(f"{_ENERGY}.safetensors")
        problem = f"no loss-net comes with {str(name_or_path)!r} (no file {path.name} beside it)"
    else:
        path, problem = Path(refine), f"no loss-net file {str(refine)!r}"
    if not path.is_file():
        raise FileNotFoundError(
            f"{problem}; name the file of one that was trained beside the model, such as "
            "energy.safetensors in the folder of its training"
        )
    return path


def _build(name: str, config: Any) -> Estimator:
    build: Any = ESTIMATORS[name][0]
    return build(config)


def _version() -> str:
    try:
        return version("vitruve")
    except PackageNotFoundError:
        return "unknown"
