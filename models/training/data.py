"""Fashion-MNIST as Debian's package dataset-fashion-mnist installs it, and how Slackline divides it.

  training images 0..54,999        train the network; the first 2,048 calibrate the subnets' statistics
  training images 55,000..59,999   held out: subnets are chosen on them
  test images 0..4,999             the accuracy in a profile is measured on them
  test images 5,000..9,999         the demonstration sends them
"""

import gzip
from pathlib import Path

import numpy as np

ROOT = Path("/usr/share/datasets/fashion-mnist")
HELD_OUT = 55_000
CALIBRATION = 2_048


def load(split: str):
    """`split` is "train" or "t10k": uint8 images [n,1,28,28] and int64 labels [n]."""
    with gzip.open(ROOT / f"{split}-images-idx3-ubyte.gz") as f:
        images = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(ROOT / f"{split}-labels-idx1-ubyte.gz") as f:
        labels = np.frombuffer(f.read(), np.uint8, offset=8).astype(np.int64)
    return images, labels
