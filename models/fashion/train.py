"""Trains the supernet by the sandwich rule, with checkpoints that a later run resumes from.

Every step runs the largest subnet on the labels, then the smallest and one random subnet on the largest one's
answers (in-place distillation), and adds up their gradients. Usage: python3 train.py [--epochs 30] [--out DIR]
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from data import CALIBRATION, HELD_OUT, load
from supernet import LARGEST, SMALLEST, Subnet, Supernet, accuracy, calibrate, sample

BATCH = 256
PEAK_RATE = 0.15
WEIGHT_DECAY = 5e-4
SMOOTHING = 0.05
PROBES = (SMALLEST, Subnet((32, 64), (16, 32), (1, 1)), Subnet((64, 128), (32, 64), (1, 1)), LARGEST)


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


def report(net: Supernet, calibration, images, labels) -> str:
    parts = []
    for subnet in PROBES:
        calibrate(net, calibration, subnet)
        parts.append(f"{100 * accuracy(net, images, labels, subnet):.2f}")
    return " ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build"))
    parser.add_argument("--float32", action="store_true", help="no bfloat16 autocast (processors without it)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "checkpoint.pt"

    images, labels = (torch.from_numpy(np.array(a)) for a in load("train"))
    held, held_labels = images[HELD_OUT:], labels[HELD_OUT:]
    images, labels = images[:HELD_OUT], labels[:HELD_OUT]
    torch.manual_seed(args.seed)
    net = Supernet().to(memory_format=torch.channels_last)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others}],
                                lr=PEAK_RATE, momentum=0.9, nesterov=True)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, epochs=args.epochs, steps_per_epoch=steps,
                                                   pct_start=0.15, div_factor=10, final_div_factor=1000)
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
        for step in range(steps):
            at = order[step * BATCH : (step + 1) * BATCH]
            x, y = augment(images[at], generator).contiguous(memory_format=torch.channels_last), labels[at]
            optimizer.zero_grad(set_to_none=True)
            teacher = None
            for subnet in (LARGEST, sample(rng), SMALLEST):
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=not args.float32):
                    logits = net(x, subnet)
                logits = logits.float()
                if teacher is None:
                    loss = F.cross_entropy(logits, y, label_smoothing=SMOOTHING)
                    teacher, shown = logits.detach().softmax(1), loss.item()
                else:
                    loss = F.cross_entropy(logits, teacher)
                loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            total += shown
            if step % 50 == 0:
                print(f"epoch {epoch + 1} step {step}/{steps} loss {shown:.3f} {time.time() - begun:.0f} s", flush=True)
        partial = checkpoint.with_suffix(".partial")
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
                    "epoch": epoch + 1}, partial)
        partial.replace(checkpoint)
        print(f"epoch {epoch + 1}/{args.epochs}: loss {total / steps:.4f}, held-out top-1 of "
              f"{len(PROBES)} subnets, smallest to largest: {report(net, images[:CALIBRATION], held, held_labels)} % "
              f"({time.time() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
