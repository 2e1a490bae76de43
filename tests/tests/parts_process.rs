//! Nothing outlives the test that started it, not even when the test is killed.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use freshet_tests::moto::Moto;
use freshet_tests::postgres::PostgresCluster;
use freshet_tests::process::{Input, Process, Signal};

const SOON: Duration = Duration::from_mins(2);
/// Tells the holder below that it was started to be killed.
const HOLD: &str = "FRESHET_TESTS_HOLD";

#[test]
fn a_holder_of_parts_waits_to_be_killed() {
    if std::env::var_os(HOLD).is_none() {
        // Only of use to the test below.
        return;
    }
    let (cluster, moto) = (PostgresCluster::shared(), Moto::start().unwrap());
    let mut sleep = Command::new("sleep");
    sleep.arg("600");
    let sleeper = Process::spawn(sleep, Input::Empty).unwrap();
    let moto_port = moto.url().rsplit(':').next().unwrap().to_owned();
    eprintln!("holding {} {} {} {moto_port}", cluster.socket_dir().display(), sleeper.id(), cluster.port());
    std::thread::sleep(Duration::from_mins(10));
}

#[test]
fn a_killed_test_leaves_neither_processes_nor_folders() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_holder_of_parts_waits_to_be_killed", "--nocapture"]).env(HOLD, "1");
    let holder = Process::spawn(command, Input::Empty).unwrap();
    let line = holder.wait_for_line(SOON, |line| line.text.starts_with("holding ")).unwrap();
    let words: Vec<_> = line.text.split(' ').collect();
    let [_, folder, sleeper, ports @ ..] = words.as_slice() else { panic!("{}", line.text) };
    let answers = |port: &&str| TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).is_ok();
    // A process that has ended but was not waited for has an empty command line.
    let command_line = format!("/proc/{sleeper}/cmdline");
    let runs = || std::fs::read(&command_line).is_ok_and(|line| !line.is_empty());
    assert!(Path::new(folder).is_dir() && ports.len() == 2 && ports.iter().all(answers));

    holder.signal(Signal::KILL);
    drop(holder);
    let gone = (0..3000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        !Path::new(folder).exists()
    });
    // The folders go last.
    assert!(gone, "{folder} is still there");
    assert!(!runs(), "process {sleeper} still runs");
    assert!(!ports.iter().any(answers), "one of the servers at {ports:?} still answers");
}
