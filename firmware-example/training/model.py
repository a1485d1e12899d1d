"""The streaming classifier: standardisation, GRU, dense head."""

import torch
from torch import Tensor, nn

from recordings import CHANNELS, LABELS

HIDDEN_SIZE = 32


class MotionClassifier(nn.Module):
    """Raw units `[N, T, 6]` to logits `[N, T, 4]`, one label per step, from a zero state."""

    def __init__(self, raw: Tensor, num_layers: int, dropout: float = 0.0):
        """Standardises by mean and spread of `raw`, the training recordings."""
        super().__init__()
        self.gru = nn.GRU(len(CHANNELS), HIDDEN_SIZE, num_layers, batch_first=True)
        self.head = nn.Linear(HIDDEN_SIZE, len(LABELS))
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("input_mean", raw.mean(dim=(0, 1)))
        self.register_buffer("input_std", spread(raw.flatten(0, 1)))

    def forward(self, raw: Tensor) -> Tensor:
        return self.head(self.dropout(self.recur(raw)))

    def recur(self, raw: Tensor) -> Tensor:
        """Hidden states of the last layer, `[N, T, HIDDEN_SIZE]`."""
        return self.gru((raw - self.input_mean) / self.input_std)[0]

    @torch.no_grad()
    def logits(self, raw: Tensor) -> Tensor:
        """Inference without dropout."""
        return self.eval()(raw)

    @torch.no_grad()
    def hidden(self, raw: Tensor) -> Tensor:
        """Hidden states of the last layer in inference."""
        return self.eval().recur(raw)


def spread(samples: Tensor) -> Tensor:
    """Robust deviation of each channel of `[N, C]`, from the quartiles: equal to the standard deviation if normal.

    Running has such heavy tails that, measured by the standard deviation, a resting wrist would all but vanish.
    """
    low, high = samples.quantile(torch.tensor([0.25, 0.75]), dim=0)
    return (high - low) / 1.349
