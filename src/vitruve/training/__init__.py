"""Training: the two-player step, the loop, checkpoints, logs."""

from vitruve.training.config import TrainConfig
from vitruve.training.loop import TrainResult, train
from vitruve.training.step import Players, train_step

__all__ = ["Players", "TrainConfig", "TrainResult", "train", "train_step"]
