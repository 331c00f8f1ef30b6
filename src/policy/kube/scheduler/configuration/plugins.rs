//! From the plugins that a profile switches on and off to the list of each extension point
//! (`apis/config/v1/default_plugins.go` and `framework/runtime/framework.go`, kube-scheduler 1.34).

use super::{PluginList, PluginsConfiguration};
use crate::ground::Problem;
use crate::model::Plugin;
use crate::policy::kube::scheduler::profile::Profile;

/// An extension point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    PreEnqueue,
    QueueSort,
    PreFilter,
    Filter,
    PostFilter,
    PreScore,
    Score,
    Reserve,
    PreBind,
    Bind,
    /// Permit and post-bind: no plugin in tree has them.
    Nothing,
}

/// The plugins in tree in upstream's order, with the weight of their scores and their extension
/// points.
fn in_tree() -> [(Plugin, i64, &'static [Point]); 19] {
    use Point::*;
    [
        (Plugin::SchedulingGates, 0, &[PreEnqueue]),
        (Plugin::PrioritySort, 0, &[QueueSort]),
        (Plugin::NodeUnschedulable, 0, &[Filter]),
        (Plugin::NodeName, 0, &[Filter]),
        (Plugin::TaintToleration, 3, &[Filter, PreScore, Score]),
        (Plugin::NodeAffinity, 2, &[PreFilter, Filter, PreScore, Score]),
        (Plugin::NodePorts, 0, &[PreFilter, Filter]),
        (Plugin::NodeResourcesFit, 1, &[PreFilter, Filter, PreScore, Score]),
        (Plugin::VolumeRestrictions, 0, &[PreFilter, Filter]),
        (Plugin::NodeVolumeLimits, 0, &[PreFilter, Filter]),
        (Plugin::VolumeBinding, 0, &[PreFilter, Filter, Reserve, PreBind, PreScore, Score]),
        (Plugin::VolumeZone, 0, &[PreFilter, Filter]),
        (Plugin::PodTopologySpread, 2, &[PreFilter, Filter, PreScore, Score]),
        (Plugin::InterPodAffinity, 2, &[PreFilter, Filter, PreScore, Score]),
        (Plugin::DynamicResources, 0, &[]),
        (Plugin::DefaultPreemption, 0, &[PreEnqueue, PostFilter]),
        (Plugin::NodeResourcesBalancedAllocation, 1, &[PreScore, Score]),
        (Plugin::ImageLocality, 1, &[Score]),
        (Plugin::DefaultBinder, 0, &[Bind]),
    ]
}

fn has(plugin: Plugin, point: Point) -> bool {
    in_tree().iter().any(|(other, _, points)| *other == plugin && points.contains(&point))
}

/// A list with its names understood.
#[derive(Debug, Default)]
struct Switches {
    enabled: Vec<(Plugin, i64)>,
    disabled: Vec<Plugin>,
    all_disabled: bool,
}

fn understand(list: &PluginList, path: &str, problems: &mut Vec<Problem>) -> Switches {
    let mut switches = Switches::default();
    for (at, entry) in list.enabled.iter().enumerate() {
        let path = format!("{path}.enabled.{at}.name");
        match known(&entry.name) {
            Some(Plugin::DynamicResources) => {
                let problem = Problem::new(path, "DynamicResources is not supported yet");
                problems.push(problem.hint("ask for devices with `nvidia.com/gpu` instead"));
            }
            Some(plugin) if switches.enabled.iter().any(|(other, _)| *other == plugin) => {
                problems.push(Problem::new(path, format!("{plugin} is switched on twice")));
            }
            Some(plugin) => {
                let weight = i64::from(entry.weight.unwrap_or(0)).max(1);
                switches.enabled.push((plugin, weight));
            }
            None => problems.push(out_of_tree(path, &entry.name)),
        }
    }
    for (at, entry) in list.disabled.iter().enumerate() {
        match known(&entry.name) {
            Some(plugin) => switches.disabled.push(plugin),
            None if entry.name == "*" => switches.all_disabled = true,
            None => {
                problems.push(out_of_tree(format!("{path}.disabled.{at}.name"), &entry.name));
            }
        }
    }
    switches
}

fn known(name: &str) -> Option<Plugin> {
    Plugin::from_name(name).filter(|plugin| in_tree().iter().any(|(other, ..)| other == plugin))
}

pub(super) fn out_of_tree(path: String, name: &str) -> Problem {
    let text = format!("`{name}` is not a plugin of kube-scheduler 1.34");
    Problem::new(path, text).hint("plugins that are not in its tree cannot be run; remove it")
}

/// The plugins of all extension points: the default ones, some of them set again in place, then
/// the others that are switched on.
fn multi_point(custom: &Switches) -> Vec<(Plugin, i64)> {
    let mut list: Vec<(Plugin, i64)> = Vec::new();
    if !custom.all_disabled {
        for (plugin, weight, _) in in_tree() {
            if !custom.disabled.contains(&plugin) {
                let again = custom.enabled.iter().find(|(other, _)| *other == plugin);
                list.push(again.copied().unwrap_or((plugin, weight.max(1))));
            }
        }
    }
    for entry in &custom.enabled {
        if !list.iter().any(|(plugin, _)| *plugin == entry.0) {
            list.push(*entry);
        }
    }
    list
}

/// The plugins of one extension point: first those of `all` that it sets again, in its own order,
/// then the others of `all`, then those that only it names.
fn at_point(point: Point, own: &Switches, all: &[(Plugin, i64)]) -> Vec<(Plugin, i64)> {
    if own.all_disabled {
        return own.enabled.clone();
    }
    let inherited =
        || all.iter().filter(|(plugin, _)| has(*plugin, point) && !own.disabled.contains(plugin));
    let is_inherited = |plugin: &Plugin| inherited().any(|(other, _)| other == plugin);
    let is_own = |plugin: &Plugin| own.enabled.iter().any(|(other, _)| other == plugin);
    let again = own.enabled.iter().filter(|(plugin, _)| is_inherited(plugin));
    let rest = inherited().filter(|(plugin, _)| !is_own(plugin));
    let only_here = own.enabled.iter().filter(|(plugin, _)| !is_inherited(plugin));
    again.chain(rest).chain(only_here).copied().collect()
}

/// Sets the plugins of a profile, which has the default ones.
pub(super) fn apply(
    written: &PluginsConfiguration,
    profile: &mut Profile,
    problems: &mut Vec<Problem>,
) {
    let all = multi_point(&understand(&written.multi_point, "plugins.multiPoint", problems));
    let mut list = |point: Point, name: &str, list: &PluginList| {
        let path = format!("plugins.{name}");
        let own = understand(list, &path, problems);
        let named = list.enabled.iter().map(|entry| known(&entry.name)).enumerate();
        for (at, plugin) in named.filter_map(|(at, plugin)| Some((at, plugin?))) {
            if !has(plugin, point) {
                let text = format!("{plugin} has nothing to say at this point");
                problems.push(Problem::new(format!("{path}.enabled.{at}.name"), text));
            }
        }
        at_point(point, &own, &all)
    };
    let plugins = |list: Vec<(Plugin, i64)>| list.into_iter().map(|(p, _)| p).collect::<Vec<_>>();
    profile.pre_enqueue = plugins(list(Point::PreEnqueue, "preEnqueue", &written.pre_enqueue));
    let queue_sort = list(Point::QueueSort, "queueSort", &written.queue_sort);
    let pre_filter = plugins(list(Point::PreFilter, "preFilter", &written.pre_filter));
    let filter = plugins(list(Point::Filter, "filter", &written.filter));
    let post_filter = list(Point::PostFilter, "postFilter", &written.post_filter);
    let pre_score = plugins(list(Point::PreScore, "preScore", &written.pre_score));
    profile.score = list(Point::Score, "score", &written.score);
    let reserve = plugins(list(Point::Reserve, "reserve", &written.reserve));
    let pre_bind = plugins(list(Point::PreBind, "preBind", &written.pre_bind));
    let bind = list(Point::Bind, "bind", &written.bind);
    list(Point::Nothing, "permit", &written.permit);
    list(Point::Nothing, "postBind", &written.post_bind);
    profile.preempts = !post_filter.is_empty();

    let mut need = |holds: bool, point: &str, text: String| {
        if !holds {
            problems.push(Problem::new(format!("plugins.{point}"), text));
        }
    };
    need(queue_sort.len() == 1, "queueSort", "exactly PrioritySort sorts the queue".to_owned());
    need(bind.len() == 1, "bind", "DefaultBinder is needed to bind pods".to_owned());
    for (plugin, _) in &profile.score {
        let ready = !has(*plugin, Point::PreScore) || pre_score.contains(plugin);
        need(ready, "preScore", format!("{plugin} scores, so that it is needed here too"));
    }
    for plugin in &filter {
        let alone = [Plugin::NodeAffinity, Plugin::NodeVolumeLimits].contains(plugin);
        let ready = alone || !has(*plugin, Point::PreFilter) || pre_filter.contains(plugin);
        need(ready, "preFilter", format!("{plugin} filters, so that it is needed here too"));
        for (point, list) in [("reserve", &reserve), ("preBind", &pre_bind)] {
            let ready = *plugin != Plugin::VolumeBinding || list.contains(plugin);
            need(ready, point, format!("{plugin} filters, so that it is needed here too"));
        }
    }
    // Devices cannot be given out twice, so that plugin of ours is always there, and last.
    profile.pre_filter = pre_filter.into_iter().chain([Plugin::Devices]).collect();
    profile.filter = filter.into_iter().chain([Plugin::Devices]).collect();
}
