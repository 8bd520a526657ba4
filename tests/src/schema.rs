//! The part of JSON Schema (draft 2020-12) that the trace's schema needs; a keyword outside of it is an error, so that
//! nothing goes unchecked.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A schema whose top is one `oneOf` over events.
#[derive(Debug)]
pub struct Schema {
    root: Value,
    /// The branch of each event.
    branches: BTreeMap<String, usize>,
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Panics
    /// It is none of that form.
    pub fn new(text: &str) -> Self {
        let root: Value = serde_json::from_str(text).expect("the schema is JSON");
        let branches = root["oneOf"].as_array().expect("branches").iter();
        let event = |branch: &Value| branch["properties"]["event"]["const"].clone();
        let branches = branches
            .enumerate()
            .map(|(index, branch)| (event(branch).as_str().expect("a name").to_owned(), index))
            .collect();
        Self { root, branches }
    }

    /// The names of the events.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        self.branches.keys().map(String::as_str)
    }

    /// Checks one object of a trace. As each branch has its own event, it is enough to look at one.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn check(&self, object: &Value) -> Result<(), String> {
        let event = object["event"].as_str().ok_or("no event")?;
        let index = self.branches.get(event).ok_or("no such event")?;
        self.fits(&self.root["oneOf"][index], object)
            .map_err(|e| format!("{e} in {object}"))
    }

    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        for (keyword, content) in schema.as_object().ok_or("a schema is an object")? {
            let fine = match keyword.as_str() {
                "title" | "description" => true,
                "$ref" => {
                    let pointer = content.as_str().unwrap_or("").trim_start_matches('#');
                    let target = self.root.pointer(pointer).ok_or("a dangling $ref")?;
                    return self
                        .fits(target, value)
                        .and_then(|()| self.rest(schema, value));
                }
                "type" => type_of(value, content.as_str().unwrap_or("")),
                "const" => value == content,
                "enum" => content.as_array().is_some_and(|all| all.contains(value)),
                "minimum" => value.as_i64().is_none_or(|n| Some(n) >= content.as_i64()),
                "pattern" => value
                    .as_str()
                    .is_some_and(|s| matches(s, content.as_str().unwrap_or(""))),
                "anyOf" => content
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| self.fits(one, value).is_ok())),
                "items" => {
                    for item in value.as_array().ok_or("no array")? {
                        self.fits(content, item)?;
                    }
                    true
                }
                "required" => {
                    let names = content.as_array().into_iter().flatten();
                    names
                        .filter_map(Value::as_str)
                        .all(|name| value.get(name).is_some())
                }
                "properties" => {
                    for (name, property) in content.as_object().ok_or("no properties")? {
                        if let Some(inner) = value.get(name) {
                            self.fits(property, inner)
                                .map_err(|e| format!("{name}: {e}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    assert_eq!(content, &Value::Bool(false));
                    let empty = Map::new();
                    let known = schema["properties"].as_object().unwrap_or(&empty);
                    value
                        .as_object()
                        .is_some_and(|o| o.keys().all(|k| known.contains_key(k)))
                }
                other => return Err(format!("the keyword {other} is not known here")),
            };
            if !fine {
                return Err(format!("{keyword} {content} does not hold for {value}"));
            }
        }
        Ok(())
    }

    /// What stands beside a `$ref`.
    fn rest(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let mut rest = schema.clone();
        rest.as_object_mut().ok_or("no object")?.remove("$ref");
        self.fits(&rest, value)
    }
}

fn type_of(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => false,
    }
}

fn matches(text: &str, pattern: &str) -> bool {
    let (prefix, set) = match pattern {
        "^0x[0-9a-f]+$" => ("0x", "0123456789abcdef"),
        "^[0-9]+$" => ("", "0123456789"),
        other => panic!("the pattern {other} is not known here"),
    };
    text.strip_prefix(prefix)
        .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| set.contains(c)))
}
