//! A task-def, checked against what Fargate and Batch offer.

use std::fmt;

use crate::document::task_def::TaskDefDocument;
use crate::finding::Code;
use crate::name::TaskDefName;
use crate::quantity::Span;
use crate::task_def::{Capacity, Compute, Engine, TaskDef};
use crate::yaml::Reader;

/// The worker's own deadline where the file names none.
const DEFAULT_TIMEOUT: Span = Span::from_seconds(2 * 3600);
/// Tries in all where the file names none.
const DEFAULT_ATTEMPTS: u8 = 2;
/// What Batch takes as a timeout.
const MIN_TIMEOUT: u64 = 60;
/// A Fargate job longer than 14 days is not guaranteed to end.
const MAX_TIMEOUT: u64 = 14 * 86_400;
/// MiB that a job on EC2 needs at least (Batch: ResourceRequirement).
const MIN_INSTANCE_MEMORY: u32 = 4;
const GIB: u32 = 1024;

/// CPU units with the memory in MiB that Fargate offers for them (Fargate task definition parameters, task size).
struct Size {
    cpu: u32,
    memory: Memory,
}

enum Memory {
    OneOf(&'static [u32]),
    Steps { least: u32, most: u32, step: u32 },
}

const SIZES: &[Size] = &[
    Size { cpu: 256, memory: Memory::OneOf(&[512, GIB, 2 * GIB]) },
    Size { cpu: 512, memory: Memory::Steps { least: GIB, most: 4 * GIB, step: GIB } },
    Size { cpu: 1024, memory: Memory::Steps { least: 2 * GIB, most: 8 * GIB, step: GIB } },
    Size { cpu: 2048, memory: Memory::Steps { least: 4 * GIB, most: 16 * GIB, step: GIB } },
    Size { cpu: 4096, memory: Memory::Steps { least: 8 * GIB, most: 30 * GIB, step: GIB } },
    Size { cpu: 8192, memory: Memory::Steps { least: 16 * GIB, most: 60 * GIB, step: 4 * GIB } },
    Size { cpu: 16384, memory: Memory::Steps { least: 32 * GIB, most: 120 * GIB, step: 8 * GIB } },
];

impl Memory {
    fn all(&self) -> Vec<u32> {
        match *self {
            Self::OneOf(all) => all.to_vec(),
            Self::Steps { least, most, step } => (least..=most).step_by(step as usize).collect(),
        }
    }

    fn offers(&self, memory: u32) -> bool {
        self.all().contains(&memory)
    }

    fn most(&self) -> u32 {
        self.all().last().copied().unwrap_or_default()
    }

    /// The smallest that holds this much, else the largest.
    fn fitting(&self, memory: u32) -> u32 {
        self.all().into_iter().find(|offered| *offered >= memory).unwrap_or_else(|| self.most())
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf(all) => {
                let all: Vec<String> = all.iter().map(u32::to_string).collect();
                f.write_str(&all.join(", "))
            }
            Self::Steps { least, most, step } => write!(f, "{least} to {most} in steps of {step}"),
        }
    }
}

pub(crate) fn resolve(name: TaskDefName, document: &TaskDefDocument, reader: &mut Reader) -> TaskDef {
    match compute(document, reader) {
        Compute::Fargate => size(document, reader),
        Compute::Ec2 => instance(document, reader),
    }
    capacity(document, reader);
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
        compute: document.compute.as_ref().map_or(Compute::Fargate, |compute| compute.value),
        capacity: document.capacity.as_ref().map_or(Capacity::OnDemand, |capacity| capacity.value),
        cpu: document.cpu.value,
        memory: document.memory.value,
        arch: document.arch.unwrap_or_default(),
        timeout: document.timeout.as_ref().map_or(DEFAULT_TIMEOUT, |timeout| timeout.value),
        attempts: document.attempts.as_ref().map_or(DEFAULT_ATTEMPTS, |attempts| attempts.value),
        storage: document.storage.as_ref().map(|storage| storage.value),
    }
}

/// What it runs on; ECS tasks run on Fargate.
fn compute(document: &TaskDefDocument, reader: &mut Reader) -> Compute {
    let Some(compute) = &document.compute else { return Compute::Fargate };
    if compute.value == Compute::Ec2 && document.engine != Engine::Batch {
        let finding = reader.report(Code::TaskDef, "an ECS task runs on Fargate", compute.span);
        finding.help("write engine: batch for instances of EC2, or leave compute out");
    }
    compute.value
}

/// A machine that was taken away is only made good by another attempt.
fn capacity(document: &TaskDefDocument, reader: &mut Reader) {
    let attempts = document.attempts.as_ref().map_or(DEFAULT_ATTEMPTS, |attempts| attempts.value);
    if let Some(capacity) = document.capacity.as_ref().filter(|capacity| capacity.value == Capacity::Spot)
        && attempts < 2
    {
        let message = "a spot machine can be taken away, and there is one attempt only";
        let finding = reader.report(Code::TaskDef, message, capacity.span);
        finding.help("write attempts: 2 or more, or capacity: on-demand");
    }
}

/// Instances take whole vCPUs and any memory; their disk is what the instance has.
fn instance(document: &TaskDefDocument, reader: &mut Reader) {
    let (cpu, memory) = (&document.cpu, &document.memory);
    if cpu.value == 0 || !cpu.value.is_multiple_of(1_024) {
        let message = format!("Batch on EC2 takes whole vCPUs, and a cpu of {} is none", cpu.value);
        let up = cpu.value.div_ceil(1_024).max(1) * 1_024;
        reader.report(Code::TaskDef, message, cpu.span).help(format!("write {up}, or compute: fargate"));
    }
    if memory.value < MIN_INSTANCE_MEMORY {
        let message = format!("{} MiB of memory are below the {MIN_INSTANCE_MEMORY} that Batch takes", memory.value);
        reader.report(Code::TaskDef, message, memory.span);
    }
    if let Some(storage) = &document.storage {
        let finding = reader.report(Code::TaskDef, "the disk of an EC2 instance is not set here", storage.span);
        finding.help("leave storage out, or write compute: fargate");
    }
}

fn size(document: &TaskDefDocument, reader: &mut Reader) {
    let (cpu, memory) = (document.cpu.value, document.memory.value);
    let engine = match document.engine {
        Engine::Fargate => "Fargate",
        Engine::Batch => "Batch on Fargate",
    };
    let Some(Size { memory: offered, .. }) = SIZES.iter().find(|size| size.cpu == cpu) else {
        let offered: Vec<String> = SIZES.iter().map(|size| size.cpu.to_string()).collect();
        let message = format!("{engine} does not offer a cpu of {cpu}");
        let finding = reader.report(Code::TaskDef, message, document.cpu.span);
        finding.help(format!("cpu is in units, 1024 to a vCPU: {}", offered.join(", ")));
        return;
    };
    if offered.offers(memory) {
        return;
    }
    let message = format!("{engine} does not offer {memory} MiB of memory with a cpu of {cpu}");
    let larger = SIZES.iter().find(|size| size.cpu > cpu && size.memory.offers(memory));
    let finding = reader.report(Code::TaskDef, message, document.memory.span);
    finding.also(document.cpu.span, "with this cpu");
    finding.help(match larger {
        Some(size) if memory > offered.most() => format!("{offered}, or a cpu of {}", size.cpu),
        _ => format!("{offered}; {} is the nearest", offered.fitting(memory)),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_task_has_three_sizes_of_memory() {
        let smallest = &SIZES[0].memory;
        assert!([512, 1024, 2048].iter().all(|memory| smallest.offers(*memory)));
        assert!([256, 1536, 3072].iter().all(|memory| !smallest.offers(*memory)));
        assert_eq!((smallest.fitting(1), smallest.fitting(1536), smallest.fitting(9000)), (512, 2048, 2048));
        assert_eq!(smallest.to_string(), "512, 1024, 2048");
    }
}
