//! A power cut, as text: `cut@disk.write#7:torn@512:kept`, the language of planned faults.
//!
//! Requests are counted from 1 since power-on, each kind by itself, in the order in which the disk carries them out. The
//! power goes while it carries out the one named: of a write the first `torn` bytes arrive, whole sectors, none unless
//! said otherwise. Of the writes since the last flush the cache loses all, unless `kept` (it loses none) or `some@K` (for
//! each write, drawn from the seed and K: it arrives, or not, or some of its sectors do). A cut at a flush
//! (`cut@disk.flush#2`) is where a promise that was made too early shows; `cut@end` is when all is over.

use machine::pc::SECTOR;
use std::fmt;
use std::str::FromStr;

/// When the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// While this write is carried out, counted from 1.
    Write(u64),
    /// Just before this flush is carried out, counted from 1.
    Flush(u64),
    /// When the workload has ended.
    End,
}

/// What becomes of the writes that no flush has made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// None of them arrived.
    Lost,
    /// All of them arrived.
    Kept,
    /// Some of them arrived, drawn from the seed and this number.
    Some(u64),
}

/// A power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// When.
    pub at: At,
    /// What becomes of the writes before it.
    pub cache: Cache,
    /// Bytes of the write that arrived: whole sectors.
    pub torn: u64,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            At::Write(number) => write!(f, "cut@disk.write#{number}")?,
            At::Flush(number) => write!(f, "cut@disk.flush#{number}")?,
            At::End => write!(f, "cut@end")?,
        }
        if self.torn > 0 {
            write!(f, ":torn@{}", self.torn)?;
        }
        match self.cache {
            Cache::Lost => Ok(()),
            Cache::Kept => write!(f, ":kept"),
            Cache::Some(draw) => write!(f, ":some@{draw}"),
        }
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let mut cut = Self {
            at: place(parts.next().unwrap_or_default())?,
            torn: 0,
            cache: Cache::Lost,
        };
        for part in parts {
            match part.split_once('@') {
                Some(("torn", bytes)) => {
                    let sectors = |bytes: &u64| bytes.is_multiple_of(SECTOR);
                    cut.torn = bytes.parse().ok().filter(sectors).ok_or_else(|| {
                        format!("torn@{bytes}: a write is torn at whole sectors of {SECTOR} bytes")
                    })?;
                }
                Some(("some", draw)) => {
                    let draw = draw.parse().map_err(|_| format!("'{draw}' is no number"))?;
                    cut.cache = Cache::Some(draw);
                }
                None if part == "kept" => cut.cache = Cache::Kept,
                _ => {
                    return Err(format!(
                        "'{part}' says nothing of a cut; what can be said is torn@BYTES, kept and some@K"
                    ));
                }
            }
        }
        match cut.at {
            At::Flush(_) | At::End if cut.torn > 0 => Err("only a write can be torn".into()),
            _ => Ok(cut),
        }
    }
}

fn place(text: &str) -> Result<At, String> {
    let number = |name: &str| {
        let number = text.strip_prefix(name)?.parse().ok()?;
        (number > 0).then_some(number)
    };
    let write = number("cut@disk.write#").map(At::Write);
    let end = (text == "cut@end").then_some(At::End);
    let place = write.or(number("cut@disk.flush#").map(At::Flush)).or(end);
    place.ok_or_else(|| {
        format!("'{text}' is no power cut: say cut@disk.write#N, cut@disk.flush#N or cut@end")
    })
}

/// The faults by which `glassbox run` leaves the disk of `cut` behind, as its user writes them; with `lying`, that of a disk
/// which ignores flushes. `None`: only `glassbox crash` can cut like this.
pub fn faults(cut: &Cut, lying: bool) -> Option<Vec<String>> {
    if matches!(cut.cache, Cache::Some(_)) || cut.at == At::End {
        return None;
    }
    // The first fault that is planned for a pass is the one that strikes.
    let lost = lying.then(|| "disk.flush=lost".to_owned());
    Some([cut.to_string()].into_iter().chain(lost).collect())
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        let at = [At::Write(1), At::Write(77), At::Flush(2), At::End];
        let cache = [Cache::Lost, Cache::Kept, Cache::Some(3)];
        for at in at {
            for cache in cache {
                for torn in [0, 512, 4096] {
                    if matches!(at, At::Write(_)) || torn == 0 {
                        let cut = Cut { at, torn, cache };
                        assert_eq!(cut.to_string().parse(), Ok(cut));
                    }
                }
            }
        }
        let cut = Cut {
            at: At::Write(7),
            torn: 512,
            cache: Cache::Some(2),
        };
        assert_eq!(cut.to_string(), "cut@disk.write#7:torn@512:some@2");
    }

    #[test]
    fn a_bad_cut_is_refused_in_words() {
        for (text, why) in [
            ("", "'' is no power cut"),
            ("cut@disk.write#0", "'cut@disk.write#0' is no power cut"),
            ("cut@disk.read#1", "'cut@disk.read#1' is no power cut"),
            ("cut@disk.write#1:torn@7", "torn@7: a write is torn"),
            ("cut@disk.write#1:torn=512", "'torn=512' says nothing"),
            ("cut@disk.write#1:some@half", "'half' is no number"),
            ("cut@disk.write#1:kept@1", "'kept@1' says nothing"),
            ("cut@disk.write#1:", "'' says nothing"),
            ("cut@end:torn@512", "only a write can be torn"),
            ("cut@disk.flush#1:torn@512", "only a write can be torn"),
        ] {
            let error = text.parse::<Cut>().unwrap_err();
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_cut_is_planned_before_what_else_could_strike_there() {
        let planned = |cut: &str, lying| faults(&cut.parse().unwrap(), lying);
        let one = |cut: &str| Some(vec![cut.to_owned()]);
        let kept = "cut@disk.write#7:kept";
        assert_eq!(planned(kept, false), one(kept));
        let lying = ["cut@disk.flush#2", "disk.flush=lost"].map(str::to_owned);
        assert_eq!(planned("cut@disk.flush#2", true), Some(lying.to_vec()));
        assert_eq!(planned("cut@disk.write#7:some@3", false), None);
        assert_eq!(planned("cut@end", false), None);
    }

    #[test]
    fn a_word_is_ready_for_a_shell() {
        assert_eq!(quoted("/README"), "/README");
        assert_eq!(quoted("cut@disk.write#7"), "'cut@disk.write#7'");
        assert_eq!(quoted("echo 'a b'"), r"'echo '\''a b'\'''");
    }
}
