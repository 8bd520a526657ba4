//! Structures that cross a border (user memory, the disk) as bytes, field by field, little-endian.
//!
//! [`Record`] is implemented by the integers, by arrays, and by every `record!` structure. Such a
//! structure is `repr(C)` and the macro refuses hidden padding, so its bytes are exactly Linux's and
//! no kernel memory can leak through a hole. Nothing here can fail on a value: every bit pattern is
//! a legal record, and meaning is checked by whoever reads the fields.

/// A value with a fixed little-endian byte form.
pub trait Record: Copy {
    /// Bytes of the encoded form.
    const SIZE: usize;
    /// The value whose bytes are all zero.
    const ZERO: Self;

    /// Writes the value to the first `SIZE` bytes of `out`; panics if `out` is shorter.
    fn put(&self, out: &mut [u8]);

    /// Reads a value from the first `SIZE` bytes of `bytes`; panics if `bytes` is shorter.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! integer_records {
    ($($int:ty)*) => {$(
        impl Record for $int {
            const SIZE: usize = size_of::<$int>();
            const ZERO: Self = 0;

            #[inline]
            fn put(&self, out: &mut [u8]) {
                out[..Self::SIZE].copy_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn get(bytes: &[u8]) -> Self {
                let mut raw = [0; size_of::<$int>()];
                raw.copy_from_slice(&bytes[..Self::SIZE]);
                <$int>::from_le_bytes(raw)
            }
        }
    )*};
}

integer_records! { u8 u16 u32 u64 i8 i16 i32 i64 }

impl<T: Record, const N: usize> Record for [T; N] {
    const SIZE: usize = N * T::SIZE;
    const ZERO: Self = [T::ZERO; N];

    #[inline]
    fn put(&self, out: &mut [u8]) {
        for (item, slot) in self.iter().zip(out[..Self::SIZE].chunks_exact_mut(T::SIZE)) {
            item.put(slot);
        }
    }

    #[inline]
    fn get(bytes: &[u8]) -> Self {
        let mut items = Self::ZERO;
        for (item, slot) in items
            .iter_mut()
            .zip(bytes[..Self::SIZE].chunks_exact(T::SIZE))
        {
            *item = T::get(slot);
        }
        items
    }
}

/// Defines a `repr(C)` structure without padding and its [`Record`] form.
///
/// Besides the trait it gets `to_bytes` and `from_bytes`, which know the size and so cannot panic.
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $ty:ty,)*
    }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $ty,)*
        }

        const _: () = assert!(
            size_of::<$name>() == <$name as $crate::record::Record>::SIZE,
            "a record has no hidden padding"
        );

        impl $crate::record::Record for $name {
            const SIZE: usize = 0 $(+ <$ty as $crate::record::Record>::SIZE)*;
            const ZERO: Self = Self { $($field: <$ty as $crate::record::Record>::ZERO,)* };

            #[inline]
            fn put(&self, out: &mut [u8]) {
                $(
                    let (slot, out) = out.split_at_mut(<$ty as $crate::record::Record>::SIZE);
                    $crate::record::Record::put(&self.$field, slot);
                )*
                let _ = out;
            }

            #[inline]
            fn get(bytes: &[u8]) -> Self {
                $(
                    let (slot, bytes) = bytes.split_at(<$ty as $crate::record::Record>::SIZE);
                    let $field = <$ty as $crate::record::Record>::get(slot);
                )*
                let _ = bytes;
                Self { $($field,)* }
            }
        }

        impl $name {
            /// The structure as it lies in memory or on disk.
            pub fn to_bytes(self) -> [u8; size_of::<$name>()] {
                let mut bytes = [0; size_of::<$name>()];
                $crate::record::Record::put(&self, &mut bytes);
                bytes
            }

            /// The structure that these bytes spell.
            pub fn from_bytes(bytes: &[u8; size_of::<$name>()]) -> Self {
                $crate::record::Record::get(bytes)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                <Self as $crate::record::Record>::ZERO
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::Record;

    record! {
        /// A record of every shape.
        pub struct Sample {
            /// A scalar.
            pub a: u32,
            /// A signed scalar.
            pub b: i32,
            /// An array.
            pub c: [u16; 4],
        }
    }

    #[test]
    fn a_record_is_its_fields_in_little_endian_order() {
        let sample = Sample {
            a: 0x0403_0201,
            b: -1,
            c: [5, 6, 7, 0x0809],
        };
        let bytes = sample.to_bytes();
        assert_eq!(
            bytes,
            [1, 2, 3, 4, 255, 255, 255, 255, 5, 0, 6, 0, 7, 0, 9, 8]
        );
        assert_eq!(Sample::from_bytes(&bytes), sample);
    }

    #[test]
    fn the_default_record_is_all_zero_bytes() {
        assert_eq!(Sample::default().to_bytes(), [0; Sample::SIZE]);
    }
}
