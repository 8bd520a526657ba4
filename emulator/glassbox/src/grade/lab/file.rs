//! The lab's file, word for word. Unknown keys are refused; what the words mean is said in [`super`].

use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub lab: Lab,
    #[serde(default)]
    pub machine: Machine,
    #[serde(default)]
    pub test: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    pub name: String,
    pub title: String,
    pub open: Vec<String>,
    pub seed: Option<i64>,
}

/// The machine of all tests, or what is different in one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    pub arch: Option<String>,
    pub cpus: Option<i64>,
    pub memory: Option<String>,
    pub append: Option<String>,
    pub instructions: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    pub name: String,
    pub points: Option<i64>,
    #[serde(default)]
    pub hidden: bool,
    pub feedback: Option<String>,
    #[serde(default)]
    pub random: BTreeMap<String, String>,
    #[serde(default)]
    pub put: BTreeMap<String, String>,
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    pub run: String,
    #[serde(default)]
    pub stdin: String,
    #[serde(default)]
    pub faults: Vec<String>,
    #[serde(default)]
    pub machine: Machine,
    #[serde(default)]
    pub check: Vec<Check>,
}

/// A check: exactly one of the keys behind `open` is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub name: Option<String>,
    pub weight: Option<i64>,
    pub feedback: Option<String>,
    pub open: Option<bool>,
    pub status: Option<i64>,
    pub output: Option<String>,
    pub output_matches: Option<String>,
    pub file: Option<FileCheck>,
    pub fsck: Option<bool>,
    pub count: Option<Count>,
    pub order: Option<Vec<What>>,
    pub never: Option<What>,
    pub free_frames: Option<Frames>,
    pub shared_pages: Option<SharedPages>,
    pub time: Option<Time>,
    pub ends: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileCheck {
    pub path: String,
    pub content: Option<String>,
    pub matches: Option<String>,
    pub size: Option<i64>,
    pub absent: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct What {
    pub event: String,
    #[serde(default, rename = "where")]
    pub conditions: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    pub event: String,
    #[serde(default, rename = "where")]
    pub conditions: toml::Table,
    pub exactly: Option<i64>,
    pub at_least: Option<i64>,
    pub at_most: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frames {
    pub lost_at_most: Option<i64>,
    pub used_at_most: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedPages {
    pub process: String,
    pub at_least: Option<i64>,
    pub at_most: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    pub process: String,
    pub what: String,
    pub at_least_us: Option<i64>,
    pub at_most_us: Option<i64>,
}
