//! Flax, by `tests/golden/make_flax.py`.

cases! {
    linen: "linen `GRUCell`, `Dense`", "flax/linen.npz";
    linen_layers: "linen `RNN`, two layers", "flax/linen_layers.npz";
    linen_dots: "names joined by dots, safetensors", "flax/linen_dots.safetensors";
    language: "linen `Embed`, `LayerNorm`, `Dense` without bias", "flax/language.safetensors";
    nnx: "nnx `GRUCell`, `Linear`", "flax/nnx.npz";
    nnx_tensors: "nnx in safetensors", "flax/nnx_tensors.safetensors";
    linen_plain: "linen `SimpleCell`", "flax/linen_plain.npz";
    nnx_plain: "nnx `SimpleCell`", "flax/nnx_plain.npz";
}
