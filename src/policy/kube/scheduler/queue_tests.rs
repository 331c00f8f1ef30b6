//! Runs the time lines of `tests/cases/scheduler/queue`.

use super::backoff::Backoff;
use super::queue::{NewPod, Queue};
use crate::ground::{Span, Time};
use crate::model::{Plugin, PluginSet, PodId, PodSpecId, PodUid};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/scheduler/queue");

fn plugins(list: &str) -> PluginSet {
    let plugin = |name| match name {
        "Fit" => Plugin::NodeResourcesFit,
        other => Plugin::from_name(other).unwrap(),
    };
    PluginSet::of(&list.split(',').map(plugin).collect::<Vec<_>>())
}

fn time(text: &str) -> Time {
    Time::ZERO + text.parse::<Span>().unwrap()
}

/// A queue and the names of the pods that came to it.
struct Line {
    queue: Queue,
    names: Vec<String>,
}

impl Line {
    fn uid(&self, name: &str) -> PodUid {
        let at = self.names.iter().position(|other| other == name);
        PodUid(at.unwrap_or_else(|| panic!("no pod {name}")) as u32)
    }

    fn add(&mut self, now: Time, words: &[&str]) {
        let number = PodUid(self.names.len() as u32);
        self.names.push(words[0].to_owned());
        let mut new = NewPod {
            pod: PodId(number.0),
            uid: number,
            spec: PodSpecId(0),
            priority: 0,
            gated: false,
        };
        for word in &words[1..] {
            match word.split_once('=') {
                Some(("priority", value)) => new.priority = value.parse().unwrap(),
                Some(("spec", value)) => new.spec = PodSpecId(value.parse().unwrap()),
                None if *word == "gated" => new.gated = true,
                _ => panic!("{word}"),
            }
        }
        self.queue.add(new, now);
    }

    fn wake(&mut self, now: Time, words: &[&str]) {
        let interest = plugins(words[0]);
        let (mut helping, mut only) = (interest, None);
        for word in &words[1..] {
            match word.split_once('=').unwrap() {
                ("helps", list) => helping = plugins(list),
                ("spec", number) => only = Some(PodSpecId(number.parse().unwrap())),
                _ => panic!("{word}"),
            }
        }
        self.queue.wake(interest, now, |spec, plugin| {
            assert!(interest.contains(plugin), "only those that registered are asked");
            helping.contains(plugin) && only.is_none_or(|only| only == spec)
        });
    }

    fn contents(&self, place: &str) -> String {
        let shown = self.queue.contents(place).into_iter().map(|(uid, expiry)| {
            let name = &self.names[uid.0 as usize];
            expiry.map_or(name.clone(), |expiry| format!("{name}@{expiry}"))
        });
        shown.collect::<Vec<_>>().join(",")
    }

    fn run(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (now, verb, words) = (time(words[0]), words[1], &words[2..]);
        if verb != "due" {
            self.queue.advance(now);
        }
        match verb {
            "add" => self.add(now, words),
            "pop" => {
                let popped = self.queue.pop().map(|pod| self.names[pod.uid.0 as usize].as_str());
                assert_eq!(popped.unwrap_or("-"), words[0]);
            }
            "refuse" => self.queue.refused(self.uid(words[0]), plugins(words[1]), now),
            "error" => self.queue.refused(self.uid(words[0]), PluginSet::EMPTY, now),
            "assume" => self.queue.assumed(self.uid(words[0])),
            "bound" | "remove" => self.queue.remove(self.uid(words[0])),
            "wake" => self.wake(now, words),
            "due" => {
                let due = self.queue.due(now).map_or("-".to_owned(), |at| at.to_string());
                let expected = if words[0] == "-" { None } else { Some(time(words[0])) };
                assert_eq!(due, expected.map_or("-".to_owned(), |at| at.to_string()));
            }
            "expect" => {
                for place in ["active", "backoff", "error", "pool", "gated", "flight", "binding"] {
                    let named = words.iter().find_map(|word| word.strip_prefix(place));
                    let expected = named.map_or("", |rest| rest.strip_prefix('=').unwrap());
                    assert_eq!(self.contents(place), expected, "{place}");
                }
            }
            other => panic!("verb {other}"),
        }
    }
}

#[test]
fn time_lines() {
    let mut count = 0;
    let files = std::fs::read_dir(CASES).unwrap().map(|file| file.unwrap().path());
    for path in files.filter(|path| path.extension().is_some_and(|end| end == "txt")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut line: Option<Line> = None;
        for (number, words) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            if words.starts_with("case:") {
                let backoff = Backoff { initial: Span::from_secs(1), max: Span::from_secs(10) };
                line = Some(Line { queue: Queue::new(backoff), names: Vec::new() });
                count += 1;
                continue;
            }
            // Shown with a failure, which carries the difference.
            println!("{}:{}: {words}", path.display(), number + 1);
            line.as_mut().expect("a case begins with its title").run(words);
        }
    }
    assert!(count >= 60, "{count} cases");
}
