"""Writes what Slackline serves from a trained supernet: net.onnx and the data files beside it.

The graph is the largest subnet, with every BatchNormalization in place and calibrated for it; the compiler makes
all other subnets of it by spec.json. Usage:
python3 export.py (--checkpoint FILE | --random) [--out DIR] [--net-only | --data-only]
"""

import argparse
import gzip
import io
from pathlib import Path

import numpy as np
import torch

from data import CALIBRATION, HELD_OUT, load
from supernet import Supernet, calibrate

HELD_OUT_KEPT = 2_500


def trained(checkpoint: Path) -> Supernet:
    net = Supernet()
    net.load_state_dict(torch.load(checkpoint, map_location="cpu")["net"])
    return net


def untrained(seed: int = 1) -> Supernet:
    """Random weights, with normalizations that are no identity: for trying the compiler before training ends."""
    torch.manual_seed(seed)
    net = Supernet()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
    return net


def write_net(net: Supernet, images: np.ndarray, path: Path) -> None:
    calibrate(net, torch.from_numpy(images[:CALIBRATION].copy()))
    net = net.to(memory_format=torch.contiguous_format).eval()
    # An eval-mode network exported with training=PRESERVE keeps its normalizations; EVAL would fold them away.
    torch.onnx.export(net, torch.zeros(2, 1, 28, 28, dtype=torch.uint8), str(path), input_names=["image"],
                      output_names=["logits"], dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}},
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, opset_version=14)


def write_array(array: np.ndarray, path: Path) -> None:
    """A gzip-compressed .npy file; the same array gives the same bytes."""
    plain = io.BytesIO()
    np.save(plain, np.ascontiguousarray(array))
    with path.open("wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as packed:
        packed.write(plain.getvalue())


def write_data(images: np.ndarray, labels: np.ndarray, out: Path) -> None:
    held = slice(HELD_OUT, HELD_OUT + HELD_OUT_KEPT)
    test_images, test_labels = load("t10k")
    write_array(images[:CALIBRATION], out / "calibration.npy.gz")
    write_array(images[held], out / "heldout-images.npy.gz")
    write_array(labels[held].astype(np.uint8), out / "heldout-labels.npy.gz")
    write_array(test_images, out / "test-images.npy.gz")
    write_array(test_labels.astype(np.uint8), out / "test-labels.npy.gz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path, help="a checkpoint that train.py wrote")
    source.add_argument("--random", action="store_true", help="untrained weights")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--net-only", action="store_true")
    parts.add_argument("--data-only", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # one order of summation: the same input gives the same bytes
    images, labels = load("train")
    if not args.data_only:
        write_net(untrained() if args.random else trained(args.checkpoint), images, args.out / "net.onnx")
    if not args.net_only:
        write_data(images, labels, args.out)


if __name__ == "__main__":
    main()
