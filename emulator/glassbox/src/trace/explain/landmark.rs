//! Functions of Silica's kernel that a reader should meet: they are steps, although no probe is in them.

use super::call;
use super::plain::plural;
use super::steps::{Step, Teller};
use super::tree::Branch;
use abi::nr::Arg;
use base::Time;

/// A function, and what it means that a call comes by.
struct Landmark {
    /// Its short name.
    function: &'static str,
    title: &'static str,
    detail: &'static str,
    /// Whether it moves bytes between the kernel and the program: into it (`Some(true)`) or out of it.
    copies: Option<bool>,
}

const COPY_IN: &str = "user::copy_in";
const COPY_STR: &str = "user::copy_str";

const LANDMARKS: [Landmark; 5] = [
    Landmark {
        function: "user::copy_out",
        title: "The kernel copies to the program's memory",
        detail: "",
        copies: Some(true),
    },
    Landmark {
        function: COPY_IN,
        title: "The kernel copies from the program's memory",
        detail: "",
        copies: Some(false),
    },
    Landmark {
        function: COPY_STR,
        title: "The kernel copies a string from the program's memory",
        detail: "",
        copies: None,
    },
    Landmark {
        function: "paging::share_with",
        title: "The child's page table is filled with the parent's pages",
        detail: "Nothing is copied: both map the same frames, without the right to write, and who writes \
                 first gets a copy (copy-on-write).",
        copies: None,
    },
    Landmark {
        function: "crc::update",
        title: "A checksum over the journal's transaction is computed",
        detail: "After a crash it tells a transaction that is whole in the log from one that is not.",
        copies: None,
    },
];

/// The steps that the landmarks in `tree` are.
pub fn steps(teller: &Teller<'_, '_>, tree: &[Branch]) -> Vec<Step> {
    let mut steps = Vec::new();
    for landmark in &LANDMARKS {
        let Some(branch) = first(tree, landmark.function) else {
            continue;
        };
        // A string's bytes are copied by the same function as others': it is no landmark of its own then.
        if landmark.function == COPY_IN && first(tree, COPY_STR).is_some() {
            continue;
        }
        steps.push(step(teller, landmark, branch));
    }
    steps
}

fn step(teller: &Teller<'_, '_>, landmark: &Landmark, branch: &Branch) -> Step {
    let story = teller.story;
    let before = story.marks.iter().take_while(|m| m.time <= branch.first);
    let cpu = before.filter(|mark| mark.place.is_some()).last();
    let mut text = format!("In {}", landmark.function);
    if !branch.place.is_empty() {
        text.push_str(&format!(" ({})", branch.place));
    }
    if let Some(out) = landmark.copies {
        text.push_str(&copied(teller, branch.first, out));
    }
    text.push('.');
    Step {
        time: branch.first,
        cpu: Some(cpu.map_or(story.call.cpu, |mark| mark.cpu)),
        mode: "kernel",
        title: landmark.title.to_owned(),
        details: [text, landmark.detail.to_owned()]
            .into_iter()
            .filter(|detail| !detail.is_empty())
            .collect(),
        shape: format!("landmark {}", landmark.function),
        function: Some(landmark.function),
        ..Step::default()
    }
}

/// What is known of the bytes that a copy at `time` moves: those of the call's buffer.
fn copied(teller: &Teller<'_, '_>, time: Time, out: bool) -> String {
    let story = teller.story;
    let number = story.call.number;
    let writes = abi::nr::lookup(number).is_some_and(|call| call.args.contains(&Arg::OutBuf));
    let (Some((address, _)), Some(count)) = (call::buffer(number, &story.args), story.result)
    else {
        return String::new();
    };
    if count <= 0 || writes != out {
        return String::new();
    }
    let page = |address: u64| address >> 12;
    let walk = story
        .user_walks
        .iter()
        .find(|walk| walk.time >= time && page(walk.virt) == page(address));
    let tlb = match walk {
        Some(walk) if walk.fault => "; the page table does not allow it".to_owned(),
        Some(walk) => format!(
            "; the TLB did not know the page, so the MMU read {} of the page table",
            plural(u64::from(walk.entries), "entry", "entries")
        ),
        None => "; the TLB knew the page".to_owned(),
    };
    format!(
        ": {} {} {address:#x}{tlb}",
        plural(count as u64, "byte", "bytes"),
        if out { "to" } else { "from" }
    )
}

/// The function of that name that was entered first.
fn first<'a>(tree: &'a [Branch], name: &str) -> Option<&'a Branch> {
    tree.iter()
        .flat_map(|branch| {
            let here = (branch.name == name).then_some(branch);
            here.into_iter().chain(first(&branch.kids, name))
        })
        .min_by_key(|branch| branch.first)
}
