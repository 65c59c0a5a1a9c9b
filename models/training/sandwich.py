"""Trains a supernet by the sandwich rule, with checkpoints that a later run resumes from.

Every step runs the largest subnet on the labels, then one random subnet and the smallest on the largest one's answers
(in-place distillation), and adds up their gradients. What a model brings of its own is its Recipe.
"""

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F

from data import CALIBRATION, HELD_OUT, load

BATCH = 256
SMOOTHING = 0.05


@dataclass(frozen=True)
class Recipe:
    net: Callable  # () -> the supernet; net(images, subnet) -> logits
    optimizer: Callable  # (weights to decay, other weights) -> optimizer
    peak_rate: float  # of the one-cycle schedule
    first_rate: float  # the peak over this is where it begins
    clip: float  # largest norm of all gradients
    epochs: int
    largest: object
    smallest: object
    sample: Callable  # (random.Random) -> a subnet
    probes: tuple  # subnets whose held-out accuracy is shown after each epoch
    accuracy: Callable  # (net, calibration images, images, labels, subnet) -> top-1
    memory_format: torch.memory_format = torch.contiguous_format


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Half of the batch mirrored; the whole batch shifted by up to two pixels; a square erased from half of it."""
    flip = torch.rand(len(images), generator=generator) < 0.5
    images = torch.where(flip.view(-1, 1, 1, 1), images.flip(3), images)
    dy, dx = torch.randint(0, 5, (2,), generator=generator).tolist()
    images = F.pad(images, (2, 2, 2, 2))[:, :, dy : dy + 28, dx : dx + 28].contiguous()
    size = 8
    tops = torch.randint(0, 28 - size, (len(images), 2), generator=generator).tolist()
    for i in range(0, len(images), 2):
        y, x = tops[i]
        images[i, :, y : y + size, x : x + size] = 73
    return images


def step(net, recipe: Recipe, rng: random.Random, images, labels, bfloat16: bool) -> float:
    """Adds up the gradients of three subnets, and returns the largest one's loss."""
    teacher, shown = None, 0.0
    for subnet in (recipe.largest, recipe.sample(rng), recipe.smallest):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            logits = net(images, subnet)
        logits = logits.float()
        if teacher is None:
            loss = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
            teacher, shown = logits.detach().softmax(1), loss.item()
        else:
            loss = F.cross_entropy(logits, teacher)
        loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), recipe.clip)
    return shown


def options(recipe: Recipe) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=recipe.epochs)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build"))
    parser.add_argument("--float32", action="store_true", help="no bfloat16 autocast (processors without it)")
    return parser.parse_args()


def train(recipe: Recipe) -> None:
    args = options(recipe)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "checkpoint.pt"

    images, labels = (torch.from_numpy(np.array(a)) for a in load("train"))
    held, held_labels = images[HELD_OUT:], labels[HELD_OUT:]
    images, labels = images[:HELD_OUT], labels[:HELD_OUT]
    torch.manual_seed(args.seed)
    net = recipe.net().to(memory_format=recipe.memory_format)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    optimizer = recipe.optimizer(decayed, others)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.peak_rate, epochs=args.epochs, steps_per_epoch=steps, pct_start=0.15,
        div_factor=recipe.first_rate, final_div_factor=1000,
    )
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        first = saved["epoch"]

    for epoch in range(first, args.epochs):
        # Everything random in an epoch follows from the seed and the epoch, so a resumed run repeats the whole one.
        rng = random.Random(f"{args.seed}/{epoch}")
        generator = torch.Generator().manual_seed(args.seed * 1_000 + epoch)
        order = torch.randperm(len(images), generator=generator)
        begun, total = time.time(), 0.0
        net.train()
        for at in range(steps):
            rows = order[at * BATCH : (at + 1) * BATCH]
            x = augment(images[rows], generator).contiguous(memory_format=recipe.memory_format)
            optimizer.zero_grad(set_to_none=True)
            loss = step(net, recipe, rng, x, labels[rows], not args.float32)
            optimizer.step()
            schedule.step()
            total += loss
            if at % 50 == 0:
                print(f"epoch {epoch + 1} step {at}/{steps} loss {loss:.3f} {time.time() - begun:.0f} s", flush=True)
        partial = checkpoint.with_suffix(".partial")
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
                    "epoch": epoch + 1}, partial)
        partial.replace(checkpoint)
        net.eval()
        shown = " ".join(
            f"{100 * recipe.accuracy(net, images[:CALIBRATION], held, held_labels, probe):.2f}" for probe in recipe.probes
        )
        print(f"epoch {epoch + 1}/{args.epochs}: loss {total / steps:.4f}, held-out top-1 of {len(recipe.probes)} "
              f"subnets, smallest to largest: {shown} % ({time.time() - begun:.0f} s)", flush=True)
