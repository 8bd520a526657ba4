//! Tests of the file system as a whole, on a disk in memory. What happens when the machine crashes
//! is tested in `tests/crash.rs`.

use super::*;
use abi::stat::S_IFMT;
use abi::time::Timespec;
use alloc::vec;
use alloc::vec::Vec;

const NOW: Timespec = Timespec { sec: 1000, nsec: 5 };
const NEW: NewFile = NewFile {
    perm: 0o644,
    uid: 1,
    gid: 2,
    now: NOW,
};

fn fresh(blocks: u32) -> Fs<MemStore> {
    Fs::format(MemStore::new(blocks), &FormatOptions::default()).unwrap()
}

/// Unmounts, checks, and mounts again.
fn checked(fs: Fs<MemStore>) -> Fs<MemStore> {
    let mut store = fs.unmount().unwrap();
    let report = fsck(&mut store).unwrap();
    assert!(report.is_clean(), "{:#?}", report.problems);
    Fs::mount(store).unwrap()
}

fn names(fs: &mut Fs<MemStore>, dir: u32) -> Vec<Vec<u8>> {
    let mut names: Vec<_> = fs
        .list(dir)
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names
}

fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251 + seed) as u8).collect()
}

#[test]
fn a_new_file_system_is_clean_and_empty() {
    let mut fs = checked(fresh(256));
    assert_eq!(names(&mut fs, ROOT_INO), Vec::<Vec<u8>>::new());
    assert_eq!(fs.lookup(ROOT_INO, b".."), Ok(ROOT_INO));
    assert_eq!(fs.stat(ROOT_INO).unwrap().nlink, 2);
}

#[test]
fn files_keep_their_contents_and_attributes() {
    let mut fs = fresh(2048);
    let data = pattern(3_000_000, 1);
    fs.mkdir_all(b"/a/b", &NEW).unwrap();
    fs.write_file(b"/a/b/file", &data, &NEW).unwrap();
    fs.write_symlink(b"/a/link", b"b/file", &NEW).unwrap();
    let mut fs = checked(fs);
    assert_eq!(fs.read_file(b"a/b/file").unwrap(), data);
    let ino = fs.resolve(b"/a/b/file").unwrap();
    let stat = fs.stat(ino).unwrap();
    assert_eq!(
        (stat.mode, stat.uid, stat.gid, stat.nlink),
        (0o100644, 1, 2, 1)
    );
    assert_eq!((stat.size, stat.mtime), (3_000_000, NOW));
    let link = fs.resolve(b"/a/link").unwrap();
    assert_eq!(fs.read_link(link).unwrap(), b"b/file");
    assert_eq!(fs.stat(link).unwrap().mode & S_IFMT, abi::stat::S_IFLNK);
    let later = Timespec { sec: 2000, nsec: 0 };
    let changes = Attributes {
        perm: Some(0o600),
        uid: Some(7),
        mtime: Some(later),
        ..Default::default()
    };
    fs.set_attributes(ino, &changes, NOW).unwrap();
    let stat = checked(fs).stat(ino).unwrap();
    assert_eq!(
        (stat.mode, stat.uid, stat.gid, stat.mtime),
        (0o100600, 7, 2, later)
    );
}

#[test]
fn writes_and_cuts_at_any_place_read_back_as_in_memory() {
    let mut fs = fresh(4096);
    let ino = fs.create(ROOT_INO, b"f", &NEW).unwrap();
    let mut model: Vec<u8> = Vec::new();
    let mut seed = 7u64;
    let mut random = |below: u64| {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (seed >> 33) % below
    };
    for round in 0..400 {
        let at = random(6_000_000) as usize;
        if random(5) == 0 {
            fs.truncate(ino, at as u64, NOW).unwrap();
            model.resize(at, 0);
        } else {
            let data = pattern(random(20_000) as usize, round);
            assert_eq!(fs.write_at(ino, at as u64, &data, NOW), Ok(data.len()));
            if !data.is_empty() {
                model.resize(model.len().max(at + data.len()), 0);
                model[at..at + data.len()].copy_from_slice(&data);
            }
        }
        let from = random(6_100_000) as usize;
        let mut out = vec![0xaa; 9000];
        let count = fs.read_at(ino, from as u64, &mut out).unwrap();
        let expected = &model[from.min(model.len())..(from + 9000).min(model.len())];
        assert!(out[..count] == *expected, "round {round}");
    }
    let mut fs = checked(fs);
    assert!(fs.read_whole(ino).unwrap() == model);
}

#[test]
fn a_sparse_file_reaches_past_a_gigabyte() {
    let mut fs = fresh(1024);
    let ino = fs.create(ROOT_INO, b"big", &NEW).unwrap();
    for offset in [3 << 30, MAX_FILE_SIZE - 3] {
        assert_eq!(fs.write_at(ino, offset, b"end", NOW), Ok(3));
    }
    assert_eq!(fs.write_at(ino, MAX_FILE_SIZE - 1, b"over", NOW), Ok(1));
    assert_eq!(
        fs.write_at(ino, MAX_FILE_SIZE, b"over", NOW),
        Err(Errno::EFBIG)
    );
    assert_eq!(fs.truncate(ino, MAX_FILE_SIZE + 1, NOW), Err(Errno::EFBIG));
    let mut fs = checked(fs);
    let mut out = [1; 6];
    fs.read_at(ino, (3 << 30) - 3, &mut out).unwrap();
    assert_eq!(&out, b"\0\0\0end");
    fs.unlink(ROOT_INO, b"big", NOW).unwrap();
    fs.reap(ino).unwrap();
    checked(fs);
}

#[test]
fn names_follow_the_rules_of_unix() {
    let mut fs = fresh(512);
    let dir = fs.mkdir(ROOT_INO, b"dir", &NEW).unwrap();
    let file = fs.create(dir, b"file", &NEW).unwrap();
    assert_eq!(fs.create(dir, b"file", &NEW), Err(Errno::EEXIST));
    assert_eq!(fs.create(dir, b"..", &NEW), Err(Errno::EEXIST));
    assert_eq!(fs.create(dir, &[b'n'; 256], &NEW), Err(Errno::ENAMETOOLONG));
    assert!(fs.create(dir, &[b'n'; 255], &NEW).is_ok());
    assert_eq!(fs.create(file, b"x", &NEW), Err(Errno::ENOTDIR));
    assert_eq!(fs.lookup(dir, b"none"), Err(Errno::ENOENT));
    assert_eq!(fs.link(dir, ROOT_INO, b"d2", NOW), Err(Errno::EPERM));
    fs.link(file, ROOT_INO, b"hard", NOW).unwrap();
    assert_eq!(fs.stat(file).unwrap().nlink, 2);
    assert_eq!(fs.unlink(ROOT_INO, b"dir", NOW), Err(Errno::EISDIR));
    assert_eq!(fs.rmdir(ROOT_INO, b"hard", NOW), Err(Errno::ENOTDIR));
    assert_eq!(fs.rmdir(ROOT_INO, b"dir", NOW), Err(Errno::ENOTEMPTY));
    assert_eq!(fs.rmdir(dir, b".", NOW), Err(Errno::EINVAL));
    assert_eq!(
        fs.unlink(dir, b"file", NOW),
        Ok(Removed {
            ino: file,
            orphaned: false
        })
    );
    assert_eq!(
        fs.unlink(ROOT_INO, b"hard", NOW),
        Ok(Removed {
            ino: file,
            orphaned: true
        })
    );
    fs.write_at(file, 0, b"still open", NOW).unwrap();
    assert_eq!(fs.link(file, ROOT_INO, b"back", NOW), Err(Errno::ENOENT));
    fs.reap(file).unwrap();
    fs.unlink(dir, &[b'n'; 255], NOW).unwrap();
    assert_eq!(
        fs.rmdir(ROOT_INO, b"dir", NOW),
        Ok(Removed {
            ino: dir,
            orphaned: true
        })
    );
    assert_eq!(fs.create(dir, b"late", &NEW), Err(Errno::ENOENT));
    let fs = checked(fs);
    assert_eq!(
        fs.statfs().ffree,
        fs.statfs().files - 1,
        "mounting reaped the orphans"
    );
}

#[test]
fn renames_follow_the_rules_of_unix() {
    use abi::fcntl::{RENAME_EXCHANGE, RENAME_NOREPLACE};
    let mut fs = fresh(512);
    let (a, b) = (
        fs.mkdir(ROOT_INO, b"a", &NEW).unwrap(),
        fs.mkdir(ROOT_INO, b"b", &NEW).unwrap(),
    );
    let sub = fs.mkdir(a, b"sub", &NEW).unwrap();
    let file = fs.create(a, b"f", &NEW).unwrap();
    let other = fs.create(b, b"g", &NEW).unwrap();
    let mut rename = |old, new, flags| fs.rename(old, new, flags, NOW);
    assert_eq!(rename((a, b"none"), (b, b"x"), 0), Err(Errno::ENOENT));
    assert_eq!(rename((ROOT_INO, b"a"), (sub, b"x"), 0), Err(Errno::EINVAL));
    assert_eq!(rename((a, b"."), (b, b"x"), 0), Err(Errno::EBUSY));
    assert_eq!(rename((a, b"f"), (ROOT_INO, b"b"), 0), Err(Errno::EISDIR));
    assert_eq!(rename((a, b"sub"), (b, b"g"), 0), Err(Errno::ENOTDIR));
    assert_eq!(
        rename((ROOT_INO, b"b"), (ROOT_INO, b"a"), 0),
        Err(Errno::ENOTEMPTY)
    );
    assert_eq!(
        rename((a, b"f"), (b, b"g"), RENAME_NOREPLACE),
        Err(Errno::EEXIST)
    );
    assert_eq!(
        rename((a, b"f"), (b, b"x"), RENAME_EXCHANGE),
        Err(Errno::ENOENT)
    );
    assert_eq!(rename((a, b"f"), (a, b"f"), 0), Ok(None));
    assert_eq!(rename((a, b"f"), (b, b"g"), RENAME_EXCHANGE), Ok(None));
    assert_eq!(rename((a, b"sub"), (b, b"g"), RENAME_EXCHANGE), Ok(None));
    // Now a holds g's file and f's file (as sub), b holds sub (as g).
    assert_eq!(rename((a, b"f"), (a, b"sub"), 0), Ok(Some(file)));
    assert_eq!(
        rename((b, b"g"), (ROOT_INO, b"top"), RENAME_NOREPLACE),
        Ok(None)
    );
    assert_eq!(rename((ROOT_INO, b"top"), (ROOT_INO, b"b"), 0), Ok(Some(b)));
    fs.reap(file).unwrap();
    fs.reap(b).unwrap();
    let mut fs = checked(fs);
    assert_eq!(names(&mut fs, ROOT_INO), [b"a", b"b"]);
    assert_eq!(fs.lookup(ROOT_INO, b"b"), Ok(sub));
    assert_eq!(fs.lookup(a, b"sub"), Ok(other));
    assert_eq!(fs.stat(ROOT_INO).unwrap().nlink, 4);
}

#[test]
fn a_large_directory_is_read_completely_while_it_changes() {
    let mut fs = fresh(2048);
    let dir = fs.mkdir(ROOT_INO, b"many", &NEW).unwrap();
    for i in 0..400 {
        fs.create(
            dir,
            alloc::format!("file-with-a-long-name-{i}").as_bytes(),
            &NEW,
        )
        .unwrap();
    }
    let (mut cursor, mut seen) = (0, 0);
    loop {
        let mut batch = Vec::new();
        fs.read_dir(dir, cursor, &mut |entry| {
            batch.push((entry.name.to_vec(), entry.ino as u32));
            cursor = entry.next;
            batch.len() < 7
        })
        .unwrap();
        if batch.is_empty() {
            break;
        }
        // `rm -r` removes what it has read so far before it reads on.
        for (name, ino) in batch {
            if !matches!(&name[..], b"." | b"..") {
                seen += 1;
                fs.unlink(dir, &name, NOW).unwrap();
                fs.reap(ino).unwrap();
            }
        }
    }
    assert_eq!(seen, 400);
    fs.rmdir(ROOT_INO, b"many", NOW).unwrap();
    checked(fs);
}

#[test]
fn a_full_disk_refuses_politely_and_recovers() {
    let mut fs = fresh(300);
    let ino = fs.create(ROOT_INO, b"fill", &NEW).unwrap();
    let free = fs.statfs().bfree;
    let data = pattern(4 << 20, 3);
    let written = fs.write_at(ino, 0, &data, NOW).unwrap();
    assert!(
        written as u64 >= (free - 2) * 4096,
        "{written} of {free} blocks"
    );
    assert_eq!(
        fs.write_at(ino, written as u64, b"more", NOW),
        Err(Errno::ENOSPC)
    );
    assert_eq!(
        fs.write_at(ino, 0, b"over", NOW),
        Ok(4),
        "overwriting needs no space"
    );
    assert_eq!(fs.mkdir(ROOT_INO, b"dir", &NEW), Err(Errno::ENOSPC));
    let mut fs = checked(fs);
    fs.unlink(ROOT_INO, b"fill", NOW).unwrap();
    fs.reap(ino).unwrap();
    assert_eq!(fs.statfs().bfree, free);
    fs.write_file(b"/again", &data[..written], &NEW).unwrap();
    checked(fs);
}

#[test]
fn inodes_run_out_politely() {
    let options = FormatOptions {
        inodes: Some(10),
        ..Default::default()
    };
    let mut fs = Fs::format(MemStore::new(256), &options).unwrap();
    for i in 0..8u8 {
        fs.create(ROOT_INO, &[b'a' + i], &NEW).unwrap();
    }
    assert_eq!(fs.create(ROOT_INO, b"z", &NEW), Err(Errno::ENOSPC));
    let Removed { ino, .. } = fs.unlink(ROOT_INO, b"c", NOW).unwrap();
    fs.reap(ino).unwrap();
    assert_eq!(fs.create(ROOT_INO, b"z", &NEW), Ok(ino));
    checked(fs);
}

#[test]
fn cutting_a_huge_file_takes_several_transactions() {
    let mut fs = fresh(8192);
    let ino = fs.write_file(b"/huge", &vec![1; 20 << 20], &NEW).unwrap();
    fs.sync().unwrap();
    fs.truncate(ino, 5000, NOW).unwrap();
    assert_eq!(fs.stat(ino).unwrap().blocks, 16);
    let mut fs = checked(fs);
    assert_eq!(fs.read_whole(ino).unwrap(), [1; 5000]);
}

/// A disk whose writes fail from the n-th on.
struct Failing(MemStore, usize);

impl BlockStore for Failing {
    fn blocks(&self) -> u64 {
        self.0.blocks()
    }

    fn read(&mut self, block: u32, out: &mut Block) -> Result<(), IoError> {
        self.0.read(block, out)
    }

    fn write(&mut self, block: u32, data: &Block) -> Result<(), IoError> {
        self.1 = self.1.checked_sub(1).ok_or(IoError)?;
        self.0.write(block, data)
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }
}

#[test]
fn a_failing_disk_gives_errors_and_stays_consistent() {
    let image = fresh(256).unmount().unwrap();
    for failing_write in 0..60 {
        let mut fs = Fs::mount(Failing(image.clone(), failing_write)).unwrap();
        let mut failed = false;
        for i in 0..10u8 {
            let name = [b'a' + i];
            let result = fs
                .write_file(&name, &pattern(9000, i.into()), &NEW)
                .and_then(|_| fs.rename((ROOT_INO, &name), (ROOT_INO, b"same"), 0, NOW))
                .and_then(|gone| gone.map_or(Ok(()), |ino| fs.reap(ino)))
                .and_then(|()| fs.sync());
            failed |= result.is_err();
        }
        assert_eq!(failed, failing_write < 60 && fs.store.1 == 0);
        let report = fsck(&mut fs.store.0).unwrap();
        assert!(
            report.is_clean(),
            "write {failing_write}: {:#?}",
            report.problems
        );
    }
}

#[test]
fn what_is_not_a_file_system_is_refused_with_a_reason() {
    let mount = |bytes: Vec<u8>| Fs::mount(MemStore::from_bytes(bytes)).err();
    assert_eq!(mount(vec![]), Some(MountError::NoFileSystem));
    assert_eq!(mount(vec![0; 8192]), Some(MountError::NoFileSystem));
    let image = fresh(256).unmount().unwrap().into_bytes();
    let truncated = MountError::Truncated {
        expected: 256,
        found: 255,
    };
    assert_eq!(mount(image[..image.len() - 1].to_vec()), Some(truncated));
    let mut bad = image.clone();
    bad[16] ^= 1;
    assert_eq!(mount(bad), Some(MountError::Damaged("superblock")));
    let format = |blocks| Fs::format(MemStore::new(blocks), &FormatOptions::default()).err();
    assert_eq!(format(0), Some(MountError::TooSmall));
    assert_eq!(format(38), Some(MountError::TooSmall));
}

#[test]
fn no_damage_to_the_disk_makes_the_file_system_panic() {
    let mut fs = fresh(256);
    fs.mkdir_all(b"/a/b", &NEW).unwrap();
    fs.write_file(b"/a/f", &pattern(100_000, 0), &NEW).unwrap();
    fs.write_symlink(b"/a/l", b"target", &NEW).unwrap();
    fs.unlink(ROOT_INO, b"none", NOW).unwrap_err();
    let disk = fs.disk;
    let image = fs.unmount().unwrap().into_bytes();
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    for _ in 0..3000 {
        let mut bytes = image.clone();
        for _ in 0..1 + random(6) {
            // Mostly where it hurts: the used parts of inodes, directories, bitmaps, orphan table.
            let block = [
                disk.inode_table,
                disk.data,
                disk.block_bitmap,
                disk.inode_bitmap,
                1,
            ][random(5)] as usize
                + random(4) * random(2);
            let part = [64, 1024, 4096][random(3)];
            let at = block * BLOCK_SIZE + random(part);
            let values = [0, 1, 2, 0xff, 0x80, random(256) as u8];
            bytes[at] = values[random(6)];
        }
        let mut store = MemStore::from_bytes(bytes);
        let _ = fsck(&mut store);
        let Ok(mut fs) = Fs::mount(store) else {
            continue;
        };
        let _ = use_everything(&mut fs);
        let _ = fs.sync();
        let _ = fsck(&mut fs.store);
    }
}

/// Does a bit of everything, going on after errors.
fn use_everything(fs: &mut Fs<MemStore>) -> Result<(), Errno> {
    let _ = fs.list(ROOT_INO);
    let _ = fs.resolve(b"/a/b/..").and_then(|ino| fs.list(ino));
    if let Ok(ino) = fs.resolve(b"/a/f") {
        let _ = fs.read_at(ino, 60_000, &mut [0; 9000]);
        let _ = fs.write_at(ino, 90_000, &[1; 30_000], NOW);
        let _ = fs.truncate(ino, 1000, NOW);
    }
    let _ = fs
        .resolve(b"/a/l")
        .and_then(|ino| fs.read_link(ino).map(drop));
    let _ = fs.mkdir_all(b"/x/y/z", &NEW);
    let _ = fs.write_file(b"/x/new", &[2; 70_000], &NEW);
    if let (Ok(a), Ok(x)) = (fs.resolve(b"/a"), fs.resolve(b"/x")) {
        let _ = fs.rename((a, b"b"), (x, b"moved"), 0, NOW);
        if let Ok(removed) = fs.unlink(a, b"f", NOW)
            && removed.orphaned
        {
            let _ = fs.reap(removed.ino);
        }
        let _ = fs.rmdir(x, b"moved", NOW);
    }
    Ok(())
}
