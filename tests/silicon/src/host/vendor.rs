//! Whose CPU the host has.

/// A maker of CPUs, as CPUID leaf 0 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// `AuthenticAMD`.
    Amd,
    /// Everybody else: expected to do what Intel's manual says.
    Other,
}

impl Vendor {
    /// The host's.
    pub fn of_host() -> Self {
        let leaf = std::arch::x86_64::__cpuid(0);
        let name = [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes);
        match name.as_flattened() {
            b"AuthenticAMD" => Self::Amd,
            _ => Self::Other,
        }
    }
}
