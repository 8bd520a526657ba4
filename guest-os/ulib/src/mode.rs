//! File modes as text: `drwxr-xr-x` out, `u+x,go=r` or octal in (chmod(1)).

use crate::number::parse_mode;
use abi::stat::{
    S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK, S_ISGID, S_ISUID, S_ISVTX,
    S_PERM,
};
use rust_alloc::string::String;

/// The letter of a file's type in `ls -l`.
pub fn type_letter(mode: u32) -> char {
    match mode & S_IFMT {
        S_IFDIR => 'd',
        S_IFLNK => 'l',
        S_IFCHR => 'c',
        S_IFBLK => 'b',
        S_IFIFO => 'p',
        S_IFSOCK => 's',
        _ => '-',
    }
}

/// A file's type in the words of stat(1).
pub fn type_name(mode: u32, size: i64) -> &'static str {
    match mode & S_IFMT {
        S_IFDIR => "directory",
        S_IFLNK => "symbolic link",
        S_IFCHR => "character special file",
        S_IFBLK => "block special file",
        S_IFIFO => "fifo",
        S_IFSOCK => "socket",
        _ if size == 0 => "regular empty file",
        _ => "regular file",
    }
}

/// Type and permissions as `ls -l` shows them.
pub fn text(mode: u32) -> String {
    let mut text = String::from(type_letter(mode));
    for (shift, special, both, alone) in [
        (6, S_ISUID, 's', 'S'),
        (3, S_ISGID, 's', 'S'),
        (0, S_ISVTX, 't', 'T'),
    ] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => both,
            (true, false) => alone,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// Applies a mode given to chmod(1) to a file's present mode. Without a class (`+x`) `umask` holds.
/// `None` if the text is not a mode.
pub fn change(change: &[u8], mode: u32, umask: u32) -> Option<u32> {
    if let Some(octal) = parse_mode(change) {
        return Some(octal);
    }
    change
        .split(|b| *b == b',')
        .try_fold(mode & S_PERM, |bits, clause| {
            apply(clause, bits, mode, umask)
        })
}

/// One clause: classes, then one or more operators with permissions.
fn apply(clause: &[u8], bits: u32, mode: u32, umask: u32) -> Option<u32> {
    let classes = clause.iter().take_while(|b| b"ugoa".contains(b)).count();
    let (who, mut rest) = clause.split_at(classes);
    let mut mask = who.iter().fold(0, |mask, class| {
        mask | match class {
            b'u' => 0o4700,
            b'g' => 0o2070,
            b'o' => 0o1007,
            _ => 0o7777,
        }
    });
    if who.is_empty() {
        mask = 0o7777 & !umask;
    }
    if rest.is_empty() {
        return None;
    }
    let mut bits = bits;
    while let Some((operator, after)) = rest.split_first() {
        let letters = after.iter().take_while(|b| !b"+-=".contains(b)).count();
        let wanted = after[..letters].iter().try_fold(0, |wanted, letter| {
            Some(
                wanted
                    | match letter {
                        b'r' => 0o444,
                        b'w' => 0o222,
                        b'x' => 0o111,
                        b'X' if bits & 0o111 != 0 || mode & S_IFMT == S_IFDIR => 0o111,
                        b'X' => 0,
                        b's' => S_ISUID | S_ISGID,
                        b't' => S_ISVTX,
                        b'u' => (bits >> 6 & 7) * 0o111,
                        b'g' => (bits >> 3 & 7) * 0o111,
                        b'o' => (bits & 7) * 0o111,
                        _ => return None,
                    },
            )
        })?;
        bits = match operator {
            b'+' => bits | wanted & mask,
            b'-' => bits & !(wanted & mask),
            b'=' => bits & !(mask & 0o777) | wanted & mask,
            _ => return None,
        };
        rest = &after[letters..];
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_as_ls_prints_them() {
        for (mode, expected) in [
            (0o100644, "-rw-r--r--"),
            (0o040755, "drwxr-xr-x"),
            (0o120777, "lrwxrwxrwx"),
            (0o104711, "-rws--x--x"),
            (0o041776, "drwxrwxrwT"),
            (0o020620, "crw--w----"),
        ] {
            assert_eq!(text(mode), expected);
        }
    }

    #[test]
    fn changes_follow_chmod() {
        let check = |text: &str, mode, expected| {
            assert_eq!(change(text.as_bytes(), mode, 0o022), expected, "{text}");
        };
        check("755", 0o100600, Some(0o755));
        check("u+x", 0o100644, Some(0o744));
        check("go-r", 0o100644, Some(0o600));
        check("a=r", 0o100755, Some(0o444));
        check("+w", 0o100444, Some(0o644));
        check("u=rw,g=u,o=", 0o100000, Some(0o660));
        check("a+X", 0o100644, Some(0o644));
        check("a+X", 0o040644, Some(0o755));
        check("u+s,+t", 0o100755, Some(0o5755));
        check("q+x", 0o100644, None);
        check("u", 0o100644, None);
        check("", 0o100644, None);
    }
}
