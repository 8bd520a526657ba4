//! The JSON Schema of the objects (draft 2020-12), one branch an event, made from the fields by which they are written.

use crate::trace::events::{Event, Field, all};
use crate::trace::value::Shape;
use serde_json::{Map, Value, json};

/// The schema, as text.
pub fn schema() -> String {
    let branches: Vec<Value> = all().iter().map(branch).collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "glassbox trace --format json",
        "description": "One line of a trace. Numbers are JSON numbers; addresses, bit masks and contents of registers \
            are hexadecimal strings, because they have 64 bits.",
        "oneOf": branches,
        "$defs": {
            "time": {
                "type": "integer", "minimum": 0,
                "description": "virtual nanoseconds since power-on; never less than on the line before"
            },
            "cpu": { "type": "integer", "minimum": 0, "description": "the CPU where it happened, from 0" },
            "pid": {
                "type": "integer", "minimum": 0,
                "description": "the process that this CPU was running, 0 being the idle one; \
                    where the kernel tells nothing of processes, a number for the address space"
            },
            "comm": { "$ref": "#/$defs/text", "description": "the name of that process" },
            "hex": { "type": "string", "pattern": "^0x[0-9a-f]+$" },
            "text": {
                "type": "string",
                "description": "bytes of the guest's: what is UTF-8 stands for itself, any other byte is \\xNN, \
                    and a backslash is doubled"
            }
        }
    });
    format!("{schema:#}\n")
}

fn branch(event: &Event) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for name in ["time", "cpu", "pid", "comm"] {
        properties.insert(name.into(), json!({ "$ref": format!("#/$defs/{name}") }));
        required.push(name);
    }
    properties.insert("event".into(), json!({ "const": event.name }));
    required.push("event");
    for field in &event.fields {
        properties.insert(field.name.into(), property(field));
        if field.always {
            required.push(field.name);
        }
    }
    json!({
        "title": event.name,
        "description": event.meaning,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(field: &Field) -> Value {
    let mut property = shape(field.shape);
    if let (Value::Object(object), false) = (&mut property, field.meaning.is_empty()) {
        object.insert("description".into(), field.meaning.into());
    }
    property
}

/// The values of a shape.
fn shape(shape: Shape) -> Value {
    let hex = json!({ "$ref": "#/$defs/hex" });
    let text = json!({ "$ref": "#/$defs/text" });
    match shape {
        Shape::Unsigned => json!({ "type": "integer", "minimum": 0 }),
        Shape::Signed => json!({ "type": "integer" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Hex => hex,
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Choice(words) => json!({
            "anyOf": [{ "enum": words }, { "type": "string", "pattern": "^[0-9]+$" }]
        }),
        Shape::Name => json!({ "type": "string" }),
        Shape::Words(words) => json!({ "type": "array", "items": { "enum": words } }),
        Shape::Text => text,
        Shape::Hexes => json!({ "type": "array", "items": hex }),
        Shape::Levels => objects(json!({ "address": hex, "entry": hex })),
        Shape::Pieces => objects(json!({ "address": hex, "bytes": text })),
    }
}

/// Arrays of objects that have just these properties.
fn objects(properties: Value) -> Value {
    let required: Vec<String> = properties
        .as_object()
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    json!({
        "type": "array",
        "items": {
            "type": "object", "properties": properties, "required": required, "additionalProperties": false
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::kind::Kind;

    #[test]
    fn each_event_has_one_branch() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let branches = schema["oneOf"].as_array().unwrap();
        for (kind, branch) in Kind::all().zip(branches) {
            assert_eq!(branch["properties"]["event"]["const"], kind.name());
            let required = branch["required"].as_array().unwrap();
            for name in required {
                assert!(branch["properties"].get(name.as_str().unwrap()).is_some());
            }
        }
        assert_eq!(branches.len(), Kind::all().count());
    }
}
