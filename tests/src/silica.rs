//! Silica on a machine in this process, for tests that look where the program does not let them.

use crate::glassbox::images;
use glassbox::fault::Plan;
use glassbox::guest::{Arch, Guest, Options};
use machine::AnyBoard;
use machine::pc::{Medium, MediumError};
use std::sync::Arc;

/// A machine of either instruction set.
pub type Machine = machine::Machine<AnyBoard, Plan>;

/// A disk image that machines share.
#[derive(Clone)]
struct Image(Arc<[u8]>);

impl Medium for Image {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), MediumError> {
        let from = offset as usize;
        let data = self.0.get(from..from + buffer.len()).ok_or(MediumError)?;
        buffer.copy_from_slice(data);
        Ok(())
    }
}

/// Silica's images for an instruction set.
pub struct Silica {
    /// The instruction set.
    pub arch: Arch,
    /// The kernel's ELF file.
    pub kernel: Arc<[u8]>,
    image: Image,
}

impl Silica {
    /// Those for the instruction set of this name.
    #[track_caller]
    pub fn on(arch: &str) -> Self {
        let read = |name| std::fs::read(images(arch).join(name)).expect("the image is there");
        Self {
            arch: arch.parse().expect("its name"),
            kernel: read("kernel.elf").into(),
            image: Image(read("fs.img").into()),
        }
    }

    /// A guest with 32 MiB that is about to boot, and then to run a shell line or to come to its prompt.
    pub fn guest(&self, cpus: usize, line: Option<&str>) -> Guest {
        let mut options = Options::new(Arc::clone(&self.kernel));
        options.arch = self.arch;
        options.cpus = cpus;
        options.memory = 32 << 20;
        options.line = line.map(str::to_owned);
        options.disk = Some(Box::new(self.image.clone()));
        options.seed = 5;
        Guest::new(options).expect("the kernel is sound")
    }

    /// A machine that is about to boot and to run a shell line.
    pub fn machine(&self, cpus: usize, line: &str) -> Machine {
        self.guest(cpus, Some(line)).machine
    }
}
