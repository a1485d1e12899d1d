"""Small models, saved as PyTorch users save them, with inputs and outputs of 50 steps."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

STEPS = 50


class Recurrent(nn.Module):
    """A recurrent layer and a head."""

    def __init__(self, gru: nn.RNNBase, outputs: int):
        super().__init__()
        self.gru = gru
        features = gru.hidden_size * (2 if gru.bidirectional else 1)
        self.head = nn.Linear(features, outputs, dtype=gru.weight_ih_l0.dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.gru(x)[0])


class Cell(nn.Module):
    """An `nn.GRUCell` stepped by hand, and a head."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(4)
        states = []
        for row in x:
            h = self.cell(row, h)
            states.append(h)
        return self.head(torch.stack(states))


class Symbols(nn.Module):
    """A character model: symbol in, logits of the next symbol out."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.rnn = nn.GRU(6, 8)
        self.fc = nn.Linear(8, 11)

    def forward(self, symbols: Tensor) -> Tensor:
        return self.fc(self.rnn(self.embedding(symbols.long()))[0])


class Wrapped(nn.Module):
    """A model as a training framework nests it."""

    def __init__(self):
        super().__init__()
        self.model = nn.ModuleDict(
            {"encoder": nn.ModuleDict({"rnn": nn.GRU(3, 5)}), "decoder": nn.Linear(5, 2)}
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model["decoder"](self.model["encoder"]["rnn"](x)[0])


class Normalized(nn.Module):
    """Normalization before, between and behind recurrent layers, with statistics as training leaves them."""

    def __init__(self):
        super().__init__()
        self.input_norm = nn.BatchNorm1d(3)
        self.first = nn.GRU(3, 5)
        self.norm = nn.LayerNorm(5)
        self.second = nn.GRU(5, 6, bidirectional=True)
        self.head_norm = nn.BatchNorm1d(12)
        self.head = nn.Linear(12, 2)
        for norm in (self.input_norm, self.head_norm):
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
        for norm in (self.input_norm, self.norm, self.head_norm):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.first(self.input_norm(x))[0])
        return self.head(self.head_norm(self.second(h)[0]))


class Activated(nn.Module):
    """A head of several dense layers, which a spec tells apart."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 5)
        self.layers = nn.Sequential(
            nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 6), nn.Tanh(), nn.Linear(6, 4), nn.Sigmoid(), nn.Linear(4, 3), nn.Softmax(-1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(self.gru(x)[0])


class Case(NamedTuple):
    """Weights to save, and what they compute unless the exporter must reject them."""

    state_dict: dict[str, Tensor]
    x: Tensor | None = None
    y: Tensor | None = None


@torch.no_grad()
def run(model: nn.Module, x: Tensor) -> Case:
    return Case(model.state_dict(), x, model(x))


@torch.no_grad()
def run_in_f64(model: nn.Module, dtype: torch.dtype) -> Case:
    """Weights rounded to `dtype`; outputs of the rounded weights in f64."""
    state_dict = {name: tensor.clone() for name, tensor in model.to(dtype).state_dict().items()}
    x = torch.randn(STEPS, 3).double()
    return Case(state_dict, x, model.double()(x))


def two_layers(dtype: torch.dtype = torch.float32) -> Recurrent:
    return Recurrent(nn.GRU(3, 5, num_layers=2, dtype=dtype), 2)


def cases() -> dict[str, Case]:
    """Every file by name, the same on each run."""
    torch.manual_seed(1)
    return {
        "gru_f16": run_in_f64(two_layers(), torch.float16),
        "gru_bf16": run_in_f64(two_layers(), torch.bfloat16),
        "gru_f64": run_in_f64(two_layers(torch.float64), torch.float64),
        "grucell": run(Cell(), torch.randn(STEPS, 3)),
        "embedding": run(Symbols(), torch.randint(11, (STEPS,)).to(torch.uint16)),
        "wrapped": run(Wrapped(), torch.randn(STEPS, 3)),
        "lstm": Case(Recurrent(nn.LSTM(3, 5), 2).state_dict()),
        "bidirectional": run(Recurrent(nn.GRU(3, 5, num_layers=2, bidirectional=True), 2), torch.randn(STEPS, 3)),
        "normalized": run(Normalized(), torch.randn(STEPS, 3)),
        "activated": run(Activated(), torch.randn(STEPS, 3)),
        "rnn": run(Recurrent(nn.RNN(3, 5, num_layers=2), 2), torch.randn(STEPS, 3)),
    }
