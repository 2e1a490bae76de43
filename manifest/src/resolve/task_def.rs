//! A task-def, checked against what Fargate and Batch offer.

use crate::document::task_def::TaskDefDocument;
use crate::finding::Code;
use crate::name::TaskDefName;
use crate::quantity::Span;
use crate::task_def::{Engine, TaskDef};
use crate::yaml::Reader;

/// The worker's own deadline where the file names none.
const DEFAULT_TIMEOUT: Span = Span::from_seconds(2 * 3600);
/// Tries in all where the file names none.
const DEFAULT_ATTEMPTS: u8 = 2;
/// What Batch takes as a timeout.
const MIN_TIMEOUT: u64 = 60;
/// A Fargate job longer than 14 days is not guaranteed to end.
const MAX_TIMEOUT: u64 = 14 * 86_400;
const GIB: u32 = 1024;

/// CPU units, and the memory in MiB that Fargate offers for them: least, most, step.
const SIZES: &[(u32, u32, u32, u32)] = &[
    (256, 512, 2 * GIB, 512),
    (512, GIB, 4 * GIB, GIB),
    (1024, 2 * GIB, 8 * GIB, GIB),
    (2048, 4 * GIB, 16 * GIB, GIB),
    (4096, 8 * GIB, 30 * GIB, GIB),
    (8192, 16 * GIB, 60 * GIB, 4 * GIB),
    (16384, 32 * GIB, 120 * GIB, 8 * GIB),
];

pub(crate) fn resolve(name: TaskDefName, document: &TaskDefDocument, reader: &mut Reader) -> TaskDef {
    size(document, reader);
    if let Some(timeout) = &document.timeout {
        let seconds = timeout.value.seconds();
        if !(MIN_TIMEOUT..=MAX_TIMEOUT).contains(&seconds) {
            let message = format!("a timeout of {} is outside 60s to 14d", timeout.value);
            reader.report(Code::TaskDef, message, timeout.span);
        }
    }
    if let Some(attempts) = document.attempts.as_ref().filter(|attempts| !(1..=10).contains(&attempts.value)) {
        let message = format!("{} attempts are outside 1 to 10", attempts.value);
        reader.report(Code::TaskDef, message, attempts.span);
    }
    if let Some(storage) = document.storage.as_ref().filter(|storage| !(21..=200).contains(&storage.value)) {
        let message = format!("{} GiB of storage are outside 21 to 200", storage.value);
        let finding = reader.report(Code::TaskDef, message, storage.span);
        if storage.value <= 20 {
            finding.help("20 GiB is what Fargate gives without asking: leave the key out");
        }
    }
    TaskDef {
        name,
        engine: document.engine,
        cpu: document.cpu.value,
        memory: document.memory.value,
        arch: document.arch.unwrap_or_default(),
        timeout: document.timeout.as_ref().map_or(DEFAULT_TIMEOUT, |timeout| timeout.value),
        attempts: document.attempts.as_ref().map_or(DEFAULT_ATTEMPTS, |attempts| attempts.value),
        storage: document.storage.as_ref().map(|storage| storage.value),
    }
}

fn size(document: &TaskDefDocument, reader: &mut Reader) {
    let (cpu, memory) = (document.cpu.value, document.memory.value);
    let engine = match document.engine {
        Engine::Fargate => "Fargate",
        Engine::Batch => "Batch on Fargate",
    };
    let Some((_, least, most, step)) = SIZES.iter().find(|(units, ..)| *units == cpu) else {
        let offered: Vec<String> = SIZES.iter().map(|(units, ..)| units.to_string()).collect();
        let message = format!("{engine} does not offer a cpu of {cpu}");
        let finding = reader.report(Code::TaskDef, message, document.cpu.span);
        finding.help(format!("cpu is in units, 1024 to a vCPU: {}", offered.join(", ")));
        return;
    };
    if (*least..=*most).contains(&memory) && (memory % step == 0) {
        return;
    }
    let message = format!("{engine} does not offer {memory} MiB of memory with a cpu of {cpu}");
    // What holds this much: the nearest step of this cpu, or the smallest cpu that has it.
    let fitting = memory.clamp(*least, *most).div_ceil(*step) * step;
    let larger = SIZES.iter().find(|(units, least, most, _)| *units > cpu && (*least..=*most).contains(&memory));
    let finding = reader.report(Code::TaskDef, message, document.memory.span);
    finding.also(document.cpu.span, "with this cpu");
    finding.help(match larger {
        Some((units, ..)) if memory > *most => format!("{least} to {most} in steps of {step}, or a cpu of {units}"),
        _ => format!("{least} to {most} in steps of {step}; {fitting} is the nearest"),
    });
}
