"""A trained loss-net as one safetensors file, read and written."""

import importlib.metadata
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from vitruve.io.dataclass_json import config_from_dict
from vitruve.io.tensor_file import build_to_fit, read_tensors, write_tensors
from vitruve.nets.energy_graph import GraphEnergy, GraphEnergyConfig
from vitruve.nets.energy_mlp import MlpEnergy, MlpEnergyConfig

ENERGIES: dict[str, tuple[Any, Any]] = {
    "graph": (GraphEnergy, GraphEnergyConfig),
    "mlp": (MlpEnergy, MlpEnergyConfig),
}
"""Loss-nets, joints (b, j, 3) and their 2D evidence in, energies (b) out: name -> (net, config)."""


def write_energy(net: nn.Module, path: str | Path, card: str = "") -> None:
    """Write a loss-net and everything needed to rebuild it.

    Raises:
        KeyError: The net is none of ``ENERGIES``.
        OSError: The folder cannot be written.
    """
    names = [name for name, (cls, _) in ENERGIES.items() if type(net) is cls]
    if not names:
        raise KeyError(f"{type(net).__name__} is not in ENERGIES, so it cannot be saved")
    config: Any = net.config
    document = {
        "kind": "energy",
        "net": names[0],
        "config": asdict(config),
        "skeleton": config.skeleton.name,
        "unit": "metre",
        "axes": "camera frame: x right, y down, z forward; relative to the root",
        "version": importlib.metadata.version("vitruve"),
        "card": card,
    }
    write_tensors(path, net.state_dict(), document)


def read_energy(path: str | Path) -> Any:
    """Rebuild a saved loss-net, in eval mode, on the CPU.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or not a loss-net's.
        KeyError: It names a loss-net that this version does not have.
    """
    tensors, document = read_tensors(path, "energy")
    name = str(document.get("net"))
    if name not in ENERGIES:
        raise KeyError(f"{path} holds loss-net {name!r}; this version has {sorted(ENERGIES)}")
    build, config_class = ENERGIES[name]
    config = config_from_dict(config_class, document.get("config"))
    return build_to_fit(build, config, tensors, str(path))
