//! The writing half of Protocol Buffers' wire format (protobuf.dev, "Encoding"): keys, varints, and things with a length
//! in front.

use crate::trace::file::varint;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;

/// A message being written. Fields may come in any order.
#[derive(Debug, Default)]
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// What has been written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets it.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    fn key(&mut self, field: u32, wire: u32) {
        varint::put(&mut self.bytes, u64::from(field << 3 | wire));
    }

    /// A field of type uint32, uint64, bool or of an enumeration.
    pub fn uint(&mut self, field: u32, value: u64) {
        self.key(field, VARINT);
        varint::put(&mut self.bytes, value);
    }

    /// A field of type int32 or int64: a negative number takes ten bytes.
    pub fn int(&mut self, field: u32, value: i64) {
        self.uint(field, value as u64);
    }

    /// A field of type fixed64.
    pub fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, FIXED64);
        self.bytes.extend(value.to_le_bytes());
    }

    /// A field of type string.
    pub fn text(&mut self, field: u32, text: &str) {
        self.key(field, LENGTH);
        varint::put(&mut self.bytes, text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }

    /// A field that is a message, which `fill` writes.
    pub fn message(&mut self, field: u32, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        fill(self);
        let end = self.bytes.len();
        // Key and length stand in front, and the length is known only now.
        self.key(field, LENGTH);
        varint::put(&mut self.bytes, (end - start) as u64);
        let head = self.bytes.len() - end;
        self.bytes[start..].rotate_right(head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_encoded_as_the_guide_has_them() {
        // The examples of protobuf.dev's "Encoding".
        let mut message = Message::default();
        message.uint(1, 150);
        message.text(2, "testing");
        message.message(3, |inner| inner.uint(1, 150));
        message.int(4, -2);
        message.fixed64(5, 1);
        let expected = b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01\
            \x20\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x29\x01\0\0\0\0\0\0\0";
        assert_eq!(message.bytes(), expected);
    }

    #[test]
    fn a_long_message_in_messages_has_long_lengths() {
        let mut message = Message::default();
        message.message(1, |m| m.message(2, |m| m.text(100, &"x".repeat(200))));
        let head = b"\x0a\xcf\x01\x12\xcc\x01\xa2\x06\xc8\x01x";
        assert_eq!(&message.bytes()[..head.len()], head);
        assert_eq!(message.bytes().len(), 10 + 200);
    }
}
