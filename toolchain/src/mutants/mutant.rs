//! A mutant: a patch that plants one bug, and above its diff the words that say which.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// One seeded bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The patch's file name, without its end.
    pub name: String,
    /// What is broken: the first line of the words.
    pub title: String,
    /// The unified diff.
    pub diff: String,
}

impl Mutant {
    /// The mutants in `folder`, by name.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let unreadable = || format!("cannot read {}", folder.display());
        let mut mutants = Vec::new();
        for entry in std::fs::read_dir(folder).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            if path.extension().is_some_and(|end| end == "patch") {
                mutants.push(Self::read(&path)?);
            }
        }
        mutants.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(mutants)
    }

    /// The mutant in the file at `path`.
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&name, &text)
    }

    fn parse(name: &str, text: &str) -> Result<Self> {
        // Git's diffs have a line of their own before the files' names.
        let heads = ["\ndiff --git ", "\n--- "];
        let head = heads.iter().filter_map(|head| text.find(head)).min();
        let words_and_diff = head.map(|end| text.split_at(end + 1));
        let Some((words, diff)) = words_and_diff else {
            bail!("{name}: no words above the diff, or no diff");
        };
        Ok(Self {
            name: name.to_string(),
            title: words.lines().next().unwrap_or_default().to_string(),
            diff: diff.to_string(),
        })
    }
}

/// Those of `known` that `names` name, all if it is empty; then `sample` of them, evenly spread. The
/// name of a patch that is not among them is its path.
pub fn choose(known: Vec<Mutant>, names: &[String], sample: Option<usize>) -> Result<Vec<Mutant>> {
    let chosen = match names {
        [] => known,
        names => names
            .iter()
            .map(|name| find(&known, name))
            .collect::<Result<_>>()?,
    };
    let count = sample.unwrap_or(chosen.len()).min(chosen.len());
    let spread = (0..count).map(|index| chosen[index * chosen.len() / count].clone());
    Ok(spread.collect())
}

fn find(known: &[Mutant], name: &str) -> Result<Mutant> {
    if name.ends_with(".patch") {
        return Mutant::read(Path::new(name));
    }
    if let Some(mutant) = known.iter().find(|mutant| mutant.name == name) {
        return Ok(mutant.clone());
    }
    let names: Vec<&str> = known.iter().map(|mutant| &mutant.name[..]).collect();
    bail!(
        "there is no mutant `{name}`; there are: {}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::{Tree, patch};

    fn mutants() -> Vec<Mutant> {
        let names = ["a", "b", "c", "d", "e"];
        let text = "What is broken.\nNoticed by: one.\n\n--- a/x\n+++ b/x\n";
        let mutants = names.iter().map(|name| Mutant::parse(name, text).unwrap());
        mutants.collect()
    }

    fn chosen(names: &[&str], sample: Option<usize>) -> String {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let chosen = choose(mutants(), &names, sample).unwrap();
        chosen.iter().map(|mutant| mutant.name.as_str()).collect()
    }

    #[test]
    fn the_diff_begins_behind_the_words() {
        let mutant = &mutants()[0];
        assert_eq!(mutant.title, "What is broken.");
        assert_eq!(mutant.diff, "--- a/x\n+++ b/x\n");
        assert!(Mutant::parse("bare", "--- a/x\n+++ b/x\n").is_err());
        assert!(Mutant::parse("words", "What is broken.\n").is_err());
    }

    #[test]
    fn mutants_are_chosen_by_name_and_samples_are_spread() {
        assert_eq!(chosen(&[], None), "abcde");
        assert_eq!(chosen(&["d", "b"], None), "db");
        assert_eq!(chosen(&[], Some(2)), "ac");
        assert_eq!(chosen(&[], Some(9)), "abcde");
    }

    #[test]
    fn who_asks_for_an_unknown_mutant_is_told_the_known_ones() {
        let error = choose(mutants(), &["z".into()], None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no mutant `z`; there are: a, b, c, d, e"
        );
    }

    #[test]
    fn every_mutant_fits_the_sources_and_says_who_should_notice() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let clean = Tree::lying(&root).unwrap();
        let folder = root.join("tests/mutants");
        let mutants = Mutant::all(&folder).unwrap();
        assert!(mutants.len() >= 24);
        for Mutant { name, diff, .. } in mutants {
            let planted = patch::apply(&clean, &diff);
            let planted = planted.unwrap_or_else(|error| panic!("{name}: {error:#}"));
            assert_ne!(planted, clean, "{name}");
            let text = std::fs::read_to_string(folder.join(format!("{name}.patch"))).unwrap();
            assert!(text.contains("\nNoticed by: "), "{name}");
        }
    }
}
