"""Random variations of recordings: where they start, how fast, how strong, how the watch is worn.

Every function takes and returns raw units, `f32 [B, T, 6]`: accelerometer xyz, gyroscope xyz.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Strength:
    """How far a variation may go."""

    shift: float = 0.4
    """Probability of starting inside a recording instead of at its beginning."""
    switch: float = 0.2
    """Probability that what follows a recording is of any class, not of the same one."""
    tempo: float = 0.15
    """Standard deviation of the logarithm of the playing speed."""
    tilt: float = 0.2
    """Standard deviation, in radians about each axis, of the rotation of the watch."""
    gain: float = 0.15
    """Standard deviation of the logarithm of the strength of a motion."""
    noise: float = 0.1
    """Standard deviation of additive noise, in standard deviations of its channel."""


def augment(raw: Tensor, labels: Tensor, batch: int, s: Strength, rng: Generator) -> tuple[Tensor, Tensor]:
    """Draws `batch` varied recordings `[batch, T, 6]` and their labels at each step `[batch, T]`."""
    x, y = splice(raw, labels, batch, s, rng)
    x = rotate(x, s.tilt, rng)
    gain = torch.exp(s.gain * torch.randn(batch, 1, 2, generator=rng)).repeat_interleave(3, dim=2)
    noise = s.noise * raw.std(dim=(0, 1)) * torch.randn(x.shape, generator=rng)
    return x * gain + noise, y


def splice(raw: Tensor, labels: Tensor, batch: int, s: Strength, rng: Generator) -> tuple[Tensor, Tensor]:
    """Plays one recording after another, from a random start and at a random speed."""
    count, steps, _ = raw.shape
    first = torch.randint(count, (batch,), generator=rng)
    second = torch.where(
        torch.rand(batch, generator=rng) < s.switch,
        torch.randint(count, (batch,), generator=rng),
        same_class(labels, first, rng),
    )
    tempo = torch.exp(s.tempo * torch.randn(batch, 1, generator=rng)).clamp(0.6, 1.6)
    shifted = torch.rand(batch, 1, generator=rng) < s.shift
    start = torch.where(shifted, torch.rand(batch, 1, generator=rng), 0.0) * steps
    time = (start + tempo * torch.arange(steps)).clamp(max=2 * steps - 1.001)
    before = time.long()
    x = torch.cat([raw[first], raw[second]], dim=1)
    y = torch.stack([labels[first], labels[second]], dim=1).repeat_interleave(steps, dim=1)
    row = torch.arange(batch).unsqueeze(1)
    x = torch.lerp(x[row, before], x[row, before + 1], (time - before).unsqueeze(2))
    return x, y[row, before]


def same_class(labels: Tensor, chosen: Tensor, rng: Generator) -> Tensor:
    """For each chosen recording, the index of a random one of its class."""
    same = labels[chosen].unsqueeze(1) == labels.unsqueeze(0)
    return torch.multinomial(same.float(), 1, generator=rng).squeeze(1)


def rotate(x: Tensor, tilt: float, rng: Generator) -> Tensor:
    """Turns both sensors of a recording together by one random rotation."""
    a, b, c = (tilt * torch.randn(3, len(x), generator=rng)).unbind()
    zero = torch.zeros_like(a)
    skew = torch.stack([zero, -c, b, c, zero, -a, -b, a, zero], dim=1).view(-1, 3, 3)
    turn = torch.linalg.matrix_exp(skew)
    return torch.cat([half @ turn for half in x.split(3, dim=2)], dim=2)
