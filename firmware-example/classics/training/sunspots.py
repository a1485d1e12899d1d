"""Trains a forecast of next year's sunspot number: a GRU of 24 units, a dense layer.

Usage: pip install -r requirements-sunspots.txt && python sunspots.py

The yearly numbers 1700 to 2008 as bundled with statsmodels, where they are in the public domain. Trained on
the years to 1920, tested one year ahead on those from 1921 on. Sizes and rates were chosen on the years 1881
to 1920 by models trained on those before, whose errors are printed too.

Writes into `models` the model `sunspots.safetensors`, the series `sunspots_series.npy` in tenths, its part to
1920, once more with larger numbers, `sunspots_calibration.npy`, and PyTorch's forecasts from each year's
number `sunspots_torch.npy`. `sunspots.toml`, which tells that the dense layer comes behind the GRU, is
written by hand.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from statsmodels.datasets import sunspots
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

MODELS = Path(__file__).resolve().parent.parent / "models"
FIRST_YEAR, VALIDATION, TEST = 1700, 1881, 1921
UNITS, STEPS, BATCH, WINDOW = 24, 500, 32, 64
SETTLING = 10
"""Years at the start of a window whose forecasts are not trained, since the state has seen too little."""
LAGS = 9
"""Years that the linear forecast sees, which the GRU is compared with."""


class Forecast(nn.Module):
    """Sunspot numbers `[N, T]` to the next year's `[N, T]`."""

    def __init__(self, training: Tensor):
        super().__init__()
        self.register_buffer("input_mean", training.mean().reshape(1))
        self.register_buffer("input_std", training.std().reshape(1))
        self.gru = nn.GRU(1, UNITS, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(UNITS, 1)

    def forward(self, numbers: Tensor) -> Tensor:
        states, _ = self.gru(((numbers - self.input_mean) / self.input_std).unsqueeze(2))
        return self.head(self.dropout(states)).squeeze(2) * self.input_std + self.input_mean

    def exported(self) -> dict[str, Tensor]:
        """The weights, with the last line of `forward` in those of the head."""
        weights = self.state_dict()
        weights["head.weight"] = weights["head.weight"] * self.input_std
        weights["head.bias"] = weights["head.bias"] * self.input_std + self.input_mean
        return weights


def trained(training: Tensor) -> Forecast:
    """On windows of the series, made larger or smaller and noisy; the moving average of the weights."""
    torch.manual_seed(0)
    model = Forecast(training).train()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=STEPS)
    for _ in range(STEPS):
        starts = torch.randint(0, len(training) - WINDOW, (BATCH,))
        windows = torch.stack([training[start : start + WINDOW + 1] for start in starts])
        windows = windows * torch.exp(0.2 * torch.randn(BATCH, 1))
        forecasts = model(windows[:, :-1] + 6 * torch.randn(BATCH, WINDOW))
        errors = (forecasts - windows[:, 1:])[:, SETTLING:] / model.input_std
        optimizer.zero_grad()
        errors.square().mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
    return average.module.eval()


def linear(numbers: np.ndarray, training: int) -> np.ndarray:
    """Least squares on the last years; forecasts where there are enough of them."""
    seen = np.lib.stride_tricks.sliding_window_view(numbers, LAGS)[:-1]
    seen = np.hstack([seen, np.ones((len(seen), 1))])
    fit = slice(0, training - LAGS)
    weights, *_ = np.linalg.lstsq(seen[fit], numbers[LAGS:][fit])
    return np.concatenate([np.full(LAGS - 1, np.nan), seen @ weights])


def errors(numbers: np.ndarray, forecasts: np.ndarray, first: int, end: int) -> str:
    """Of the years from `first` to before `end`."""
    years = slice(first - FIRST_YEAR - 1, end - FIRST_YEAR - 1)
    differences = (forecasts - numbers[1:])[years]
    return f"RMSE {np.sqrt(np.mean(differences**2)):.2f}, MAE {np.mean(np.abs(differences)):.2f}"


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    tenths = np.rint(sunspots.load_pandas().data["SUNACTIVITY"].to_numpy() * 10).astype(np.int16)
    numbers = tenths.astype(np.float32) * np.float32(0.1)
    for first, end in [(VALIDATION, TEST), (TEST, FIRST_YEAR + len(numbers))]:
        training = first - FIRST_YEAR
        with torch.enable_grad():
            model = trained(torch.from_numpy(numbers[:training]))
        forecasts = model(torch.from_numpy(numbers[None]))[0].numpy()
        print(f"{first} to {end - 1}, trained on the years before")
        made = {"GRU": forecasts[:-1], "linear": linear(numbers, training), "persistence": numbers[:-1]}
        for name, by_year in made.items():
            print(f"  {name}: {errors(numbers, by_year, first, end)}")
    # What is to come may be larger than what was.
    seen = np.stack([numbers[:training], 1.4 * numbers[:training]])[..., None].astype(np.float32)
    save_file(model.exported(), MODELS / "sunspots.safetensors")
    np.save(MODELS / "sunspots_series.npy", tenths)
    np.save(MODELS / "sunspots_calibration.npy", seen)
    np.save(MODELS / "sunspots_torch.npy", forecasts)


if __name__ == "__main__":
    main()
