//! HDF5 files whose group `layers` holds object headers as they are given.
//!
//! Format: <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>, superblock 0 and groups of symbol tables.

use std::collections::HashMap;

/// What the file holds.
#[derive(Default)]
pub struct File {
    /// Object headers.
    pub headers: Vec<Vec<u8>>,
    /// From the beginning of one to that of the next.
    pub stride: usize,
    /// Length of the one name that all of them share; names that differ if it is 0.
    pub shared_name_len: usize,
}

const NONE: u64 = u64::MAX;
const SUPERBLOCK: u64 = 96;

/// A version 1 object header that says it has so many messages in so many bytes, and those that it has.
pub fn header(messages: u16, len: u32, bytes: &[u8]) -> Vec<u8> {
    [&[1, 0][..], &messages.to_le_bytes(), &1u32.to_le_bytes(), &len.to_le_bytes(), &[0; 4], bytes].concat()
}

impl File {
    /// The file: a root group, in it `layers`, in it the headers under names that differ.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(SUPERBLOCK).unwrap()];
        let first = bytes.len() as u64;
        for header in &self.headers {
            let start = bytes.len();
            bytes.extend(header);
            bytes.resize(start + self.stride, 0);
        }
        // What the last header says to be its own.
        bytes.extend([0; 1 << 13]);
        let children = (0..self.headers.len()).map(|at| (format!("{at:05}"), first + (at * self.stride) as u64));
        let mut children: Vec<_> = children.collect();
        if self.shared_name_len > 0 {
            children.iter_mut().for_each(|(name, _)| *name = "x".repeat(self.shared_name_len));
        }
        let layers = group(&mut bytes, &children);
        let root = group(&mut bytes, &[("layers".to_owned(), layers)]);
        let len = bytes.len() as u64;
        let superblock = [
            &b"\x89HDF\r\n\x1A\n"[..],
            &[0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0],
            &words(&[0, NONE, len, NONE, 0, root, 0, 0, 0]),
        ];
        let superblock = superblock.concat();
        bytes[..superblock.len()].copy_from_slice(&superblock);
        bytes
    }
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Appends a group of one node with these names and addresses; gives the address of its object header.
fn group(bytes: &mut Vec<u8>, children: &[(String, u64)]) -> u64 {
    let mut put = |part: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(part);
        (bytes.len()) as u64
    };
    let (mut names, mut placed) = (vec![0; 8], HashMap::new());
    let places: Vec<u64> = children
        .iter()
        .map(|(name, _)| {
            if let Some(place) = placed.get(name) {
                return *place;
            }
            let place = names.len() as u64;
            placed.insert(name, place);
            names.extend(name.as_bytes());
            names.resize((names.len() + 1).next_multiple_of(8), 0);
            place
        })
        .collect();
    let len = names.len() as u64;
    let names = put(names) - len;
    let heap = put([&b"HEAP\0\0\0\0"[..], &words(&[len, NONE, names])].concat()) - 32;
    let entries = children.iter().zip(&places).flat_map(|((_, address), &place)| words(&[place, *address, 0, 0, 0]));
    let count = u16::try_from(children.len()).unwrap().to_le_bytes();
    let symbols = [&b"SNOD\x01\0"[..], &count, &entries.collect::<Vec<_>>()].concat();
    let len = symbols.len() as u64;
    let node = put(symbols) - len;
    let last = places.last().copied().unwrap_or_default();
    let tree = put([&b"TREE\0\0\x01\0"[..], &words(&[NONE, NONE, 0, node, last])].concat()) - 48;
    let message = [&[0x11, 0, 16, 0, 0, 0, 0, 0][..], &words(&[tree, heap])].concat();
    put(header(1, 24, &message)) - 40
}
