//! Tests of the checker: it finds each kind of damage, and names it.

use super::super::{FormatOptions, Fs, MemStore, NewFile, ROOT_INO};
use super::*;
use abi::layout::SUPERBLOCK;

const DIR: u32 = 2;
const FILE: u32 = 3;
const LINK: u32 = 4;

/// A disk with `/dir/file` (direct and indirect blocks) and a symbolic link `/link`.
fn disk() -> (MemStore, Geometry) {
    let new = NewFile::default();
    let mut fs = Fs::format(MemStore::new(256), &FormatOptions::default()).unwrap();
    assert_eq!(fs.mkdir(ROOT_INO, b"dir", &new), Ok(DIR));
    assert_eq!(fs.write_file(b"/dir/file", &[7; 100_000], &new), Ok(FILE));
    assert_eq!(fs.write_symlink(b"/link", b"dir/file", &new), Ok(LINK));
    let mut store = fs.unmount().unwrap();
    let geometry = Geometry::read(&mut store).unwrap();
    (store, geometry)
}

fn edit_block(store: &mut MemStore, block: u32, edit: impl FnOnce(&mut Block)) {
    let mut data = zero_block();
    store.read(block, &mut data).unwrap();
    edit(&mut data);
    store.write(block, &data).unwrap();
}

/// Damages a fresh disk and expects a problem with this text.
fn check(expected: &str, damage: impl FnOnce(&mut MemStore, &Geometry)) {
    let (mut store, geometry) = disk();
    damage(&mut store, &geometry);
    let problems = fsck(&mut store).unwrap().problems;
    let found = problems.iter().any(|problem| problem.contains(expected));
    assert!(found, "`{expected}` is not among {problems:#?}");
}

fn check_inode(expected: &str, ino: u32, damage: impl FnOnce(&mut DiskInode)) {
    check(expected, |store, geometry| {
        let at = ino as usize * INODE_SIZE;
        edit_block(store, geometry.inode_table, |block| {
            let mut inode = DiskInode::get(&block[at..]);
            damage(&mut inode);
            inode.put(&mut block[at..]);
        });
    });
}

/// Damages the only block of a directory.
fn check_dir(expected: &str, ino: u32, damage: impl FnOnce(&mut Block)) {
    check(expected, |store, geometry| {
        let mut table = zero_block();
        store.read(geometry.inode_table, &mut table).unwrap();
        let inode = DiskInode::get(&table[ino as usize * INODE_SIZE..]);
        edit_block(store, inode.direct[0], damage);
    });
}

#[test]
fn a_sound_disk_has_no_problems() {
    let (mut store, _) = disk();
    let report = fsck(&mut store).unwrap();
    assert!(report.is_clean(), "{:#?}", report.problems);
    // Blocks: the root and `dir`, 25 of data and one of pointers, the link.
    assert_eq!(
        (report.inodes, report.blocks, report.orphans),
        (4, 2 + 26 + 1, 0)
    );
}

#[test]
fn damaged_inodes_are_found() {
    check_inode("inode 3: mode 10", FILE, |i| i.mode = 0o10);
    check_inode("inode 3: size", FILE, |i| i.size = MAX_FILE_SIZE + 1);
    check_inode("inode 3: blocks past the end", FILE, |i| i.size = 20 * 4096);
    check_inode("inode 3: has 26 blocks, counts 25", FILE, |i| i.blocks -= 1);
    check_inode("inode 3: pointer to block 1", FILE, |i| i.direct[3] = 1);
    check_inode("inode 3: pointer to block 999", FILE, |i| i.indirect = 999);
    check_inode("in inode 3 and in inode 3", FILE, |i| {
        i.direct[3] = i.direct[4]
    });
    check_inode("inode 3: 1 links, counts 2", FILE, |i| i.nlink = 2);
    check_inode("inode 1: 3 links, counts 2", ROOT_INO, |i| i.nlink = 2);
    check_inode("directory 2: size 4000", DIR, |i| i.size = 4000);
    check_inode("directory 2: block 0 is missing", DIR, |i| i.direct[0] = 0);
    check_inode("directory 2: block 1 is missing", DIR, |i| {
        // The same block for ever, as nobody but an attacker would write.
        i.size = MAX_FILE_SIZE / BLOCK_SIZE as u64 * BLOCK_SIZE as u64;
        i.direct = [i.direct[0]; DIRECT];
    });
    check_inode("names free inode 4", LINK, |i| *i = DiskInode::ZERO);
}

#[test]
fn damaged_bitmaps_are_found() {
    let flip = |region: fn(&Geometry) -> u32, bit: usize| {
        move |store: &mut MemStore, geometry: &Geometry| {
            edit_block(store, region(geometry), |block| {
                block[bit / 8] ^= 1 << (bit % 8)
            });
        }
    };
    check(
        "bitmap: inode 3 is used but free",
        flip(|g| g.inode_bitmap, 3),
    );
    check(
        "bitmap: inode 9 is unused but not free",
        flip(|g| g.inode_bitmap, 9),
    );
    check(
        "bitmap: block 0 is used but free",
        flip(|g| g.block_bitmap, 0),
    );
    check(
        "bitmap: block 255 is unused but not free",
        flip(|g| g.block_bitmap, 255),
    );
}

#[test]
fn damaged_directories_are_found() {
    // The records of `dir`: `.` at 0, `..` at 12, `file` at 24.
    check_dir("bad record in block 0", DIR, |block| block[4] = 13);
    check_dir("bad record in block 0", DIR, |block| block[24 + 6] = 0);
    check_dir("directory 2: `.` names inode 1", DIR, |block| block[0] = 1);
    check_dir("`..` is not its parent", DIR, |block| block[12] = 2);
    check_dir("lacks `.` or `..`", DIR, |block| block[12 + 9] = b'x');
    check_dir("`file` names free inode 9", DIR, |block| block[24] = 9);
    check_dir("`file` has the wrong type", DIR, |block| block[24 + 7] = 4);
    check_dir("inode 3: has no name and is no orphan", DIR, |block| {
        block[24] = 0
    });
    // In the root `dir` is at 24 and `link` at 36.
    check_dir("`dir` twice", ROOT_INO, |block| {
        block.copy_within(24..35, 36)
    });
    check_dir("directory 2: not under the root", ROOT_INO, |block| {
        block[24] = 0
    });
}

#[test]
fn a_damaged_orphan_table_is_found() {
    let put = |inos: &'static [u8]| {
        move |store: &mut MemStore, _: &Geometry| {
            edit_block(store, ORPHANS, |block| {
                inos.iter()
                    .enumerate()
                    .for_each(|(slot, ino)| block[slot * 4] = *ino);
            });
        }
    };
    check("orphan table: inode 3 twice", put(&[3, 3]));
    check("orphan table: inode 9 is not in use", put(&[0, 9]));
}

#[test]
fn a_disk_without_a_superblock_is_an_error() {
    let (mut store, _) = disk();
    edit_block(&mut store, SUPERBLOCK, |block| block[0] = b'X');
    assert_eq!(fsck(&mut store), Err(MountError::NoFileSystem));
}
