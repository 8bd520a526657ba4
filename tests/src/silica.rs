//! Silica on a machine in this process, for tests that look where the program does not let them.

use crate::glassbox::images;
use base::Seeded;
use machine::Machine;
use machine::pc::{Config, Medium, MediumError, Pc, Shape};

/// A disk image in memory.
struct Image(Vec<u8>);

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

/// A machine of 32 MiB that is about to boot and to run a shell line.
#[track_caller]
pub fn machine(cpus: usize, line: &str) -> Machine<Pc, Seeded> {
    let kernel = std::fs::read(images().join("kernel.elf")).unwrap();
    let image = Image(std::fs::read(images().join("fs.img")).unwrap());
    let command_line = format!("run=\"{line}\"");
    let config = Config {
        cpus,
        memory: 32 << 20,
        kernel: &kernel,
        command_line: command_line.as_bytes(),
        initrd: None,
        disk: Some(Box::new(image)),
        stdio: true,
        seed: 5,
        calendar: 1_767_225_600,
        tlb: Shape::default(),
    };
    Machine::new(Pc::new(config).unwrap(), Seeded::new(5))
}
