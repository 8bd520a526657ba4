//! A mutant: a patch that plants one bug, and above its diff the words that say which.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// One seeded bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The patch's file name, without its end.
    pub name: String,
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
            if path.extension().is_none_or(|end| end != "patch") {
                continue;
            }
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            mutants.push(Self::parse(&name, &text)?);
        }
        mutants.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(mutants)
    }

    fn parse(name: &str, text: &str) -> Result<Self> {
        let Some(head) = text.find("\n--- ").map(|end| end + 1) else {
            bail!("{name}: no words above the diff, or no diff");
        };
        Ok(Self {
            name: name.to_string(),
            diff: text[head..].to_string(),
        })
    }
}

/// Those of `mutants` that `names` name, all if it is empty; then `sample` of them, evenly spread.
pub fn choose(
    mutants: Vec<Mutant>,
    names: &[String],
    sample: Option<usize>,
) -> Result<Vec<Mutant>> {
    let unknown = |name: &&String| mutants.iter().all(|mutant| mutant.name != **name);
    if let Some(name) = names.iter().find(unknown) {
        bail!("no mutant is called {name}");
    }
    let named = |mutant: &Mutant| names.is_empty() || names.contains(&mutant.name);
    let chosen: Vec<Mutant> = mutants.into_iter().filter(named).collect();
    let count = sample.unwrap_or(chosen.len()).min(chosen.len());
    let spread = (0..count).map(|index| chosen[index * chosen.len() / count].clone());
    Ok(spread.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutants() -> Vec<Mutant> {
        let names = ["a", "b", "c", "d", "e"];
        let text = "words\n--- a/x\n+++ b/x\n";
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
        assert_eq!(mutants()[0].diff, "--- a/x\n+++ b/x\n");
        assert!(Mutant::parse("bare", "--- a/x\n+++ b/x\n").is_err());
    }

    #[test]
    fn mutants_are_chosen_by_name_and_samples_are_spread() {
        assert_eq!(chosen(&[], None), "abcde");
        assert_eq!(chosen(&["d", "b"], None), "bd");
        assert_eq!(chosen(&[], Some(2)), "ac");
        assert_eq!(chosen(&[], Some(9)), "abcde");
        assert!(choose(mutants(), &["z".into()], None).is_err());
    }
}
