//! Two applies that meet: one is held before one of its writes, the other before one of its own, and then both go on. Whatever
//! the two wrote between one another, one more run ends in exactly the tree. Few pairs of places each time; `FRESHET_SEEDS=500`
//! tries as many as there are.

use std::thread;
use std::time::Duration;

use freshet_tests::proxy::{Call, Emulator, Fault, Gate, Proxy, When};

use crate::chance::{seeds, unnumbered};
use crate::convergence::forget;
use crate::stage::{Stage, four};

/// How long is waited for a call to be held, before it is asked whether the run is over.
const LOOK: Duration = Duration::from_millis(200);
/// So many of these, two minutes in all.
const LOOKS: u32 = 600;
/// A step that shares no factor with the number of writes, so that few pairs are spread over all.
const STEP: u64 = 17;

/// Lets two applies meet: the first before its n-th write, the second before its m-th, the first ends, then the second.
fn meet(stage: &Stage, other: &Proxy, n: u64, m: u64) {
    let gates = [Gate::new(), Gate::new()];
    stage.proxy.reset();
    other.reset();
    stage.proxy.inject(When::writes().from(n), Fault::Hold(gates[0].clone()));
    other.inject(When::writes().from(m), Fault::Hold(gates[1].clone()));
    let at = |proxy: &Proxy| ["--endpoint".to_owned(), proxy.url()];
    let first = stage.bare_deploy(["schedule-all"]).args(at(&stage.proxy));
    let second = stage.bare_deploy(["schedule-all"]).args(at(other));
    thread::scope(|scope| {
        let first = scope.spawn(move || first.run().unwrap());
        reached(&stage.proxy, &gates[0], || first.is_finished());
        let second = scope.spawn(move || second.run().unwrap());
        reached(other, &gates[1], || second.is_finished());
        gates[0].open();
        first.join().unwrap();
        gates[1].open();
        second.join().unwrap();
    });
    stage.proxy.clear_faults();
}

/// Waits until a call is held, or the run is over because it had fewer.
fn reached(proxy: &Proxy, gate: &Gate, over: impl Fn() -> bool) {
    let held = Some(Fault::Hold(gate.clone()));
    let is_held = |calls: &[Call]| calls.iter().any(|call| call.fault == held);
    let mut looks = 0;
    while !over() && !proxy.wait_until(LOOK, is_held) {
        looks += 1;
        assert!(looks < LOOKS, "neither held nor over: {:?}", proxy.count_by_operation());
    }
}

#[test]
fn whatever_two_applies_wrote_between_one_another_the_next_one_ends_in_exactly_the_tree() {
    let entries = four();
    let stage = Stage::with(&entries);
    let other = Proxy::start(stage.moto.url(), Emulator::Moto).unwrap();
    stage.set_secret();
    stage.proxy.reset();
    stage.deploy(["schedule-all"]).expect_code(0);
    let whole = unnumbered(&stage);
    let writes = stage.proxy.writes().len() as u64;
    let mut later = entries.clone();
    for entry in &mut later {
        entry.cron = "0 4 * * *".to_owned();
    }
    for place in 0..seeds(3) {
        let (n, m) = (1 + place * STEP % writes, 1 + (place * STEP / writes + place * 5) % writes);
        forget(&stage);
        stage.set_secret();
        stage.datasets(&entries);
        meet(&stage, &other, n, m);
        stage.deploy(["schedule-all"]).expect_code(0);
        assert_eq!(unnumbered(&stage), whole, "made: held before writes {n} and {m} of {writes}");
        assert_eq!(stage.plan(), [] as [&str; 0], "made: held before writes {n} and {m}");
        stage.datasets(&later);
        meet(&stage, &other, 1 + place % 8, 1 + place * 3 % 8);
        stage.deploy(["schedule-all"]).expect_code(0);
        assert_eq!(unnumbered(&stage), whole, "changed: held at {place}");
        assert_eq!(stage.plan(), [] as [&str; 0], "changed: held at {place}");
    }
}
