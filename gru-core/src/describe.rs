//! `Debug` and `defmt::Format` of layers: type and sizes, not the weights.

macro_rules! describe {
    ($($layer:ident<$($size:ident),+ $(; $choice:ident)*>)+) => {$(
        impl<$(const $size: usize,)+ $($choice),*> core::fmt::Debug for crate::$layer<$($size,)+ $($choice),*> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(stringify!($layer))?;
                f.debug_list().entries([$($size),+]).finish()
            }
        }

        #[cfg(feature = "defmt")]
        impl<$(const $size: usize,)+ $($choice),*> defmt::Format for crate::$layer<$($size,)+ $($choice),*> {
            fn format(&self, f: defmt::Formatter<'_>) {
                defmt::write!(f, "{=str}{=[?]}", stringify!($layer), [$($size),+]);
            }
        }
    )+};
}

describe! {
    Gru<I, H; R; A>
    QGru<I, H; R>
    Dense<I, O>
    QDense<I, O>
}
