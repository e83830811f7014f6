"""Turn a finished run of the default recipe into the packaged weights, and sign their card.

    python tools/pack_default.py RUN_FOLDER

The run trains VideoPose3D's strided form; the package ships the dilated one, whose weights are the
same and which reads clips of any length. The card's hash and size are brought up to date.
"""

import hashlib
import re
import sys
from dataclasses import replace
from pathlib import Path

from vitruve.benchmarks.provenance import commit
from vitruve.estimators import load_estimator, make_estimator, save_estimator
from vitruve.estimators.saved import PACKAGED
from vitruve.io.atomic import atomic_path
from vitruve.nets.weight_cards import CARDS
from vitruve.recipes.default_model import DEFAULT_RUNS, NAME


def main() -> None:
    """Pack, sign, say where."""
    trained = load_estimator(Path(sys.argv[1]) / "estimator.safetensors")
    config = replace(trained.config, net_config=replace(trained.config.net_config, strided=False))
    packed = make_estimator("lifter", config)
    packed.load_state_dict(trained.state_dict())
    PACKAGED.mkdir(exist_ok=True)
    path = PACKAGED / "default.safetensors"
    save_estimator(packed.eval(), path, card=DEFAULT_RUNS[NAME].summary, commit=commit())
    content = path.read_bytes()
    signed = re.sub(
        r'(\[default\][^\[]*?sha256 = )"\w*"([^\[]*?num_bytes = )\d+',
        rf'\g<1>"{hashlib.sha256(content).hexdigest()}"\g<2>{len(content)}',
        CARDS.read_text(),
    )
    with atomic_path(CARDS) as temporary:
        temporary.write_text(signed)
    print(f"{path}: {len(content):,} bytes; card signed in {CARDS}")


if __name__ == "__main__":
    main()
