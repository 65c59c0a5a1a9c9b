"""What every export does: a trained or an untrained network, its largest subnet as ONNX, arrays as compressed files."""

import argparse
import gzip
import io
from pathlib import Path

import numpy as np
import torch


def options(description: str, out: Path, *parts: str) -> argparse.Namespace:
    """The command line of an export script; `parts` are further flags of which one may be given."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path, help="a checkpoint that train.py wrote")
    source.add_argument("--random", action="store_true", help="untrained weights")
    parser.add_argument("--out", type=Path, default=out)
    chosen = parser.add_mutually_exclusive_group()
    for part in parts:
        chosen.add_argument(f"--{part}", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # one order of summation: the same input gives the same bytes
    return args


def restored(net: torch.nn.Module, checkpoint: Path) -> torch.nn.Module:
    net.load_state_dict(torch.load(checkpoint, map_location="cpu")["net"])
    return net


def write_net(net: torch.nn.Module, path: Path, opset: int) -> None:
    """`net` in evaluation mode, with open rows; every normalization stays a node of its own."""
    net = net.to(memory_format=torch.contiguous_format).eval()
    # An eval-mode network exported with training=PRESERVE keeps its normalizations; EVAL would fold them away.
    torch.onnx.export(
        net, torch.zeros(2, 1, 28, 28, dtype=torch.uint8), str(path), input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False, opset_version=opset,
    )


def write_array(array: np.ndarray, path: Path) -> None:
    """A gzip-compressed .npy file; the same array gives the same bytes."""
    plain = io.BytesIO()
    np.save(plain, np.ascontiguousarray(array))
    with path.open("wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as packed:
        packed.write(plain.getvalue())
