//! Names of files: links, renames, symbolic links, paths.

use super::cases;
use super::support::{exists, open, read, write};
use abi::Errno;
use abi::fcntl::{
    AT_SYMLINK_FOLLOW, O_CREAT, O_RDONLY, O_WRONLY, RENAME_EXCHANGE, RENAME_NOREPLACE,
};
use ulib::sys;

cases! {
    link_counts "hard links share one file, and nlink counts them";
    link_bad "links to directories, missing files and taken names are refused";
    unlink_bad "unlinking what is missing or a directory is refused";
    rename_files "rename moves a file over another, in one step";
    rename_directories "rename moves a directory with what is in it, and its .. follows";
    rename_matrix "every combination of old and new kind does what POSIX says";
    rename_into_itself "a directory cannot move below itself";
    rename_flags "RENAME_NOREPLACE refuses, RENAME_EXCHANGE swaps";
    symlinks "symbolic links are followed, and readlink shows them";
    symlink_loop "links that lead in a circle are ELOOP, long chains too";
    symlink_middle "a link in the middle of a path leads to its directory";
    long_names "names of 255 bytes work, longer ones are ENAMETOOLONG";
    odd_names "any byte but slash and NUL may be in a name";
    dots "dots, slashes at the end and double slashes mean what they mean";
    path_errors "each wrong path has its own error";
    access_checks "access tells what exists";
}

fn links(path: &str) -> usize {
    sys::lstat(path.as_bytes()).unwrap().nlink as usize
}

fn inode(path: &str) -> u64 {
    sys::lstat(path.as_bytes()).unwrap().ino
}

fn rename(old: &str, new: &str) -> sys::Result<()> {
    sys::rename(old.as_bytes(), new.as_bytes(), 0)
}

fn link_counts() {
    write("a", b"one");
    assert_eq!(links("a"), 1);
    sys::link(b"a", b"b", 0).unwrap();
    assert_eq!((links("a"), links("b"), inode("a")), (2, 2, inode("b")));
    write("b", b"two");
    assert_eq!(read("a"), b"two");
    sys::unlink(b"a").unwrap();
    assert_eq!((links("b"), read("b").as_slice()), (1, &b"two"[..]));
}

fn link_bad() {
    write("f", b"");
    sys::mkdir(b"d", 0o755).unwrap();
    let link = |old: &str, new: &str| sys::link(old.as_bytes(), new.as_bytes(), 0);
    assert_eq!(link("d", "x"), Err(Errno::EPERM));
    assert_eq!(link("no", "x"), Err(Errno::ENOENT));
    assert_eq!(link("f", "d"), Err(Errno::EEXIST));
    assert_eq!(link("f", "f"), Err(Errno::EEXIST));
    assert_eq!(link("f", "no/x"), Err(Errno::ENOENT));
    sys::symlink(b"f", b"s").unwrap();
    link("s", "s2").unwrap();
    assert!(sys::lstat(b"s2").unwrap().is_symlink());
    sys::link(b"s", b"f2", AT_SYMLINK_FOLLOW).unwrap();
    assert_eq!(inode("f2"), inode("f"));
}

fn unlink_bad() {
    sys::mkdir(b"d", 0o755).unwrap();
    write("f", b"");
    assert_eq!(sys::unlink(b"no"), Err(Errno::ENOENT));
    assert_eq!(sys::unlink(b"d"), Err(Errno::EISDIR));
    assert_eq!(sys::unlink(b"f/x"), Err(Errno::ENOTDIR));
    assert_eq!(sys::unlink(b""), Err(Errno::ENOENT));
    assert_eq!(sys::rmdir(b"f"), Err(Errno::ENOTDIR));
    assert!(exists("d") && exists("f"));
}

fn rename_files() {
    write("a", b"A");
    write("b", b"B");
    let fd = open("b", O_RDONLY);
    rename("a", "b").unwrap();
    assert!(!exists("a"));
    assert_eq!(read("b"), b"A");
    assert_eq!(super::support::read_exact(fd, 1), b"B");
    // Two names of one file: nothing happens.
    sys::link(b"b", b"c", 0).unwrap();
    rename("b", "c").unwrap();
    assert!(exists("b") && exists("c"));
    rename("b", "b").unwrap();
    assert_eq!(read("b"), b"A");
}

fn rename_directories() {
    for dir in ["x", "y", "x/d"] {
        sys::mkdir(dir.as_bytes(), 0o755).unwrap();
    }
    write("x/d/f", b"inside");
    assert_eq!((links("x"), links("y")), (3, 2));
    rename("x/d", "y/e").unwrap();
    assert_eq!((links("x"), links("y")), (2, 3));
    assert_eq!(read("y/e/f"), b"inside");
    assert_eq!(inode("y/e/.."), inode("y"));
    // Over an empty directory, not over a full one.
    sys::mkdir(b"x/d", 0o755).unwrap();
    rename("y/e", "x/d").unwrap();
    assert_eq!(read("x/d/f"), b"inside");
    sys::mkdir(b"z", 0o755).unwrap();
    assert_eq!(rename("z", "x/d"), Err(Errno::ENOTEMPTY));
}

fn rename_matrix() {
    let kinds = ["file", "link", "dir", "missing"];
    let make = |name: &[u8], kind: &str| match kind {
        "file" => ulib::fs::write_file(name, b"").unwrap(),
        "link" => sys::symlink(b"nowhere", name).unwrap(),
        "dir" => sys::mkdir(name, 0o755).unwrap(),
        _ => {}
    };
    for old in kinds {
        for new in kinds {
            make(b"old", old);
            make(b"new", new);
            let expected = match (old, new) {
                ("missing", _) => Err(Errno::ENOENT),
                ("dir", "dir" | "missing") => Ok(()),
                ("dir", _) => Err(Errno::ENOTDIR),
                (_, "dir") => Err(Errno::EISDIR),
                _ => Ok(()),
            };
            assert_eq!(rename("old", "new"), expected, "{old} over {new}");
            assert_eq!(exists("old"), expected.is_err() && old != "missing");
            for name in [&b"old"[..], b"new"] {
                // Whatever is left of the pair.
                let _ = sys::unlink(name).or_else(|_| sys::rmdir(name));
            }
        }
    }
}

fn rename_into_itself() {
    sys::mkdir(b"a", 0o755).unwrap();
    sys::mkdir(b"a/b", 0o755).unwrap();
    assert_eq!(rename("a", "a/b/c"), Err(Errno::EINVAL));
    assert_eq!(rename("a", "a/b"), Err(Errno::EINVAL));
    assert!(matches!(
        rename("a/b", "a"),
        Err(Errno::ENOTEMPTY | Errno::EEXIST)
    ));
    assert!(matches!(
        rename("a/.", "x"),
        Err(Errno::EBUSY | Errno::EINVAL)
    ));
    assert!(exists("a/b"));
}

fn rename_flags() {
    write("a", b"A");
    write("b", b"B");
    let rename = |flags| sys::rename(b"a", b"b", flags);
    assert_eq!(rename(RENAME_NOREPLACE), Err(Errno::EEXIST));
    assert_eq!(
        rename(RENAME_NOREPLACE | RENAME_EXCHANGE),
        Err(Errno::EINVAL)
    );
    match rename(RENAME_EXCHANGE) {
        Ok(()) => assert_eq!((read("a"), read("b")), (b"B".to_vec(), b"A".to_vec())),
        // A file system may do without.
        Err(errno) => assert_eq!(errno, Errno::EINVAL),
    }
    sys::unlink(b"b").unwrap();
    assert_eq!(rename(RENAME_NOREPLACE), Ok(()));
}

fn symlinks() {
    write("f", b"content");
    sys::symlink(b"f", b"l").unwrap();
    assert_eq!(read("l"), b"content");
    assert_eq!(sys::readlink(b"l").unwrap(), b"f");
    let stat = sys::lstat(b"l").unwrap();
    assert!(stat.is_symlink() && stat.size == 1);
    assert_eq!(sys::stat(b"l").unwrap().ino, inode("f"));
    assert_eq!(sys::readlink(b"f"), Err(Errno::EINVAL));
    assert_eq!(sys::symlink(b"x", b"l"), Err(Errno::EEXIST));
    assert_eq!(sys::symlink(b"", b"empty"), Err(Errno::ENOENT));
    sys::symlink(b"missing", b"dangling").unwrap();
    assert_eq!(sys::stat(b"dangling").err(), Some(Errno::ENOENT));
    sys::unlink(b"l").unwrap();
    assert!(exists("f"));
    let long = "t".repeat(1000);
    sys::symlink(long.as_bytes(), b"long").unwrap();
    assert_eq!(sys::readlink(b"long").unwrap(), long.as_bytes());
}

fn symlink_loop() {
    sys::symlink(b"b", b"a").unwrap();
    sys::symlink(b"a", b"b").unwrap();
    sys::symlink(b"self", b"self").unwrap();
    for path in ["a", "b", "self", "a/x"] {
        assert_eq!(
            sys::stat(path.as_bytes()).err(),
            Some(Errno::ELOOP),
            "{path}"
        );
    }
    write("l0", b"end");
    for i in 1..=50 {
        let (old, new) = (
            rust_alloc::format!("l{}", i - 1),
            rust_alloc::format!("l{i}"),
        );
        sys::symlink(old.as_bytes(), new.as_bytes()).unwrap();
    }
    assert_eq!(read("l39"), b"end");
    assert_eq!(sys::stat(b"l50").err(), Some(Errno::ELOOP));
}

fn symlink_middle() {
    sys::mkdir(b"d", 0o755).unwrap();
    sys::mkdir(b"d/e", 0o755).unwrap();
    write("d/e/f", b"deep");
    sys::symlink(b"d/e", b"s").unwrap();
    sys::symlink(b"../e", b"d/up").unwrap();
    assert_eq!(read("s/f"), b"deep");
    assert_eq!(sys::stat(b"s/..").unwrap().ino, inode("d"));
    sys::symlink(
        &[&sys::getcwd().unwrap()[..], b"/d"].concat(),
        b"d/e/absolute",
    )
    .unwrap();
    assert_eq!(read("s/absolute/e/f"), b"deep");
    assert_eq!(sys::stat(b"d/up/f").err(), Some(Errno::ENOENT));
}

fn long_names() {
    let name = "n".repeat(255);
    write(&name, b"x");
    assert_eq!(read(&name), b"x");
    let longer = "n".repeat(256);
    let open = |path: &str| sys::open(path.as_bytes(), O_WRONLY | O_CREAT, 0o644);
    assert_eq!(open(&longer), Err(Errno::ENAMETOOLONG));
    assert_eq!(
        sys::mkdir(longer.as_bytes(), 0o755),
        Err(Errno::ENAMETOOLONG)
    );
    let deep = "./".repeat(3000);
    assert_eq!(open(&deep), Err(Errno::ENAMETOOLONG));
    let within = rust_alloc::format!("{}{name}", "./".repeat(1500));
    assert_eq!(read(&within), b"x");
}

fn odd_names() {
    let names: [&[u8]; 6] = [b" ", b"\n", b"-", b"\xff\x80", b"*?[", b"...\x01"];
    for name in names {
        ulib::fs::write_file(name, name).unwrap();
    }
    let mut found: rust_alloc::vec::Vec<_> = ulib::fs::children(b".")
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    found.sort();
    let mut expected = names.map(<[u8]>::to_vec).to_vec();
    expected.sort();
    assert_eq!(found, expected);
    for name in names {
        assert_eq!(ulib::fs::read_file(name).unwrap(), name);
    }
}

fn dots() {
    sys::mkdir(b"d", 0o755).unwrap();
    write("d/f", b"x");
    for path in ["d/f", "./d/f", "d/./f", "d//f", "d/../d/f", "././/d///f"] {
        assert_eq!(read(path), b"x", "{path}");
    }
    assert_eq!(sys::stat(b"d/").unwrap().ino, inode("d"));
    assert_eq!(sys::stat(b"d/f/").err(), Some(Errno::ENOTDIR));
    assert_eq!(sys::stat(b"/").unwrap().ino, sys::stat(b"/..").unwrap().ino);
    assert!(matches!(sys::rmdir(b"d/."), Err(Errno::EINVAL)));
    assert!(matches!(sys::rmdir(b"d/.."), Err(Errno::ENOTEMPTY)));
    assert_eq!(sys::mkdir(b".", 0o755), Err(Errno::EEXIST));
    assert_eq!(sys::mkdir(b"new/", 0o755), Ok(()));
    assert_eq!(sys::mkdir(b"/", 0o755), Err(Errno::EEXIST));
}

fn path_errors() {
    write("f", b"");
    let stat = |path: &str| sys::stat(path.as_bytes()).err();
    assert_eq!(stat(""), Some(Errno::ENOENT));
    assert_eq!(stat("no"), Some(Errno::ENOENT));
    assert_eq!(stat("no/such"), Some(Errno::ENOENT));
    assert_eq!(stat("f/x"), Some(Errno::ENOTDIR));
    assert_eq!(stat("f/.."), Some(Errno::ENOTDIR));
    assert_eq!(sys::chdir(b"f"), Err(Errno::ENOTDIR));
    assert_eq!(sys::chdir(b"no"), Err(Errno::ENOENT));
    assert_eq!(sys::open_at(99, b"f", O_RDONLY, 0), Err(Errno::EBADF));
    let file = open("f", O_RDONLY);
    assert_eq!(sys::open_at(file, b"x", O_RDONLY, 0), Err(Errno::ENOTDIR));
    // An absolute path does not care for the directory.
    assert!(sys::open_at(99, b"/", O_RDONLY, 0).is_ok());
    sys::mkdir(b"d", 0o755).unwrap();
    write("d/g", b"at");
    let dir = open("d", O_RDONLY);
    let at = sys::open_at(dir, b"g", O_RDONLY, 0).unwrap();
    assert_eq!(super::support::read_exact(at, 2), b"at");
}

fn access_checks() {
    write("f", b"");
    assert_eq!(sys::access(b"f", abi::fcntl::F_OK), Ok(()));
    assert_eq!(
        sys::access(b"f", abi::fcntl::R_OK | abi::fcntl::W_OK),
        Ok(())
    );
    assert_eq!(sys::access(b"f", abi::fcntl::X_OK), Err(Errno::EACCES));
    assert_eq!(sys::access(b"no", abi::fcntl::F_OK), Err(Errno::ENOENT));
    assert_eq!(sys::access(b"f", 0x77), Err(Errno::EINVAL));
}
