//! Says so, and fails, where there is no silicon to compare with.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[test]
fn the_host_is_an_x86_64_linux() {
    panic!("the comparison with silicon needs an x86-64 Linux host: nothing was compared");
}
