//! Where cargo puts things: the target directory of the workspace and, in it, the folder of the profile that the running
//! executable was built with.

use std::env;
use std::path::{Path, PathBuf};

/// The folder that holds the binaries of the running executable's profile, such as `target/debug`.
pub(crate) fn profile_dir() -> Option<PathBuf> {
    let executable = env::current_exe().ok()?;
    let folder = executable.parent()?;
    // Test executables and examples stand one folder deeper than the binaries.
    let nested = folder.file_name().is_some_and(|name| name == "deps" || name == "examples");
    if nested { folder.parent().map(Path::to_path_buf) } else { Some(folder.to_path_buf()) }
}

/// The target directory: the one that the running executable stands in, else `CARGO_TARGET_DIR`, else `target` of the
/// workspace.
pub(crate) fn target_dir() -> PathBuf {
    // Cargo marks its target directory, and only that, with this file.
    let marked = env::current_exe().ok().and_then(|executable| {
        executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).map(Path::to_path_buf)
    });
    marked.unwrap_or_else(|| workspace_root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())))
}

/// The workspace's root.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate stands inside the workspace").to_path_buf()
}
