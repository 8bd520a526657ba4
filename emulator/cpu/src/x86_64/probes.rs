//! Where a kernel's probes are: instruction addresses and the site behind each.

/// The probe sites of the loaded kernel, by virtual address.
#[derive(Clone, Debug, Default)]
pub struct Probes(Vec<(u64, u32)>);

impl Probes {
    /// Sites given as (virtual address, site index), in any order; of several at one address the first counts.
    pub fn new(mut sites: Vec<(u64, u32)>) -> Self {
        sites.sort_unstable();
        sites.dedup_by_key(|site| site.0);
        Self(sites)
    }

    /// The site at `pc`.
    pub fn at(&self, pc: u64) -> Option<u32> {
        let index = self.0.binary_search_by_key(&pc, |site| site.0).ok()?;
        Some(self.0[index].1)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
