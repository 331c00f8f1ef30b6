//! The tables of a run as CSV. Headers carry units; instants are seconds since the start of the
//! run; an empty cell is something that did not happen.

use crate::ground::Time;
use crate::metrics::{PodEnd, PodLine, PodTable, Results};
use ::csv::{Error, Writer, WriterBuilder};
use std::io::{self, Write};

fn to_csv<W: Write>(out: W) -> Writer<W> {
    WriterBuilder::new().flexible(false).from_writer(out)
}

fn ended<W: Write>(writer: Writer<W>) -> io::Result<()> {
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.flush()
}

fn instant(at: Time) -> String {
    if at == Time::MAX { String::new() } else { at.as_secs_f64().to_string() }
}

fn optional(number: Option<f64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

const fn end_text(end: PodEnd) -> &'static str {
    match end {
        PodEnd::Finished => "finished",
        PodEnd::Failed => "failed",
        PodEnd::Removed => "removed",
        PodEnd::Running => "running",
        PodEnd::Starting => "starting",
        PodEnd::Pending => "pending",
        PodEnd::Interrupted => "interrupted",
    }
}

const POD_HEADER: [&str; 15] = [
    "pod",
    "name",
    "workload",
    "node",
    "replaces",
    "end",
    "reason",
    "attempts",
    "restarts",
    "created_s",
    "queued_s",
    "bound_s",
    "started_s",
    "ready_s",
    "ended_s",
];

/// Writes the table of pods, piece by piece if a run has too many to keep.
#[derive(Debug)]
pub struct PodsWriter<W: Write> {
    writer: Writer<W>,
}

impl<W: Write> PodsWriter<W> {
    /// Writes the header.
    pub fn new(out: W) -> io::Result<PodsWriter<W>> {
        let mut writer = to_csv(out);
        writer.write_record(POD_HEADER)?;
        Ok(PodsWriter { writer })
    }

    /// Writes the lines of a table.
    pub fn write(&mut self, table: &PodTable) -> io::Result<()> {
        for line in &table.lines {
            self.writer.write_record(pod_cells(line, table))?;
        }
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(self) -> io::Result<()> {
        ended(self.writer)
    }
}

fn pod_cells(line: &PodLine, table: &PodTable) -> [String; 15] {
    let text = |texts: &[String], at: u32| texts.get(at as usize).cloned().unwrap_or_default();
    [
        line.pod.0.to_string(),
        table.name(line.name),
        text(&table.workloads, line.workload.0),
        line.node.map(|node| text(&table.nodes, node.0)).unwrap_or_default(),
        line.replaces.map(|pod| pod.0.to_string()).unwrap_or_default(),
        end_text(line.end).to_owned(),
        line.reason.map(|reason| format!("{reason:?}")).unwrap_or_default(),
        line.attempts.to_string(),
        line.restarts.to_string(),
        instant(line.created),
        instant(line.queued),
        instant(line.bound),
        instant(line.started),
        instant(line.ready),
        instant(line.ended),
    ]
}

/// Writes the table of pods.
pub fn pods_csv(results: &Results, out: impl Write) -> io::Result<()> {
    let mut writer = PodsWriter::new(out)?;
    writer.write(&results.pods)?;
    writer.finish()
}

/// Writes the table of nodes.
pub fn nodes_csv(results: &Results, out: impl Write) -> io::Result<()> {
    let mut writer = to_csv(out);
    let mut header: Vec<String> = vec!["node".into()];
    for resource in &results.placement.resources {
        header.push(format!("allocation_{}_ratio", resource.name));
    }
    for name in ["bound_pods", "pods_mean", "pods_peak", "pods_end", "crashes", "not_ready_s"] {
        header.push(name.to_owned());
    }
    let mut write = |cells: Vec<String>| -> Result<(), Error> { writer.write_record(cells) };
    write(header)?;
    for node in &results.nodes {
        let mut cells = vec![node.name.clone()];
        cells.extend(node.allocation.iter().map(f64::to_string));
        cells.push(node.bound.to_string());
        cells.extend([node.pods.mean, node.pods.peak, node.pods.end].map(|n| n.to_string()));
        cells.push(node.crashes.to_string());
        cells.push(node.not_ready_seconds.to_string());
        write(cells)?;
    }
    ended(writer)
}

/// Writes what was sampled over time.
pub fn series_csv(results: &Results, out: impl Write) -> io::Result<()> {
    let series = &results.series;
    let mut writer = to_csv(out);
    let mut header = vec!["time_s".to_owned()];
    for column in &series.columns {
        header.push(format!("{}_{}", column.name, column.unit.replace(' ', "_")));
    }
    writer.write_record(header)?;
    for (at, seconds) in series.seconds.iter().enumerate() {
        let values = series.columns.iter().map(|column| column.values[at]);
        writer.write_record(std::iter::once(*seconds).chain(values).map(|n| n.to_string()))?;
    }
    ended(writer)
}

/// Writes the time line of every pod that lost its node.
pub fn recovery_csv(results: &Results, out: impl Write) -> io::Result<()> {
    let mut writer = to_csv(out);
    writer.write_record([
        "incident",
        "pod",
        "workload",
        "node",
        "replacement",
        "outcome",
        "fault_s",
        "detected_s",
        "evicted_s",
        "recreated_s",
        "bound_s",
        "started_s",
        "ready_s",
    ])?;
    for row in &results.recovery.case_rows {
        let outcome = serde_json::to_value(row.outcome).map_err(io::Error::from)?;
        writer.write_record([
            row.incident.map(|incident| incident.to_string()).unwrap_or_default(),
            row.pod.clone(),
            row.workload.clone(),
            row.node.clone().unwrap_or_default(),
            row.replacement.clone().unwrap_or_default(),
            outcome.as_str().unwrap_or_default().to_owned(),
            row.fault.to_string(),
            optional(row.detected),
            optional(row.evicted),
            optional(row.recreated),
            optional(row.bound),
            optional(row.started),
            optional(row.ready),
        ])?;
    }
    ended(writer)
}

/// Writes one line per service that clients discover.
pub fn discovery_csv(results: &Results, out: impl Write) -> io::Result<()> {
    let mut writer = to_csv(out);
    writer.write_record([
        "service",
        "headless",
        "slice_writes",
        "added",
        "removed",
        "stopped_routed",
        "stopped_pod_s",
        "open",
    ])?;
    for row in &results.discovery.services {
        writer.write_record([
            row.service.clone(),
            row.headless.to_string(),
            row.slice_writes.to_string(),
            row.added.to_string(),
            row.removed.to_string(),
            row.stopped_routed.to_string(),
            row.stopped_seconds.to_string(),
            row.open.to_string(),
        ])?;
    }
    ended(writer)
}

/// Writes one line per release.
pub fn releases_csv(results: &Results, out: impl Write) -> io::Result<()> {
    let mut writer = to_csv(out);
    writer.write_record([
        "service",
        "released_s",
        "bad",
        "completed_s",
        "alerted_s",
        "decided_s",
        "restored_s",
        "created",
        "killed",
        "min_serving",
        "least_serving",
        "peak_pods",
        "exposure_pod_s",
    ])?;
    for row in &results.rollouts.rows {
        writer.write_record([
            row.service.clone(),
            row.released.to_string(),
            row.bad.to_string(),
            optional(row.completed),
            optional(row.alerted),
            optional(row.decided),
            optional(row.restored),
            row.created.to_string(),
            row.killed.to_string(),
            row.min_serving.to_string(),
            row.least_serving.to_string(),
            row.peak_pods.to_string(),
            row.exposure.to_string(),
        ])?;
    }
    ended(writer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Example, Metrics};

    fn lines(write: impl Fn(&Results, &mut Vec<u8>) -> io::Result<()>) -> Vec<String> {
        let mut metrics = Metrics::default();
        let end = Example::tell(&mut metrics, 7, true);
        let mut bytes = Vec::new();
        write(&metrics.finish(end), &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_table_has_units_and_whole_rows() {
        let pods = lines(|results, out| pods_csv(results, out));
        assert!(pods[0].ends_with("created_s,queued_s,bound_s,started_s,ready_s,ended_s"));
        assert!(pods[1].starts_with("0,web-0000,web,node-000,,"), "{}", pods[1]);
        assert!(pods.len() > 1000);
        let nodes = lines(|results, out| nodes_csv(results, out));
        assert!(nodes[0].starts_with("node,allocation_cpu_ratio,allocation_memory_ratio"));
        assert_eq!(nodes.len(), 41);
        let series = lines(|results, out| series_csv(results, out));
        assert!(
            series[0].starts_with("time_s,pending_pods,starting_pods,back_off_pods,not_ready_pods")
        );
        assert!(series[0].contains("allocation_ratio.gpu_ratio"), "{}", series[0]);
        let recovery = lines(|results, out| recovery_csv(results, out));
        assert!(recovery.len() > 20);
        assert!(recovery[1].contains(",replaced,1800,1843,2143,2143,"), "{}", recovery[1]);
        for table in [pods, nodes, series, recovery] {
            let columns = table[0].split(',').count();
            assert!(table.iter().all(|line| line.split(',').count() == columns));
        }
    }
}
