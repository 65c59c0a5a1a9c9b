"""Trains the supernet; training/sandwich.py says how. Usage: python3 train.py [--epochs 20] [--out DIR]"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import torch
from accuracy import top1
from sandwich import Recipe, train

from supernet import LARGEST, SMALLEST, Supernet, sample, uniform

PEAK_RATE = 7e-4
WEIGHT_DECAY = 0.05


def optimizer(decayed, others):
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.999))


train(
    Recipe(
        net=Supernet,
        optimizer=optimizer,
        peak_rate=PEAK_RATE,
        first_rate=10,
        clip=1.0,
        epochs=20,
        largest=LARGEST,
        smallest=SMALLEST,
        sample=sample,
        probes=(SMALLEST, uniform(2, 3, 128), uniform(4, 3, 128), LARGEST),
        accuracy=lambda net, calibration, images, labels, subnet: top1(net, images, labels, subnet, bfloat16=True),
    )
)
