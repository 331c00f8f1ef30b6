//! Reads a `KubeSchedulerConfiguration` as users have it.

use super::yaml::parse;
use super::{Diagnostic, Source, Sources, read};
use crate::policy::KubeSchedulerConfiguration;

/// The configuration in a text, or everything that is wrong with it. `name` is what messages call
/// the text.
pub fn read_scheduler_configuration(
    name: &str,
    text: &str,
) -> Result<KubeSchedulerConfiguration, Vec<Diagnostic>> {
    let mut sources = Sources::new();
    let source = sources.add(Source::file(name, text));
    let documents = parse(source, &sources).map_err(|diagnostic| vec![diagnostic])?;
    let [tree] = documents.as_slice() else {
        let text = format!("{} documents instead of one configuration", documents.len());
        return Err(vec![Diagnostic::new(text).in_file(name)]);
    };
    let configuration: KubeSchedulerConfiguration = read(tree, &sources)?;
    let problems = configuration.check();
    if problems.is_empty() {
        return Ok(configuration);
    }
    Err(problems.iter().map(|problem| Diagnostic::of_problem(problem, tree, &sources)).collect())
}
