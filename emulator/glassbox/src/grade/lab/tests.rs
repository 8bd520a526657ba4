//! Labs that are read, and what is said of those that cannot be.

use super::*;

const HEAD: &str = "[lab]\nname = \"x\"\ntitle = \"An X\"\nopen = [\"a/**\"]\nseed = 7\n";

fn lab(rest: &str) -> Result<Lab, String> {
    Lab::parse(&format!("{HEAD}{rest}"), None, None)
}

/// A lab with one test that has these lines, and one check.
fn test(lines: &str, check: &str) -> Result<Test, String> {
    let text = format!(
        "[[test]]\nname = \"t\"\npoints = 5\nrun = \"true\"\n{lines}\n[[test.check]]\n{check}\n"
    );
    lab(&text).map(|lab| lab.tests[0].clone())
}

#[test]
fn a_test_gets_its_random_values_everywhere() {
    let text = "[[test]]\nname = \"t\"\npoints = 5\nrandom = { w = \"word\", n = \"3..3\" }\n\
                run = \"/bin/{w} {n}\"\nstdin = \"{w}\\n\"\nput = { \"/bin/{w}\" = \"prog\" }\n\
                files = { \"/d/{w}\" = \"text {n}\" }\nmachine = { append = \"policy={w}\" }\n\
                [[test.check]]\noutput = \"{w} {n}\"\n\
                [[test.check]]\ncount = { event = \"sched_switch\", where = { next_comm = \"{w}\" }, exactly = 3 }\n";
    let lab = lab(text).unwrap();
    let test = &lab.tests[0];
    let word = test.stdin.trim();
    assert_eq!(word.len(), 8);
    assert_eq!(test.run, format!("/bin/{word} 3"));
    assert_eq!(test.put, [(format!("/bin/{word}"), "prog".to_owned())]);
    assert_eq!(test.files, [(format!("/d/{word}"), "text 3".to_owned())]);
    assert_eq!(test.machine.append, format!("policy={word}"));
    assert_eq!(test.checks[0].name, format!("output \"{word} 3\""));
    let expected = format!("3 of sched_switch with next_comm={word}");
    assert_eq!(test.checks[1].name, expected);
    let other = Lab::parse(&format!("{HEAD}{text}"), Some(8), None).unwrap();
    assert_ne!(other.tests[0].stdin, test.stdin);
}

#[test]
fn a_tests_machine_overrides_key_by_key() {
    let text = "[machine]\ncpus = 2\nmemory = \"32M\"\n[[test]]\nname = \"t\"\npoints = 1\nrun = \"x\"\n\
                machine = { cpus = 4 }\n[[test.check]]\nstatus = 0\n";
    let machine = &lab(text).unwrap().tests[0].machine;
    assert_eq!((machine.cpus, machine.memory), (4, 32 << 20));
    assert_eq!(machine.instructions, BUDGET);
}

#[test]
fn what_is_wrong_is_one_line_that_names_the_key() {
    let checks = [
        ("stutus = 0", "unknown field `stutus`"),
        (
            "status = 256",
            "test t: check 1: status: it must be a whole number from 0 to 255",
        ),
        ("status = \"0\"", "status: invalid type: string"),
        (
            "status = 0\noutput = \"\"",
            "it expects two things, 'status' and 'output'",
        ),
        ("name = \"x\"", "check 1: it expects nothing: status,"),
        ("output_matches = \"(\"", "check 1: output_matches: /(/: "),
        ("weight = 0\nstatus = 0", "weight: it must be"),
        ("open = true\nstatus = 0", "open: only a check of events"),
        ("ends = \"early\"", "ends: 'early' is none of ok,"),
        ("never = { event = \"x\" }", "never: there is no event 'x'"),
        (
            "count = { event = \"trap\" }",
            "count: exactly, at_least or at_most is missing",
        ),
        (
            "count = { event = \"trap\", at_least = 2, at_most = 1 }",
            "nothing is at least 2",
        ),
        ("order = []", "order: there is nothing in it"),
        (
            "never = { event = \"trap\", where = { x = 1 } }",
            "event 'trap' has no field 'x'",
        ),
        (
            "never = { event = \"trap\", where = { user = 1.5 } }",
            "where.user: neither",
        ),
        (
            "time = { process = \"x\", what = \"idle\", at_most_us = 1 }",
            "time.what: 'idle'",
        ),
        (
            "file = { path = \"x\", absent = true }",
            "file: 'x' is not an absolute path",
        ),
        (
            "file = { path = \"/x\" }",
            "file: one of content, matches, size and absent",
        ),
        ("output = \"{x}\"", "output: {x}: there is no random value"),
    ];
    let lines = [
        ("colour = 1", "unknown field `colour`"),
        (
            "faults = [\"disk.wirte#3=error\"]",
            "test t: faults: disk.wirte#3=error: there is no site 'disk.wirte'",
        ),
        (
            "put = { \"/x\" = \"../etc\" }",
            "put: '../etc' for /x is no program's name",
        ),
        (
            "put = { \"x\" = \"prog\" }",
            "put: 'x' is not an absolute path",
        ),
        (
            "machine = { memory = \"much\" }",
            "machine.memory: 'much' is no size",
        ),
        (
            "machine = { cpus = 9 }",
            "machine.cpus: it must be a whole number from 1 to 8",
        ),
        ("random = { n = \"9..1\" }", "random.n: '9..1' is neither"),
        ("run = \"two\"", "duplicate key"),
    ];
    let errors = checks
        .iter()
        .map(|(check, expected)| (test("", check), *expected))
        .chain(
            lines
                .iter()
                .map(|(line, expected)| (test(line, "status = 0"), *expected)),
        );
    for (result, expected) in errors {
        let error = result.expect_err(expected);
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_lab_without_tests_or_points_is_none() {
    let error = |text: &str| lab(text).unwrap_err();
    assert!(error("").contains("no points"));
    let head = "[[test]]\nname = \"t\"\nrun = \"x\"\n";
    let check = "[[test.check]]\nstatus = 0\n";
    assert_eq!(error(&format!("{head}{check}")), "test t: points: missing");
    assert!(error(&format!("{head}points = 0\n{check}")).contains("points: it must be"));
    assert_eq!(
        error(&format!("{head}points = 1\n")),
        "test t: check: there is none"
    );
    let twice = format!("{head}points = 1\n{check}").repeat(2);
    assert_eq!(error(&twice), "test t: two have this name");
    assert!(
        error("[[test]]\nname = \"a b\"\nrun = \"x\"\n").contains("test number 1: name: 'a b'")
    );
}
