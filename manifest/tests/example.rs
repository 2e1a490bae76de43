//! The example project, and this repository's own stack: both hold together, and mean what their files say.

use std::path::Path;

use manifest::Project;
use manifest::finding::{Findings, Style};

fn load(folder: &str) -> Project {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    Project::load(&folder).unwrap_or_else(|findings: Findings| panic!("{}", findings.draw(Style::Plain, 120)))
}

#[test]
fn this_repositorys_own_stack_holds_together() {
    let project = load("..");
    println!("{}", project.warnings.draw(Style::Plain, 120));
    println!("{:#?}", project.schedules);
}
