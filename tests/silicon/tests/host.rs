//! Says so, and fails, where there is no silicon to compare with.

#[test]
fn the_host_is_an_x86_64_linux() {
    assert!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "the comparison with silicon needs an x86-64 Linux host: nothing was tested"
    );
}
