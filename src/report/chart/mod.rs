//! The figures of a run, or of several runs over each other, as SVG that reads well on light and on
//! dark ground.

mod canvas;
mod distribution;
mod frame;
mod nodes;
mod recovery;
mod scale;
mod time;

use crate::metrics::Results;

/// A run in a figure.
#[derive(Debug, Clone)]
pub struct Plotted<'r> {
    /// Name in the legend; used only if there are several runs.
    pub label: String,
    /// Its results.
    pub results: &'r Results,
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Name of the file without its ending.
    pub name: &'static str,
    /// The picture. The same results give the same bytes.
    pub svg: String,
}

/// Every figure that these runs have data for. `subtitle` says whose they are.
pub fn figures(runs: &[Plotted<'_>], subtitle: &str) -> Vec<Figure> {
    let drawn = [
        ("allocation", time::allocation(runs, subtitle)),
        ("pods", time::pods(runs, subtitle)),
        ("time-to-bind", distribution::time_to_bind(runs, subtitle)),
        ("imbalance", time::imbalance(runs, subtitle)),
        ("nodes", nodes::heat(runs, subtitle)),
        ("recovery", recovery::legs(runs, subtitle)),
    ];
    let some = |(name, svg): (&'static str, Option<String>)| Some(Figure { name, svg: svg? });
    drawn.into_iter().filter_map(some).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Time;
    use crate::metrics::Metrics;
    use crate::report::RunReport;
    use crate::report::example::example_report;

    fn plotted(reports: &[RunReport]) -> Vec<Plotted<'_>> {
        reports
            .iter()
            .map(|report| Plotted { label: report.variant.clone(), results: &report.results })
            .collect()
    }

    fn examples() -> [RunReport; 2] {
        [example_report("packed", true), example_report("spread", false)]
    }

    #[test]
    fn figures_are_complete_and_the_same_every_time() {
        let reports = examples();
        let all = plotted(&reports);
        for runs in [1, 2] {
            let drawn = figures(&all[..runs], "example, seed 7");
            assert_eq!(drawn, figures(&all[..runs], "example, seed 7"));
            let names: Vec<&str> = drawn.iter().map(|figure| figure.name).collect();
            let expected = ["allocation", "pods", "time-to-bind", "imbalance", "nodes", "recovery"];
            assert_eq!(names, expected);
            for Figure { name, svg } in &drawn {
                assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{name}");
                assert!(svg.contains("viewBox") && !svg.contains("NaN"), "{name}");
                assert_eq!(svg.contains("spread"), runs == 2, "{name}");
            }
        }
    }

    #[test]
    #[ignore = "writes the figures to target/figures, to be looked at"]
    fn draw_for_the_eye() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/figures");
        std::fs::create_dir_all(folder).unwrap();
        let reports = examples();
        let all = plotted(&reports);
        for runs in [1, 2] {
            for Figure { name, svg } in figures(&all[..runs], "example, seed 7") {
                std::fs::write(format!("{folder}/{name}-{runs}.svg"), svg).unwrap();
            }
        }
    }

    #[test]
    fn without_data_there_is_no_figure() {
        let results = Metrics::default().finish(Time::ZERO);
        let run = Plotted { label: String::new(), results: &results };
        assert!(figures(&[run], "nothing").is_empty());
        assert!(figures(&[], "nothing").is_empty());
    }
}
