"""`digits`, `digits:EPOCHS`: 1,797 handwritten digits of 8 by 8 pixels, as scikit-learn carries them.

Alpaydin and Kaynak, "Cascading Classifiers" (1998): the test part of the Optical Recognition of Handwritten Digits data of the
UCI repository. The split is by the order of the file, in thirds: 599 to train, 599 to validate, 599 to test. Neighbours
there are of one writer, so that the splits have different writers, for the most part. Pixels are standardised by the mean
and the deviation of the training split.
"""

import gzip
from importlib.util import find_spec
from math import sqrt
from pathlib import Path

from archc.search.tasks.data import Data, Split
from archc.search.tasks.recipe import Plan
from archc.search.tasks.trainer import Classification

THIRD = 599


class Digits(Classification):
    """Trains on [1, 8, 8], ten classes, for 20 epochs; `digits:EPOCHS` for others.

    Raises ValueError where scikit-learn is not installed, or on what is no number of epochs.
    """

    def __init__(self, epochs: str = "20") -> None:
        if not epochs.isdecimal() or not int(epochs):
            raise ValueError(f"expected digits:EPOCHS with a number of epochs, found {epochs}")
        super().__init__(digits(), Plan(epochs=int(epochs), batch=32, lr=4e-3))


def digits() -> Data:
    """Return the data. No thread is begun on the way: workers are forked from the process that does this."""
    import torch

    rows = read()
    seen = [pixel for row in rows[:THIRD] for pixel in row[:-1]]
    mean = sum(seen) / len(seen)
    deviation = sqrt(sum((pixel - mean) ** 2 for pixel in seen) / len(seen))
    splits = []
    for part in (rows[:THIRD], rows[THIRD : 2 * THIRD], rows[2 * THIRD :]):
        images = torch.tensor([[(pixel - mean) / deviation for pixel in row[:-1]] for row in part])
        splits.append(Split((images.view(-1, 1, 8, 8),), torch.tensor([row[-1] for row in part])))
    return Data("digits", "[1, 8, 8]", "[10]", 10, *splits)


def read() -> list[list[int]]:
    """Return 64 pixels from 0 to 16 and a digit for each image. Raises ValueError where scikit-learn is not installed."""
    package = find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise ValueError("the task digits needs scikit-learn; try  pip install 'archc[search]'")
    path = Path(package.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"
    try:
        text = gzip.decompress(path.read_bytes()).decode("ascii")
    except OSError as error:
        raise ValueError(f"the digits of scikit-learn cannot be read: {error}") from None
    return [[int(float(entry)) for entry in line.split(",")] for line in text.splitlines()]
