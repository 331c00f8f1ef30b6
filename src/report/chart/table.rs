//! The numbers behind a figure, as CSV.

use csv::Writer;

/// Rows of cells under a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub(super) fn new(header: &[&str]) -> Table {
        Table { header: header.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// Columns over the instants at which any of them has a value.
    pub(super) fn over_time<'c>(
        columns: impl Iterator<Item = (String, &'c [f64], &'c [f64])>,
    ) -> Table {
        let columns: Vec<_> = columns.collect();
        let mut times: Vec<f64> =
            columns.iter().flat_map(|(_, times, _)| *times).copied().collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let mut table = Table::new(&["time_s"]);
        table.header.extend(columns.iter().map(|(name, _, _)| name.clone()));
        let mut next = vec![0; columns.len()];
        for time in times {
            let mut row = vec![time.to_string()];
            for (next, (_, times, values)) in next.iter_mut().zip(&columns) {
                let here = times.get(*next) == Some(&time);
                let value = values.get(*next).filter(|_| here);
                row.push(value.map_or_else(String::new, f64::to_string));
                *next += usize::from(here);
            }
            table.rows.push(row);
        }
        table
    }

    /// The table as CSV.
    pub(super) fn to_csv(&self) -> String {
        let mut writer = Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.header).chain(&self.rows) {
            writer.write_record(row).expect("all rows are as wide as the header");
        }
        let bytes = writer.into_inner().expect("writing into memory does not fail");
        String::from_utf8(bytes).expect("cells are text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_different_instants_share_a_table() {
        let (a, b) = ([0.0, 1.0, 2.0], [0.0, 2.0]);
        let columns = [("a, x".to_owned(), &a[..], &a[..]), ("b".to_owned(), &b[..], &b[..])];
        let table = Table::over_time(columns.into_iter());
        assert_eq!(table.to_csv(), "time_s,\"a, x\",b\n0,0,0\n1,1,\n2,2,2\n");
    }
}
