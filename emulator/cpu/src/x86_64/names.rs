//! Names that the manual gives to what happens, for those who show it.

/// The mnemonic of an exception or interrupt vector that has one (SDM vol. 3, 6.3.1).
pub const fn vector(number: u16) -> Option<&'static str> {
    Some(match number {
        0 => "#DE",
        1 => "#DB",
        2 => "NMI",
        3 => "#BP",
        4 => "#OF",
        5 => "#BR",
        6 => "#UD",
        7 => "#NM",
        8 => "#DF",
        10 => "#TS",
        11 => "#NP",
        12 => "#SS",
        13 => "#GP",
        14 => "#PF",
        16 => "#MF",
        17 => "#AC",
        18 => "#MC",
        19 => "#XM",
        20 => "#VE",
        21 => "#CP",
        _ => return None,
    })
}

/// What a page fault's error code says, in words of [`FAULT_WORDS`] (SDM vol. 3, 4.7).
///
/// ```text
///   6  5  4  3  2  1  0
///  SS PK  I RSVD U  W  P
/// ```
pub fn page_fault(error: u32) -> Vec<&'static str> {
    let bit = |n: u32| error >> n & 1 != 0;
    let access = match (bit(4), bit(1)) {
        (true, _) => "fetch",
        (false, true) => "write",
        (false, false) => "read",
    };
    let mut words = vec![
        if bit(0) { "protection" } else { "not_present" },
        access,
        if bit(2) { "user" } else { "kernel" },
    ];
    for (n, word) in [
        (3, "reserved_bit"),
        (5, "protection_key"),
        (6, "shadow_stack"),
    ] {
        if bit(n) {
            words.push(word);
        }
    }
    words
}

/// The words of [`page_fault`].
pub const FAULT_WORDS: [&str; 10] = [
    "not_present",
    "protection",
    "read",
    "write",
    "fetch",
    "user",
    "kernel",
    "reserved_bit",
    "protection_key",
    "shadow_stack",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::trap::vector as numbers;

    #[test]
    fn vectors_have_the_manuals_mnemonics() {
        for (number, name) in [
            (numbers::DE, "#DE"),
            (numbers::BP, "#BP"),
            (numbers::UD, "#UD"),
            (numbers::DF, "#DF"),
            (numbers::GP, "#GP"),
            (numbers::PF, "#PF"),
            (numbers::MF, "#MF"),
            (numbers::XM, "#XM"),
        ] {
            assert_eq!(vector(u16::from(number)), Some(name));
        }
        assert_eq!([9, 15, 22, 0x41, 0xffff].map(vector), [None; 5]);
    }

    #[test]
    fn page_faults_are_told_in_words() {
        assert_eq!(page_fault(0), ["not_present", "read", "kernel"]);
        assert_eq!(page_fault(7), ["protection", "write", "user"]);
        assert_eq!(
            page_fault(0x1d),
            ["protection", "fetch", "user", "reserved_bit"]
        );
        for error in 0..0x80 {
            assert!(page_fault(error).iter().all(|w| FAULT_WORDS.contains(w)));
        }
    }
}
