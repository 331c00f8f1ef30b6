//! The rows of a trace in order of time, within a bound of memory.
//!
//! A text file is read once from end to end before the first row is given out: that finds every bad
//! row before the run begins, tells whether the rows are in order of time, and takes the hash by
//! which a cursor knows the file again. Rows that fit into memory are kept. Otherwise a file in
//! order is read a second time as a stream, and one that is not is sorted on disk, once, into the
//! block form, under a name made of its hash.

use super::row::{Row, Shapes};
use super::sort;
use super::table::{Cells, Fault, TableFile};
use super::{BadRows, TraceFormat, TraceParams, block, native, openb};
use crate::ground::Time;
use crate::stimulus::SourceError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which rows of which file, and how they may be kept.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    /// Format, file, what to do with bad rows, and memory.
    pub(crate) params: &'a TraceParams,
    /// A folder for a trace that has to be sorted on disk.
    pub(crate) scratch: Option<&'a Path>,
    /// False if times and lifetimes do not matter and may be missing.
    pub(crate) timed: bool,
}

/// What reading a file from end to end has told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Rows that can be used.
    pub(crate) rows: u64,
    /// Rows that were left out, by reason.
    pub(crate) skipped: BTreeMap<String, u64>,
    /// Columns that the reader does not know.
    pub(crate) unknown_columns: Vec<String>,
    /// True if the file itself is in order of time.
    pub(crate) in_order: bool,
    /// Hash of the file.
    pub(crate) content: u128,
}

#[derive(Debug)]
enum Store {
    Memory(Vec<Row>),
    Text(Box<TextRows>),
    Blocks(Box<block::Reader>),
}

/// The rows of a trace.
#[derive(Debug)]
pub(crate) struct Rows {
    shapes: Shapes,
    survey: Survey,
    store: Store,
    path: PathBuf,
    format: TraceFormat,
    skip: bool,
    timed: bool,
    at: u64,
}

impl Rows {
    /// Opens a trace.
    pub(crate) fn open(wanted: &Wanted<'_>) -> Result<Rows, SourceError> {
        let params = wanted.params;
        let mut shapes = Shapes::new();
        let blocks =
            params.format == TraceFormat::Native && block::Reader::recognizes(&params.pods)?;
        let (survey, store) = if blocks {
            let reader = block::Reader::open(&params.pods, &mut shapes)?;
            let survey = Survey {
                rows: reader.rows(),
                in_order: true,
                content: reader.content(),
                ..Survey::default()
            };
            (survey, Store::Blocks(Box::new(reader)))
        } else {
            let (survey, kept) = survey(wanted, &mut shapes)?;
            let store = match kept {
                Some(rows) => Store::Memory(rows),
                None if survey.in_order => Store::Text(Box::new(TextRows::open(wanted)?)),
                None => Store::Blocks(Box::new(sort::on_disk(wanted, &mut shapes, &survey)?)),
            };
            (survey, store)
        };
        Ok(Rows {
            shapes,
            survey,
            store,
            path: params.pods.clone(),
            format: params.format,
            skip: params.bad_rows == BadRows::Skip,
            timed: wanted.timed,
            at: 0,
        })
    }

    pub(crate) fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    pub(crate) fn into_shapes(self) -> Shapes {
        self.shapes
    }

    pub(crate) fn survey(&self) -> &Survey {
        &self.survey
    }

    /// Number of rows behind.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Goes to a row, the file being the one with this hash.
    pub(crate) fn seek(&mut self, row: u64, content: u128) -> Result<(), SourceError> {
        if content != self.survey.content {
            return Err(changed(&self.path));
        }
        match &mut self.store {
            Store::Memory(_) => {}
            Store::Blocks(reader) => reader.seek(row),
            Store::Text(reader) => {
                if row < self.at {
                    **reader = TextRows::reopen(&self.path, self.format, self.skip, self.timed)?;
                    self.at = 0;
                }
                while self.at < row && reader.next(&mut self.shapes)?.is_some() {
                    self.at += 1;
                }
            }
        }
        self.at = row;
        Ok(())
    }

    /// The next row in order of time; rows of the same time in the order of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, SourceError> {
        let row = match &mut self.store {
            Store::Memory(rows) => {
                usize::try_from(self.at).ok().and_then(|at| rows.get(at)).copied()
            }
            Store::Text(reader) => reader.next(&mut self.shapes)?,
            Store::Blocks(reader) => reader.next()?,
        };
        self.at += u64::from(row.is_some());
        Ok(row)
    }
}

/// The error of a file that is not the one of a cursor.
pub(crate) fn changed(path: &Path) -> SourceError {
    SourceError::of_file(path, "the file is not the one of the saved run")
        .hint("bring back the file with which the run was started")
}

/// Reads a whole file; its rows, sorted by time, if they fit into memory.
fn survey(
    wanted: &Wanted<'_>,
    shapes: &mut Shapes,
) -> Result<(Survey, Option<Vec<Row>>), SourceError> {
    let most = usize::try_from(wanted.params.memory.0).unwrap_or(usize::MAX) / size_of::<Row>();
    let mut file = TextRows::open(wanted)?;
    let mut kept = Some(Vec::new());
    let mut survey = Survey { in_order: true, ..Survey::default() };
    let mut last = Time::ZERO;
    while let Some(row) = file.next(shapes)? {
        survey.rows += 1;
        survey.in_order &= row.at >= last;
        last = row.at;
        if let Some(rows) = &mut kept {
            if rows.len() < most {
                rows.push(row);
            } else {
                kept = None;
            }
        }
    }
    if let (Some(rows), false) = (&mut kept, survey.in_order) {
        rows.sort_by_key(|row| row.at);
    }
    survey.skipped = std::mem::take(&mut file.skipped);
    survey.unknown_columns = file.unknown_columns();
    survey.content = file.file.into_content()?;
    Ok((survey, kept))
}

#[derive(Debug)]
enum Columns {
    Openb(openb::Columns),
    Native(native::Columns),
}

impl Columns {
    fn row(&self, cells: Cells<'_>, shapes: &mut Shapes) -> Result<Row, Fault> {
        match self {
            Columns::Openb(columns) => columns.row(cells, shapes),
            Columns::Native(columns) => columns.row(cells, shapes),
        }
    }
}

/// The rows of a text file in the order of the file.
#[derive(Debug)]
pub(super) struct TextRows {
    file: TableFile,
    columns: Columns,
    skip: bool,
    skipped: BTreeMap<String, u64>,
}

impl TextRows {
    pub(super) fn open(wanted: &Wanted<'_>) -> Result<TextRows, SourceError> {
        let params = wanted.params;
        let skip = params.bad_rows == BadRows::Skip;
        TextRows::reopen(&params.pods, params.format, skip, wanted.timed)
    }

    fn reopen(
        path: &Path,
        format: TraceFormat,
        skip: bool,
        timed: bool,
    ) -> Result<TextRows, SourceError> {
        let file = TableFile::open(path)?;
        let columns = match format {
            TraceFormat::AlibabaGpu2023 => Columns::Openb(openb::Columns::find(&file, timed)?),
            TraceFormat::Native => Columns::Native(native::Columns::find(&file)?),
        };
        Ok(TextRows { file, columns, skip, skipped: BTreeMap::new() })
    }

    fn unknown_columns(&self) -> Vec<String> {
        let unknown = |name: &&String| match self.columns {
            Columns::Openb(_) => !openb::Columns::knows(name),
            Columns::Native(_) => false,
        };
        self.file.header().iter().filter(unknown).cloned().collect()
    }

    /// The next row that can be read.
    pub(super) fn next(&mut self, shapes: &mut Shapes) -> Result<Option<Row>, SourceError> {
        loop {
            let Some(cells) = self.file.next()? else { return Ok(None) };
            match self.columns.row(cells, shapes) {
                Ok(row) => return Ok(Some(row)),
                Err(fault) if self.skip => {
                    *self.skipped.entry(fault.reason()).or_default() += 1;
                }
                Err(fault) => return Err(self.file.error(&fault)),
            }
        }
    }
}
