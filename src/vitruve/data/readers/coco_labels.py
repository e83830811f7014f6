"""Labels laid out like COCO's: ``images`` and ``annotations``, with x, y and a flag for each joint.

Source: cocodataset.org, data format. Axes: j joints.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from vitruve.data.readers.release import field, numbers, read_json_file


def pictures_with_people(path: Path) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every picture of a file of labels with its people, in the order of the pictures.

    Raises:
        FileError: The file is damaged or laid out in another way.
    """
    labels = read_json_file(path)
    people: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in field(path, labels, "annotations"):
        people[field(path, annotation, "image_id")].append(annotation)
    for image in field(path, labels, "images"):
        yield image, people.get(field(path, image, "id"), [])


def keypoints(
    path: Path, annotation: dict[str, Any], num_joints: int
) -> tuple[Float[np.ndarray, "j 2"], Bool[np.ndarray, "j"]]:
    """2D joints of a person and which were labelled.

    Raises:
        FileError: There are other joints.
    """
    given = numbers(path, "keypoints", field(path, annotation, "keypoints"), (3 * num_joints,))
    points = given.reshape(num_joints, 3)
    valid = (points[:, 2] > 0) & np.isfinite(points).all(1)
    return np.where(valid[:, None], points[:, :2], 0.0), valid
