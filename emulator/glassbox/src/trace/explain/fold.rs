//! Folding of what repeats: a loop's turns are told once.

/// Longest repeated stretch that is looked for.
const LONGEST: usize = 16;
/// Fewest turns that are worth a fold.
const FEWEST: usize = 3;

/// A stretch of items, and how often it comes in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Index of the first item.
    pub start: usize,
    /// Items of one turn.
    pub len: usize,
    /// Turns.
    pub turns: usize,
}

/// Cuts `items` into stretches so that what comes at least three times in a row is one. Together they are all items, in
/// order.
pub fn fold<T: PartialEq>(items: &[T]) -> Vec<Turn> {
    let mut folded: Vec<Turn> = Vec::new();
    let mut at = 0;
    while at < items.len() {
        let turn = (1..=LONGEST)
            .map(|len| Turn {
                start: at,
                len,
                turns: turns(&items[at..], len),
            })
            .filter(|turn| turn.turns >= FEWEST)
            // The one that saves most; of equal ones the shortest, which is what repeats.
            .max_by_key(|turn| (turn.len * (turn.turns - 1), LONGEST - turn.len));
        match turn {
            Some(turn) => {
                folded.push(turn);
                at += turn.len * turn.turns;
            }
            None => {
                folded.push(Turn {
                    start: at,
                    len: 1,
                    turns: 1,
                });
                at += 1;
            }
        }
    }
    folded
}

/// How often the first `len` items come in a row.
fn turns<T: PartialEq>(items: &[T], len: usize) -> usize {
    if items.len() < len {
        return 0;
    }
    let (first, _) = items.split_at(len);
    items
        .chunks(len)
        .take_while(|chunk| *chunk == first)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let items: Vec<char> = text.chars().collect();
        let mut shown = String::new();
        for Turn { start, len, turns } in fold(&items) {
            let one: String = items[start..start + len].iter().collect();
            match turns {
                1 => shown.push_str(&one),
                n => shown.push_str(&format!("({one}){n}")),
            }
        }
        shown
    }

    #[test]
    fn loops_are_told_once() {
        assert_eq!(folded("xabcabcabcy"), "x(abc)3y");
        assert_eq!(folded("aaaaaa"), "(a)6");
        assert_eq!(folded("abab"), "abab");
        assert_eq!(folded("aababab"), "a(ab)3");
        assert_eq!(folded(""), "");
    }

    #[test]
    fn nothing_is_lost() {
        for text in ["abcabcabca", "aabbaabbaabb", "abababababx"] {
            let items: Vec<char> = text.chars().collect();
            let sum: usize = fold(&items).iter().map(|t| t.len * t.turns).sum();
            assert_eq!(sum, items.len());
        }
    }
}
