//! What the loader asked for: the command line, and the RAM disk. Set once, before anything needs it.

use kcore::cmdline::Options;

use crate::arch::boot::BootInfo;
use crate::sync::Once;

struct Parameters {
    command_line: &'static str,
    options: Options,
    ramdisk: Option<&'static [u8]>,
}

static PARAMETERS: Once<Parameters> = Once::new();

/// Reads them; the heap must work.
pub fn init(boot: &BootInfo) {
    let ramdisk = crate::mm::boot_module(boot);
    let mut options = Options::parse(boot.cmdline);
    options.virtio.extend_from_slice(boot.devices);
    PARAMETERS.set(Parameters {
        command_line: boot.cmdline,
        options,
        ramdisk,
    });
}

/// The command line as the loader gave it.
pub fn command_line() -> &'static str {
    PARAMETERS
        .get()
        .map_or("", |parameters| parameters.command_line)
}

/// The options of the command line.
pub fn options() -> &'static Options {
    &PARAMETERS
        .get()
        .expect("boot parameters are read first")
        .options
}

/// The bytes of the RAM disk, if the loader brought one.
pub fn ramdisk() -> Option<&'static [u8]> {
    PARAMETERS.get()?.ramdisk
}
