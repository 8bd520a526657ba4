//! The shell's variables.

use rust_alloc::collections::BTreeMap;
use rust_alloc::format;
use rust_alloc::string::String;
use rust_alloc::vec::Vec;
use ulib::bytes::{show, split_once};

/// A variable. It may carry marks before it has a value.
#[derive(Clone, Debug, Default)]
pub struct Variable {
    /// The value, unless unset.
    pub value: Option<Vec<u8>>,
    /// Part of the environment of commands.
    pub exported: bool,
    /// Cannot be changed.
    pub readonly: bool,
}

/// All variables by name.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    map: BTreeMap<Vec<u8>, Variable>,
    /// `set -a`: every assignment exports.
    pub export_all: bool,
}

impl Variables {
    /// The variables that the environment gives.
    pub fn from_environment() -> Variables {
        let mut variables = Variables::default();
        for entry in ulib::env::all() {
            if let Some((name, value)) = split_once(&entry, b'=')
                && super::lexer::name_len(name) == name.len()
            {
                let variable = Variable {
                    value: Some(value.to_vec()),
                    exported: true,
                    readonly: false,
                };
                variables.map.insert(name.to_vec(), variable);
            }
        }
        variables
    }

    /// A variable's value.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.map.get(name)?.value.as_deref()
    }

    /// Sets a value; the error tells that the variable is read-only.
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), String> {
        let export = self.export_all;
        let variable = self.writable(name)?;
        variable.value = Some(value.to_vec());
        variable.exported |= export;
        Ok(())
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &[u8]) -> Result<(), String> {
        self.writable(name)?;
        self.map.remove(name);
        Ok(())
    }

    fn writable(&mut self, name: &[u8]) -> Result<&mut Variable, String> {
        let variable = self.map.entry(name.to_vec()).or_default();
        match variable.readonly {
            true => Err(format!("{}: is read only", show(name))),
            false => Ok(variable),
        }
    }

    /// The marks and value of a variable, created if need be.
    pub fn entry(&mut self, name: &[u8]) -> &mut Variable {
        self.map.entry(name.to_vec()).or_default()
    }

    /// What [`Variables::restore`] needs to undo changes of a variable.
    pub fn save(&self, name: &[u8]) -> (Vec<u8>, Option<Variable>) {
        (name.to_vec(), self.map.get(name).cloned())
    }

    /// Puts a variable back as it was.
    pub fn restore(&mut self, saved: (Vec<u8>, Option<Variable>)) {
        let (name, variable) = saved;
        match variable {
            Some(variable) => self.map.insert(name, variable),
            None => self.map.remove(&name),
        };
    }

    /// All variables in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Variable)> {
        self.map.iter()
    }

    /// The environment for commands, as `NAME=VALUE`.
    pub fn environment(&self) -> Vec<Vec<u8>> {
        let exported = self.map.iter().filter(|(_, variable)| variable.exported);
        exported
            .filter_map(|(name, variable)| {
                Some([name, &b"="[..], variable.value.as_deref()?].concat())
            })
            .collect()
    }
}
