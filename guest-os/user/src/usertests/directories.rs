//! Directories: making, removing, reading, being in them.

use super::cases;
use super::support::{exists, open, write};
use abi::Errno;
use abi::dirent::{DT_DIR, DT_LNK, DT_REG, DT_UNKNOWN, entries};
use abi::fcntl::{O_DIRECTORY, O_RDONLY, SEEK_SET};
use rust_alloc::collections::BTreeSet;
use rust_alloc::format;
use rust_alloc::vec;
use rust_alloc::vec::Vec;
use ulib::{fs, sys};

cases! {
    directory_links "a directory's link count is 2 and one for each directory in it";
    rmdir_full "only empty directories can be removed";
    getdents_complete "reading a directory gives every name once, with inode and type";
    getdents_small "a buffer too small for one entry is EINVAL, a small one needs more calls";
    getdents_cursor "a directory's position can be kept and gone back to";
    getdents_changes "a directory that changes while it is read still ends, and keeps what stays";
    many_files "three hundred files in one directory, removed in another order";
    deep_tree "directories forty deep, with a working getcwd";
    cwd_moves "chdir, fchdir and getcwd agree, also after a rename";
    cwd_removed "a removed current directory makes nothing new";
    getcwd_small "getcwd wants room for the whole path";
}

fn links(path: &str) -> usize {
    sys::stat(path.as_bytes()).unwrap().nlink as usize
}

fn mkdir(path: &str) {
    sys::mkdir(path.as_bytes(), 0o755).unwrap();
}

fn directory_links() {
    mkdir("d");
    assert_eq!(links("d"), 2);
    mkdir("d/a");
    mkdir("d/b");
    write("d/f", b"");
    assert_eq!(links("d"), 4);
    sys::rmdir(b"d/a").unwrap();
    assert_eq!(links("d"), 3);
    assert_eq!(sys::mkdir(b"d", 0o755), Err(Errno::EEXIST));
    assert_eq!(sys::mkdir(b"d/f", 0o755), Err(Errno::EEXIST));
    assert_eq!(sys::mkdir(b"d/f/x", 0o755), Err(Errno::ENOTDIR));
}

fn rmdir_full() {
    mkdir("d");
    write("d/f", b"");
    assert_eq!(sys::rmdir(b"d"), Err(Errno::ENOTEMPTY));
    sys::unlink(b"d/f").unwrap();
    mkdir("d/e");
    assert_eq!(sys::rmdir(b"d"), Err(Errno::ENOTEMPTY));
    sys::rmdir(b"d/e").unwrap();
    assert_eq!(sys::rmdir(b"d"), Ok(()));
    assert_eq!(sys::rmdir(b"d"), Err(Errno::ENOENT));
    assert!(sys::rmdir(b"/").is_err());
}

fn getdents_complete() {
    mkdir("d");
    mkdir("d/dir");
    write("d/file", b"");
    sys::symlink(b"x", b"d/link").unwrap();
    let found = fs::read_dir(b"d").unwrap();
    let mut names: Vec<&[u8]> = found.iter().map(|entry| &entry.name[..]).collect();
    names.sort();
    assert_eq!(names, [&b"."[..], b"..", b"dir", b"file", b"link"]);
    for entry in &found {
        let stat = sys::lstat(&ulib::path::join(b"d", &entry.name)).unwrap();
        assert_eq!(entry.ino, stat.ino, "{:?}", entry.name);
        let kind = match &entry.name[..] {
            b"file" => DT_REG,
            b"link" => DT_LNK,
            _ => DT_DIR,
        };
        assert!(entry.kind == kind || entry.kind == DT_UNKNOWN);
    }
}

fn getdents_small() {
    mkdir("d");
    (0..20).for_each(|i| write(&format!("d/a-rather-long-name-{i}"), b""));
    let dir = open("d", O_RDONLY | O_DIRECTORY);
    assert_eq!(sys::getdents(dir, &mut [0; 8]), Err(Errno::EINVAL));
    let mut buffer = [0; 64];
    let mut names = BTreeSet::new();
    loop {
        let n = sys::getdents(dir, &mut buffer).unwrap();
        if n == 0 {
            break;
        }
        for entry in entries(&buffer[..n]) {
            assert!(names.insert(entry.name.to_vec()), "twice");
        }
    }
    assert_eq!(names.len(), 22);
    assert_eq!(sys::getdents(dir, &mut buffer), Ok(0));
}

fn getdents_cursor() {
    mkdir("d");
    (0..30).for_each(|i| write(&format!("d/{i}"), b""));
    let dir = open("d", O_RDONLY | O_DIRECTORY);
    let mut buffer = [0; 256];
    let n = sys::getdents(dir, &mut buffer).unwrap();
    let first: Vec<(Vec<u8>, u64)> = entries(&buffer[..n])
        .map(|entry| (entry.name.to_vec(), entry.next))
        .collect();
    // Back to behind the second entry.
    sys::lseek(dir, first[1].1 as i64, SEEK_SET).unwrap();
    let n = sys::getdents(dir, &mut buffer).unwrap();
    let again = entries(&buffer[..n]).next().unwrap();
    assert_eq!(again.name, first[2].0);
    sys::lseek(dir, 0, SEEK_SET).unwrap();
    let n = sys::getdents(dir, &mut buffer).unwrap();
    assert_eq!(entries(&buffer[..n]).next().unwrap().name, first[0].0);
}

fn getdents_changes() {
    mkdir("d");
    (0..100).for_each(|i| write(&format!("d/{i}"), b""));
    let dir = open("d", O_RDONLY | O_DIRECTORY);
    let mut buffer = [0; 200];
    let mut seen = BTreeSet::new();
    for round in 0..1000 {
        let n = sys::getdents(dir, &mut buffer).unwrap();
        if n == 0 {
            assert!(
                (0..100)
                    .step_by(2)
                    .all(|i| seen.contains(format!("{i}").as_bytes()))
            );
            return;
        }
        seen.extend(entries(&buffer[..n]).map(|entry| entry.name.to_vec()));
        // Odd ones go, others come.
        if round < 50 {
            sys::unlink(format!("d/{}", round * 2 + 1).as_bytes()).unwrap();
            write(&format!("d/new{round}"), b"");
        }
    }
    panic!("reading does not end");
}

fn many_files() {
    const COUNT: usize = 300;
    for i in 0..COUNT {
        write(&format!("file{i}"), format!("{i}").as_bytes());
    }
    for i in (0..COUNT).step_by(7) {
        assert_eq!(
            super::support::read(&format!("file{i}")),
            format!("{i}").into_bytes()
        );
    }
    assert_eq!(fs::children(b".").unwrap().len(), COUNT);
    // 211 has no factor in common with 300, so this reaches each once.
    for i in 0..COUNT {
        sys::unlink(format!("file{}", i * 211 % COUNT).as_bytes()).unwrap();
    }
    assert_eq!(fs::children(b".").unwrap().len(), 0);
}

fn deep_tree() {
    let top = sys::getcwd().unwrap();
    let mut expected = top.clone();
    for i in 0..40 {
        mkdir(&format!("level{i}"));
        sys::chdir(format!("level{i}").as_bytes()).unwrap();
        expected.extend(format!("/level{i}").into_bytes());
    }
    assert_eq!(sys::getcwd().unwrap(), expected);
    write("bottom", b"x");
    sys::chdir(&b"../".repeat(40)).unwrap();
    assert_eq!(sys::getcwd().unwrap(), top);
    assert_eq!(
        sys::stat(&[&expected[..], b"/bottom"].concat())
            .unwrap()
            .size,
        1
    );
}

fn cwd_moves() {
    let top = sys::getcwd().unwrap();
    mkdir("a");
    let a = open("a", O_RDONLY);
    sys::chdir(b"a").unwrap();
    sys::rename(b"../a", b"../b", 0).unwrap();
    assert_eq!(sys::getcwd().unwrap(), [&top[..], b"/b"].concat());
    sys::chdir(b"/").unwrap();
    assert_eq!(sys::getcwd().unwrap(), b"/");
    sys::fchdir(a).unwrap();
    assert_eq!(sys::getcwd().unwrap(), [&top[..], b"/b"].concat());
    write("f", b"");
    let file = open("f", O_RDONLY);
    assert_eq!(sys::fchdir(file), Err(Errno::ENOTDIR));
}

fn cwd_removed() {
    mkdir("d");
    sys::chdir(b"d").unwrap();
    sys::rmdir(b"../d").unwrap();
    assert_eq!(fs::write_file(b"f", b""), Err(Errno::ENOENT));
    assert_eq!(sys::mkdir(b"x", 0o755), Err(Errno::ENOENT));
    assert_eq!(sys::getcwd(), Err(Errno::ENOENT));
    sys::chdir(b"/").unwrap();
    assert!(!exists("d"));
}

fn getcwd_small() {
    let full = sys::getcwd().unwrap();
    let mut buffer = vec![0; full.len() + 1];
    let call = |buffer: &mut [u8], len: usize| {
        super::support::call(abi::nr::GETCWD, buffer.as_mut_ptr() as u64, len as u64, 0)
    };
    assert_eq!(call(&mut buffer, full.len()), Err(Errno::ERANGE));
    assert_eq!(call(&mut buffer, full.len() + 1), Ok(full.len() as u64 + 1));
    assert_eq!(buffer, [&full[..], b"\0"].concat());
}
