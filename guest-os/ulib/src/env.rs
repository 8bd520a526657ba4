//! The program's name and its environment.

use crate::single::Single;
use rust_alloc::vec::Vec;

struct Environment {
    program: &'static [u8],
    variables: Vec<Vec<u8>>,
}

static ENVIRONMENT: Single<Environment> = Single::new(Environment {
    program: b"?",
    variables: Vec::new(),
});

/// Remembers what the kernel handed over; called once at start.
#[cfg(not(test))]
pub(crate) fn initialise(name: &'static [u8], variables: impl Iterator<Item = &'static [u8]>) {
    let mut environment = ENVIRONMENT.borrow();
    environment.program = crate::path::base_name(name);
    environment.variables = variables.map(<[u8]>::to_vec).collect();
}

/// The name messages begin with.
pub fn program() -> &'static [u8] {
    ENVIRONMENT.borrow().program
}

/// Sets the name messages begin with.
pub fn set_program(name: &'static [u8]) {
    ENVIRONMENT.borrow().program = name;
}

fn position(variables: &[Vec<u8>], name: &[u8]) -> Option<usize> {
    variables
        .iter()
        .position(|v| v.get(name.len()) == Some(&b'=') && v.starts_with(name))
}

/// The value of a variable.
pub fn get(name: &[u8]) -> Option<Vec<u8>> {
    let environment = ENVIRONMENT.borrow();
    let at = position(&environment.variables, name)?;
    Some(environment.variables[at][name.len() + 1..].to_vec())
}

/// Sets a variable.
pub fn set(name: &[u8], value: &[u8]) {
    let entry = [name, b"=", value].concat();
    let mut environment = ENVIRONMENT.borrow();
    match position(&environment.variables, name) {
        Some(at) => environment.variables[at] = entry,
        None => environment.variables.push(entry),
    }
}

/// Removes a variable.
pub fn unset(name: &[u8]) {
    let mut environment = ENVIRONMENT.borrow();
    if let Some(at) = position(&environment.variables, name) {
        environment.variables.remove(at);
    }
}

/// Removes all variables.
pub fn clear() {
    ENVIRONMENT.borrow().variables.clear();
}

/// All variables, as `NAME=VALUE`.
pub fn all() -> Vec<Vec<u8>> {
    ENVIRONMENT.borrow().variables.clone()
}
