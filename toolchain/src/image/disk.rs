//! mkfs: fills a disk by a recipe, through the very file system that the kernel runs (`kcore`).
//!
//! Inodes are given out in the recipe's order, everything belongs to root and has one time, so the
//! bytes depend on nothing else.

use abi::Errno;
use abi::time::Timespec;
use anyhow::{Context, Result, anyhow};
use kcore::fs::{BLOCK_SIZE, FormatOptions, Fs, MemStore, NewFile};
use kcore::ksyms;

use super::recipe::Recipe;

/// The disk's bytes. `files` are the contents of the recipe's files, in its order; `programs` are
/// name and contents of what goes into the recipe's folder of programs.
pub fn make(recipe: &Recipe, files: &[Vec<u8>], programs: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let now = Timespec {
        sec: recipe.disk.time,
        nsec: 0,
    };
    let blocks = (recipe.disk.size_mib << 20) / BLOCK_SIZE as u64;
    let store = MemStore::new(u32::try_from(blocks).context("the disk is too large")?);
    let options = FormatOptions {
        inodes: Some(recipe.disk.inodes),
        now,
        ..FormatOptions::default()
    };
    let mut fs =
        Fs::format(store, &options).map_err(|error| anyhow!("cannot format the disk: {error}"))?;

    let new = |mode: u32| NewFile {
        perm: mode,
        uid: 0,
        gid: 0,
        now,
    };
    for directory in &recipe.directory {
        fs.mkdir_all(directory.path.as_bytes(), &new(directory.mode))
            .map_err(on(&directory.path))?;
    }
    for (file, bytes) in recipe.file.iter().zip(files) {
        fs.write_file(file.path.as_bytes(), bytes, &new(file.mode))
            .map_err(on(&file.path))?;
    }
    for link in &recipe.symlink {
        let target = link.target.as_bytes();
        fs.write_symlink(link.path.as_bytes(), target, &new(0o777))
            .map_err(on(&link.path))?;
    }
    for (name, bytes) in programs {
        let path = format!("{}/{name}", recipe.programs.into);
        fs.write_file(path.as_bytes(), bytes, &new(recipe.programs.mode))
            .map_err(on(&path))?;
    }
    let store = fs.unmount().map_err(on("the disk"))?;
    Ok(store.into_bytes())
}

/// Says which path an error is about.
fn on(path: &str) -> impl Fn(Errno) -> anyhow::Error {
    move |errno| anyhow!("cannot put {path} on the disk: {errno}")
}

/// The kernel with the table of function names that its panics print from.
pub fn with_symbol_table(mut kernel: Vec<u8>) -> Result<Vec<u8>> {
    let demangle = |name: &str| format!("{:#}", rustc_demangle::demangle(name));
    ksyms::embed(&mut kernel, demangle)
        .map_err(|error| anyhow!("cannot put the symbol table into the kernel: {error:?}"))?;
    Ok(kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = r#"
        disk = { size_mib = 8, inodes = 64, time = 1000 }
        programs = { into = "/bin", mode = 0o755 }
        directory = [{ path = "/bin", mode = 0o755 }, { path = "/tmp", mode = 0o1777 }]
        file = [{ path = "/README", from = "x", mode = 0o644 }]
        symlink = [{ path = "/bin/[", target = "test" }]
    "#;

    fn disk() -> Result<Vec<u8>> {
        let recipe: Recipe = toml::from_str(RECIPE)?;
        make(
            &recipe,
            &[b"read me".to_vec()],
            &[("test".to_string(), vec![7; 100_000])],
        )
    }

    #[test]
    fn everything_in_the_recipe_is_on_the_disk_with_its_mode_and_time() {
        let mut fs = Fs::mount(MemStore::from_bytes(disk().unwrap())).unwrap();
        assert_eq!(fs.read_file(b"/README").unwrap(), b"read me");
        assert_eq!(fs.read_file(b"/bin/test").unwrap(), vec![7; 100_000]);
        let link = fs.resolve(b"/bin/[").unwrap();
        assert_eq!(fs.read_link(link).unwrap(), b"test");
        for (path, mode) in [
            (b"/tmp".as_slice(), 0o1777),
            (b"/bin/test", 0o755),
            (b"/README", 0o644),
        ] {
            let ino = fs.resolve(path).unwrap();
            let stat = fs.stat(ino).unwrap();
            assert_eq!(
                stat.mode & 0o7777,
                mode,
                "{}",
                String::from_utf8_lossy(path)
            );
            assert_eq!((stat.mtime.sec, stat.uid), (1000, 0));
        }
    }

    #[test]
    fn a_disk_is_sound_and_comes_out_the_same_twice() {
        let first = disk().unwrap();
        assert!(first == disk().unwrap());
        let report = kcore::fs::fsck(&mut MemStore::from_bytes(first)).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }

    #[test]
    fn a_disk_that_is_too_small_is_an_error_that_names_the_file() {
        let recipe: Recipe = toml::from_str(RECIPE).unwrap();
        let error = make(&recipe, &[vec![1; 16 << 20]], &[]).unwrap_err();
        assert!(error.to_string().contains("/README"), "{error}");
    }
}
