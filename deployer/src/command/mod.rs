//! One file per subcommand. In: the parsed command line. Out: a report on standard output and an exit code.

pub mod check;
pub mod dataset;
pub mod destroy;
pub mod drift;
pub mod gc;
pub mod iam;
pub mod import;
pub mod pause;
pub mod plan;
pub mod rollback;
pub mod run;
pub mod schedule_all;
pub mod schema;
pub mod secrets;
mod session;
pub mod status;
mod triggers;

use crate::cli::{Cli, Command, DatasetVerb};
use crate::error::{Error, Exit};

/// Does what the command line says.
pub async fn dispatch(cli: Cli) -> Result<Exit, Error> {
    let global = &cli.global;
    match cli.command {
        Command::Check => check::check(global),
        Command::Schema(options) => schema::schema(global.output, &options),
        Command::Plan(options) => plan::plan(global, &options).await,
        Command::ScheduleAll(options) => schedule_all::schedule_all(global, &options).await,
        Command::Secrets(command) => secrets::secrets(global, command).await,
        Command::Dataset(DatasetVerb::New(options)) => dataset::new(global, &options),
        Command::Import(options) => import::import(global, &options).await,
        Command::Run(options) => run::run(global, &options).await,
        Command::Pause(options) => pause::pause(global, &options).await,
        Command::Resume(options) => pause::resume(global, &options).await,
        Command::Rollback(options) => rollback::rollback(global, &options).await,
        Command::Drift(options) => drift::drift(global, &options).await,
        Command::Iam(command) => iam::iam(global, command).await,
        Command::Gc(options) => gc::gc(global, &options).await,
        Command::Destroy(options) => destroy::destroy(global, &options).await,
        Command::Status(options) => status::status(global, &options).await,
    }
}
