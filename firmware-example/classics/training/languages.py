"""Trains a Keras classifier that tells the language of a name: of a country, a currency, …

Usage: pip install -r requirements-keras.txt && python languages.py

Embedding, GRU with norm constraints, Dense with softmax, over characters; the names are those of Unicode's
CLDR as bundled with Babel. A fifth of the countries, languages, … is held out, in all languages.

Writes into `models` the model `languages.keras` and its alphabet `languages.txt`, 1000 held-out names
`languages_test.tsv`, what Keras makes of each `languages_keras.npy`, names of the training set that int8 is
calibrated on, and CLDR's licence.
"""

import os
import shutil
import unicodedata
import zlib
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import babel
import keras
import numpy as np
from keras import constraints, layers

MODELS = Path(__file__).resolve().parent.parent / "models"
LANGUAGES = ("de", "en", "es", "fi", "fr", "it", "nl", "pl", "sv", "tr")
LONGEST = 40
"""Letters of a name; the few longer ones are left out."""
TESTED = 1000
"""Held-out names that are committed."""
CALIBRATED = 16
"""Letters of each name that int8 is calibrated on: recordings are of one length."""
SPARED = 7
"""One of so many of them is: a build script calibrates on them, without optimisation."""
EPOCHS = 40

Names = list[tuple[str, int]]
"""Each with its language, as an index."""


def names() -> tuple[Names, Names]:
    """For training and held out: names that one language alone has, in small letters."""
    languages_of: dict[str, set[int]] = {}
    held_out: dict[str, bool] = {}
    for language, code in enumerate(LANGUAGES):
        locale = babel.Locale(code)
        for kind in ("territories", "languages", "scripts", "currencies"):
            for key, name in getattr(locale, kind).items():
                name = unicodedata.normalize("NFC", name.lower())
                if 3 <= len(name) <= LONGEST:
                    languages_of.setdefault(name, set()).add(language)
                    # A name of two things is held out if one of them is.
                    drawn = zlib.crc32(f"{kind}/{key}".encode()) % 5 == 0
                    held_out[name] = held_out.get(name, False) or drawn
    split: tuple[Names, Names] = ([], [])
    for name, languages in sorted(languages_of.items()):
        if len(languages) == 1:
            split[held_out[name]].append((name, *languages))
    return split


class Alphabet:
    """The letters of the training set: the symbol of each is its place, from 1. Others are left out."""

    def __init__(self, training: Names):
        self.letters = "".join(sorted({letter for name, _ in training for letter in name}))

    def symbols(self, data: Names) -> np.ndarray:
        """`[N, LONGEST]`, zeros behind each name."""
        padded = np.zeros((len(data), LONGEST), np.uint8)
        for row, (name, _) in zip(padded, data):
            known = [self.letters.index(letter) + 1 for letter in name if letter in self.letters]
            row[: len(known)] = known
        return padded


def classifier(symbols: int, padded: bool) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(symbols, 16, mask_zero=padded),
            layers.SpatialDropout1D(0.1),
            layers.GRU(
                64,
                dropout=0.2,
                recurrent_dropout=0.1,
                kernel_constraint=constraints.MaxNorm(2.0),
                recurrent_constraint=constraints.MaxNorm(2.0),
            ),
            layers.Dropout(0.5),
            layers.Dense(len(LANGUAGES), activation="softmax", kernel_constraint=constraints.MaxNorm(3.0)),
        ]
    )


def trained(symbols: np.ndarray, languages: np.ndarray, size: int) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = classifier(size, padded=True)
    schedule = keras.optimizers.schedules.CosineDecay(4e-3, EPOCHS * -(-len(symbols) // 64))
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(symbols, languages, batch_size=64, epochs=EPOCHS, verbose=2)
    return model


def main() -> None:
    training, held_out = names()
    alphabet = Alphabet(training)
    print(f"{len(training)} names for training, {len(held_out)} held out, {len(alphabet.letters)} letters")
    symbols, languages = alphabet.symbols(training), np.array([language for _, language in training])
    model = trained(symbols, languages, len(alphabet.letters) + 1)
    # What is saved is never given padding.
    bare = classifier(len(alphabet.letters) + 1, padded=False)
    bare.set_weights(model.get_weights())
    bare.save(MODELS / "languages.keras")
    (MODELS / "languages.txt").write_text(alphabet.letters)

    chosen = np.sort(np.random.default_rng(0).permutation(len(held_out))[:TESTED])
    tested = [held_out[at] for at in chosen]
    lines = [f"{LANGUAGES[language]}\t{name}\n" for name, language in tested]
    (MODELS / "languages_test.tsv").write_text("".join(lines))
    probabilities = model.predict(alphabet.symbols(tested), verbose=0)
    np.save(MODELS / "languages_keras.npy", probabilities)
    whole = symbols[np.count_nonzero(symbols, axis=1) == CALIBRATED, :CALIBRATED][::SPARED]
    np.save(MODELS / "languages_calibration.npy", whole)
    shutil.copy(Path(babel.__file__).parent / "locale-data/LICENSE.unicode", MODELS / "languages_LICENSE.txt")

    right = sum(row.argmax() == language for row, (_, language) in zip(probabilities, tested))
    print(f"{right} of {TESTED} held-out names are right; calibration on {len(whole)}")


if __name__ == "__main__":
    main()
