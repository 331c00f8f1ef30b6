//! Sorting a trace on disk: sorted pieces that fit into memory, merged into one block file.
//!
//! Equal times keep the order of the file: each piece is sorted stably, pieces are numbered in the
//! order of the file, and the merge takes the lower number first. The result stays in the scratch
//! folder and is used again for the same file.

use super::block;
use super::row::{Row, Shapes};
use super::rows::{Survey, TextRows, Wanted};
use crate::ground::Time;
use crate::stimulus::SourceError;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// The trace as a sorted block file in the scratch folder.
pub(super) fn on_disk(
    wanted: &Wanted<'_>,
    shapes: &mut Shapes,
    survey: &Survey,
) -> Result<block::Reader, SourceError> {
    let Some(scratch) = wanted.scratch else {
        let text = format!(
            "the rows are not in order of time and need more memory than {}",
            wanted.params.memory
        );
        return Err(SourceError::of_file(&wanted.params.pods, text)
            .hint("raise `memory`, or convert the trace to the native block form first"));
    };
    let target = scratch.join(format!("wavetank-{:032x}.blocks", survey.content));
    if let Ok(sorted) = block::Reader::open(&target, shapes)
        && sorted.origin() == survey.content
        && sorted.rows() == survey.rows
    {
        return Ok(sorted);
    }
    let pieces = write_pieces(wanted, shapes, &target);
    let merged = pieces.and_then(|pieces| {
        let merged = merge(&pieces, shapes, survey, &target);
        for piece in &pieces {
            fs::remove_file(piece).map_err(|error| broken(piece, &error))?;
        }
        merged
    });
    merged?;
    block::Reader::open(&target, shapes)
}

fn broken(path: &Path, error: &io::Error) -> SourceError {
    SourceError::of_file(path, format!("cannot be written: {error}"))
        .hint("check the scratch folder and its free space")
}

fn write_pieces(
    wanted: &Wanted<'_>,
    shapes: &mut Shapes,
    target: &Path,
) -> Result<Vec<PathBuf>, SourceError> {
    let bytes = usize::try_from(wanted.params.memory.0).unwrap_or(usize::MAX);
    let most = (bytes / size_of::<Row>()).max(1);
    let mut file = TextRows::open(wanted)?;
    let mut pieces = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let row = file.next(shapes)?;
        rows.extend(row);
        let ended = row.is_none();
        if (ended && !rows.is_empty()) || rows.len() == most {
            rows.sort_by_key(|row| row.at);
            let path = target.with_extension(format!("piece-{}", pieces.len()));
            write(&path, rows.drain(..).map(Ok), shapes, 0)?;
            pieces.push(path);
        }
        if ended {
            return Ok(pieces);
        }
    }
}

/// Writes rows to a file that appears under its name only when it is whole.
fn write(
    path: &Path,
    rows: impl Iterator<Item = Result<Row, SourceError>>,
    shapes: &Shapes,
    origin: u128,
) -> Result<(), SourceError> {
    let failed = |error: io::Error| broken(path, &error);
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let out = BufWriter::new(File::create(&unfinished).map_err(failed)?);
    let mut writer = block::Writer::new(out).map_err(failed)?;
    for row in rows {
        writer.row(&row?).map_err(failed)?;
    }
    writer.finish(shapes, origin).map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)
}

fn merge(
    pieces: &[PathBuf],
    shapes: &mut Shapes,
    survey: &Survey,
    target: &Path,
) -> Result<(), SourceError> {
    let mut readers = Vec::new();
    for piece in pieces {
        readers.push(block::Reader::open(piece, shapes)?);
    }
    let merge = Merge::new(readers)?;
    write(target, merge, shapes, survey.content)
}

struct Merge {
    readers: Vec<block::Reader>,
    heads: Vec<Option<Row>>,
    order: BinaryHeap<Reverse<(Time, usize)>>,
}

impl Merge {
    fn new(readers: Vec<block::Reader>) -> Result<Merge, SourceError> {
        let heads = readers.iter().map(|_| None).collect();
        let mut merge = Merge { readers, heads, order: BinaryHeap::new() };
        for piece in 0..merge.readers.len() {
            merge.refill(piece)?;
        }
        Ok(merge)
    }

    fn refill(&mut self, piece: usize) -> Result<(), SourceError> {
        self.heads[piece] = self.readers[piece].next()?;
        if let Some(row) = &self.heads[piece] {
            self.order.push(Reverse((row.at, piece)));
        }
        Ok(())
    }
}

impl Iterator for Merge {
    type Item = Result<Row, SourceError>;

    fn next(&mut self) -> Option<Result<Row, SourceError>> {
        let Reverse((_, piece)) = self.order.pop()?;
        let row = self.heads[piece].take().expect("a piece in the order has a head");
        Some(self.refill(piece).map(|()| row))
    }
}
