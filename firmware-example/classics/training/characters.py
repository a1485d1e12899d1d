"""Trains character models of the classic example: 28 symbols in one-hot, a GRU of 256, a dense layer to 28 logits.

Usage: pip install -r requirements.txt && python characters.py timemachine.txt [--only NAME]... [--measure]

The text in lower case, with a space for each run of anything but letters; its first 10,000 characters train and test.
Symbols are 0 for unknown, 1 for the space, 2 to 27 for a to z. Writes into `../models`:

`characters_NAME.safetensors`  weights in f16, of each of MODELS
`characters_NAME_ranges.toml`  what int8 has to know: between which numbers the logits lie over the text
`characters.json`              what PyTorch says of them: perplexity and accuracy of the next character over the text in one
                               pass, true characters fed, the state carried from the first to the last
`characters_text.json`         the text, as what the model `scratch` does not tell by itself: the characters where its
                               largest logit is another, or leads by less than MARGIN
"""

import argparse
import hashlib
import json
import math
import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

OUT = Path(__file__).parent.parent / "models"
LENGTH = 10_000
ALPHABET = "? abcdefghijklmnopqrstuvwxyz"
SYMBOLS = len(ALPHABET)
HIDDEN = 256
BATCH = 32
WINDOW = 64
STEPS = 2500
MARGIN = 1.0


def symbols(text: str) -> Tensor:
    letters = re.sub("[^a-z]+", " ", text.lower())[:LENGTH]
    return torch.tensor([ALPHABET.index(c) for c in letters])


class Scratch(nn.Module):
    """H' = Z * H + (1 - Z) * tanh(X W_xh + (R * H) W_hh + b_h), as a scan of its own; Z is 0 and R is 1 where they are left out."""

    def __init__(self, gates: str = "zr"):
        super().__init__()
        self.gates = gates
        for gate in gates + "h":
            for source, size in (("x", SYMBOLS), ("h", HIDDEN)):
                weight = nn.init.normal_(torch.empty(size, HIDDEN), std=HIDDEN**-0.5)
                self.register_parameter(f"W_{source}{gate}", nn.Parameter(weight))
            self.register_parameter(f"b_{gate}", nn.Parameter(torch.zeros(HIDDEN)))
        self.W_hq = nn.Parameter(nn.init.normal_(torch.empty(HIDDEN, SYMBOLS), std=HIDDEN**-0.5))
        self.b_q = nn.Parameter(torch.zeros(SYMBOLS))

    def forward(self, x: Tensor) -> Tensor:
        def stacked(source: str) -> Tensor:
            weights = [getattr(self, f"W_{source}{gate}") for gate in self.gates]
            return torch.cat(weights, dim=1) if weights else torch.empty(0)

        biases = [getattr(self, f"b_{gate}") for gate in self.gates]
        x_gates = (stacked("x") + torch.cat(biases))[x] if biases else None
        w_gates = stacked("h")
        x_h = (self.W_xh + self.b_h)[x]
        h, states = torch.zeros(len(x), HIDDEN), []
        for step in range(x.shape[1]):
            gate = {}
            if self.gates:
                sums = torch.addmm(x_gates[:, step], h, w_gates)
                gate = dict(zip(self.gates, torch.sigmoid(sums).chunk(len(self.gates), dim=1), strict=True))
            gated = gate["r"] * h if "r" in gate else h
            n = torch.tanh(torch.addmm(x_h[:, step], gated, self.W_hh))
            h = torch.lerp(n, h, gate["z"]) if "z" in gate else n
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


MODELS = {
    "library": Library,
    "scratch": Scratch,
    "no_update": lambda: Scratch("r"),
    "no_reset": lambda: Scratch("z"),
    "plain": lambda: Scratch(""),
}


def train(model: nn.Module, text: Tensor) -> None:
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


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten())


def described(text: Tensor, logits: Tensor) -> dict:
    """The text as the characters that logits `[N - 1, 28]` do not tell; the first is always one."""
    top = logits.topk(2)
    sure = (top.indices[:, 0] == text[1:]) & (top.values[:, 0] - top.values[:, 1] >= MARGIN)
    corrections = [0, *(torch.nonzero(~sure).flatten() + 1).tolist()]
    letters = "".join(ALPHABET[symbol] for symbol in text)
    return {
        "sha256": hashlib.sha256(letters.encode()).hexdigest(),
        "length": len(text),
        "corrections": {position: letters[position] for position in corrections},
    }


def write_ranges(name: str, layer: str, logits: Tensor) -> None:
    low, high = math.floor(logits.min()), math.ceil(logits.max())
    (OUT / name).write_text(f"# Of the logits over the text.\n[layer]\n{layer} = [{low}, {high}]\n")


def write_json(name: str, value: dict) -> None:
    (OUT / name).write_text(json.dumps(value, indent=2) + "\n")


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--only", choices=MODELS, action="append", help="train these, and keep the others")
    parser.add_argument("--measure", action="store_true", help="train none")
    arguments = parser.parse_args()
    text = symbols(arguments.text.read_text())
    torch.set_num_threads(1)
    trained = [] if arguments.measure else arguments.only or list(MODELS)
    results = {}
    for name, build in MODELS.items():
        path = OUT / f"characters_{name}.safetensors"
        if name in trained:
            torch.manual_seed(0)
            model = build()
            with torch.enable_grad():
                train(model, text)
            save_file({key: value.half() for key, value in model.state_dict().items()}, path)
        model = build()
        model.load_state_dict({key: value.float() for key, value in load_file(path).items()})
        logits = model(text[None, :-1])[0]
        write_ranges(f"characters_{name}_ranges.toml", "head" if name == "library" else "W_hq", logits)
        right = (logits.argmax(1) == text[1:]).float().mean()
        perplexity = math.exp(nn.functional.cross_entropy(logits, text[1:]))
        print(f"{name}: accuracy {right:.4f}, perplexity {perplexity:.4f}", flush=True)
        results[name] = {"perplexity": round(perplexity, 4), "accuracy": round(float(right), 4)}
        if name == "scratch":
            write_json("characters_text.json", described(text, logits))
    write_json("characters.json", results)


if __name__ == "__main__":
    main()
