//! The table of an empirical distribution: values, and perhaps weights, from columns of a file.

use super::table::TableFile;
use crate::ground::{DistError, EmpiricalForm, Span};

/// Loads values and weights. A cell is a number, which stands for seconds where a length of time
/// is meant, or a length of time with its unit.
pub fn load_table(form: &EmpiricalForm) -> Result<Vec<(f64, f64)>, DistError> {
    let mut columns = vec![form.column.as_str()];
    columns.extend(form.weight.as_deref());
    let mut pairs = Vec::new();
    let read = TableFile::open(&form.file).and_then(|file| {
        file.columns(&columns, |cells| {
            let value = number(cells[0])
                .or_else(|| Some(cells[0].parse::<Span>().ok()?.as_secs_f64()))
                .ok_or_else(|| {
                    format!("`{}` is neither a number nor a length of time", cells[0])
                })?;
            let weight = cells.get(1).map_or(Some(1.0), |cell| number(cell)).ok_or_else(|| {
                format!("`{}` is not a weight, a number that is at least 0", cells[1])
            })?;
            pairs.push((value, weight));
            Ok(())
        })
    });
    read.map_err(|error| DistError::Table(error.to_string()))?;
    Ok(pairs)
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}
