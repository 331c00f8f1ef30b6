//! Writing a trace in our own forms.

use super::row::{Row, Shapes};
use super::trace::TraceSource;
use super::{TracePlan, block, native};
use crate::stimulus::SourceError;
use std::io::{self, Write};

/// The two forms of our own trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeForm {
    /// CSV with units in the cells.
    Text,
    /// Sorted blocks.
    Blocks,
}

/// Writes a trace, sliced and scaled as its parameters say, in order of time; the number of rows.
pub fn convert(plan: &TracePlan, form: NativeForm, out: impl Write) -> Result<u64, SourceError> {
    let mut source = TraceSource::open(plan)?;
    match form {
        NativeForm::Text => {
            let mut writer = native::Writer::new(out).map_err(unwritten)?;
            let mut rows = 0;
            while let Some(row) = source.next_row()? {
                let shapes = source.rows().shapes();
                let names = &shapes.catalog().names;
                writer.row(&row, shapes.shape(row.shape), names).map_err(unwritten)?;
                rows += 1;
            }
            writer.finish().map_err(unwritten)?;
            Ok(rows)
        }
        NativeForm::Blocks => {
            let mut writer = block::Writer::new(out).map_err(unwritten)?;
            let mut rows = 0;
            while let Some(row) = source.next_row()? {
                writer.row(&row).map_err(unwritten)?;
                rows += 1;
            }
            writer.finish(source.rows().shapes(), 0).map_err(unwritten)?;
            Ok(rows)
        }
    }
}

/// Writes rows of a generator as text.
pub(crate) fn write_text(
    rows: impl Iterator<Item = Row>,
    shapes: &Shapes,
    out: impl Write,
) -> Result<(), SourceError> {
    let mut writer = native::Writer::new(out).map_err(unwritten)?;
    for row in rows {
        let shape = shapes.shape(row.shape);
        writer.row(&row, shape, &shapes.catalog().names).map_err(unwritten)?;
    }
    writer.finish().map_err(unwritten)
}

fn unwritten(error: impl Into<io::Error>) -> SourceError {
    SourceError::new(format!("the trace cannot be written: {}", error.into()))
}
