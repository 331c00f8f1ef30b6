//! Bytes of a file, unpacked if they are gzip, with the hash of the file itself.

use crate::ground::Mixer;
use crate::stimulus::SourceError;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The first bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A running hash over bytes, the same however they are cut into pieces.
#[derive(Debug, Default)]
pub(crate) struct ContentHash {
    mixer: Mixer,
    rest: [u8; 16],
    held: usize,
    bytes: u64,
}

impl ContentHash {
    pub(crate) fn add(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.held == 0 && bytes.len() >= 16 {
                let (whole, tail) = bytes.split_at(bytes.len() / 16 * 16);
                for chunk in whole.chunks_exact(16) {
                    self.mix(chunk.try_into().expect("sixteen bytes"));
                }
                bytes = tail;
                continue;
            }
            let take = bytes.len().min(16 - self.held);
            self.rest[self.held..self.held + take].copy_from_slice(&bytes[..take]);
            self.held += take;
            bytes = &bytes[take..];
            if self.held == 16 {
                self.mix(self.rest);
                self.held = 0;
            }
        }
    }

    fn mix(&mut self, chunk: [u8; 16]) {
        let both = u128::from_le_bytes(chunk);
        self.mixer.add(both as u64, (both >> 64) as u64);
    }

    pub(crate) fn finish(mut self) -> u128 {
        self.rest[self.held..].fill(0);
        self.mix(self.rest);
        self.mixer.add(self.bytes, 0);
        self.mixer.finish()
    }
}

/// The file itself, below the unpacking.
#[derive(Debug)]
pub(crate) struct HashedFile {
    file: File,
    hash: ContentHash,
}

impl Read for HashedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.add(&buffer[..count]);
        Ok(count)
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) enum Input {
    Plain(BufReader<HashedFile>),
    Gzip(Box<MultiGzDecoder<BufReader<HashedFile>>>),
}

impl Input {
    /// Opens a file, gzip if its first two bytes say so.
    pub(crate) fn open(path: &Path) -> Result<Input, SourceError> {
        let broken =
            |error: io::Error| SourceError::of_file(path, format!("cannot be read: {error}"));
        let file = File::open(path).map_err(broken)?;
        let hashed = HashedFile { file, hash: ContentHash::default() };
        let mut buffered = BufReader::with_capacity(1 << 16, hashed);
        let start = buffered.fill_buf().map_err(broken)?;
        if start.starts_with(&GZIP_MAGIC) {
            Ok(Input::Gzip(Box::new(MultiGzDecoder::new(buffered))))
        } else {
            Ok(Input::Plain(buffered))
        }
    }

    /// The hash of the whole file; reads what has not been read yet.
    pub(crate) fn finish(self) -> io::Result<u128> {
        let buffered = match self {
            Input::Plain(buffered) => buffered,
            Input::Gzip(decoder) => decoder.into_inner(),
        };
        let mut hashed = buffered.into_inner();
        io::copy(&mut hashed, &mut io::sink())?;
        Ok(hashed.hash.finish())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Plain(reader) => reader.read(buffer),
            Input::Gzip(reader) => reader.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_does_not_depend_on_the_pieces() {
        let bytes: Vec<u8> = (0..1000u32).map(|n| (n * 7 % 251) as u8).collect();
        let whole = |bytes: &[u8]| {
            let mut hash = ContentHash::default();
            hash.add(bytes);
            hash.finish()
        };
        for piece in [1, 3, 15, 16, 17, 333] {
            let mut hash = ContentHash::default();
            bytes.chunks(piece).for_each(|chunk| hash.add(chunk));
            assert_eq!(hash.finish(), whole(&bytes), "{piece}");
        }
        assert_ne!(whole(&bytes), whole(&bytes[..999]));
        assert_ne!(whole(&[]), whole(&[0]));
    }
}
