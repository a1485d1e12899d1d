"""Small Keras models as users write them, with inputs of 20 steps."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import keras
from keras import Sequential, layers

STEPS = 20
INPUTS = 3

ACTIVATIONS = ["tanh", "sigmoid", "hard_sigmoid", "relu", "linear"]


class Case(NamedTuple):
    """A model to save, a twin of it that gives every step's output, and an input."""

    model: keras.Model
    twin: keras.Model
    x: np.ndarray

    def outputs(self) -> np.ndarray:
        self.twin.set_weights(self.model.get_weights())
        return np.asarray(self.twin(self.x, training=False))


def randomized(model: keras.Model, rng: np.random.Generator, spread: float = 0.4) -> keras.Model:
    """Weights as of a trained model: no zero biases, positive variances."""

    def value(variable) -> np.ndarray:
        if variable.dtype.startswith("int"):
            return np.zeros(variable.shape)
        drawn = rng.normal(0.0, spread, variable.shape)
        return np.abs(drawn) + 0.5 if variable.name in ("moving_variance", "variance", "gamma") else drawn

    model.set_weights([value(variable) for variable in model.weights])
    return model


def case(build: Callable[[bool], list], x: np.ndarray, rng: np.random.Generator, spread: float = 0.4) -> Case:
    """A Sequential model; `build` is told whether the last recurrent layer gives sequences."""
    shape = (None, INPUTS) if x.ndim == 3 else (None,)
    model, twin = (Sequential([keras.Input(shape, dtype=x.dtype.name), *build(s)]) for s in (False, True))
    return Case(randomized(model, rng, spread), twin, x)


def trained(made: Case, rng: np.random.Generator) -> Case:
    """After a step of training, with the optimizer's state in the file."""
    made.model.compile("adam", "categorical_crossentropy")
    targets = np.eye(made.model.output_shape[-1])[[0, 1]]
    made.model.fit(made.x, targets, epochs=1, verbose=0, shuffle=False)
    return made


def activations(shift: int) -> Callable[[bool], list]:
    """Five layers whose pairs of activations, over all shifts, are all 25."""

    def build(_: bool) -> list:
        pairs = zip(ACTIVATIONS, ACTIVATIONS[shift:] + ACTIVATIONS[:shift])
        return [
            layers.GRU(
                3, activation=a, recurrent_activation=r, reset_after=shift % 2 == 0, return_sequences=True
            )
            for a, r in pairs
        ]

    return build


def bidirectional(merge: str) -> Callable[[bool], list]:
    return lambda _: [
        layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode=merge),
        layers.Dense(2),
    ]


def ends(merge: str) -> Callable[[bool], list]:
    """Of a window one output, which the twin repeats for every step."""

    def build(every: bool) -> list:
        repeated = [layers.RepeatVector(STEPS)] if every else []
        return [
            layers.Bidirectional(layers.GRU(3, return_sequences=True)),
            layers.Bidirectional(layers.GRU(4), merge_mode=merge),
            layers.Dense(2),
            *repeated,
        ]

    return build


def constrained(sequences: bool) -> list:
    constraints = keras.constraints
    gru = layers.GRU(
        5,
        kernel_constraint=constraints.MaxNorm(1.0),
        recurrent_constraint=constraints.UnitNorm(),
        bias_constraint=constraints.NonNeg(),
        kernel_regularizer=keras.regularizers.L1L2(1e-4, 1e-4),
        recurrent_regularizer="l2",
        activity_regularizer="l2",
        dropout=0.2,
        recurrent_dropout=0.1,
        return_sequences=sequences,
    )
    head = layers.Dense(2, kernel_constraint=constraints.MinMaxNorm(0.1, 1.0), activation="softmax")
    return [layers.GaussianNoise(0.1), gru, layers.Dropout(0.5), layers.ActivityRegularization(l2=1e-4), head]


def normalized(sequences: bool) -> list:
    return [
        layers.BatchNormalization(),
        layers.GRU(4, return_sequences=True),
        layers.BatchNormalization(scale=False),
        layers.SpatialDropout1D(0.2),
        layers.GRU(5, return_sequences=sequences),
        layers.LayerNormalization(),
        layers.LayerNormalization(center=False, scale=False, epsilon=1e-5),
        layers.Dense(3),
        layers.BatchNormalization(center=False, epsilon=1e-2),
    ]


def dense_activations(sequences: bool) -> list:
    return [
        layers.Dense(4, activation="relu"),
        layers.GRU(4, return_sequences=sequences),
        layers.Dense(6, activation="tanh", use_bias=False),
        layers.Dense(6, activation="hard_sigmoid"),
        layers.Activation("sigmoid"),
        layers.Dense(6),
        layers.ReLU(),
        layers.Dense(3),
        layers.Softmax(),
    ]


def functional(rng: np.random.Generator, x: np.ndarray) -> Case:
    """A graph that is a chain, of layers and of another model."""

    def build(sequences: bool) -> keras.Model:
        front = Sequential(
            [keras.Input((None, INPUTS)), layers.Dense(4), layers.GRU(4, return_sequences=True)]
        )
        inputs = keras.Input((None, INPUTS))
        h = layers.Normalization()(inputs)
        h = front(h)
        h = layers.TimeDistributed(layers.Dense(5, activation="tanh"))(h)
        h = layers.GRU(4, return_sequences=sequences)(h)
        h = layers.Dropout(0.3)(h)
        return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))

    model, twin = build(False), build(True)
    randomized(model, rng)
    for made in (model, twin):
        next(each for each in made.layers if isinstance(each, layers.Normalization)).adapt(x)
    return Case(model, twin, x)


def masked(x: np.ndarray, rng: np.random.Generator) -> Case:
    """A functional model whose embedding masks symbol 0, which is never given."""

    def build(sequences: bool) -> keras.Model:
        inputs = keras.Input((None,), dtype="int32")
        h = layers.Embedding(7, 4, mask_zero=True)(inputs)
        h = layers.GRU(5, return_sequences=sequences)(h)
        return keras.Model(inputs, layers.Dense(2, activation="softmax")(h))

    return Case(randomized(build(False), rng), build(True), np.maximum(x, 1))


def cells(sequences: bool) -> list:
    stack = [layers.GRUCell(4), layers.GRUCell(3, reset_after=False, recurrent_activation="hard_sigmoid")]
    return [
        layers.RNN(layers.GRUCell(5), return_sequences=True),
        layers.RNN(stack, return_sequences=sequences),
        layers.Dense(2),
    ]


def text(sequences: bool) -> list:
    return [
        layers.Embedding(7, 4),
        layers.GRU(5, return_sequences=sequences),
        layers.Dense(7, activation="softmax"),
    ]


def weights_only(sequences: bool) -> list:
    return [
        layers.GRU(4, return_sequences=True),
        layers.Dropout(0.1),
        layers.GRU(5, reset_after=False, return_sequences=sequences),
        layers.Dense(2),
    ]


def classifier(sequences: bool, **arguments) -> list:
    return [layers.GRU(6, return_sequences=sequences, **arguments), layers.Dense(3, activation="softmax")]


def cases() -> dict[str, Case]:
    """Every file by name."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x = rng.normal(0.0, 1.0, (2, STEPS, INPUTS)).astype(np.float32)
    symbols = rng.integers(0, 7, (2, STEPS)).astype(np.int32)
    made = {
        "default": trained(case(classifier, x, rng), rng),
        "reset_before": case(lambda s: classifier(s, reset_after=False), x, rng),
        "no_bias": case(lambda s: classifier(s, use_bias=False), x, rng),
        "no_bias_reset_before": case(lambda s: classifier(s, use_bias=False, reset_after=False), x, rng),
        "hard_sigmoid": case(lambda s: classifier(s, recurrent_activation="hard_sigmoid"), x, rng),
        "text": case(text, symbols, rng),
        "mask_zero": masked(symbols, rng),
        "constraints": trained(case(constrained, x, rng), rng),
        "normalized": case(normalized, x, rng),
        "dense_activations": case(dense_activations, x, rng),
        "functional": functional(rng, 3.0 * x + 10.0),
        "cells": case(cells, x, rng),
        "bare.weights": case(weights_only, x, rng),
        "bare_text.weights": case(text_logits, symbols, rng),
    }
    for shift in range(len(ACTIVATIONS)):
        made[f"activations_{shift}"] = case(activations(shift), x[:, :10] / 2, rng, spread=0.3)
    for merge in ("concat", "sum", "mul", "ave"):
        made[f"bidirectional_{merge}"] = case(bidirectional(merge), x, rng)
    for merge in ("concat", "sum", "mul", "ave"):
        made[f"ends_{merge}"] = case(ends(merge), x, rng)
    return made


def text_logits(sequences: bool) -> list:
    return [layers.Embedding(7, 4), layers.GRU(5, return_sequences=sequences), layers.Dense(7)]


def refused() -> dict[str, keras.Model]:
    """Models that the exporter must refuse, by file name."""

    def model(*chain) -> Sequential:
        return Sequential([keras.Input((None, INPUTS)), *chain])

    def two_inputs() -> keras.Model:
        left, right = keras.Input((None, 2)), keras.Input((None, 2))
        both = layers.Concatenate()([left, right])
        return keras.Model([left, right], layers.GRU(3)(both))

    return {
        "legacy.h5": model(layers.GRU(4), layers.Dense(2)),
        "lstm.keras": model(layers.LSTM(4)),
        "two_inputs.keras": two_inputs(),
        "go_backwards.keras": model(layers.GRU(4, go_backwards=True)),
        "swish.keras": model(layers.GRU(4, activation="swish")),
        "no_bias.weights.h5": model(layers.GRU(4, use_bias=False)),
        "two_heads.weights.h5": model(layers.GRU(4), layers.Dense(4), layers.Dense(2)),
        "square_head.weights.h5": model(layers.GRU(3), layers.Dense(3)),
        "norm.weights.h5": model(layers.BatchNormalization(), layers.GRU(3)),
    }
