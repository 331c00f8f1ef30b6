//! The figures of a run, or of several runs over each other, as SVG that reads well on light and on
//! dark ground, each with its numbers as CSV and with words for those who do not see it.

mod canvas;
mod distribution;
mod frame;
mod nodes;
mod recovery;
mod releases;
mod scale;
mod states;
mod table;
mod time;

use crate::metrics::{ResourceResult, Results};
use canvas::Words;
use frame::Layout;
use table::Table;

/// Most runs that are drawn over each other.
pub(super) const DRAWN: usize = 8;

/// A run in a figure.
#[derive(Debug, Clone)]
pub struct Plotted<'r> {
    /// Name in the legend; used only if there are several runs.
    pub label: String,
    /// Its results.
    pub results: &'r Results,
}

/// One picture. The same results give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Name of its files without their endings.
    pub name: &'static str,
    /// Its subject.
    pub title: String,
    /// What it found, in a sentence.
    pub caption: String,
    /// The numbers behind it.
    pub csv: String,
    /// The picture as a file of its own.
    pub svg: String,
    /// The picture for a page on a screen or on paper.
    pub wide: String,
    /// The picture for a page on a phone.
    pub narrow: String,
}

/// What is drawn.
trait Chart {
    /// What it says in words.
    fn words(&self) -> &Words;
    /// The picture; `id` begins the identifiers of its parts.
    fn draw(&self, layout: &Layout<'_>, id: &str) -> String;
    /// The numbers behind it.
    fn data(&self) -> Table;
}

fn figure(name: &'static str, subtitle: &str, chart: Option<impl Chart>) -> Option<Figure> {
    let chart = chart?;
    Some(Figure {
        name,
        title: chart.words().title.clone(),
        caption: chart.words().caption.clone(),
        csv: chart.data().to_csv(),
        svg: chart.draw(&Layout::file(subtitle), name),
        wide: chart.draw(&Layout::WIDE, &format!("{name}-wide")),
        narrow: chart.draw(&Layout::NARROW, &format!("{name}-narrow")),
    })
}

/// Every figure that these runs have data for; of many runs, the first ones. `subtitle` says whose
/// they are.
pub fn figures(runs: &[Plotted<'_>], subtitle: &str) -> Vec<Figure> {
    let runs = &runs[..runs.len().min(DRAWN)];
    let drawn = [
        figure("releases", subtitle, releases::releases(runs)),
        figure("allocation", subtitle, time::allocation(runs)),
        figure("utilisation", subtitle, time::utilisation(runs)),
        figure("pods", subtitle, states::states(runs)),
        figure("time-to-start", subtitle, distribution::starts(runs)),
        figure("nodes", subtitle, nodes::heat(runs)),
        figure("imbalance", subtitle, time::imbalance(runs)),
        figure("recovery", subtitle, recovery::waterfall(runs)),
    ];
    drawn.into_iter().flatten().collect()
}

/// Most resources that are drawn.
const RESOURCES: usize = 6;

/// The resources of a run that are drawn, with their positions: those that were used, slots for
/// pods left out.
fn drawn<'r>(run: &Plotted<'r>) -> impl Iterator<Item = (usize, &'r ResourceResult)> {
    let resources = run.results.placement.resources.iter().enumerate();
    let used = |(_, resource): &(usize, &ResourceResult)| {
        resource.name != "pods" && resource.allocation.peak > 0.0
    };
    resources.filter(used).take(RESOURCES)
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
            let expected = [
                "allocation",
                "utilisation",
                "pods",
                "time-to-start",
                "nodes",
                "imbalance",
                "recovery",
            ];
            assert_eq!(names, expected);
            for figure in &drawn {
                let name = figure.name;
                for svg in [&figure.svg, &figure.wide, &figure.narrow] {
                    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{name}");
                    assert!(svg.contains("viewBox") && !svg.contains("NaN"), "{name}");
                    assert!(svg.contains("<title id=") && svg.contains("<desc id="), "{name}");
                    assert_eq!(svg.contains("spread"), runs == 2, "{name}");
                }
                assert!(figure.caption.ends_with('.'), "{name}: {}", figure.caption);
                let lines: Vec<&str> = figure.csv.lines().collect();
                assert!(lines.len() > 5, "{name}: {}", figure.csv);
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
            for figure in figures(&all[..runs], "example, seed 7") {
                for (kind, svg) in
                    [("file", figure.svg), ("wide", figure.wide), ("narrow", figure.narrow)]
                {
                    let path = format!("{folder}/{}-{runs}-{kind}.svg", figure.name);
                    std::fs::write(path, svg).unwrap();
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
