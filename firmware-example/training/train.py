"""Trains the motion classifiers and writes everything that the firmware is built and tested with.

Usage: pip install -r requirements.txt && python train.py [--out DIR] [--seeds N] [--jobs N] [--quick]

1. Compares the recipes by cross-validation within the 40 training recordings.
2. Trains the best recipe from every seed on all 40, with one GRU layer and with two.
3. Chooses the seed that did best in cross-validation, and only then looks at the 40 held-out recordings.

Writes DIR/data, DIR/models and DIR/training/RESULTS.md. The same seeds give the same files on the same machine.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import torch

import artifacts
import recordings
import results
from fit import RECIPES, Recipe, Training, accuracy, fit

FOLDS = 5
MODELS = {"motion": 1, "motion-2layer": 2}
"""Number of GRU layers by file name."""


def cross_validate(training: Training, job: tuple[Recipe, int]) -> float:
    """Per-step accuracy of a recipe and a seed on recordings held out of the training set in turn."""
    recipe, seed = job
    fold = torch.arange(len(training.labels)) % FOLDS
    scores = []
    for held_out in range(FOLDS):
        model = fit(training.subset(fold != held_out), recipe, seed)
        scores.append(accuracy(model, training.subset(fold == held_out)).mean().item())
    return sum(scores) / FOLDS


def main() -> None:
    args = arguments()
    torch.set_num_threads(1)
    train, test = recordings.load("train"), recordings.load("test")
    training, held_out = Training.of(train), Training.of(test)
    recipes = {name: replace(r, steps=r.steps // args.shorten) for name, r in RECIPES.items()}
    seeds = range(args.seeds)

    with ProcessPoolExecutor(args.jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        jobs = list(product(recipes.values(), seeds))
        scores = list(pool.map(partial(cross_validate, training), jobs))
        by_recipe = {name: scores[i * args.seeds : (i + 1) * args.seeds] for i, name in enumerate(recipes)}
        best = max(by_recipe, key=lambda name: sum(by_recipe[name]))
        seed = max(seeds, key=lambda s: by_recipe[best][s])
        fits = {
            name: list(pool.map(partial(fit, training, replace(recipes[best], num_layers=layers)), seeds))
            for name, layers in MODELS.items()
        }

    artifacts.write_data(args.out / "data", train, test)
    for name, models in fits.items():
        artifacts.write_model(args.out, name, models[seed], test)
    report = results.report(by_recipe, best, seed, fits, held_out)
    artifacts.write_report(args.out / "training" / "RESULTS.md", report)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = Path(__file__).resolve().parent
    parser.add_argument("--out", type=Path, default=here.parent, help="where to write (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=4, help="number of seeds (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument(
        "--quick", dest="shorten", action="store_const", const=20, default=1, help="a 20th of the steps"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
