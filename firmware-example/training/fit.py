"""One training run."""

from dataclasses import dataclass, field
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from augment import Strength, augment
from model import MotionClassifier
from recordings import Recordings


class Training(NamedTuple):
    """Recordings in raw units `f32 [N, T, 6]` and their labels `i64 [N]`."""

    raw: Tensor
    labels: Tensor

    @classmethod
    def of(cls, recordings: Recordings) -> Self:
        return cls(torch.from_numpy(recordings.raw), torch.from_numpy(recordings.labels).long())

    def subset(self, mask: Tensor) -> Self:
        return type(self)(self.raw[mask], self.labels[mask])


@dataclass(frozen=True)
class Recipe:
    """Everything that shapes a training run except its seed and its data."""

    about: str
    num_layers: int = 1
    steps: int = 1200
    batch: int = 32
    learning_rate: float = 1e-2
    weight_decay: float = 1e-2
    dropout: float = 0.1
    ema_decay: float = 0.99
    strength: Strength = field(default_factory=Strength)


NONE = Strength(shift=0.0, switch=0.0, tempo=0.0, tilt=0.0, gain=0.0, noise=0.0)

RECIPES = {
    "plain": Recipe("recordings as they are", strength=NONE),
    "moderate": Recipe("all variations"),
    "strong": Recipe("all variations, tilt and gain doubled", strength=Strength(tilt=0.4, gain=0.3)),
}


def fit(training: Training, recipe: Recipe, seed: int) -> MotionClassifier:
    """Trains on every step of every recording; returns the exponential moving average of the weights."""
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    model = MotionClassifier(training.raw, recipe.num_layers, recipe.dropout).train()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.1
    )
    loss = nn.CrossEntropyLoss()
    for _ in range(recipe.steps):
        x, y = augment(*training, recipe.batch, recipe.strength, rng)
        optimizer.zero_grad()
        loss(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
    return average.module.eval()


def accuracy(model: MotionClassifier, data: Training) -> Tensor:
    """Share of right labels at each step, `[T]`."""
    predicted = model.logits(data.raw).argmax(dim=2)
    return (predicted == data.labels.unsqueeze(1)).float().mean(dim=0)
