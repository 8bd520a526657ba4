//! Dependencies between our packages point one way: the table of the design.
//!
//! Cargo already refuses a `use` of a package that is not in the manifest; so a wrong edge shows
//! in a `Cargo.toml`, and in a `use` when a package re-exports what it should not.

use super::source::{Finding, Manifest, Source, Tree, names_after};

/// Each package and what it may use of ours. A package that is not here may not exist.
const EDGES: [(&str, &[&str]); 16] = [
    // The emulator, bottom to top.
    ("base", &[]),
    ("ir", &["base"]),
    ("cpu", &["base", "ir"]),
    ("engine", &["base", "ir"]),
    ("devices", &["base"]),
    ("machine", &["base", "ir", "cpu", "engine", "devices"]),
    (
        "glassbox",
        // Which of its modules may use which of these: modules.rs.
        &[
            "base", "ir", "cpu", "engine", "devices", "machine", "abi", "kcore",
        ],
    ),
    // The guest. Kernel and user library never meet: both know only the border.
    ("abi", &[]),
    ("kcore", &["abi"]),
    ("kernel", &["abi", "kcore"]),
    ("ulib", &["abi"]),
    ("user", &["abi", "ulib"]),
    // Around them. The toolchain and the emulator share files, not code.
    ("xtask", &["abi", "kcore"]),
    // Instructions against the host's own CPU: needs no machine.
    ("silicon", &["base", "ir", "cpu", "engine"]),
    // RISC-V instructions, and privileged programs, against QEMU.
    ("riscv", &["base", "ir", "cpu", "engine", "machine"]),
    (
        "tests",
        &[
            "base", "ir", "cpu", "engine", "devices", "machine", "glassbox", "abi", "kcore",
            "riscv",
        ],
    ),
];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in &tree.manifests {
        let Some(allowed) = allowed(&manifest.name) else {
            let message = format!(
                "package `{}` is not in the table of toolchain/src/tidy/edges.rs",
                manifest.name
            );
            findings.push(Finding::new(&manifest.path, 1, message));
            continue;
        };
        for (name, line) in &manifest.dependencies {
            if is_ours(name) && !allowed.contains(&name.as_str()) {
                let message = format!("`{}` must not depend on `{name}`", manifest.name);
                findings.push(Finding::new(&manifest.path, *line, message));
            }
        }
        let may_use = [allowed, &[manifest.name.as_str()]].concat();
        for source in tree
            .sources
            .iter()
            .filter(|source| owner(tree, source) == Some(folder(manifest)))
        {
            for (line, name) in names_after(&source.code.replace("use ", "use::"), "use") {
                if is_ours(&name) && !may_use.contains(&name.as_str()) && !declares(source, &name) {
                    let message = format!("`{}` must not use `{name}`", manifest.name);
                    findings.push(Finding::new(&source.path, line, message));
                }
            }
        }
    }
    findings
}

/// The folder of a package.
fn folder(manifest: &Manifest) -> &str {
    manifest.path.trim_end_matches("Cargo.toml")
}

/// The folder of the package that a file belongs to: one package may lie inside another's folder.
fn owner<'a>(tree: &'a Tree, source: &Source) -> Option<&'a str> {
    let folders = tree.manifests.iter().map(folder);
    folders
        .filter(|folder| source.path.starts_with(folder))
        .max_by_key(|folder| folder.len())
}

/// Whether the file has a module of that name: then a `use` of the name means the module.
fn declares(source: &Source, name: &str) -> bool {
    source.code_lines().any(|(_, line)| {
        let declared = line
            .split_once("mod ")
            .map(|(_, rest)| rest.trim_end_matches([';', '{', ' ']));
        declared == Some(name)
    })
}

fn allowed(package: &str) -> Option<&'static [&'static str]> {
    EDGES
        .iter()
        .find(|(name, _)| *name == package)
        .map(|(_, allowed)| *allowed)
}

fn is_ours(name: &str) -> bool {
    allowed(name).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn findings(package: &str, dependency: &str, code: &str) -> usize {
        let manifest = Manifest {
            path: format!("x/{package}/Cargo.toml"),
            name: package.to_string(),
            dependencies: BTreeMap::from([(dependency.to_string(), 7)]),
        };
        let source = Source::new(&format!("x/{package}/src/lib.rs"), code.to_string());
        check(&Tree {
            sources: vec![source],
            manifests: vec![manifest],
            ..Tree::default()
        })
        .len()
    }

    #[test]
    fn an_edge_that_points_up_is_found() {
        assert_eq!(findings("devices", "base", ""), 0);
        assert_eq!(findings("devices", "cpu", ""), 1);
        assert_eq!(findings("glassbox", "xtask", ""), 1);
        assert_eq!(findings("xtask", "glassbox", ""), 1);
        assert_eq!(findings("ulib", "kernel", ""), 1);
    }

    #[test]
    fn a_use_of_a_higher_layer_is_found() {
        assert_eq!(
            findings("devices", "base", "use base::Bus;\nuse machine::Board;"),
            1
        );
        assert_eq!(findings("devices", "base", "// use machine::Board;"), 0);
        assert_eq!(
            findings("devices", "base", "mod machine;\nuse machine::Part;"),
            0
        );
    }

    #[test]
    fn a_file_belongs_to_the_innermost_package() {
        let manifest = |name: &str, path: &str| Manifest {
            path: path.to_string(),
            name: name.to_string(),
            dependencies: BTreeMap::new(),
        };
        let tree = Tree {
            manifests: vec![
                manifest("tests", "tests/Cargo.toml"),
                manifest("silicon", "tests/silicon/Cargo.toml"),
            ],
            ..Tree::of("tests/silicon/tests/a.rs", "use silicon::Host;")
        };
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn a_package_nobody_has_placed_is_found() {
        assert_eq!(findings("helper", "base", ""), 1);
    }

    #[test]
    fn the_table_has_no_cycle() {
        fn depth(package: &str, left: usize) {
            assert!(left > 0, "a cycle through {package}");
            allowed(package)
                .unwrap()
                .iter()
                .for_each(|next| depth(next, left - 1));
        }
        EDGES
            .iter()
            .for_each(|(package, _)| depth(package, EDGES.len()));
    }
}
