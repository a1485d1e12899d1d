//! The bundled recordings, in NumPy's format. gru-export reads more of it; without it these commands compile in half the time.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// An array of f32 or i16, row-major and little-endian.
#[derive(Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Array {
    /// Reads a file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("{} is no array of f32 or i16 as NumPy saves it", path.display()))
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00").context("no array, or of another version")?;
        let (len, rest) = rest.split_first_chunk().context("no header")?;
        let (header, data) =
            rest.split_at_checked(u16::from_le_bytes(*len).into()).context("the header is cut short")?;
        let header = str::from_utf8(header)?;
        let dict = header.trim_end().strip_prefix("{'descr': '").context("no type")?;
        let (descr, shape) = dict.split_once("', 'fortran_order': False, 'shape': (").context("no shape")?;
        let (shape, _) = shape.split_once(')').context("no end of the shape")?;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape: Vec<usize> = sizes.map(str::parse).collect::<Result<_, _>>()?;
        let (values, rest): (Vec<f32>, &[u8]) = match descr {
            "<f4" => {
                let (values, rest) = data.as_chunks();
                (values.iter().map(|&value| f32::from_le_bytes(value)).collect(), rest)
            }
            "<i2" => {
                let (values, rest) = data.as_chunks();
                (values.iter().map(|&value| i16::from_le_bytes(value).into()).collect(), rest)
            }
            _ => bail!("of type {descr}"),
        };
        if values.len() != shape.iter().product::<usize>() || !rest.is_empty() {
            bail!("{} bytes for the shape {shape:?}", data.len());
        }
        Ok(Self { shape, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::root;

    #[test]
    fn the_recordings_are_read_as_they_are_described() {
        let data = root().join("firmware-example/data");
        let counts = Array::read(data.join("test.npy")).unwrap();
        assert_eq!(counts.shape, [40, 100, 6]);
        assert!(counts.values.iter().all(|count| count.fract() == 0.0));
        assert_eq!(Array::read(data.join("lsb.npy")).unwrap().shape, [6]);
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        let whole = fs::read(root().join("firmware-example/data/lsb.npy")).unwrap();
        for len in 0..whole.len() {
            assert!(Array::parse(&whole[..len]).is_err(), "{len} bytes");
        }
        assert_eq!(Array::parse(&whole).unwrap().values.len(), 6);
    }
}
