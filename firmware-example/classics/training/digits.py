"""Trains a classifier of digits that are read row by row: two GRU layers of 128, then a dense layer.

Usage: pip install -r requirements.txt && python digits.py [--mnist DIRECTORY]

scikit-learn's bundled digits, 8 x 8 pixels from 0 to 16, of which the last 500 of 1797 are held out; or MNIST, 28 x 28 pixels
from 0 to 255, from the four files that it is published as (`train-images-idx3-ubyte` and so on, also with `.gz`), with its own
test set. Writes into `../models`, in place of what is there:

`digits.safetensors`            weights in f16
`digits_calibration.npy`        400 digits of the training set
`digits_test.npy`               the held-out digits
`digits_test_labels.npy`        what they are
`digits_ranges.toml`            what int8 has to know: between which numbers pixels and logits lie in the training set
`digits.json`                   how many of the held-out digits PyTorch has right
"""

import argparse
import gzip
import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

OUT = Path(__file__).parent.parent / "models"
TEST = 500
STEPS = 1500


class Rows(nn.Module):
    """Pixels `[N, rows, columns]` to logits `[N, rows, 10]` after each row; the last row's count."""

    def __init__(self, columns: int, mean: float, std: float):
        super().__init__()
        self.register_buffer("input_mean", torch.full((columns,), mean))
        self.register_buffer("input_std", torch.full((columns,), std))
        self.gru = nn.GRU(columns, 128, 2, batch_first=True, dropout=0.3)
        self.head = nn.Linear(128, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.gru((pixels - self.input_mean) / self.input_std)[0])


def bundled() -> tuple[np.ndarray, ...]:
    """Images and labels to train on, then to test on."""
    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    return images[:-TEST], labels[:-TEST], images[-TEST:], labels[-TEST:]


def mnist(directory: Path) -> tuple[np.ndarray, ...]:
    """As `bundled`."""
    files = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    return tuple(read_idx(directory / name) for name in files)


def read_idx(path: Path) -> np.ndarray:
    """Of bytes: two of zero, 8, the number of dimensions, each in four bytes from the highest, then the values."""
    if path.exists():
        data = path.read_bytes()
    else:
        data = gzip.decompress(path.with_name(path.name + ".gz").read_bytes())
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: expected an idx file of bytes, found a file that begins with {data[:4].hex()}")
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if len(values) != math.prod(shape.tolist()):
        raise SystemExit(f"{path}: expected {shape.tolist()} bytes, found {len(values)}")
    return values.reshape(shape)


def shifted(pixels: Tensor, unit: float, rng: torch.Generator) -> Tensor:
    """Moved by up to one pixel sideways, and noisy."""
    by = int(torch.randint(-1, 2, (), generator=rng))
    return torch.roll(pixels, by, dims=2) + unit * torch.randn(pixels.shape, generator=rng)


def train(pixels: Tensor, labels: Tensor) -> Rows:
    """With a standardisation that is the same for all columns, in sixteenths of full white."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    unit = float(pixels.max()) / 16
    mean, std = ((round(float(value) / unit) * unit) for value in (pixels.mean(), pixels.std()))
    model = Rows(pixels.shape[2], mean, std).train()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(pixels), (64,), generator=rng)
        logits = model(shifted(pixels[chosen], unit, rng))[:, -1]
        loss = nn.functional.cross_entropy(logits, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.half().float().eval()


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=Path, metavar="DIRECTORY")
    directory = parser.parse_args().mnist
    images, labels, test_images, test_labels = mnist(directory) if directory else bundled()
    torch.set_num_threads(1)
    pixels, test_pixels = (torch.tensor(array, dtype=torch.float32) for array in (images, test_images))
    with torch.enable_grad():
        model = train(pixels, torch.tensor(labels, dtype=torch.long))
    right = int((model(test_pixels)[:, -1].argmax(1) == torch.tensor(test_labels)).sum())
    print(f"{right} of {len(test_labels)} held-out digits are right")
    (OUT / "digits.json").write_text(json.dumps({"right": right, "of": len(test_labels)}) + "\n")

    logits = model(pixels[:2000])
    low, high = math.floor(logits.min()), math.ceil(logits.max())
    ranges = f"input = [0, {images.max()}]\n\n[layer]\nhead = [{low}, {high}]\n"
    (OUT / "digits_ranges.toml").write_text("# Of pixels and logits in the training set.\n" + ranges)
    save_file({name: value.half() for name, value in model.state_dict().items()}, OUT / "digits.safetensors")
    np.save(OUT / "digits_calibration.npy", images[:400])
    np.save(OUT / "digits_test.npy", test_images)
    np.save(OUT / "digits_test_labels.npy", test_labels)


if __name__ == "__main__":
    main()
