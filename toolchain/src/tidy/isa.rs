//! The kernel's portable part never names an instruction set: only `arch/` does.

use super::source::{Finding, Tree, words};

const KERNEL: &str = "guest-os/kernel/src/";
const ARCH: &str = "guest-os/kernel/src/arch/";

/// Words that belong to one instruction set.
const NAMES: [&str; 8] = [
    "x86",
    "x86_64",
    "riscv",
    "riscv64",
    "target_arch",
    "cr3",
    "satp",
    "rflags",
];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree
        .sources
        .iter()
        .filter(|s| s.path.starts_with(KERNEL) && !s.path.starts_with(ARCH))
    {
        for (line, code) in source.code_lines() {
            let name = words(code).find(|word| NAMES.contains(&word.to_ascii_lowercase().as_str()));
            if let Some(name) = name {
                let message = format!("`{name}` belongs to one ISA: put it behind a name in arch/");
                findings.push(Finding::new(&source.path, line, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isa_outside_arch_is_found() {
        let count = |path, code| check(&Tree::of(path, code)).len();
        assert_eq!(
            count(
                "guest-os/kernel/src/proc/mod.rs",
                "use crate::arch::x86_64::trap;"
            ),
            1
        );
        assert_eq!(
            count(
                "guest-os/kernel/src/mm/mod.rs",
                "#[cfg(target_arch = \"riscv64\")]"
            ),
            1
        );
        assert_eq!(
            count(
                "guest-os/kernel/src/mm/mod.rs",
                "use crate::arch::paging; // CR3 on x86"
            ),
            0
        );
        assert_eq!(
            count("guest-os/kernel/src/arch/x86_64/mod.rs", "fn cr3() {}"),
            0
        );
    }
}
