"""Trains the motion classifiers and writes everything that the firmware is built and tested with.

Usage: pip install -r requirements.txt && python train.py [--out DIR] [--seeds N] [--jobs N] [--quick]

1. Compares three ways of training by cross-validation within the 40 training recordings: one GRU layer from the
   labels, two layers from the labels, and one layer from the labels and the two-layer models together.
2. Trains the two-layer models on all 40 from every seed, and the better kind of one-layer models.
3. Chooses the seeds that did best in cross-validation, and only then looks at the 40 held-out recordings.

Writes DIR/data, DIR/models and DIR/training/RESULTS.md. The same seeds give the same files on the same machine.
"""

import argparse
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from statistics import mean

import torch

import artifacts
import recordings
import results
from fit import Recipe, Training, accuracy, fit
from model import MotionClassifier

FOLDS = 3

Models = list[MotionClassifier]
"""One for each seed."""


class Trainer:
    """Trains models of one and two layers from several seeds, in parallel."""

    def __init__(self, pool: Executor, seeds: int, shorten: int):
        self.pool = pool
        self.seeds = seeds
        steps = Recipe.steps // shorten
        self.one_layer = Recipe(steps=steps)
        self.two_layers = replace(self.one_layer, num_layers=2)

    def fit(
        self, parts: list[Training], recipe: Recipe, teachers: list[Models] | None = None
    ) -> list[Models]:
        """Models for each part of the training set, with the teachers of that part."""
        jobs = [
            (part, seed, t) for part, t in zip(parts, teachers or repeat(())) for seed in range(self.seeds)
        ]
        data, seeds, taught_by = zip(*jobs)
        models = list(self.pool.map(fit, data, repeat(recipe), seeds, taught_by))
        return [models[i : i + self.seeds] for i in range(0, len(models), self.seeds)]

    def cross_validate(self, training: Training) -> dict[str, list[float]]:
        """Per-step accuracy of each way of training, by seed, on recordings held out in turn."""
        fold = torch.arange(len(training.labels)) % FOLDS
        parts = [training.subset(fold != k) for k in range(FOLDS)]
        rests = [training.subset(fold == k) for k in range(FOLDS)]
        two_layers = self.fit(parts, self.two_layers)
        ways = {
            "one layer": self.fit(parts, self.one_layer),
            "one layer, taught by two": self.fit(parts, self.one_layer, two_layers),
            "two layers": two_layers,
        }
        return {
            way: [
                mean(accuracy(models[seed], rest).mean().item() for models, rest in zip(by_fold, rests))
                for seed in range(self.seeds)
            ]
            for way, by_fold in ways.items()
        }


def main() -> None:
    args = arguments()
    train, test = recordings.load("train"), recordings.load("test")
    training, held_out = Training.of(train), Training.of(test)

    with ProcessPoolExecutor(args.jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        trainer = Trainer(pool, args.seeds, args.shorten)
        scores = trainer.cross_validate(training)
        taught = mean(scores["one layer, taught by two"]) > mean(scores["one layer"])
        two_layers = trainer.fit([training], trainer.two_layers)
        one_layer = trainer.fit([training], trainer.one_layer, two_layers if taught else None)

    fits = {"motion": one_layer[0], "motion-2layer": two_layers[0]}
    ways = {"motion": "one layer, taught by two" if taught else "one layer", "motion-2layer": "two layers"}
    chosen = {name: max(range(args.seeds), key=scores[way].__getitem__) for name, way in ways.items()}
    artifacts.write_data(args.out / "data", train, test)
    for name, models in fits.items():
        artifacts.write_model(args.out, name, models[chosen[name]], test)
    report = results.report(scores, FOLDS, trainer.one_layer.steps, ways, chosen, fits, held_out)
    artifacts.write_report(args.out / "training" / "RESULTS.md", report)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = Path(__file__).resolve().parent
    parser.add_argument("--out", type=Path, default=here.parent, help="where to write (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument(
        "--quick", dest="shorten", action="store_const", const=20, default=1, help="a 20th of the steps"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
