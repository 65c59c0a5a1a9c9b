"""A patch transformer for 28x28 grey images, elastic in layers and, layer by layer, in heads and feed-forward width.

A subnet uses the first layers, and in each of them the first heads and the first feed-forward channels. The width of
the residual stream is the same in all subnets. Layer normalization normalizes each token by itself, so no subnet needs
statistics of its own, and nothing is calibrated.
"""

import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = 10
DIM = 64
STEM = 32
SIDE = 7  # two convolutions of stride 2 make 7 x 7 tokens of 28 x 28 pixels
TOKENS = SIDE * SIDE
HEAD = 16
LAYERS = 5
DEPTHS = (1, 2, 3, 4, 5)
HEADS = (2, 3, 4)
HIDDEN = (64, 128, 256)
MEAN, STD = 0.2860, 0.3530


@dataclass(frozen=True)
class Subnet:
    """`heads` and `hidden` hold a size for every layer, also for those beyond `depth`, which do not run."""

    depth: int
    heads: tuple
    hidden: tuple


def uniform(depth: int, heads: int, hidden: int) -> Subnet:
    return Subnet(depth, (heads,) * LAYERS, (hidden,) * LAYERS)


LARGEST = uniform(DEPTHS[-1], HEADS[-1], HIDDEN[-1])
SMALLEST = uniform(DEPTHS[0], HEADS[0], HIDDEN[0])


def sample(rng: random.Random) -> Subnet:
    """A subnet drawn uniformly from the space."""
    return Subnet(rng.choice(DEPTHS), tuple(rng.choices(HEADS, k=LAYERS)), tuple(rng.choices(HIDDEN, k=LAYERS)))


def linear(layer: nn.Linear, x, outputs: int, inputs: int):
    if (outputs, inputs) == (layer.out_features, layer.in_features):
        return layer(x)  # keeps the export free of slices that cut nothing
    return F.linear(x, layer.weight[:outputs, :inputs], layer.bias[:outputs])


class Layer(nn.Module):
    """Attention and a feed-forward network, each normalized before and added after."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.query, self.key, self.value = (nn.Linear(DIM, HEADS[-1] * HEAD) for _ in range(3))
        self.out = nn.Linear(HEADS[-1] * HEAD, DIM)
        self.up, self.down = nn.Linear(DIM, HIDDEN[-1]), nn.Linear(HIDDEN[-1], DIM)

    def forward(self, x, heads: int, hidden: int):
        width = heads * HEAD
        y = self.norm1(x)
        q, k, v = (
            linear(part, y, width, DIM).reshape(-1, TOKENS, heads, HEAD).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        weights = torch.softmax(torch.matmul(q * HEAD**-0.5, k.transpose(2, 3)), -1)
        y = torch.matmul(weights, v).transpose(1, 2).reshape(-1, TOKENS, width)
        x = x + linear(self.out, y, DIM, width)
        y = F.gelu(linear(self.up, self.norm2(x), hidden, DIM))
        return x + linear(self.down, y, DIM, hidden)


class Supernet(nn.Module):
    """uint8 [n,1,28,28] -> logits float32 [n,10]."""

    def __init__(self):
        super().__init__()
        self.stem1 = nn.Conv2d(1, STEM, 3, 2, 1)
        self.stem2 = nn.Conv2d(STEM, DIM, 3, 2, 1)
        self.embed = nn.LayerNorm(DIM)
        self.position = nn.Parameter(torch.randn(1, TOKENS, DIM) * 0.02)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, CLASSES)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.04)
                nn.init.zeros_(module.bias)
        # Layers that begin as identities keep the first steps steady, in which subnets of all depths pull apart.
        for layer in self.layers:
            nn.init.zeros_(layer.out.weight)
            nn.init.zeros_(layer.down.weight)

    def forward(self, image, subnet: Subnet = None):
        subnet = subnet or LARGEST
        x = (image.float() * (1 / (255 * STD))) - MEAN / STD
        x = self.stem2(F.relu(self.stem1(x))).flatten(2).transpose(1, 2)
        x = self.embed(x + self.position)
        for layer, heads, hidden in zip(self.layers[: subnet.depth], subnet.heads, subnet.hidden):
            x = layer(x, heads, hidden)
        return self.head(self.norm(x.mean(1)))
