"""Training: the two-player step, the loop, checkpoints, logs."""

from vitruve.training.config import TrainConfig
from vitruve.training.loop import TrainResult, train
from vitruve.training.session import Watch
from vitruve.training.step import Players, train_step

__all__ = ["Players", "TrainConfig", "TrainResult", "Watch", "train", "train_step"]
