"""Random GRUs whose weights are drawn from a generator small enough to write again in Rust.

SplitMix64 starts at `seed(...)`. Every draw is a 24-bit integer k in [-2^23, 2^23), the top 24 bits
of the next word minus 2^23, and stands for k / 2^23, exact in f32. Order of the draws:

    for each layer:  weight_ih [3H, I or H] row-major, weight_hh [3H, H] row-major,
                     then bias_ih [3H], bias_hh [3H] if there is a bias
    inputs [STEPS, I] row-major

A weight or a bias is its draw times f32(1/sqrt(H)), rounded once to f32; an input is its draw.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

STEPS = 500
UNITS_PER_STEP = 8


class Shape(NamedTuple):
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool

    @property
    def key(self) -> str:
        """Name of the array, such as `28x128_layers2_bias` or `1x1_layers1_nobias`."""
        i, h, layers, bias = self
        return f"{i}x{h}_layers{layers}_{'bias' if bias else 'nobias'}"

    @property
    def seed(self) -> int:
        i, h, layers, bias = self
        return i << 32 | h << 16 | layers << 8 | int(bias)


SIZES = ((1, 1), (3, 2), (6, 17), (28, 128), (300, 9), (7, 333))
SHAPES = [Shape(*size, layers, bias) for size, layers, bias in product(SIZES, (1, 2, 3, 4), (True, False))]


class SplitMix64:
    """Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014."""

    def __init__(self, seed: int):
        self.state = np.uint64(seed)

    def draw(self, *shape: int) -> Tensor:
        """The next draws in [-1, 1), f32 of this shape."""
        gamma = np.uint64(0x9E3779B97F4A7C15)
        count = int(np.prod(shape))
        z = self.state + gamma * np.arange(1, count + 1, dtype=np.uint64)
        self.state = z[-1]
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        k = (z >> np.uint64(40)).astype(np.int32) - 2**23
        return torch.from_numpy(k.astype(np.float32) / np.float32(2**23)).reshape(shape)


def build(shape: Shape) -> tuple[nn.GRU, Tensor]:
    """The model and its inputs `[STEPS, I]`, both f32."""
    rng = SplitMix64(shape.seed)
    gru = nn.GRU(*shape)
    scale = torch.tensor(shape.hidden_size**-0.5, dtype=torch.float32)
    with torch.no_grad():
        for weights in gru.all_weights:
            for tensor in weights:
                tensor.copy_(rng.draw(*tensor.shape) * scale)
    return gru, rng.draw(STEPS, shape.input_size)


@torch.no_grad()
def outputs(gru: nn.GRU, x: Tensor) -> Tensor:
    """Hidden states of the top layer `[STEPS, H]`, from a zero state."""
    return gru(x)[0]


def sample(h: Tensor) -> np.ndarray:
    """Eight units of each step `[STEPS, 8]`: at step t the units (8t + j) mod H, j in 0..8."""
    t = torch.arange(len(h)).unsqueeze(1)
    unit = (UNITS_PER_STEP * t + torch.arange(UNITS_PER_STEP)) % h.shape[1]
    return h[t, unit].numpy()


def golden() -> dict[str, np.ndarray]:
    """Sampled f32 outputs of every shape. Prints how far PyTorch's f32 is from its f64."""
    arrays = {}
    for shape in SHAPES:
        gru, x = build(shape)
        h = outputs(gru, x)
        arrays[shape.key] = sample(h)
        exact = outputs(gru.double(), x.double())
        print(f"{shape.key:24} |f32 - f64| <= {(h - exact).abs().max():.2e}")
    return arrays
