//! Waits that are like an earlier one are told in one step.
//!
//! A process that sleeps for the disk goes the same way each time: it leaves its CPU, the disk finishes, an interrupt
//! comes, the handler wakes it, the scheduler picks it. That is told once in full.

use super::steps::Step;
use std::collections::BTreeSet;

/// The steps with later waits of a kind made short.
pub fn shorten(steps: Vec<Step>) -> Vec<Step> {
    let mut known = BTreeSet::new();
    let mut short: Vec<Step> = Vec::new();
    let mut steps = steps.into_iter().peekable();
    while let Some(step) = steps.next() {
        if !step.shape.starts_with("sleep ") || known.insert(step.shape.clone()) {
            short.push(step);
            continue;
        }
        let mut parts = vec![step];
        while let Some(next) = steps.next_if(|next| belongs(&next.shape)) {
            let last = next.shape == "back";
            parts.push(next);
            if last {
                break;
            }
        }
        match parts.last() {
            Some(last) if last.shape == "back" => short.push(joined(&parts)),
            // It was not woken, or not in the way that is known.
            _ => short.append(&mut parts),
        }
    }
    short
}

/// Whether a step of this shape is part of a wait.
fn belongs(shape: &str) -> bool {
    ["disk done", "irq ", "woken", "moved", "back"]
        .iter()
        .any(|part| shape.starts_with(part))
}

fn joined(parts: &[Step]) -> Step {
    let mut step = parts[0].clone();
    let woken = parts.iter().find(|part| part.shape == "woken");
    step.shape = format!("again {}", step.shape);
    step.title = format!("{}, as before", step.title);
    // Whom the scheduler chose, and who ran meanwhile, may be others this time.
    let title = woken.map(|woken| format!("{}.", woken.title));
    step.details.extend(title);
    for part in &parts[1..] {
        step.places.extend(&part.places);
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(shapes: &[&str]) -> Vec<String> {
        let steps = shapes.iter().map(|shape| Step {
            shape: (*shape).into(),
            ..Step::default()
        });
        shorten(steps.collect())
            .into_iter()
            .map(|step| step.shape)
            .collect()
    }

    #[test]
    fn the_second_wait_of_a_kind_is_one_step() {
        let wait = ["sleep disk", "disk done", "irq d", "woken", "back"];
        let twice = shapes(&[&wait[..], &["ask"], &wait[..], &["return"]].concat());
        let wanted = [&wait[..], &["ask", "again sleep disk", "return"]].concat();
        assert_eq!(twice, wanted);
    }

    #[test]
    fn a_wait_of_another_kind_or_without_an_end_is_told() {
        let steps = ["sleep disk", "woken", "back", "sleep pipe", "woken", "back"];
        assert_eq!(shapes(&steps), steps);
        let steps = ["sleep disk", "back", "sleep disk", "signal"];
        assert_eq!(shapes(&steps), steps);
    }
}
