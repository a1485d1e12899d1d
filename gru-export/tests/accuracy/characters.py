"""Trains character models of the classic example: 28 symbols in one-hot, a GRU of 256, a dense layer to 28 logits.

Usage: pip install -r requirements.txt && python characters.py timemachine.txt

The text in lower case, with a space for each run of anything but letters; its first 10,000 characters train and test.
Symbols are 0 for unknown, 1 for the space, 2 to 27 for a to z. Writes next to itself, in f16,
`characters_scratch.safetensors`, the reset gate before the recurrent product, and `characters_library.safetensors`,
after it.
"""

import argparse
import math
import re
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

HERE = Path(__file__).parent
LENGTH = 10_000
SYMBOLS = 28
HIDDEN = 256
BATCH = 32
WINDOW = 64
STEPS = 2500


def symbols(text: str) -> Tensor:
    letters = re.sub("[^a-z]+", " ", text.lower())[:LENGTH]
    return torch.tensor([1 if c == " " else ord(c) - ord("a") + 2 for c in letters])


class Scratch(nn.Module):
    """H' = Z * H + (1 - Z) * tanh(X W_xh + (R * H) W_hh + b_h), as a scan of its own."""

    def __init__(self):
        super().__init__()
        for gate in "zrh":
            for source, size in (("x", SYMBOLS), ("h", HIDDEN)):
                weight = nn.init.normal_(torch.empty(size, HIDDEN), std=HIDDEN**-0.5)
                self.register_parameter(f"W_{source}{gate}", nn.Parameter(weight))
            self.register_parameter(f"b_{gate}", nn.Parameter(torch.zeros(HIDDEN)))
        self.W_hq = nn.Parameter(nn.init.normal_(torch.empty(HIDDEN, SYMBOLS), std=HIDDEN**-0.5))
        self.b_q = nn.Parameter(torch.zeros(SYMBOLS))

    def forward(self, x: Tensor) -> Tensor:
        xz, xr, xh = ((getattr(self, f"W_x{g}") + getattr(self, f"b_{g}"))[x] for g in "zrh")
        w_zr = torch.cat([self.W_hz, self.W_hr], dim=1)
        xzr = torch.cat([xz, xr], dim=2)
        h, states = torch.zeros(len(x), HIDDEN), []
        for step in range(x.shape[1]):
            z, r = torch.sigmoid(torch.addmm(xzr[:, step], h, w_zr)).chunk(2, dim=1)
            n = torch.tanh(torch.addmm(xh[:, step], r * h, self.W_hh))
            h = torch.lerp(n, h, z)
            states.append(h)
        return torch.stack(states, dim=1) @ self.W_hq + self.b_q


class Library(nn.Module):
    """PyTorch's own GRU."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(SYMBOLS, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, SYMBOLS)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(nn.functional.one_hot(x, SYMBOLS).float())[0])


def train(model: nn.Module, text: Tensor) -> nn.Module:
    """On windows anywhere in the text; the first is always the text's beginning."""
    rng = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=STEPS)
    for _ in range(STEPS):
        starts = torch.randint(len(text) - WINDOW, (BATCH,), generator=rng)
        starts[0] = 0
        windows = torch.stack([text[start : start + WINDOW + 1] for start in starts])
        loss = cross_entropy(model(windows[:, :-1]), windows[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.half().float()


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten())


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    text = symbols(parser.parse_args().text.read_text())
    torch.set_num_threads(1)
    for kind in (Library, Scratch):
        torch.manual_seed(0)
        with torch.enable_grad():
            model = train(kind(), text)
        logits = model(text[None, :-1])
        right = (logits.argmax(2) == text[None, 1:]).float().mean()
        perplexity = math.exp(cross_entropy(logits, text[None, 1:]))
        print(f"{kind.__name__}: accuracy {right:.4f}, perplexity {perplexity:.4f}")
        weights = {name: value.half() for name, value in model.state_dict().items()}
        save_file(weights, HERE / f"characters_{kind.__name__.lower()}.safetensors")


if __name__ == "__main__":
    main()
