"""What is done to every dataset alike: which examples are kept, and how a person is cut out."""

from vitruve.data.processing.boxes import example_box_px
from vitruve.data.processing.crop import Crop, CropConfig, crop_person
from vitruve.data.processing.plausible import bone_lengths, is_plausible
from vitruve.data.processing.sampling import PoseSampler
from vitruve.data.processing.select import Reason, SelectConfig, Selector

__all__ = [
    "Crop",
    "CropConfig",
    "PoseSampler",
    "Reason",
    "SelectConfig",
    "Selector",
    "bone_lengths",
    "crop_person",
    "example_box_px",
    "is_plausible",
]
