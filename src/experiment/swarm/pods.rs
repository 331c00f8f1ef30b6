//! The services of a swarm: their pods, and how their images behave.

use super::generate::{Dice, Feature};
use std::fmt::Write;

/// What may be expected of the pods of a service. Its name begins with the word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Each becomes ready if left alone.
    Sound,
    /// They crash, hang, are never ready or cannot be pulled.
    Ill,
    /// They use more than they request, and harm themselves and their neighbours.
    Hungry,
}

impl Class {
    /// The word with which the names of such services begin.
    const fn word(self) -> &'static str {
        match self {
            Class::Sound => "sound",
            Class::Ill => "ill",
            Class::Hungry => "hungry",
        }
    }

    /// The class of a workload by its name; batch pods are sound.
    pub(super) fn of(workload: &str) -> Class {
        [Class::Ill, Class::Hungry]
            .into_iter()
            .find(|class| workload.starts_with(class.word()))
            .unwrap_or(Class::Sound)
    }
}

/// One service.
pub(super) struct Service {
    class: Class,
    name: String,
    /// Millicores that a pod requests.
    pub(super) cpu: u64,
    /// Mebibytes that a pod requests.
    memory: u64,
    /// Its pods tolerate the taint that groups may have.
    pub(super) tolerates: bool,
    /// The group to which its pods want to go.
    pub(super) group: Option<String>,
}

/// The handler of every probe; how it is answered is up to the application.
const ANSWERED: &str = "tcpSocket: {port: 80}";

/// Largest start-up time of a slow application, seconds. Startup probes have patience for more.
const STARTUP_MAX: u64 = 40;

impl Service {
    pub(super) fn draw(dice: &mut Dice, class: Class, number: usize) -> Service {
        Service {
            class,
            name: format!("{}-{number}", class.word()),
            cpu: *dice.pick(&[0, 100, 250, 500, 1000, 1500]),
            memory: *dice.pick(&[64, 128, 512, 1024]),
            tolerates: false,
            group: None,
        }
    }

    /// Writes the service, and what is to be said about its images.
    pub(super) fn push(
        &self,
        text: &mut String,
        applications: &mut String,
        replicas: u64,
        dice: &mut Dice,
    ) {
        let Service { name, .. } = self;
        let mut out = format!("  - service:\n      name: {name}\n      replicas: {replicas}\n");
        out += "      pod:\n";
        if self.tolerates {
            let seconds = match dice.between(0, 2) {
                0 => String::new(),
                _ => format!(", tolerationSeconds: {}", dice.between(1, 400)),
            };
            let (effect, seconds) = match seconds.is_empty() {
                true => ("", ""),
                false => (", effect: NoExecute", seconds.as_str()),
            };
            let _ = writeln!(
                out,
                "        tolerations: [{{key: kept, operator: Exists{effect}{seconds}}}]"
            );
        }
        if let Some(group) = &self.group {
            let _ = writeln!(out, "        nodeSelector: {{group: {group}}}");
        }
        if dice.has(Feature::Priorities) {
            let priority = *dice.pick(&[-5, 0, 100, 1000]);
            let _ = writeln!(out, "        priority: {priority}");
        }
        if dice.has(Feature::Hooks) {
            let grace = *dice.pick(&[0, 1, 5, 30, 60]);
            let _ = writeln!(out, "        terminationGracePeriodSeconds: {grace}");
        }
        if self.class == Class::Ill && dice.chance(30) {
            let policy = *dice.pick(&["Never", "OnFailure"]);
            let _ = writeln!(out, "        restartPolicy: {policy}");
        }
        self.push_init(&mut out, applications, dice);
        out += "        containers:\n";
        let several = dice.chance(25);
        self.push_container(&mut out, applications, "main", dice);
        if several {
            self.push_container(&mut out, applications, "beside", dice);
        }
        *text += &out;
    }

    fn push_init(&self, out: &mut String, applications: &mut String, dice: &mut Dice) {
        let mut lines = String::new();
        if dice.has(Feature::Init) && dice.chance(60) {
            for number in 0..dice.between(1, 2) {
                let _ = writeln!(
                    lines,
                    "          - {{name: init-{number}, image: \"init:v{number}\"}}"
                );
            }
        }
        if dice.has(Feature::Sidecars) && dice.chance(60) {
            let probe = match dice.has(Feature::Probes) && dice.chance(50) {
                true => format!(
                    ", startupProbe: {{{ANSWERED}, periodSeconds: 1, failureThreshold: 60}}"
                ),
                false => String::new(),
            };
            let image = format!("{}-proxy:v1", self.name);
            let _ = writeln!(
                lines,
                "          - {{name: proxy, image: \"{image}\", restartPolicy: Always{probe}}}"
            );
            let startup = dice.between(0, 5);
            let _ = writeln!(applications, "  - {{image: \"{image}\", startup: {startup}s}}");
        }
        if !lines.is_empty() {
            *out += "        initContainers:\n";
            *out += &lines;
        }
    }

    fn push_container(
        &self,
        out: &mut String,
        applications: &mut String,
        name: &str,
        dice: &mut Dice,
    ) {
        let image = format!("{}-{name}:v1", self.name);
        let (cpu, memory) = if name == "main" { (self.cpu, self.memory) } else { (0, 32) };
        let cpu_request = if cpu > 0 { format!("cpu: {cpu}m, ") } else { String::new() };
        // Growth ends at the limit: the container is killed, its neighbours are not.
        let limits = match self.class {
            Class::Hungry => format!(", limits: {{memory: {}Mi}}", memory * 2),
            _ if dice.chance(30) => format!(", limits: {{memory: {memory}Mi}}"),
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "          - name: {name}\n            image: \"{image}\"\n            resources: \
             {{requests: {{{cpu_request}memory: {memory}Mi}}{limits}}}"
        );
        if dice.has(Feature::Probes) {
            push_probes(out, dice);
        }
        if dice.has(Feature::Hooks) {
            push_hooks(out, dice);
        }
        self.push_application(applications, &image, memory, dice);
    }

    fn push_application(
        &self,
        applications: &mut String,
        image: &str,
        memory: u64,
        dice: &mut Dice,
    ) {
        let size = *dice.pick(&[5, 80, 300, 700]);
        let mut line = format!("  - {{image: \"{image}\", size: {size}M");
        if dice.has(Feature::Slow) {
            let startup = dice.between(0, STARTUP_MAX);
            let answer = *dice.pick(&[0, 100, 900]);
            let _ = write!(line, ", startup: {startup}s, probe_answer: {answer}ms");
        }
        if self.class == Class::Sound && dice.has(Feature::Slow) {
            let ready = dice.between(0, 20);
            let _ = write!(line, ", ready_after: {{uniform: {{min: 0s, max: {ready}s}}}}");
        }
        if dice.has(Feature::Hooks) {
            let stop = *dice.pick(&["0s", "3s", "45s", "ignores"]);
            let _ = write!(line, ", stop: {stop}, pre_stop: 2s, post_start: 1s");
        }
        match self.class {
            Class::Sound => {
                if dice.chance(15) {
                    let times = dice.between(1, 2);
                    let _ = write!(line, ", crash: {{after: 3s, times: {times}}}");
                }
            }
            Class::Ill => line += illness(dice),
            Class::Hungry => {
                let hunger = dice.between(10, 400);
                let _ = match dice.chance(70) {
                    true => write!(
                        line,
                        ", memory: {{start: {memory}Mi, per_hour: {hunger}Mi, most: {}Mi}}",
                        memory * 3
                    ),
                    false => write!(line, ", disk: {{start: 0, per_hour: {hunger}Mi, most: 2Gi}}"),
                };
            }
        }
        let _ = writeln!(applications, "{line}}}");
    }
}

/// What is wrong with an ill application.
fn illness(dice: &mut Dice) -> &'static str {
    const ILLNESSES: [&str; 7] = [
        ", crash_loop: true",
        ", crash: {after: {exponential: {mean: 4m}}, exit_code: 3}",
        ", crash: {after: 20m}",
        ", never_ready: true",
        ", missing: true",
        ", hang_after: {exponential: {mean: 10m}}",
        ", run_for: {uniform: {min: 1s, max: 10m}}",
    ];
    let illness: &&str = dice.pick(&ILLNESSES);
    illness
}

fn push_probes(out: &mut String, dice: &mut Dice) {
    let slow = dice.has(Feature::Slow);
    // Whoever is killed for being slow would never start: a startup probe guards the slow.
    if slow || dice.chance(40) {
        let period = dice.between(1, 10);
        let failures = STARTUP_MAX.div_ceil(period) + 3;
        let _ = writeln!(
            out,
            "            startupProbe: {{{ANSWERED}, periodSeconds: {period}, \
             failureThreshold: {failures}}}"
        );
    }
    if dice.chance(70) {
        let (delay, period) = (dice.between(0, 10), dice.between(1, 15));
        let (successes, failures) = (dice.between(1, 3), dice.between(1, 4));
        let _ = writeln!(
            out,
            "            readinessProbe: {{{ANSWERED}, initialDelaySeconds: {delay}, \
             periodSeconds: {period}, successThreshold: {successes}, failureThreshold: {failures}}}"
        );
    }
    if dice.chance(50) {
        let (period, failures) = (dice.between(1, 20), dice.between(1, 4));
        let grace = match dice.chance(20) {
            true => ", terminationGracePeriodSeconds: 3",
            false => "",
        };
        let _ = writeln!(
            out,
            "            livenessProbe: {{{ANSWERED}, periodSeconds: {period}, \
             failureThreshold: {failures}{grace}}}"
        );
    }
}

fn push_hooks(out: &mut String, dice: &mut Dice) {
    let hook = |dice: &mut Dice| match dice.chance(50) {
        true => format!("{{sleep: {{seconds: {}}}}}", dice.between(1, 20)),
        false => "{exec: {command: [x]}}".to_owned(),
    };
    let mut hooks = Vec::new();
    for (name, chance) in [("postStart", 25), ("preStop", 50)] {
        if dice.chance(chance) {
            hooks.push(format!("{name}: {}", hook(dice)));
        }
    }
    if !hooks.is_empty() {
        let _ = writeln!(out, "            lifecycle: {{{}}}", hooks.join(", "));
    }
}
