//! CSV files with a header, plain or gzip, read row by row in constant memory.
//!
//! Accepted: CRLF, a missing final newline, a byte order mark, quoted cells with line breaks in
//! them, empty cells after the last column. Refused: rows with too few cells or with more text
//! than there are columns. Columns are found by name, in any order.

use super::input::Input;
use crate::stimulus::SourceError;
use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with one cell, or with a whole row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The column; `None` for the row.
    pub(crate) column: Option<&'static str>,
    /// The text of the cell; `None` if `what` quotes it.
    pub(crate) cell: Option<String>,
    /// What is wrong, to follow the text of the cell if there is one.
    pub(crate) what: String,
}

impl Fault {
    /// Why rows like this one are left out, the same for all of them.
    pub(crate) fn reason(&self) -> String {
        match (self.column, &self.cell) {
            (Some(column), Some(_)) => format!("`{column}` {}", self.what),
            (Some(column), None) => format!("`{column}` cannot be read"),
            (None, _) => self.what.clone(),
        }
    }
}

/// A file of rows under a header.
#[derive(Debug)]
pub(crate) struct TableFile {
    path: PathBuf,
    reader: Reader<Input>,
    record: ByteRecord,
    header: Vec<String>,
    line: u64,
}

impl TableFile {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path) -> Result<TableFile, SourceError> {
        let input = Input::open(path)?;
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
        let mut file = TableFile {
            path: path.to_owned(),
            reader,
            record: ByteRecord::new(),
            header: Vec::new(),
            line: 0,
        };
        if !file.read()? {
            return Err(SourceError::of_file(path, "the file is empty")
                .hint("its first line has to name the columns"));
        }
        for cell in &file.record {
            let text = std::str::from_utf8(cell).map_err(|_| file.not_text())?;
            file.header.push(text.trim().to_owned());
        }
        while file.header.last().is_some_and(String::is_empty) {
            file.header.pop();
        }
        Ok(file)
    }

    fn not_text(&self) -> SourceError {
        SourceError::of_file(&self.path, "the line is not UTF-8 text").line(self.line.max(1))
    }

    /// Reads the next record; false at the end.
    fn read(&mut self) -> Result<bool, SourceError> {
        let more = match self.reader.read_byte_record(&mut self.record) {
            Ok(more) => more,
            Err(error) => return Err(self.broken(error)),
        };
        if let (true, Some(position)) = (more, self.record.position()) {
            self.line = position.line();
        }
        Ok(more)
    }

    fn broken(&self, error: csv::Error) -> SourceError {
        let line = self.reader.position().line();
        let text = match error.into_kind() {
            ErrorKind::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return SourceError::of_file(&self.path, "the gzip file ends too early")
                    .line(line)
                    .hint("it was cut off: copy or download it again");
            }
            ErrorKind::Io(error) => format!("cannot be read: {error}"),
            kind => format!("cannot be read: {kind:?}"),
        };
        SourceError::of_file(&self.path, text).line(line)
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// The positions of columns by name; an error that names all that are missing.
    pub(crate) fn require<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[Column; N], SourceError> {
        let mut missing = Vec::new();
        let mut found = names.map(|name| Column { name, at: usize::MAX });
        for column in &mut found {
            match self.find(column.name)? {
                Some(there) => *column = there,
                None => missing.push(format!("`{}`", column.name)),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let what = if missing.len() == 1 { "the column" } else { "the columns" };
        let there: Vec<String> = self.header.iter().map(|name| format!("`{name}`")).collect();
        Err(SourceError::of_file(
            &self.path,
            format!(
                "{what} {} {} missing; there are {}",
                missing.join(", "),
                if missing.len() == 1 { "is" } else { "are" },
                there.join(", ")
            ),
        )
        .line(1))
    }

    /// The position of a column by name, if it is there.
    pub(crate) fn find(&self, name: &'static str) -> Result<Option<Column>, SourceError> {
        Ok(self.position(name)?.map(|at| Column { name, at }))
    }

    /// The position of a column whose name is known only at run time.
    fn position(&self, name: &str) -> Result<Option<usize>, SourceError> {
        let mut at = (0..self.header.len()).filter(|at| self.header[*at] == name);
        let first = at.next();
        if at.next().is_some() {
            return Err(SourceError::of_file(&self.path, "the column is there twice")
                .line(1)
                .column(name));
        }
        Ok(first)
    }

    /// The cells of one or two columns as text, of every row, for small tables.
    pub(crate) fn columns(
        mut self,
        names: &[&str],
        mut each: impl FnMut(&[&str]) -> Result<(), String>,
    ) -> Result<(), SourceError> {
        let mut at = Vec::new();
        for name in names {
            at.push(self.position(name)?.ok_or_else(|| {
                let there = self.header.join("`, `");
                SourceError::of_file(
                    &self.path,
                    format!("there is no column `{name}`; there are `{there}`"),
                )
                .line(1)
            })?);
        }
        while let Some(row) = self.next()? {
            let cells: Option<Vec<&str>> = at.iter().map(|at| row.text_at(*at)).collect();
            let outcome = match cells {
                Some(cells) => each(&cells),
                None => Err("the row has too few cells or is not UTF-8 text".to_owned()),
            };
            if let Err(text) = outcome {
                return Err(SourceError::of_file(&self.path, text).line(self.line));
            }
        }
        Ok(())
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<Cells<'_>>, SourceError> {
        let more = self.read()?;
        Ok(more.then_some(Cells { record: &self.record, columns: self.header.len() }))
    }

    /// The error that a fault of the row read last is.
    pub(crate) fn error(&self, fault: &Fault) -> SourceError {
        let text = match fault.cell.as_deref() {
            Some("") => format!("the cell {}", fault.what),
            Some(cell) => format!("`{cell}` {}", fault.what),
            None => fault.what.clone(),
        };
        let error = SourceError::of_file(&self.path, text).line(self.line);
        match fault.column {
            Some(column) => error.column(column),
            None => error,
        }
    }

    /// Hash of the bytes of the file, after its end was reached.
    pub(crate) fn into_content(self) -> Result<u128, SourceError> {
        let TableFile { path, reader, .. } = self;
        reader
            .into_inner()
            .finish()
            .map_err(|error| SourceError::of_file(&path, format!("cannot be read: {error}")))
    }
}

/// A column of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Name.
    pub(crate) name: &'static str,
    at: usize,
}

impl Column {
    /// A fault of a cell of this column.
    pub(crate) fn fault(self, cell: &str, what: impl fmt::Display) -> Fault {
        Fault { column: Some(self.name), cell: Some(cell.to_owned()), what: what.to_string() }
    }
}

/// The cells of one row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'a> {
    record: &'a ByteRecord,
    columns: usize,
}

impl<'a> Cells<'a> {
    /// Refuses a row with too few cells or with text beyond the last column.
    pub(crate) fn check(self) -> Result<(), Fault> {
        let cells = self.record.len();
        let row = |what| Err(Fault { column: None, cell: None, what });
        if cells < self.columns {
            return row(format!("the row has {cells} cells; there are {} columns", self.columns));
        }
        if self.record.iter().skip(self.columns).any(|cell| !cell.is_empty()) {
            return row(format!(
                "the row has {cells} cells; there are only {} columns",
                self.columns
            ));
        }
        Ok(())
    }

    fn text_at(self, at: usize) -> Option<&'a str> {
        std::str::from_utf8(self.record.get(at)?).ok()
    }

    /// A cell as text.
    pub(crate) fn text(self, column: Column) -> Result<&'a str, Fault> {
        let cell = self.record.get(column.at).unwrap_or_default();
        std::str::from_utf8(cell)
            .map_err(|_| column.fault(&String::from_utf8_lossy(cell), "is not UTF-8 text"))
    }

    /// A cell as a whole number from 0 to `most`; `unit` says of what.
    pub(crate) fn integer(self, column: Column, most: u64, unit: &str) -> Result<u64, Fault> {
        let cell = self.record.get(column.at).unwrap_or_default();
        let mut number: Option<u64> = if cell.is_empty() { None } else { Some(0) };
        for byte in cell {
            let digit = byte.wrapping_sub(b'0');
            number = match number {
                Some(so_far) if digit < 10 => {
                    so_far.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit)))
                }
                _ => None,
            };
        }
        match number {
            Some(number) if number <= most => Ok(number),
            _ if cell.is_empty() => {
                Err(column.fault("", format!("is empty; it has to hold {unit}")))
            }
            _ => {
                let what = format!("is not a whole number of {unit} from 0 to {most}");
                Err(column.fault(&String::from_utf8_lossy(cell), what))
            }
        }
    }
}
