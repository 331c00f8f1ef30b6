//! Our own trace as blocks: binary, sorted by time, readable from any row.
//!
//! All numbers are little-endian.
//!
//! ```text
//! head     16 bytes   magic "wavetank", version (u32, 1), rows per block (u32)
//! blocks              rows of 32 bytes back to back; every block but the last is full
//! footer              postcard of: origin, rows, texts, shapes, blocks
//! tail     24 bytes   length of the footer (u64), its checksum (u64), magic "knatevaw"
//! ```
//!
//! A row is: time of creation (u64, nanoseconds), lifetime (u64, nanoseconds, 2^64-1 for ever),
//! shape (u32), stem of the name (u32, a text), number in the name (u32), least digits of that
//! number (u32, 0 if the name is all stem). The footer's list of blocks has, for each, its number
//! of rows, first and last time and checksum; checksums are the stable hash of `ground`. `origin`
//! is the hash of the file that was sorted, 0 if there was none. The hash of a block file itself
//! covers the footer, and through the checksums every block.

use super::row::{Row, Shape, Shapes, split_labels};
use crate::ground::{Name, Span, Time, stable_hash};
use crate::model::{Lifetime, PodName};
use crate::stimulus::SourceError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"wavetank";
const END_MAGIC: [u8; 8] = *b"knatevaw";
const VERSION: u32 = 1;
const HEAD: u64 = 16;
const TAIL: u64 = 24;
const ROW: usize = 32;
const ROWS_PER_BLOCK: usize = 4096;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Block {
    rows: u32,
    first: Time,
    last: Time,
    checksum: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    origin: u128,
    rows: u64,
    texts: Vec<String>,
    shapes: Vec<Shape>,
    blocks: Vec<Block>,
}

fn encode(row: &Row, out: &mut Vec<u8>) {
    let lifetime = match row.lifetime {
        Lifetime::Forever => u64::MAX,
        Lifetime::For(span) => span.as_nanos(),
    };
    let (stem, number, digits) = row.name.parts();
    out.extend_from_slice(&row.at.as_nanos().to_le_bytes());
    out.extend_from_slice(&lifetime.to_le_bytes());
    for small in [row.shape, stem.0, number, u32::from(digits)] {
        out.extend_from_slice(&small.to_le_bytes());
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn small(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Writes a block file row by row.
#[derive(Debug)]
pub(super) struct Writer<W: Write> {
    out: W,
    buffer: Vec<u8>,
    blocks: Vec<Block>,
    first: Time,
    last: Time,
    rows: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the head.
    pub(super) fn new(mut out: W) -> io::Result<Writer<W>> {
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&(ROWS_PER_BLOCK as u32).to_le_bytes())?;
        let buffer = Vec::with_capacity(ROWS_PER_BLOCK * ROW);
        Ok(Writer { out, buffer, blocks: Vec::new(), first: Time::ZERO, last: Time::ZERO, rows: 0 })
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it is earlier than the row before.
    pub(super) fn row(&mut self, row: &Row) -> io::Result<()> {
        assert!(row.at >= self.last, "a block file is sorted by time");
        if self.buffer.is_empty() {
            self.first = row.at;
        }
        self.last = row.at;
        self.rows += 1;
        encode(row, &mut self.buffer);
        if self.buffer.len() == ROWS_PER_BLOCK * ROW { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.blocks.push(Block {
            rows: (self.buffer.len() / ROW) as u32,
            first: self.first,
            last: self.last,
            checksum: stable_hash(&self.buffer),
        });
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the footer: all texts and shapes that the rows use.
    pub(super) fn finish(mut self, shapes: &Shapes, origin: u128) -> io::Result<()> {
        self.end_block()?;
        let names = &shapes.catalog().names;
        let count = u32::try_from(names.len()).expect("fewer than 2^32 names");
        let footer = Footer {
            origin,
            rows: self.rows,
            texts: (0..count).map(|name| names.text(Name(name)).to_owned()).collect(),
            shapes: shapes.all().copied().collect(),
            blocks: self.blocks,
        };
        let footer = postcard::to_stdvec(&footer).map_err(io::Error::other)?;
        self.out.write_all(&footer)?;
        self.out.write_all(&(footer.len() as u64).to_le_bytes())?;
        self.out.write_all(&stable_hash(&footer).to_le_bytes())?;
        self.out.write_all(&END_MAGIC)?;
        self.out.flush()
    }
}

/// A block file that is being read.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    file: File,
    blocks: Vec<Block>,
    rows: u64,
    origin: u128,
    content: u128,
    /// Numbers of the file's texts and shapes in the catalog they were read into.
    names: Vec<Name>,
    shapes: Vec<u32>,
    block: Vec<u8>,
    at: u64,
}

impl Reader {
    /// True if the file begins as a block file does.
    pub(super) fn recognizes(path: &Path) -> Result<bool, SourceError> {
        let broken =
            |error: io::Error| SourceError::of_file(path, format!("cannot be read: {error}"));
        let mut start = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start))
            .map_err(broken)?;
        Ok(start == MAGIC)
    }

    /// Opens a file; its texts and shapes are added to `shapes`.
    pub(super) fn open(path: &Path, shapes: &mut Shapes) -> Result<Reader, SourceError> {
        let broken =
            |error: io::Error| SourceError::of_file(path, format!("cannot be read: {error}"));
        let damaged = || damaged(path, "its footer");
        let mut file = File::open(path).map_err(broken)?;
        let length = file.metadata().map_err(broken)?.len();
        let body = length.checked_sub(HEAD + TAIL).ok_or_else(damaged)?;
        let mut head = [0; HEAD as usize];
        file.read_exact(&mut head).map_err(broken)?;
        if head[..8] != MAGIC {
            return Err(SourceError::of_file(path, "is not a trace in block form"));
        }
        if (small(&head, 8), small(&head, 12)) != (VERSION, ROWS_PER_BLOCK as u32) {
            let text = format!("has version {} of the block form; known is 1", small(&head, 8));
            return Err(SourceError::of_file(path, text).hint("convert the trace again"));
        }
        let mut tail = [0; TAIL as usize];
        file.seek(SeekFrom::End(-(TAIL as i64))).map_err(broken)?;
        file.read_exact(&mut tail).map_err(broken)?;
        let footer_length = word(&tail, 0);
        if tail[16..] != END_MAGIC || footer_length > body {
            return Err(damaged());
        }
        let mut bytes = vec![0; usize::try_from(footer_length).map_err(|_| damaged())?];
        let footer_at = length - TAIL - footer_length;
        file.seek(SeekFrom::Start(footer_at)).map_err(broken)?;
        file.read_exact(&mut bytes).map_err(broken)?;
        if stable_hash(&bytes) != word(&tail, 8) {
            return Err(damaged());
        }
        let footer: Footer = postcard::from_bytes(&bytes).map_err(|_| damaged())?;
        if footer.rows.checked_mul(ROW as u64) != Some(footer_at - HEAD) {
            return Err(damaged());
        }
        let mut content = super::input::ContentHash::default();
        content.add(&bytes);
        let (names, shapes) = take_over(&footer, shapes).ok_or_else(damaged)?;
        Ok(Reader {
            path: path.to_owned(),
            file,
            blocks: footer.blocks,
            rows: footer.rows,
            origin: footer.origin,
            content: content.finish(),
            names,
            shapes,
            block: Vec::new(),
            at: 0,
        })
    }

    pub(super) fn content(&self) -> u128 {
        self.content
    }

    pub(super) fn origin(&self) -> u128 {
        self.origin
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Goes to a row; the next one read is that one.
    pub(super) fn seek(&mut self, row: u64) {
        self.at = row.min(self.rows);
        self.block.clear();
    }

    /// The next row, with names and shapes of the catalog that was given to `open`.
    pub(super) fn next(&mut self) -> Result<Option<Row>, SourceError> {
        if self.at == self.rows {
            return Ok(None);
        }
        let within = (self.at % ROWS_PER_BLOCK as u64) as usize * ROW;
        if within == 0 || self.block.is_empty() {
            self.load()?;
        }
        let bytes = self.block.get(within..within + ROW);
        let row = bytes.and_then(|bytes| self.decode(bytes));
        self.at += 1;
        row.map(Some).ok_or_else(|| damaged(&self.path, &format!("row {}", self.at)))
    }

    fn load(&mut self) -> Result<(), SourceError> {
        let number = self.at / ROWS_PER_BLOCK as u64;
        let what = || damaged(&self.path, &format!("block {number}"));
        let block = *self.blocks.get(number as usize).ok_or_else(what)?;
        self.block.resize(block.rows as usize * ROW, 0);
        let at = HEAD + number * (ROWS_PER_BLOCK * ROW) as u64;
        self.file
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.file.read_exact(&mut self.block))
            .map_err(|error| {
                SourceError::of_file(&self.path, format!("cannot be read: {error}"))
            })?;
        if stable_hash(&self.block) != block.checksum {
            return Err(damaged(&self.path, &format!("block {number}")));
        }
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Option<Row> {
        let lifetime = match word(bytes, 8) {
            u64::MAX => Lifetime::Forever,
            nanos => Lifetime::For(Span::from_nanos(nanos)),
        };
        let stem = *self.names.get(small(bytes, 20) as usize)?;
        let digits = u8::try_from(small(bytes, 28)).ok()?;
        Some(Row {
            at: Time::from_nanos(word(bytes, 0)),
            lifetime,
            shape: *self.shapes.get(small(bytes, 16) as usize)?,
            name: PodName::from_parts((stem, small(bytes, 24), digits)),
        })
    }
}

/// Adds the texts and shapes of a file to a catalog.
fn take_over(footer: &Footer, shapes: &mut Shapes) -> Option<(Vec<Name>, Vec<u32>)> {
    let names: Vec<Name> = footer.texts.iter().map(|text| shapes.name(text)).collect();
    let mut numbers = Vec::with_capacity(footer.shapes.len());
    for shape in &footer.shapes {
        let models = *names.get(shape.models.0 as usize)?;
        let labels = *names.get(shape.labels.0 as usize)?;
        split_labels(footer.texts.get(shape.labels.0 as usize)?)?;
        numbers.push(shapes.intern(Shape { models, labels, ..*shape }));
    }
    Some((names, numbers))
}

fn damaged(path: &Path, part: &str) -> SourceError {
    SourceError::of_file(path, format!("{part} is damaged"))
        .hint("the file was cut off or changed: copy it or convert the trace again")
}
