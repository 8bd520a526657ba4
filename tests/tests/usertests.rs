//! The guest's own tests, and the host as an oracle for the programs: they are Linux programs and run there, too.

use std::path::Path;
use std::process::{Command, Stdio};
use tests::glassbox::{arches, feed, glassbox, on};

#[track_caller]
fn usertests(cpus: &str) {
    for arch in arches() {
        let ran = glassbox(&on(arch, &["run", "--cpus", cpus, "--", "usertests"]), b"");
        let text = ran.text();
        let failed: Vec<&str> = text.lines().filter(|l| !l.starts_with("ok ")).collect();
        let passed = text.lines().filter(|l| l.starts_with("ok ")).count();
        assert!(passed >= 60, "{passed} cases");
        let sum = format!("{passed} passed, 0 failed");
        assert_eq!(failed, [sum], "{}", ran.stderr);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    }
}

#[test]
fn usertests_pass_with_one_cpu() {
    usertests("1");
}

#[test]
fn usertests_pass_with_two_cpus() {
    usertests("2");
}

#[test]
fn usertests_pass_with_four_cpus() {
    usertests("4");
}

#[test]
fn cases_are_chosen_by_name() {
    for arch in arches() {
        let ran = glassbox(&on(arch, &["run", "--", "usertests leak_files"]), b"");
        let text = ran.text();
        assert!(
            text.starts_with("ok ") && text.contains(" leak_files ("),
            "{text}"
        );
        assert!(
            text.ends_with("\n1 passed, 0 failed\n") && text.lines().count() == 2,
            "{text}"
        );
        assert_ne!(
            glassbox(&on(arch, &["run", "--", "usertests no_such_case"]), b"").status,
            0
        );
    }
}

/// Runs a line on the host by Silica's shell and programs, which lie in `bin`.
fn on_host(bin: &Path, line: &str, input: &[u8]) -> (String, String, i32) {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(bin.join("sh"))
        .args(["-c", line])
        .env_clear()
        .env("PATH", bin)
        .env("HOME", "/root")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ran = feed(child, input.to_vec());
    (ran.text(), ran.stderr, ran.status)
}

/// Checks that lines give the same output, errors and status on the host and in the guest.
#[track_caller]
fn same(lines: &[&str]) {
    const INPUT: &[u8] = b"pear 3\napple 10\nfig 2\napple 10\n\nlast without end";
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    glassbox(
        &[
            "run",
            "--get",
            &format!("/bin:{}", bin.display()),
            "--",
            "true",
        ],
        b"",
    )
    .prints("");
    let mut different = Vec::new();
    for line in lines {
        let guest = glassbox(
            &["run", "--", &format!("mkdir /tmp/w; cd /tmp/w; {line}")],
            INPUT,
        );
        let guest = (guest.text(), guest.stderr, guest.status);
        let host = on_host(&bin, line, INPUT);
        if guest != host {
            different.push(format!("{line}\n guest: {guest:?}\n  host: {host:?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn text_tools_give_on_the_host_what_they_give_in_the_guest() {
    same(&[
        "cat; cat -n /nowhere",
        "wc; wc -l /nowhere",
        "sort; sort -n",
        "sort -r | uniq -c",
        "grep -n 'app.e'; grep -c x",
        "grep -v '^a' | head -n 2",
        "tail -n 2; head -c 3",
        "tr a-z A-Z | cut -d ' ' -f 1",
        "tee copy | wc -c; cat copy",
        "seq 3 -1 1; seq -w 8 10; seq 1 0",
        "echo -n a; echo -e 'b\\tc'; printf '%5d|%-5s|%x\\n' 42 ab 255",
        "basename /a/b.c .c; dirname /a/b/c; env | wc -l >/dev/null",
    ]);
}

#[test]
fn file_tools_give_on_the_host_what_they_give_in_the_guest() {
    same(&[
        "mkdir -p a/b; touch a/x a/b/y; find a; ls -R a; rm a; rm -r a; ls",
        "echo one >f; cp f g; mv f h; cat g h f",
        "echo one >f; ln f g; ln -s f s; cat s g; readlink s; rm f; cat s; cat g",
        "mkdir d; rmdir d; rmdir d; mkdir d d",
        "echo x >f; chmod 600 f; stat -c '%a %s %F' f; test -f f && test ! -d f && echo yes",
        "touch b a .hidden; ls; ls -a; ls -1 a nowhere",
        "pwd | wc -l; cd /; pwd; cd /nowhere; pwd",
    ]);
}

#[test]
fn the_shell_gives_on_the_host_what_it_gives_in_the_guest() {
    same(&[
        "for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; echo $i; done",
        "x='a b'; echo $x \"$x\" '$x' ${#x} ${x:-no} ${y:-no} $((3 * (4 + 5) % 7))",
        "false || echo or; true && echo and; ! true; echo $?",
        "(exit 7); echo $?; (cd /; pwd); echo *; touch q1 q2; echo q*",
        "f() { echo \"f $1 $#\"; return 3; }; f a b; echo $?",
        "echo out; echo err >&2; cat <nowhere; echo $?; nosuch; echo $?",
        "while read a b; do echo \"$b:$a\"; done",
        "case abc in a*) echo A;; *) echo other;; esac; i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i",
        "echo 'echo script $1; exit 4' >s; sh s arg; echo $?; sleep 0 & wait; echo $(echo nested $(echo deep))",
        "echo a >f; echo b >>f; cat <f | cat; { echo c; echo d; } 2>&1 | wc -l; exit 9",
    ]);
}

#[test]
fn the_bench_programs_compute_the_same_on_both_architectures_and_on_the_host() {
    let line = "bench_copy 20; bench_dhry 3000; bench_fork 5; bench_matrix 20; bench_pipe 50; bench_sieve 1";
    same(&[line]);
    let [here, there] = ["x86_64", "riscv64"].map(|arch| {
        let ran = glassbox(&on(arch, &["run", "--", line]), b"");
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{arch}");
        ran.text()
    });
    assert_eq!(here, there);
    assert_eq!(here.lines().count(), 6, "{here}");
}
