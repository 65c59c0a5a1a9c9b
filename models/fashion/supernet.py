"""The weight-shared network that ships with Slackline.

A residual convolutional network for 28x28 grey images, elastic in three ways:

  width   channels of each stage's residual stream (every block of a stage agrees)
  expand  channels inside the blocks of a stage
  depth   how many of a stage's blocks run; the first `depth` do

A subnet uses the first channels of each weight and the first blocks of each stage, so all of them live in one
copy of the parameters. Sizes are multiples of 16, the channel block of the fastest CPU kernels.
"""

import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = 10
STEM = 16
WIDTHS = ((16, 32, 64), (32, 64, 128))
EXPANDS = ((16, 32, 64), (32, 64, 128))
DEPTHS = ((0, 1, 2), (0, 1, 2))
STAGES = len(WIDTHS)
MEAN, STD = 0.2860, 0.3530


@dataclass(frozen=True)
class Subnet:
    """One choice of every elastic size; each field holds one entry per stage."""

    width: tuple
    expand: tuple
    depth: tuple


LARGEST = Subnet(*(tuple(c[-1] for c in sizes) for sizes in (WIDTHS, EXPANDS, DEPTHS)))
SMALLEST = Subnet(*(tuple(c[0] for c in sizes) for sizes in (WIDTHS, EXPANDS, DEPTHS)))


def sample(rng: random.Random) -> Subnet:
    """A subnet drawn uniformly from the space."""
    return Subnet(*(tuple(rng.choice(c) for c in sizes) for sizes in (WIDTHS, EXPANDS, DEPTHS)))


class ElasticConv(nn.Module):
    """3x3 convolution and batch normalization of which the first `out` x `in` channels are used.

    In training mode statistics come from the batch, because those of one subnet are wrong for every other. In
    evaluation mode the running statistics are used; they are only right for the subnet last calibrated.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels_out)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x, out=None):
        if out is None or (out == self.conv.out_channels and x.shape[1] == self.conv.in_channels and not self.training):
            return self.bn(self.conv(x))
        y = F.conv2d(x, self.conv.weight[:out, : x.shape[1]], stride=self.conv.stride, padding=1)
        bn = self.bn
        return F.batch_norm(y, bn.running_mean[:out], bn.running_var[:out], bn.weight[:out], bn.bias[:out],
                            self.training, bn.momentum or 0.0, bn.eps)


class Block(nn.Module):
    """Two convolutions with a residual connection; the channels between them are elastic."""

    def __init__(self, width: int, expand: int):
        super().__init__()
        self.conv1 = ElasticConv(width, expand)
        self.conv2 = ElasticConv(expand, width)
        nn.init.zeros_(self.conv2.bn.weight)

    def forward(self, x, expand=None):
        y = F.relu(self.conv1(x, expand))
        return F.relu(self.conv2(y, None if expand is None else x.shape[1]) + x)


class Supernet(nn.Module):
    """uint8 [n,1,28,28] -> logits float32 [n,10]."""

    def __init__(self):
        super().__init__()
        self.stem = ElasticConv(1, STEM)
        inputs = (STEM, WIDTHS[0][-1])
        self.down = nn.ModuleList(ElasticConv(inputs[s], WIDTHS[s][-1], stride=2) for s in range(STAGES))
        self.stage = nn.ModuleList(
            nn.ModuleList(Block(WIDTHS[s][-1], EXPANDS[s][-1]) for _ in range(DEPTHS[s][-1])) for s in range(STAGES)
        )
        self.head = nn.Linear(WIDTHS[-1][-1], CLASSES)

    def forward(self, image, subnet: Subnet = None):
        x = (image.float() * (1 / (255 * STD))) - MEAN / STD
        x = F.relu(self.stem(x, None if subnet is None else STEM))
        for s in range(STAGES):
            x = F.relu(self.down[s](x, None if subnet is None else subnet.width[s]))
            blocks = self.stage[s] if subnet is None else self.stage[s][: subnet.depth[s]]
            for block in blocks:
                x = block(x, None if subnet is None else subnet.expand[s])
        if subnet is None:
            return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))
        x = x.mean((2, 3))
        return F.linear(x, self.head.weight[:, : x.shape[1]], self.head.bias)


def calibrate(net: Supernet, images: torch.Tensor, subnet: Subnet = LARGEST, batch: int = 256) -> None:
    """Makes the running statistics those of `subnet`: the cumulative mean over the batches of `images`."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        net.train()
        for i, at in enumerate(range(0, len(images), batch)):
            for norm in norms:
                norm.momentum = 1 / (i + 1)
            net(images[at : at + batch], subnet)
        net.eval()
        for norm in norms:
            norm.momentum = 0.1
