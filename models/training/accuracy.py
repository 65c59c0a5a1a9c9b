"""What supernets share, whatever they are made of."""

import torch


def top1(net, images: torch.Tensor, labels: torch.Tensor, subnet, bfloat16: bool = False, batch: int = 500) -> float:
    """Share of images that a subnet, calibrated where it needs to be, tells right."""
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        right = sum(
            int((net(images[i : i + batch], subnet).argmax(1) == labels[i : i + batch]).sum())
            for i in range(0, len(images), batch)
        )
    return right / len(images)
