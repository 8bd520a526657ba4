//! Open files: flags, positions, sizes, descriptors.

use super::cases;
use super::support::{
    PAGE, exists, expect_exit, open, pattern, read, read_exact, spawn, write, write_all,
};
use abi::fcntl::{
    O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY,
    SEEK_CUR, SEEK_END, SEEK_SET,
};
use abi::mman::{MAP_PRIVATE, PROT_READ};
use abi::poll::Iovec;
use abi::time::Timespec;
use abi::{Errno, nr};
use rust_alloc::vec;
use rust_alloc::vec::Vec;
use ulib::arch::wild;
use ulib::sys;

cases! {
    open_flags "O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY and O_NOFOLLOW";
    open_modes "a descriptor allows only what it was opened for";
    open_append "O_APPEND writes go to the end, whoever else writes";
    create_mode "a new file has the mode asked for, less the umask";
    read_write "what is written is read back, in pieces of any size";
    overwrite "writing inside a file changes just those bytes";
    big_file "a file of two megabytes keeps every byte";
    big_write "one write of a megabyte is complete";
    seek "lseek counts from start, position and end, and refuses what lies before the start";
    seek_hole "a hole behind a seek reads as zero and takes no room";
    pread_pwrite "pread and pwrite leave the position alone";
    vectors "readv and writev gather and scatter in order";
    truncate_grows "ftruncate cuts and lengthens, and what it uncovers is zero";
    truncate_maps "a mapping shows zeros behind the end of a file that was cut and is read anew", only "it would drop the caches of the host";
    truncate_bad "truncation of what cannot be truncated is refused";
    unlinked_open "an unlinked file lives until its last descriptor is closed";
    dup_shares "duplicates share the position, and closing one leaves the other";
    dup_numbers "dup takes the lowest number, dup2 the one asked for, fcntl the next from there";
    dup_bad "duplicating or using what is not open is EBADF";
    out_of_descriptors "a process that opens until it cannot gets EMFILE, and can go on";
    special_files "/dev/null and /dev/zero do as their names say";
    wrong_object "reading directories and seeking pipes is refused";
    fsync_works "fsync takes files and refuses pipes";
    file_times "writing moves the times of a file, and utimensat sets them";
    permissions_stored "chmod and fchmod change what stat tells";
    disk_full "a full disk is ENOSPC, and removing files gives the room back", only "it would fill the disk of the host";
}

fn open_flags() {
    let open = |path: &str, flags| sys::open(path.as_bytes(), flags, 0o644);
    assert_eq!(open("f", O_RDONLY), Err(Errno::ENOENT));
    assert!(open("f", O_RDWR | O_CREAT | O_EXCL).is_ok());
    assert_eq!(open("f", O_RDWR | O_CREAT | O_EXCL), Err(Errno::EEXIST));
    write("f", b"content");
    assert!(open("f", O_WRONLY | O_CREAT).is_ok());
    assert_eq!(read("f"), b"content");
    assert!(open("f", O_WRONLY | O_TRUNC).is_ok());
    assert_eq!(read("f"), b"");
    assert_eq!(open("f", O_RDONLY | O_DIRECTORY), Err(Errno::ENOTDIR));
    assert_eq!(open("f/x", O_RDONLY), Err(Errno::ENOTDIR));
    assert_eq!(open("no/x", O_RDWR | O_CREAT), Err(Errno::ENOENT));
    sys::mkdir(b"d", 0o755).unwrap();
    assert!(open("d", O_RDONLY | O_DIRECTORY).is_ok());
    assert_eq!(open("d", O_WRONLY), Err(Errno::EISDIR));
    assert_eq!(open("d", O_RDONLY | O_CREAT), Err(Errno::EISDIR));
    sys::symlink(b"f", b"l").unwrap();
    assert_eq!(open("l", O_RDONLY | O_NOFOLLOW), Err(Errno::ELOOP));
    assert_eq!(open("l", O_RDWR | O_CREAT | O_EXCL), Err(Errno::EEXIST));
    // Creating through a dangling link makes its target.
    sys::symlink(b"target", b"dangling").unwrap();
    assert!(open("dangling", O_WRONLY | O_CREAT).is_ok());
    assert!(exists("target"));
}

fn open_modes() {
    write("f", b"x");
    let reader = open("f", O_RDONLY);
    let writer = open("f", O_WRONLY);
    assert_eq!(sys::write(reader, b"y"), Err(Errno::EBADF));
    assert_eq!(sys::read(writer, &mut [0]), Err(Errno::EBADF));
    assert_eq!(sys::ftruncate(reader, 0), Err(Errno::EINVAL));
    let mode = abi::fcntl::O_ACCMODE;
    assert_eq!(
        sys::status_flags(reader).map(|flags| flags & mode),
        Ok(O_RDONLY)
    );
    assert_eq!(
        sys::status_flags(writer).map(|flags| flags & mode),
        Ok(O_WRONLY)
    );
}

fn open_append() {
    write("f", b"start ");
    let (a, b) = (
        open("f", O_WRONLY | O_APPEND),
        open("f", O_WRONLY | O_APPEND),
    );
    for _ in 0..3 {
        write_all(a, b"a");
        sys::lseek(b, 0, SEEK_SET).unwrap();
        write_all(b, b"b");
    }
    assert_eq!(read("f"), b"start ababab");
}

fn create_mode() {
    sys::umask(0o022);
    sys::open(b"a", O_CREAT | O_WRONLY, 0o666).unwrap();
    assert_eq!(sys::umask(0o077), 0o022);
    sys::open(b"b", O_CREAT | O_WRONLY, 0o666).unwrap();
    sys::mkdir(b"d", 0o777).unwrap();
    let mode = |path: &[u8]| sys::stat(path).unwrap().mode;
    assert_eq!(
        (mode(b"a"), mode(b"b"), mode(b"d")),
        (0o100644, 0o100600, 0o040700)
    );
}

fn read_write() {
    let content = pattern(1, 50_000);
    let fd = open("f", O_RDWR | O_CREAT);
    let mut rest = &content[..];
    for size in [1, 511, 512, 513, 4095, 4096, 4097].into_iter().cycle() {
        let (part, after) = rest.split_at(rest.len().min(size));
        write_all(fd, part);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    sys::lseek(fd, 0, SEEK_SET).unwrap();
    let mut back = Vec::new();
    for size in [1000, 1, 4096, 77].into_iter().cycle() {
        let mut buffer = vec![0; size];
        match sys::read(fd, &mut buffer).unwrap() {
            0 => break,
            n => back.extend_from_slice(&buffer[..n]),
        }
    }
    assert!(back == content);
}

fn overwrite() {
    let mut content = pattern(2, 20_000);
    write("f", &content);
    let fd = open("f", O_RDWR);
    for (offset, len) in [(0, 3), (511, 2), (4090, 12), (8192, 4096), (19_990, 10)] {
        let part = pattern(offset as u64 + 9, len);
        sys::pwrite(fd, &part, offset as i64).unwrap();
        content[offset..offset + len].copy_from_slice(&part);
    }
    assert!(read("f") == content);
}

fn big_file() {
    const SIZE: usize = 2 << 20;
    let fd = open("f", O_RDWR | O_CREAT);
    let block = |i: usize| pattern(i as u64, 16 * 1024);
    (0..SIZE / 16_384).for_each(|i| write_all(fd, &block(i)));
    let stat = sys::fstat(fd).unwrap();
    assert_eq!(stat.size, SIZE as i64);
    assert!(stat.blocks * 512 >= SIZE as i64);
    for i in (0..SIZE / 16_384).rev() {
        sys::lseek(fd, (i * 16_384) as i64, SEEK_SET).unwrap();
        assert!(read_exact(fd, 16_384) == block(i), "block {i}");
    }
}

fn big_write() {
    let content = pattern(3, 1 << 20);
    let fd = open("f", O_RDWR | O_CREAT);
    assert_eq!(sys::write(fd, &content), Ok(content.len()));
    assert!(read("f") == content);
}

fn seek() {
    write("f", b"0123456789");
    let fd = open("f", O_RDONLY);
    assert_eq!(sys::lseek(fd, 3, SEEK_SET), Ok(3));
    assert_eq!(read_exact(fd, 2), b"34");
    assert_eq!(sys::lseek(fd, -1, SEEK_CUR), Ok(4));
    assert_eq!(sys::lseek(fd, -2, SEEK_END), Ok(8));
    assert_eq!(read_exact(fd, 2), b"89");
    assert_eq!(sys::lseek(fd, -1, SEEK_SET), Err(Errno::EINVAL));
    assert_eq!(sys::lseek(fd, -11, SEEK_END), Err(Errno::EINVAL));
    assert_eq!(sys::lseek(fd, 0, 99), Err(Errno::EINVAL));
    assert_eq!(sys::lseek(fd, 0, SEEK_CUR), Ok(10));
    assert_eq!(sys::lseek(fd, 100, SEEK_SET), Ok(100));
    assert_eq!(sys::read(fd, &mut [0; 4]), Ok(0));
    let far = sys::lseek(fd, i64::MAX, SEEK_CUR);
    assert!(
        matches!(far, Err(Errno::EINVAL | Errno::EOVERFLOW)),
        "{far:?}"
    );
}

fn seek_hole() {
    let fd = open("f", O_RDWR | O_CREAT);
    write_all(fd, b"start");
    sys::lseek(fd, 300_000, SEEK_SET).unwrap();
    write_all(fd, b"end");
    let stat = sys::fstat(fd).unwrap();
    assert_eq!(stat.size, 300_003);
    assert!(stat.blocks * 512 < 100_000, "{} blocks", stat.blocks);
    let content = read("f");
    assert!(content.starts_with(b"start") && content.ends_with(b"end"));
    assert!(content[5..300_000].iter().all(|b| *b == 0));
    sys::pwrite(fd, b"mid", 150_000).unwrap();
    let content = read("f");
    assert!(&content[150_000..150_003] == b"mid");
    assert_eq!(content.iter().filter(|b| **b != 0).count(), 5 + 3 + 3);
}

fn pread_pwrite() {
    write("f", b"0123456789");
    let fd = open("f", O_RDWR);
    let mut buffer = [0; 3];
    assert_eq!(sys::pread(fd, &mut buffer, 4), Ok(3));
    assert_eq!(&buffer, b"456");
    assert_eq!(sys::pread(fd, &mut buffer, 9), Ok(1));
    assert_eq!(sys::pread(fd, &mut buffer, 10), Ok(0));
    assert_eq!(sys::pwrite(fd, b"AB", 8), Ok(2));
    assert_eq!(sys::lseek(fd, 0, SEEK_CUR), Ok(0));
    assert_eq!(read("f"), b"01234567AB");
    assert_eq!(sys::pread(fd, &mut buffer, -1), Err(Errno::EINVAL));
    let (pipe, _) = sys::pipe().unwrap();
    assert_eq!(sys::pread(pipe, &mut buffer, 0), Err(Errno::ESPIPE));
}

fn vectors() {
    let parts: [&[u8]; 4] = [b"one", b"", b"two", b"three"];
    let iovecs = |parts: &[(u64, usize)]| -> Vec<u8> {
        parts
            .iter()
            .flat_map(|(base, len)| {
                Iovec {
                    base: *base,
                    len: *len as u64,
                }
                .to_bytes()
            })
            .collect()
    };
    let fd = open("f", O_RDWR | O_CREAT);
    let out = iovecs(&parts.map(|part| (part.as_ptr() as u64, part.len())));
    let vector = |number, bytes: &[u8], count| {
        wild::syscall(number, [fd as u64, bytes.as_ptr() as u64, count, 0, 0, 0])
    };
    assert_eq!(vector(nr::WRITEV, &out, 4), Ok(11));
    assert_eq!(read("f"), b"onetwothree");
    sys::lseek(fd, 0, SEEK_SET).unwrap();
    let (mut a, mut b) = ([0u8; 4], [0u8; 20]);
    let into = iovecs(&[(a.as_mut_ptr() as u64, 4), (b.as_mut_ptr() as u64, 20)]);
    assert_eq!(vector(nr::READV, &into, 2), Ok(11));
    assert_eq!((&a, &b[..7]), (b"onet", &b"wothree"[..]));
    assert_eq!(vector(nr::WRITEV, &out, 5000), Err(Errno::EINVAL));
}

fn truncate_grows() {
    let content = pattern(4, 10_000);
    write("f", &content);
    let fd = open("f", O_RDWR);
    sys::ftruncate(fd, 5000).unwrap();
    assert!(read("f") == content[..5000]);
    sys::ftruncate(fd, 12_000).unwrap();
    let grown = read("f");
    assert!(grown.len() == 12_000 && grown[..5000] == content[..5000]);
    assert!(grown[5000..].iter().all(|b| *b == 0));
    sys::ftruncate(fd, 0).unwrap();
    assert_eq!(sys::fstat(fd).unwrap().blocks, 0);
    sys::ftruncate(fd, 100).unwrap();
    assert_eq!(read("f"), [0; 100]);
}

fn truncate_maps() {
    write("f", &pattern(4, 10_000));
    let fd = open("f", O_RDWR);
    sys::ftruncate(fd, 5000).unwrap();
    write_all(open("/proc/sys/vm/drop_caches", O_WRONLY), b"3");
    let mapped = sys::mmap(0, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0).unwrap();
    for at in 5000..2 * PAGE {
        assert_eq!(wild::load((mapped + at) as u64), 0, "byte {at}");
    }
}

fn truncate_bad() {
    write("f", b"x");
    let fd = open("f", O_RDWR);
    assert_eq!(sys::ftruncate(fd, -1), Err(Errno::EINVAL));
    assert_eq!(sys::ftruncate(99, 0), Err(Errno::EBADF));
    let (_, pipe) = sys::pipe().unwrap();
    assert_eq!(sys::ftruncate(pipe, 0), Err(Errno::EINVAL));
    assert_eq!(read("f"), b"x");
}

fn unlinked_open() {
    let content = pattern(5, 10_000);
    write("f", &content);
    let fd = open("f", O_RDWR);
    sys::unlink(b"f").unwrap();
    assert!(!exists("f"));
    assert_eq!(sys::fstat(fd).unwrap().nlink, 0);
    write("f", b"another");
    assert!(read_exact(fd, 10_000) == content);
    write_all(fd, b"more");
    assert_eq!(sys::fstat(fd).unwrap().size, 10_004);
    expect_exit(
        spawn(|| {
            sys::lseek(fd, 10_000, SEEK_SET).unwrap();
            assert_eq!(read_exact(fd, 4), b"more");
        }),
        0,
    );
    sys::close(fd).unwrap();
    assert_eq!(read("f"), b"another");
}

fn dup_shares() {
    write("f", b"0123456789");
    let a = open("f", O_RDONLY);
    let b = sys::dup(a).unwrap();
    assert_eq!(read_exact(a, 3), b"012");
    assert_eq!(read_exact(b, 3), b"345");
    sys::close(a).unwrap();
    assert_eq!(read_exact(b, 3), b"678");
    let other = open("f", O_RDONLY);
    assert_eq!(read_exact(other, 1), b"0");
}

fn dup_numbers() {
    write("f", b"");
    let fd = open("f", O_RDONLY);
    assert_eq!(sys::dup2(fd, 50), Ok(50));
    assert_eq!(sys::dup2(fd, fd), Ok(fd));
    assert_eq!(sys::dup_from(fd, 50, false), Ok(51));
    let lowest = sys::dup(fd).unwrap();
    assert_eq!(lowest, fd + 1);
    sys::close(fd).unwrap();
    assert_eq!(sys::dup(lowest), Ok(fd));
    // The target is closed first, whatever it was.
    let (reader, writer) = sys::pipe().unwrap();
    sys::dup2(lowest, writer).unwrap();
    assert_eq!(sys::read(reader, &mut [0]), Ok(0));
}

fn dup_bad() {
    assert_eq!(sys::dup(99), Err(Errno::EBADF));
    assert_eq!(sys::dup(-1), Err(Errno::EBADF));
    assert_eq!(sys::dup2(99, 5), Err(Errno::EBADF));
    assert_eq!(sys::dup2(0, -1), Err(Errno::EBADF));
    assert_eq!(sys::dup2(0, 1 << 30), Err(Errno::EBADF));
    assert_eq!(sys::dup3(0, 0, 0), Err(Errno::EINVAL));
    assert_eq!(sys::dup3(0, 5, 0x7), Err(Errno::EINVAL));
    assert_eq!(sys::close(99), Err(Errno::EBADF));
    assert_eq!(sys::read(99, &mut [0]), Err(Errno::EBADF));
    assert_eq!(sys::write(-1, b"x"), Err(Errno::EBADF));
    assert_eq!(sys::fstat(99), Err(Errno::EBADF));
    assert_eq!(sys::lseek(99, 0, SEEK_SET), Err(Errno::EBADF));
    assert_eq!(sys::getdents(99, &mut [0; 100]), Err(Errno::EBADF));
    assert_eq!(sys::fsync(99), Err(Errno::EBADF));
}

fn out_of_descriptors() {
    write("f", b"x");
    let mut open = Vec::new();
    let why = loop {
        match sys::open(b"f", O_RDONLY, 0) {
            Ok(fd) => open.push(fd),
            Err(errno) => break errno,
        }
    };
    assert_eq!(why, Errno::EMFILE);
    assert!(open.len() >= 15, "only {} descriptors", open.len());
    assert_eq!(sys::dup(0), Err(Errno::EMFILE));
    assert_eq!(sys::pipe(), Err(Errno::EMFILE));
    let last = open.pop().unwrap();
    sys::close(last).unwrap();
    // One is not enough for a pipe, and the failure keeps none.
    assert_eq!(sys::pipe(), Err(Errno::EMFILE));
    assert_eq!(sys::open(b"f", O_RDONLY, 0), Ok(last));
    open.into_iter().for_each(|fd| sys::close(fd).unwrap());
    assert!(sys::pipe().is_ok());
}

fn special_files() {
    let null = open("/dev/null", O_RDWR);
    assert_eq!(sys::write(null, &[1; 5000]), Ok(5000));
    assert_eq!(sys::read(null, &mut [0; 10]), Ok(0));
    let zero = open("/dev/zero", O_RDWR);
    let mut buffer = [9; 5000];
    assert_eq!(sys::read(zero, &mut buffer), Ok(5000));
    assert!(buffer.iter().all(|b| *b == 0));
    assert_eq!(sys::write(zero, &buffer), Ok(5000));
    assert_eq!(
        sys::fstat(null).unwrap().mode & abi::stat::S_IFMT,
        abi::stat::S_IFCHR
    );
}

fn wrong_object() {
    let dir = open(".", O_RDONLY);
    assert_eq!(sys::read(dir, &mut [0; 10]), Err(Errno::EISDIR));
    write("f", b"");
    let file = open("f", O_RDONLY);
    assert_eq!(sys::getdents(file, &mut [0; 100]), Err(Errno::ENOTDIR));
    let (reader, writer) = sys::pipe().unwrap();
    assert_eq!(sys::lseek(reader, 0, SEEK_SET), Err(Errno::ESPIPE));
    assert_eq!(sys::read(writer, &mut [0]), Err(Errno::EBADF));
    assert_eq!(sys::write(reader, b"x"), Err(Errno::EBADF));
    assert_eq!(sys::terminal_settings(file), Err(Errno::ENOTTY));
}

fn fsync_works() {
    let fd = open("f", O_RDWR | O_CREAT);
    for round in 0..5 {
        write_all(fd, &pattern(round, 3000));
        assert_eq!(sys::fsync(fd), Ok(()));
    }
    let (_, pipe) = sys::pipe().unwrap();
    assert_eq!(sys::fsync(pipe), Err(Errno::EINVAL));
    sys::sync();
}

fn file_times() {
    write("f", b"x");
    let before = sys::stat(b"f").unwrap();
    super::support::pause(20);
    let fd = open("f", O_WRONLY);
    write_all(fd, b"y");
    let after = sys::stat(b"f").unwrap();
    let time = |time: Timespec| (time.sec, time.nsec);
    assert!(time(after.mtime) > time(before.mtime));
    assert!(time(after.ctime) >= time(after.mtime));
    let wanted = [
        Timespec {
            sec: 1000,
            nsec: 5_000_000,
        },
        Timespec { sec: 2000, nsec: 0 },
    ];
    sys::set_times(b"f", wanted, 0).unwrap();
    let stat = sys::stat(b"f").unwrap();
    assert_eq!((stat.atime.sec, stat.mtime.sec), (1000, 2000));
    assert_eq!(sys::set_times(b"no", wanted, 0), Err(Errno::ENOENT));
    let bad = [Timespec {
        sec: 0,
        nsec: 2_000_000_000,
    }; 2];
    assert_eq!(sys::set_times(b"f", bad, 0), Err(Errno::EINVAL));
}

fn permissions_stored() {
    write("f", b"");
    for mode in [0o000, 0o644, 0o755, 0o4711, 0o1777] {
        sys::chmod(b"f", mode).unwrap();
        assert_eq!(sys::stat(b"f").unwrap().mode, 0o100000 | mode);
    }
    sys::chmod(b"f", 0o600).unwrap();
    let fd = open("f", O_RDONLY);
    sys::fchmod(fd, 0o640).unwrap();
    assert_eq!(sys::fstat(fd).unwrap().mode, 0o100640);
    assert_eq!(sys::chmod(b"no", 0), Err(Errno::ENOENT));
}

fn disk_full() {
    let content = pattern(6, 64 * PAGE);
    let mut names = Vec::new();
    'full: for i in 0.. {
        let name = rust_alloc::format!("big{i}");
        let fd = match sys::open(name.as_bytes(), O_WRONLY | O_CREAT, 0o644) {
            Ok(fd) => fd,
            Err(errno) => {
                assert_eq!(errno, Errno::ENOSPC);
                break;
            }
        };
        names.push(name);
        for _ in 0..64 {
            match sys::write(fd, &content) {
                Ok(n) if n == content.len() => {}
                Ok(_) => {}
                Err(errno) => {
                    assert_eq!(errno, Errno::ENOSPC);
                    sys::close(fd).unwrap();
                    break 'full;
                }
            }
        }
        sys::close(fd).unwrap();
    }
    assert_eq!(
        sys::mkdir(b"d", 0o755)
            .err()
            .filter(|errno| *errno != Errno::ENOSPC),
        None
    );
    names
        .iter()
        .for_each(|name| sys::unlink(name.as_bytes()).unwrap());
    write("after", &content);
    assert!(read("after") == content);
}
