"""Writes what Slackline serves from a trained supernet: net.onnx and the data files beside it.

The graph is the largest subnet, with every BatchNormalization in place and calibrated for it; the compiler makes
all other subnets of it by spec.json. Usage:
python3 export.py (--checkpoint FILE | --random) [--out DIR] [--net-only | --data-only]
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "training"))

import numpy as np
import torch
from data import CALIBRATION, HELD_OUT, load
from export_net import options, restored, write_array, write_net

from supernet import Supernet, calibrate

HELD_OUT_KEPT = 2_500


def untrained(seed: int = 1) -> Supernet:
    """Random weights, with normalizations that are no identity: for trying the compiler before training ends."""
    torch.manual_seed(seed)
    net = Supernet()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
    return net


def write_data(images: np.ndarray, labels: np.ndarray, out: Path) -> None:
    held = slice(HELD_OUT, HELD_OUT + HELD_OUT_KEPT)
    test_images, test_labels = load("t10k")
    write_array(images[:CALIBRATION], out / "calibration.npy.gz")
    write_array(images[held], out / "heldout-images.npy.gz")
    write_array(labels[held].astype(np.uint8), out / "heldout-labels.npy.gz")
    write_array(test_images, out / "test-images.npy.gz")
    write_array(test_labels.astype(np.uint8), out / "test-labels.npy.gz")


def main() -> None:
    args = options(__doc__, Path(__file__).parent, "net-only", "data-only")
    images, labels = load("train")
    if not args.data_only:
        net = untrained() if args.random else restored(Supernet(), args.checkpoint)
        calibrate(net, torch.from_numpy(images[:CALIBRATION].copy()))
        write_net(net, args.out / "net.onnx", opset=14)
    if not args.net_only:
        write_data(images, labels, args.out)


if __name__ == "__main__":
    main()
