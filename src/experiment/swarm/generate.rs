//! A scenario from a seed: which features its mix has, how large things are, and the text.

use super::pods::{self, Class};
use crate::ground::{Draws, Key, Purpose, Span, Stream};
use std::fmt::Write;

/// Purpose of the draws that make up a scenario.
const SWARM: Purpose = Purpose::new("swarm.scenario");

/// No fault and no arrival after this.
pub const FAULTS_END: Span = Span::from_secs(30 * 60);
/// From here on it should be quiet.
pub const QUIET_FROM: Span = Span::from_secs(90 * 60);
/// By now everything has settled: the end of the run.
pub const SETTLED_AT: Span = Span::from_secs(120 * 60);

/// What a mix may have. Each seed draws for each of them whether it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Nodes in zones.
    Zones,
    /// Some nodes are tainted, and some pods tolerate it.
    Taints,
    /// Nodes of several sizes.
    Sizes,
    /// Pods that name a node group by label.
    Selectors,
    /// Batch pods that come, run and end.
    Batch,
    /// Init containers.
    Init,
    /// Sidecars.
    Sidecars,
    /// Probes.
    Probes,
    /// Hooks and long terminations.
    Hooks,
    /// Applications that take their time.
    Slow,
    /// Applications that crash, hang, are never ready or cannot be pulled.
    Ill,
    /// Applications that use more memory or disk than they request.
    Hungry,
    /// Pods of several priorities, which displace each other where there is too little room.
    Priorities,
    /// Less room than pods.
    Tight,
    /// Nodes crash at given times.
    Crashes,
    /// Nodes crash again and again.
    Flapping,
    /// Some nodes are not repaired.
    Unrepaired,
    /// The level `placement` instead of `lifecycle`.
    Placement,
}

impl Feature {
    /// All features.
    pub const ALL: [Feature; 18] = [
        Feature::Zones,
        Feature::Taints,
        Feature::Sizes,
        Feature::Selectors,
        Feature::Batch,
        Feature::Init,
        Feature::Sidecars,
        Feature::Probes,
        Feature::Hooks,
        Feature::Slow,
        Feature::Ill,
        Feature::Hungry,
        Feature::Priorities,
        Feature::Tight,
        Feature::Crashes,
        Feature::Flapping,
        Feature::Unrepaired,
        Feature::Placement,
    ];

    /// How often of a hundred seeds it is on.
    const fn chance(self) -> u64 {
        match self {
            Feature::Unrepaired | Feature::Placement => 15,
            Feature::Hungry | Feature::Selectors | Feature::Tight => 25,
            _ => 50,
        }
    }
}

/// A scenario made up from a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmScenario {
    /// What its mix has.
    pub features: Vec<Feature>,
    /// The scenario file.
    pub text: String,
}

/// Draws for one scenario.
pub(super) struct Dice {
    stream: Stream,
    features: Vec<Feature>,
}

impl Dice {
    /// True if the mix has a feature.
    pub(super) fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// From `least` to `most`, both included.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.stream.below(most - least + 1)
    }

    /// True so many times of a hundred.
    pub(super) fn chance(&mut self, of_hundred: u64) -> bool {
        self.stream.below(100) < of_hundred
    }

    /// One of several.
    pub(super) fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.stream.below(of.len() as u64) as usize]
    }
}

/// A group of nodes.
struct Group {
    name: String,
    count: u64,
    cpu: u64,
    memory: u64,
    tainted: bool,
}

/// Makes up the scenario of a seed.
pub fn generate(seed: u64) -> SwarmScenario {
    let stream = Draws::new(seed).stream(SWARM, Key::of("swarm"), 0);
    let mut dice = Dice { stream, features: Vec::new() };
    for feature in Feature::ALL {
        if dice.chance(feature.chance()) {
            dice.features.push(feature);
        }
    }
    let groups = groups(&mut dice);
    let mut text = format!(
        "apiVersion: wavetank/v1\nkind: Scenario\nname: swarm-{seed}\nseed: {seed}\n\
         until: {SETTLED_AT}\n"
    );
    if dice.has(Feature::Placement) {
        text += "detail: placement\n";
    }
    text += "cluster:\n  nodes:\n";
    for group in &groups {
        push_group(&mut text, group, &mut dice);
    }
    push_workloads(&mut text, &groups, &mut dice);
    push_faults(&mut text, &groups, &mut dice);
    SwarmScenario { features: dice.features, text }
}

fn groups(dice: &mut Dice) -> Vec<Group> {
    let several = dice.has(Feature::Sizes) || dice.has(Feature::Taints);
    let several = several || dice.has(Feature::Selectors);
    let count = if several { dice.between(2, 3) } else { 1 };
    let mut groups = Vec::new();
    for number in 0..count {
        let cpu = *dice.pick(&[2, 4, 8]);
        groups.push(Group {
            name: format!("g{number}"),
            count: dice.between(1, 12 / count),
            cpu: if dice.has(Feature::Sizes) { cpu } else { 4 },
            memory: if dice.has(Feature::Sizes) { cpu * *dice.pick(&[2, 4]) } else { 8 },
            tainted: number > 0 && dice.has(Feature::Taints) && dice.chance(60),
        });
    }
    groups
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes any text");
}

fn push_group(text: &mut String, group: &Group, dice: &mut Dice) {
    let Group { name, count, cpu, memory, tainted } = group;
    let mut more = String::new();
    if dice.has(Feature::Zones) {
        more += *dice.pick(&[", zones: [a, b]", ", zones: [a, b, c]", ", zones: [a]"]);
    }
    if dice.chance(20) {
        more += ", ephemeral_storage: 8Gi";
    }
    if dice.chance(20) {
        let pods = dice.between(4, 12);
        more += &format!(", pods: {pods}");
    }
    if *tainted {
        let effect = *dice.pick(&["NoSchedule", "NoExecute", "PreferNoSchedule"]);
        more += &format!(", taints: [{{key: kept, value: apart, effect: {effect}}}]");
    }
    push(
        text,
        format_args!(
            "    - {{name: {name}, count: {count}, cpu: {cpu}, memory: {memory}Gi, \
             labels: {{group: {name}}}{more}}}"
        ),
    );
}

/// Classes of services: sound ones always, others as the mix has them.
fn classes(dice: &mut Dice) -> Vec<Class> {
    let mut classes = vec![Class::Sound; dice.between(1, 3) as usize];
    for (feature, class) in [(Feature::Ill, Class::Ill), (Feature::Hungry, Class::Hungry)] {
        if dice.has(feature) {
            classes.extend(vec![class; dice.between(1, 2) as usize]);
        }
    }
    classes
}

fn push_workloads(text: &mut String, groups: &[Group], dice: &mut Dice) {
    let cpu: u64 = groups.iter().map(|group| group.count * group.cpu * 1000).sum();
    let share = if dice.has(Feature::Tight) { dice.between(90, 140) } else { dice.between(20, 60) };
    let classes = classes(dice);
    let each = cpu * share / 100 / classes.len() as u64;
    let mut applications = String::new();
    push(text, format_args!("workloads:"));
    for (number, class) in classes.into_iter().enumerate() {
        let mut service = pods::Service::draw(dice, class, number);
        let replicas = (each / service.cpu.max(1)).clamp(1, 10);
        service.tolerates = dice.has(Feature::Taints) && dice.chance(50);
        service.group = (dice.has(Feature::Selectors) && dice.chance(40))
            .then(|| dice.pick(groups).name.clone());
        service.push(text, &mut applications, replicas, dice);
    }
    if dice.has(Feature::Batch) {
        push_batch(text, dice);
    }
    if !applications.is_empty() && !dice.has(Feature::Placement) {
        push(text, format_args!("applications:"));
        *text += &applications;
    }
}

fn push_batch(text: &mut String, dice: &mut Dice) {
    let (rate, count) = (dice.between(20, 120), dice.between(5, 40));
    let (cpu, longest) = (*dice.pick(&[200, 500, 1500]), dice.between(1, 12));
    let lost = *dice.pick(&["replace", "forget"]);
    push(
        text,
        format_args!(
            "  - batch:\n      name: batch\n      lost_pods: {lost}\n      arrivals: \
             {{rate: {rate}/h}}\n      until: {FAULTS_END}\n      count: {count}\n      \
             pods:\n        - {{cpu: {cpu}m, memory: 256Mi, \
             lifetime: {{uniform: {{min: 5s, max: {longest}m}}}}}}"
        ),
    );
}

fn push_faults(text: &mut String, groups: &[Group], dice: &mut Dice) {
    let mut faults = String::new();
    let repair = |dice: &mut Dice| {
        if dice.has(Feature::Unrepaired) && dice.chance(40) {
            return String::new();
        }
        // Reboots that nobody notices, and outages longer than pods tolerate.
        let repair = *dice.pick(&["5s", "45s", "3m", "8m", "14m"]);
        format!(", repair: {repair}")
    };
    let crash = |faults: &mut String, node: &str, millis: u64, repair: &str| {
        push(
            faults,
            format_args!("  - {{action: node-crash, at: {millis}ms, nodes: [{node}]{repair}}}"),
        );
    };
    let end = FAULTS_END.as_nanos() / 1_000_000;
    if dice.has(Feature::Crashes) {
        for _ in 0..dice.between(1, 4) {
            let group = dice.pick(groups);
            let node = format!("{}-{}", group.name, dice.between(0, group.count - 1));
            let at = dice.between(0, end - 1);
            let repair = repair(dice);
            crash(&mut faults, &node, at, &repair);
        }
    }
    if dice.has(Feature::Flapping) {
        // A fault with a rate would go on to the end; these stop.
        let group = dice.pick(groups);
        for number in 0..group.count.min(3) {
            let mut at = dice.between(0, 600_000);
            while at < end {
                let down = dice.between(1, 120);
                let repair = format!(", repair: {down}s");
                crash(&mut faults, &format!("{}-{number}", group.name), at, &repair);
                at += down * 1000 + dice.between(1, 600_000);
            }
        }
    }
    if !faults.is_empty() {
        push(text, format_args!("faults:"));
        *text += &faults;
    }
}
