"""Trains a classifier of digits that are read row by row: two GRU layers of 128, then a dense layer.

Usage: pip install -r requirements.txt && python digits.py

scikit-learn's bundled digits, 8 x 8 pixels from 0 to 16; the last 500 of 1797 are held out.
Writes next to itself `digits.safetensors` in f16, `digits_calibration.npy` (400 digits of the training set),
and the held-out digits `digits_test.npy` with `digits_test_labels.npy`.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

HERE = Path(__file__).parent
TEST = 500
STEPS = 1500


class Rows(nn.Module):
    """Pixels `[N, 8, 8]` to logits `[N, 8, 10]` after each row; the last row's count."""

    def __init__(self):
        super().__init__()
        self.register_buffer("input_mean", torch.full((8,), 5.0))
        self.register_buffer("input_std", torch.full((8,), 6.0))
        self.gru = nn.GRU(8, 128, 2, batch_first=True, dropout=0.3)
        self.head = nn.Linear(128, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.gru((pixels - self.input_mean) / self.input_std)[0])


def shifted(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Moved by up to one pixel sideways, and noisy."""
    by = int(torch.randint(-1, 2, (), generator=rng))
    return torch.roll(pixels, by, dims=2) + torch.randn(pixels.shape, generator=rng)


def train(pixels: Tensor, labels: Tensor) -> Rows:
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    model = Rows().train()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(pixels), (64,), generator=rng)
        logits = model(shifted(pixels[chosen], rng))[:, -1]
        loss = nn.functional.cross_entropy(logits, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.half().float().eval()


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    digits = load_digits()
    pixels = torch.tensor(digits.images, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    with torch.enable_grad():
        model = train(pixels[:-TEST], labels[:-TEST])
    right = model(pixels[-TEST:])[:, -1].argmax(1) == labels[-TEST:]
    print(f"{int(right.sum())} of {TEST} held-out digits are right")
    save_file({name: value.half() for name, value in model.state_dict().items()}, HERE / "digits.safetensors")
    images = digits.images.astype(np.uint8)
    np.save(HERE / "digits_calibration.npy", images[:400])
    np.save(HERE / "digits_test.npy", images[-TEST:])
    np.save(HERE / "digits_test_labels.npy", digits.target[-TEST:].astype(np.uint8))


if __name__ == "__main__":
    main()
