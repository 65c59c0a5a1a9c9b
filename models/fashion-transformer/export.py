"""Writes net.onnx from a trained supernet: the largest subnet, of which the compiler makes all others by spec.json.

The images are those of ../fashion. Usage: python3 export.py (--checkpoint FILE | --random) [--out DIR]
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "training"))

import torch
from export_net import options, restored, write_net

from supernet import Supernet


def untrained(seed: int = 1) -> Supernet:
    torch.manual_seed(seed)
    net = Supernet()
    for parameter in net.parameters():  # the exporter would merge parameters that are equal
        torch.nn.init.normal_(parameter, std=0.05)
    return net


def main() -> None:
    args = options(__doc__, Path(__file__).parent)
    # LayerNormalization is one operator from opset 17 on.
    write_net(untrained() if args.random else restored(Supernet(), args.checkpoint), args.out / "net.onnx", opset=17)


if __name__ == "__main__":
    main()
