//! Random bytes for getrandom(2), /dev/random and `AT_RANDOM`.
//!
//! xoshiro256** (Blackman, Vigna), stirred with whatever entropy arrives. It is meant for teaching and for
//! hash seeds, not for keys: an entropy device, if there is one, makes it unpredictable at best.

use crate::sync::SpinLock;

static STATE: SpinLock<[u64; 4]> = SpinLock::new(
    c"random",
    [
        0x9e37_79b9_7f4a_7c15,
        0xbf58_476d_1ce4_e5b9,
        0x94d0_49bb_1331_11eb,
        0x2545_f491_4f6c_dd1d,
    ],
);

fn next(s: &mut [u64; 4]) -> u64 {
    let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
    let t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3].rotate_left(45);
    result
}

/// Stirs bytes in that somebody else cannot guess.
pub fn add_entropy(bytes: &[u8]) {
    let mut state = STATE.lock();
    for byte in bytes {
        state[0] = state[0].rotate_left(8) ^ u64::from(*byte);
        next(&mut state);
    }
}

/// Fills `out` with random bytes.
pub fn fill(out: &mut [u8]) {
    let mut state = STATE.lock();
    for chunk in out.chunks_mut(8) {
        let word = next(&mut state).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}
