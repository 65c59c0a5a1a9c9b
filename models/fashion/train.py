"""Trains the supernet; training/sandwich.py says how. Usage: python3 train.py [--epochs 30] [--out DIR]"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import torch
from accuracy import top1
from sandwich import Recipe, train

from supernet import LARGEST, SMALLEST, Subnet, Supernet, calibrate, sample

PEAK_RATE = 0.15
WEIGHT_DECAY = 5e-4


def optimizer(decayed, others):
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others}]
    return torch.optim.SGD(groups, lr=PEAK_RATE, momentum=0.9, nesterov=True)


def calibrated_top1(net, calibration, images, labels, subnet) -> float:
    calibrate(net, calibration, subnet)
    return top1(net, images, labels, subnet)


train(
    Recipe(
        net=Supernet,
        optimizer=optimizer,
        peak_rate=PEAK_RATE,
        first_rate=10,
        clip=5.0,
        epochs=30,
        largest=LARGEST,
        smallest=SMALLEST,
        sample=sample,
        probes=(SMALLEST, Subnet((32, 64), (16, 32), (1, 1)), Subnet((64, 128), (32, 64), (1, 1)), LARGEST),
        accuracy=calibrated_top1,
        memory_format=torch.channels_last,
    )
)
