//! Names of users and groups, from /etc/passwd and /etc/group.

use rust_alloc::collections::BTreeMap;
use rust_alloc::format;
use rust_alloc::vec::Vec;
use ulib::fs;

/// Names by id; read once.
pub struct Accounts(BTreeMap<u32, Vec<u8>>);

impl Accounts {
    /// The users.
    pub fn users() -> Accounts {
        Accounts::read(b"/etc/passwd")
    }

    /// The groups.
    pub fn groups() -> Accounts {
        Accounts::read(b"/etc/group")
    }

    /// No names: ids are shown as numbers.
    pub fn none() -> Accounts {
        Accounts(BTreeMap::new())
    }

    fn read(path: &[u8]) -> Accounts {
        // Without the file every name is a number.
        let text = fs::read_file(path).unwrap_or_default();
        let lines = text.split(|b| *b == b'\n').filter_map(|line| {
            let mut fields = line.split(|b| *b == b':');
            let name = fields.next()?.to_vec();
            let id = ulib::number::parse_u64(fields.nth(1)?)?;
            Some((u32::try_from(id).ok()?, name))
        });
        // The first line for an id counts.
        let mut names = BTreeMap::new();
        for (id, name) in lines {
            names.entry(id).or_insert(name);
        }
        Accounts(names)
    }

    /// The name, or the number as text.
    pub fn name(&self, id: u32) -> Vec<u8> {
        self.0
            .get(&id)
            .cloned()
            .unwrap_or_else(|| format!("{id}").into_bytes())
    }
}
