//! PyTorch, by `tests/golden/make.py`. More of it is in `tests/pytorch`.

cases! {
    gru_f16: "`nn.GRU` of two layers, `nn.Linear`, f16", "gru_f16.safetensors";
    gru_bf16: "bf16", "gru_bf16.safetensors";
    gru_f64: "f64", "gru_f64.safetensors";
    grucell: "`nn.GRUCell`", "grucell.safetensors";
    embedding: "`nn.Embedding`", "embedding.safetensors";
    wrapped: "modules in modules", "wrapped.safetensors";
    bidirectional: "`bidirectional=True`", "bidirectional.safetensors";
    normalized: "`nn.LayerNorm`, `nn.BatchNorm1d`", "normalized.safetensors";
    rnn: "`nn.RNN` of two layers, tanh", "rnn.safetensors";
    activated: "chains of `nn.Linear` with activations", "activated.safetensors", spec "activated.toml";
}
