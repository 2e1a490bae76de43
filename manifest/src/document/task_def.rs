//! `task-defs/<name>.yml`

use crate::quantity;
use crate::task_def::{Arch, Capacity, Compute, Engine};
use crate::yaml::{Spanned, document};

document! {
    /// What a run executes on. The file's name without `.yml` is the task-def's name.
    pub(crate) struct TaskDefDocument {
        /// Which service runs it: an ECS task on Fargate, or an AWS Batch job.
        engine: Engine,
        /// What Batch's jobs run on: fargate when absent, or ec2, which needs roles: {instance: …} in freshet.yml.
        compute: Option<Spanned<Compute>>,
        /// on-demand when absent, or spot, which AWS may take away: it needs two attempts at least.
        capacity: Option<Spanned<Capacity>>,
        /// CPU units, 1024 to a vCPU: 256, 512, 1024, 2048, 4096, 8192 or 16384; whole vCPUs on EC2.
        cpu: Spanned<u32>,
        /// Memory in MiB; Fargate offers certain values for each cpu.
        memory: Spanned<u32>,
        /// Processor architecture; x86_64 when absent.
        arch: Option<Arch>,
        /// The worker's own deadline, such as `2h`; 2 hours when absent.
        timeout: Option<Spanned<quantity::Span>>,
        /// Tries in all, 1 to 10; 2 when absent.
        attempts: Option<Spanned<u8>>,
        /// Ephemeral storage in GiB, 21 to 200; Fargate's own 20 when absent.
        storage: Option<Spanned<u16>>,
    }
}
