"""Crops of people as nets see them in training: another view of each, and batches of them."""

from vitruve.data.training_crops.ahead import Ahead
from vitruve.data.training_crops.augment import AugmentConfig, Augmenter, TrainingCrop
from vitruve.data.training_crops.batch import crops_batch, pictures_alone
from vitruve.data.training_crops.colour import ColourConfig
from vitruve.data.training_crops.feeds import FeedConfig, StoreFeed, StudioFeed
from vitruve.data.training_crops.silhouettes import silhouettes
from vitruve.data.training_crops.varied import VariedConfig, Varier, rolls

__all__ = [
    "Ahead",
    "AugmentConfig",
    "Augmenter",
    "ColourConfig",
    "FeedConfig",
    "StoreFeed",
    "StudioFeed",
    "TrainingCrop",
    "VariedConfig",
    "Varier",
    "crops_batch",
    "pictures_alone",
    "rolls",
    "silhouettes",
]
