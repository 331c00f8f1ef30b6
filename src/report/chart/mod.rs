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
    use super::super::files::tests::example_report;
    use super::*;
    use crate::ground::Time;
    use crate::metrics::Metrics;

    #[test]
    fn figures_are_complete_and_the_same_every_time() {
        let reports = [example_report("packed", true), example_report("spread", false)];
        let all = reports
            .each_ref()
            .map(|report| Plotted { label: report.variant.clone(), results: &report.results });
        for runs in [1, 2] {
            let drawn = figures(&all[..runs], "example, seed 7");
            assert_eq!(drawn, figures(&all[..runs], "example, seed 7"));
            let names: Vec<&str> = drawn.iter().map(|figure| figure.name).collect();
            let expected = ["allocation", "pods", "time-to-bind", "imbalance", "nodes", "recovery"];
            assert_eq!(names, expected);
            for figure in &drawn {
                assert!(figure.svg.starts_with("<svg ") && figure.svg.ends_with("</svg>\n"));
                assert!(figure.svg.contains("viewBox") && !figure.svg.contains("NaN"));
                assert_eq!(figure.svg.contains("spread"), runs == 2, "{}", figure.name);
                if let Some(folder) = option_env!("WAVETANK_FIGURES") {
                    let path = format!("{folder}/{}-{runs}.svg", figure.name);
                    std::fs::write(path, &figure.svg).unwrap();
                }
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
