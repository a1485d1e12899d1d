//! Keras 3, by `tests/golden/make_keras.py`.

cases! {
    default: "GRU, Dense with softmax, after training", "keras/default.keras";
    reset_before: "reset_after=False", "keras/reset_before.keras";
    no_bias: "use_bias=False", "keras/no_bias.keras";
    no_bias_reset_before: "use_bias=False, reset_after=False", "keras/no_bias_reset_before.keras";
    hard_sigmoid: "recurrent_activation hard_sigmoid", "keras/hard_sigmoid.keras";
    activations_0: "GRU activations with their own as recurrent_activation", "keras/activations_0.keras";
    activations_1: "GRU activations with each other, reset_after=False", "keras/activations_1.keras";
    activations_2: "GRU activations with each other", "keras/activations_2.keras";
    activations_3: "GRU activations with each other, reset_after=False", "keras/activations_3.keras";
    activations_4: "GRU activations with each other", "keras/activations_4.keras";
    bidirectional_concat: "Bidirectional concat", "keras/bidirectional_concat.keras";
    bidirectional_sum: "Bidirectional sum", "keras/bidirectional_sum.keras";
    bidirectional_mul: "Bidirectional mul", "keras/bidirectional_mul.keras";
    bidirectional_ave: "Bidirectional ave", "keras/bidirectional_ave.keras";
    ends_concat: "Bidirectional of last outputs", "keras/ends_concat.keras";
    ends_sum: "Bidirectional sum of last outputs", "keras/ends_sum.keras";
    ends_mul: "Bidirectional mul of last outputs", "keras/ends_mul.keras";
    ends_ave: "Bidirectional ave of last outputs", "keras/ends_ave.keras";
    text: "Embedding", "keras/text.keras";
    mask_zero: "Embedding with mask_zero, functional", "keras/mask_zero.keras";
    constraints: "constraints, regularizers, dropout, noise", "keras/constraints.keras";
    normalized: "BatchNormalization, LayerNormalization", "keras/normalized.keras";
    dense_activations: "activations of Dense, Activation, ReLU, Softmax", "keras/dense_activations.keras";
    functional: "functional chain, Normalization, TimeDistributed, a model within", "keras/functional.keras";
    cells: "RNN of GRUCell, stacked", "keras/cells.keras";
    bare: "weights.h5 alone", "keras/bare.weights.h5";
    bare_text: "weights.h5 alone, Embedding", "keras/bare_text.weights.h5";
}
