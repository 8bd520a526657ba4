//! The file of a program: opened by exec, and kept by the regions that its pages come from.

use abi::Errno;
use abi::stat::{S_IFMT, S_IFREG};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::current;
use crate::fs::inode::InodeRef;
use crate::fs::walk::{self, Last};
use crate::mm::address::PAGE_SIZE;
use crate::mm::region::{FilePage, Mappable};

/// Any of the three "may execute" permissions.
const EXECUTABLE: u32 = 0o111;
/// Longest first line of a script that is looked at, as on Linux.
const SCRIPT_LINE_MAX: usize = 256;

/// A file that appears in memory.
pub struct Program {
    inode: InodeRef,
    path: Vec<u8>,
    size: u64,
}

/// The first line of a script: the interpreter, and its argument if there is one.
pub type ScriptLine = (Vec<u8>, Option<Vec<u8>>);

impl Program {
    /// Opens a program by its path; `EACCES` if it is no file or not executable.
    pub fn open(path: &[u8]) -> Result<Arc<Program>, Errno> {
        let directory = current().file_context.lock().directory();
        let inode = walk::find(&directory, path, Last::Follow)?;
        let mode = inode.mode();
        if mode & S_IFMT != S_IFREG || mode & EXECUTABLE == 0 {
            return Err(Errno::EACCES);
        }
        Self::new(inode, path)
    }

    /// A file to be mapped.
    pub fn new(inode: InodeRef, path: &[u8]) -> Result<Arc<Program>, Errno> {
        let size = inode.stat()?.size as u64;
        Ok(Arc::new(Program {
            inode,
            path: path.to_vec(),
            size,
        }))
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Fills `to` from offset `at`; `ENOEXEC` beyond the end.
    pub fn read(&self, at: u64, to: &mut [u8]) -> Result<(), Errno> {
        if at
            .checked_add(to.len() as u64)
            .is_none_or(|end| end > self.size)
        {
            return Err(Errno::ENOEXEC);
        }
        let mut done = 0;
        while done < to.len() {
            let position = at as usize + done;
            let offset = position % PAGE_SIZE;
            let len = (PAGE_SIZE - offset).min(to.len() - done);
            self.inode
                .page((position / PAGE_SIZE) as u64)?
                .frame
                .read(offset, &mut to[done..done + len]);
            done += len;
        }
        Ok(())
    }

    /// What `#!` in the first line says, if the file starts so.
    pub fn script_line(&self) -> Result<Option<ScriptLine>, Errno> {
        let mut bytes = [0; SCRIPT_LINE_MAX];
        let len = (self.size as usize).min(SCRIPT_LINE_MAX);
        self.read(0, &mut bytes[..len])?;
        let Some(rest) = bytes[..len].strip_prefix(b"#!") else {
            return Ok(None);
        };
        let line = rest
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or(rest)
            .trim_ascii();
        let (interpreter, argument) = match line.iter().position(|byte| byte.is_ascii_whitespace())
        {
            Some(space) => (&line[..space], Some(line[space..].trim_ascii().to_vec())),
            None => (line, None),
        };
        if interpreter.is_empty() {
            return Err(Errno::ENOEXEC);
        }
        Ok(Some((interpreter.to_vec(), argument)))
    }
}

impl Mappable for Program {
    fn page(&self, index: u64) -> Result<FilePage, Errno> {
        self.inode.page(index)
    }

    fn path(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}
