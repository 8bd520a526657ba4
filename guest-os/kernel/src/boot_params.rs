//! What the loader asked for: the command line, and the RAM disk. Set once, before anything needs it.

use kcore::cmdline::Options;

use crate::arch::boot::BootInfo;
use crate::sync::Once;

struct Parameters {
    options: Options,
    ramdisk: Option<&'static [u8]>,
}

static PARAMETERS: Once<Parameters> = Once::new();

/// Reads them; the heap must work.
pub fn init(boot: &BootInfo) {
    let ramdisk = crate::mm::boot_module(boot);
    PARAMETERS.set(Parameters { options: Options::parse(boot.cmdline), ramdisk });
}

/// The options of the command line.
pub fn options() -> &'static Options {
    &PARAMETERS.get().expect("boot parameters are read first").options
}

/// The bytes of the RAM disk, if the loader brought one.
pub fn ramdisk() -> Option<&'static [u8]> {
    PARAMETERS.get()?.ramdisk
}
