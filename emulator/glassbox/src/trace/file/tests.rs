//! A trace survives being recorded; a damaged one does no harm.

use super::*;
use crate::trace::kind::index_of;
use crate::trace::memory::Memory;
use crate::trace::model::{Meta, Model};
use crate::trace::record::{Body, Record};
use crate::trace::sink::Sink;
use base::event::{Access, Cause, DiskOp, Flush, PROBE_ARGS, Path, Walked};
use base::{Phys, Rng, Space, Time, Virt};

/// Yes or no.
fn coin(rng: &mut Rng) -> bool {
    rng.next() & 1 == 0
}

fn path(rng: &mut Rng) -> Path {
    let mut path = Path::default();
    for level in 0..rng.next() % 5 {
        path.push(Phys((level << 12) | (rng.next() % 3 * 8)), rng.next() % 2);
    }
    path
}

/// A body of every kind in turn, with numbers of every size.
fn body(n: u64, rng: &mut Rng) -> Body {
    let number = |rng: &mut Rng| rng.next() >> (rng.next() % 64);
    let pieces = |rng: &mut Rng| {
        let mut memory = Memory::default();
        for _ in 0..rng.next() % 3 {
            let addr = number(rng);
            memory.add(addr, &vec![rng.next() as u8; rng.next() as usize % 40]);
        }
        memory
    };
    match n % 18 {
        0 => Body::Trap {
            cause: [Cause::Exception, Cause::SystemCall][rng.next() as usize % 2],
            number: rng.next() as u16,
            error: (coin(rng)).then(|| rng.next() as u32),
            address: (coin(rng)).then(|| rng.next()),
            from: number(rng),
            to: number(rng),
            user: coin(rng),
            depth: rng.next() as u8 % 100,
        },
        1 => Body::Return {
            from: number(rng),
            to: number(rng),
            user: coin(rng),
            depth: rng.next() as u8 % 100,
        },
        2 | 3 => Body::PageWalk {
            virt: number(rng),
            access: Access::Write,
            user: coin(rng),
            path: path(rng),
            end: if n % 18 == 2 {
                Walked::Fault(rng.next() as u32)
            } else {
                Walked::Mapped {
                    phys: Phys(number(rng)),
                    size: 21,
                    replaced: (coin(rng)).then(|| Virt(number(rng))),
                }
            },
        },
        4 => Body::TlbFlush(Flush::Page(Virt(number(rng)))),
        5 => Body::SpaceSwitch {
            root: number(rng),
            asid: rng.next() as u16,
        },
        6 => Body::IrqLine {
            line: rng.next() as u16,
            level: coin(rng),
        },
        7 => Body::IrqAck {
            number: rng.next() as u16,
        },
        8 => Body::Ipi {
            target: (coin(rng)).then(|| rng.next() as u8),
            number: 7,
        },
        9 => Body::Device {
            space: Space::Port,
            chip: "com1".into(),
            register: ["LSR", "THR"][rng.next() as usize % 2].into(),
            addr: number(rng),
            bytes: 4,
            value: number(rng),
            write: coin(rng),
        },
        10 => Body::DiskIssue {
            request: number(rng),
            op: DiskOp::Flush,
            sector: number(rng),
            sectors: rng.next() as u32,
        },
        11 => Body::DiskComplete {
            request: number(rng),
            ok: coin(rng),
        },
        17 => Body::Fault {
            site: "disk.write".into(),
            count: number(rng),
            action: ["lost", "torn@512"][rng.next() as usize % 2].into(),
        },
        12 => Body::Console(rng.next() as u8),
        13 => Body::Instruction { pc: number(rng) },
        14 => {
            let mut args = [0; PROBE_ARGS];
            args[..6].fill_with(|| number(rng));
            Body::Kernel {
                probe: index_of("sched_switch") as u8,
                pc: number(rng),
                args,
                texts: vec![(5, b"sh".to_vec())],
            }
        }
        15 => Body::SysEnter {
            number: number(rng),
            args: [(); 6].map(|()| number(rng)),
            memory: pieces(rng),
        },
        _ => Body::SysExit {
            number: number(rng),
            result: number(rng) as i64,
            memory: pieces(rng),
        },
    }
}

fn records(count: u64) -> Vec<Record> {
    let mut rng = Rng::new(1);
    let mut time = 0;
    (0..count)
        .map(|n| {
            time += rng.next() % 1000;
            Record {
                time: Time(time),
                cpu: rng.next() as u8 % 3,
                pid: rng.next() as u32 % 4,
                body: body(n, &mut rng),
            }
        })
        .collect()
}

fn recorded(records: &[Record]) -> Vec<u8> {
    let mut file = Vec::new();
    let model = Model::default();
    let mut writer = Writer::new(&mut file, &Meta::default()).unwrap();
    for record in records {
        writer.record(record, &model).unwrap();
    }
    writer.finish(&model).unwrap();
    drop(writer);
    file
}

/// What can be read, and how it ended.
fn read(file: &[u8]) -> (Vec<Record>, Result<(), ReadError>) {
    let mut reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let mut records = Vec::new();
    loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return (records, Ok(())),
            Err(error) => return (records, Err(error)),
        }
    }
}

#[test]
fn what_was_recorded_is_read() {
    let records = records(60_000);
    let file = recorded(&records);
    let (found, end) = read(&file);
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(found.len(), records.len());
    assert_eq!(found, records);
}

#[test]
fn instructions_come_back_whether_they_were_predicted_or_not() {
    for cpus in 1..=4u8 {
        let mut rng = Rng::new(u64::from(cpus));
        let mut all = Vec::new();
        let mut ticks = 0u64;
        for round in 0..300 {
            // Loops of a few lengths, now and then left early, on changing CPUs.
            for n in 0..rng.next() % 50 {
                ticks += if rng.next().is_multiple_of(40) { 7 } else { 1 };
                all.push(Record {
                    time: Time(ticks * 10 / u64::from(cpus)),
                    cpu: (round % u64::from(cpus)) as u8,
                    pid: (round / 7) as u32,
                    body: Body::Instruction {
                        pc: 0x1000 * (round % 3) + n % 9 * 4,
                    },
                });
            }
            if round % 5 == 0 {
                all.push(Record {
                    time: Time(ticks * 10 / u64::from(cpus)),
                    cpu: 0,
                    pid: 1,
                    body: Body::Console(b'x'),
                });
            }
        }
        let mut file = Vec::new();
        let model = Model::default();
        let meta = Meta {
            cpus,
            ..Meta::default()
        };
        let mut writer = Writer::new(&mut file, &meta).unwrap();
        for record in &all {
            match record.body {
                Body::Instruction { pc } => {
                    writer.instruction(record.time, record.cpu, record.pid, pc, &model)
                }
                _ => writer.record(record, &model),
            }
            .unwrap();
        }
        writer.finish(&model).unwrap();
        drop(writer);
        let (found, end) = read(&file);
        assert!(end.is_ok(), "{end:?}");
        assert_eq!(found, all, "{cpus} CPUs");
    }
}

#[test]
fn a_cut_file_is_read_to_its_last_whole_block() {
    let records = records(60_000);
    let file = recorded(&records);
    let mut most = 0;
    for len in (0..file.len()).step_by(file.len() / 97) {
        let (found, end) = read(&file[..len]);
        assert!(found == records[..found.len()], "{len}");
        assert!(found.len() >= most);
        most = found.len();
        match end {
            Err(ReadError::Cut(n)) => assert_eq!(n, found.len() as u64),
            Err(ReadError::Foreign) => assert!(len < 16),
            other => panic!("{len}: {other:?}"),
        }
    }
    assert!(most > 0);
}

#[test]
fn a_damaged_file_is_refused_and_nothing_worse() {
    let good = recorded(&records(500));
    let mut rng = Rng::new(2);
    for _ in 0..2000 {
        let mut file = good.clone();
        let at = rng.next() as usize % file.len();
        file[at] ^= 1 << (rng.next() % 8);
        let (_, end) = read(&file);
        // A changed header may still be one.
        assert!(end.is_err() || at < 8192, "byte {at}");
    }
}

#[test]
fn hostile_blocks_with_a_good_checksum_do_no_harm() {
    let mut rng = Rng::new(3);
    for _ in 0..5000 {
        let len = rng.next() as usize % 200;
        let bytes: Vec<u8> = (0..len)
            .map(|_| rng.next() as u8 >> (rng.next() % 8))
            .collect();
        let mut decoder = codec::Decoder::new(bytes, rng.next() as u32 % 50, 2);
        while let Some(Ok(_)) = decoder.next_record() {}
    }
}

#[test]
fn other_files_are_not_traces() {
    for bytes in [
        &b""[..],
        b"GLASS",
        b"\x7fELF and so on, for more than sixteen bytes",
    ] {
        assert!(matches!(read(bytes).1, Err(ReadError::Foreign)));
    }
    let mut other = recorded(&[]);
    other[13] = 2;
    assert!(matches!(read(&other).1, Err(ReadError::OtherVersion)));
}
