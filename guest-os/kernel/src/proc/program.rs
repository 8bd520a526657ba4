//! interim
use abi::Errno;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use crate::mm::frame::Frame;
use crate::mm::region::Mappable;

pub struct Program { bytes: &'static [u8] }
impl Program {
    pub fn open(_path: &[u8]) -> Result<Arc<Program>, Errno> {
        let bytes = crate::boot_params::ramdisk().ok_or(Errno::ENOENT)?;
        Ok(Arc::new(Program { bytes }))
    }
    pub fn size(&self) -> u64 { self.bytes.len() as u64 }
    pub fn read(&self, at: u64, to: &mut [u8]) -> Result<(), Errno> {
        let at = at as usize;
        to.copy_from_slice(self.bytes.get(at..at + to.len()).ok_or(Errno::ENOEXEC)?);
        Ok(())
    }
    pub fn script_line(&self) -> Result<Option<(Vec<u8>, Option<Vec<u8>>)>, Errno> { Ok(None) }
}
impl Mappable for Program {
    fn page(&self, index: u64) -> Result<Frame, Errno> {
        let at = index as usize * 4096;
        if at >= self.bytes.len() { return Err(Errno::ENXIO); }
        let f = Frame::zeroed()?;
        f.write(0, &self.bytes[at..self.bytes.len().min(at + 4096)]);
        Ok(f)
    }
    fn path(&self) -> String { "program".into() }
}
