//! The plan over models of what exists: what was applied is found as it was made.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::change::Action;
use super::*;
use crate::desired::{Manifests, fixture};
use crate::finding::Code;
use crate::observed::state::{SecretState, State};

/// What exists after everything desired was made: each thing carries owner and hash.
fn made(desired: &Desired) -> Observed {
    let mut observed = Observed::default();
    for resource in &desired.resources {
        let carry = matches!(resource.kind(), Kind::Schedule | Kind::Rule).then(|| Carry {
            state: State::Enabled,
            waits_for_secret: false,
            start: None,
            pinned: None,
        });
        let found = Found { carry, ..Found::ours(Some(resource.hash.clone())).with_body(comparable(&resource.body)) };
        observed.found.insert((resource.kind(), resource.name.clone()), found);
    }
    observed
}

fn desired(manifests: &Manifests) -> Desired {
    Desired::new(manifests, &BTreeSet::new())
}

fn plan(desired: &Desired, observed: &Observed, options: &Options) -> Plan {
    Plan::new(desired, observed, options, Vec::new())
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|change| format!("{} {} {}", change.action, change.kind, change.name)).collect()
}

#[test]
fn the_first_plan_makes_everything_in_the_order_in_which_it_depends() {
    let desired = desired(&fixture::four());
    let plan = plan(&desired, &Observed::default(), &Options::default());
    insta::assert_snapshot!("first_plan", crate::render::plan::text(&plan, None));
    insta::assert_snapshot!("first_plan_markdown", crate::render::plan::markdown(&plan, None));
    insta::assert_json_snapshot!("first_plan_json", plan);
}

#[test]
fn a_change_is_told_field_by_field() {
    let before = desired(&fixture::four());
    let mut four = fixture::four();
    four.schedules[0].timezone = "UTC".to_owned();
    four.environment.log_retention = 30;
    four.datasets.get_mut(&"acris".parse().unwrap()).unwrap().title = "Property records".to_owned();
    let mut observed = made(&before);
    let paused = Carry { state: State::Disabled, waits_for_secret: false, start: None, pinned: None };
    for ((kind, name), found) in &mut observed.found {
        if *kind == Kind::Schedule && name.starts_with("hpd_violations.") {
            found.carry = Some(paused);
        }
    }
    let plan = plan(&desired(&four), &observed, &Options::default());
    insta::assert_snapshot!("changed_plan", crate::render::plan::text(&plan, None));
    let replaced = plan.changes.iter().find(|change| change.name.starts_with("hpd_violations.")).unwrap();
    assert_eq!(
        (replaced.action, replaced.carry),
        (Action::Replace, Some(paused)),
        "what a person turned off stays off"
    );
    assert_eq!(replaced.old.len(), 1);
}

#[test]
fn a_thing_of_another_owner_is_refused_and_can_be_adopted() {
    let desired = desired(&fixture::four());
    let mut observed = made(&desired);
    let name = "freshet-nycdb-prod-dead-letters";
    let queue = observed.found.get_mut(&(Kind::Queue, name.to_owned())).unwrap();
    queue.owner = Owner::Other("the owner platform".to_owned());
    let refused = plan(&desired, &observed, &Options::default());
    assert!(refused.is_empty());
    let told: Vec<String> = refused.refusals().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["D202 freshet-nycdb-prod-dead-letters: a queue of this name exists without our marker, owned by \
          the owner platform; rename the stack, or take it over with `--adopt freshet-nycdb-prod-dead-letters`"]
    );
    let options = Options { adopt: BTreeSet::from([name.to_owned()]), ..Options::default() };
    let adopted = plan(&desired, &observed, &options);
    assert_eq!(lines(&adopted), ["adopt queue freshet-nycdb-prod-dead-letters"]);
    assert_eq!(adopted.refusals().count(), 0);
}

#[test]
fn what_a_tool_or_another_stack_keeps_is_refused_whatever_is_said() {
    let desired = desired(&fixture::four());
    let mut observed = made(&desired);
    let name = "freshet-nycdb-prod-dead-letters";
    observed.found.get_mut(&(Kind::Queue, name.to_owned())).unwrap().owner =
        Owner::Managed("CloudFormation stack legacy".to_owned());
    let options = Options { adopt: BTreeSet::from([name.to_owned()]), ..Options::default() };
    let refused = plan(&desired, &observed, &options);
    assert!(refused.is_empty());
    let told: Vec<String> = refused.refusals().map(|finding| finding.remedy.clone()).collect();
    assert_eq!(
        told,
        ["rename the stack, or let CloudFormation stack legacy give it up first: `--adopt` does not take it"]
    );
}

#[test]
fn a_repair_takes_nothing_over() {
    let desired = desired(&fixture::four());
    let mut observed = made(&desired);
    let name = "freshet-nycdb-prod-dead-letters";
    observed.found.get_mut(&(Kind::Queue, name.to_owned())).unwrap().owner = Owner::Unknown;
    let drifted = drift::of(&desired, &observed);
    assert_eq!(drifted.len(), 1);
    let repair = Plan::repair(&desired, &observed, &drifted);
    assert!(repair.is_empty());
    assert_eq!(repair.findings.iter().map(|finding| finding.place.as_str()).collect::<Vec<_>>(), [name]);
}

#[test]
fn somebody_elses_cluster_is_used_as_it_is() {
    let desired = desired(&fixture::four());
    let mut observed = made(&desired);
    observed.found.get_mut(&(Kind::Cluster, "civic".to_owned())).unwrap().owner = Owner::Unknown;
    assert!(plan(&desired, &observed, &Options::default()).is_empty());
}

#[test]
fn what_a_cut_off_change_left_behind_is_finished() {
    let before = desired(&fixture::four());
    let mut four = fixture::four();
    four.schedules[0].timezone = "UTC".to_owned();
    let after = desired(&four);
    let mut observed = made(&after);
    for (key, found) in made(&before).found {
        observed.found.entry(key).or_insert(found);
    }
    let plan = plan(&after, &observed, &Options::default());
    assert_eq!(plan.changes.len(), 1, "{:?}", lines(&plan));
    assert_eq!(plan.changes[0].action, Action::Delete);
    assert!(plan.changes[0].reasons[0].to_string().contains("cut off"));
}

#[test]
fn a_rule_that_was_left_half_made_is_completed() {
    let desired = desired(&fixture::four());
    let mut observed = made(&desired);
    let rule = observed.found.get_mut(&(Kind::Rule, "freshet-nycdb-prod.pluto_16v2".to_owned())).unwrap();
    rule.hash = None;
    let plan = plan(&desired, &observed, &Options::default());
    assert_eq!(lines(&plan), ["update rule freshet-nycdb-prod.pluto_16v2"]);
}

#[test]
fn nothing_is_pruned_under_only() {
    let all = desired(&fixture::four());
    let mut one = fixture::four();
    one.datasets.retain(|name, _| name.as_str() == "acris");
    let options = Options { only: BTreeSet::from(["acris".parse().unwrap()]), ..Options::default() };
    let plan = plan(&desired(&one), &made(&all), &options);
    assert_eq!(plan.count(Action::Delete), 0, "{:?}", lines(&plan));
}

#[test]
fn an_empty_folder_does_not_delete_a_stack_untold() {
    let names: Vec<String> = (0..20).map(|n| format!("d{n}")).collect();
    let full = made(&desired(&fixture::many(&names)));
    let empty = desired(&fixture::many(&[]));
    let guarded = plan(&empty, &full, &Options::default());
    assert!(guarded.refusals().any(|finding| finding.code == Code::Deletions));
    let allowed = Options { allow_deletes: Some(guarded.count(Action::Delete)), ..Options::default() };
    assert_eq!(plan(&empty, &full, &allowed).refusals().count(), 0);
}

#[test]
fn a_missing_secret_is_told_with_the_command_that_sets_it() {
    let desired = desired(&fixture::four());
    let mut observed = made(&desired);
    observed.secrets.insert("nycdb/database".to_owned(), SecretState::Absent);
    observed.secrets.insert("nycdb/slack".to_owned(), SecretState::Absent);
    let plan = plan(&desired, &observed, &Options::default());
    let told: Vec<String> = plan.findings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "the optional one is not told: {told:?}");
    assert!(told[0].contains("deploy secrets set DATABASE_URL"), "{told:?}");
    assert_eq!(plan.refusals().count(), 0, "the rest is applied");
}

fn names() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[a-z][a-z0-9_]{0,8}", 0..12)
}

proptest! {
    #[test]
    fn after_an_apply_the_plan_is_empty(names in names()) {
        let names: Vec<String> = names.into_iter().collect();
        let desired = desired(&fixture::many(&names));
        let plan = plan(&desired, &made(&desired), &Options::default());
        prop_assert!(plan.is_empty(), "{:?}", lines(&plan));
        prop_assert_eq!(plan.unchanged.values().sum::<usize>(), desired.resources.len());
    }

    #[test]
    fn deleting_manifests_deletes_exactly_theirs(names in names(), gone in any::<prop::sample::Index>(), count in 1_usize..3) {
        let all: Vec<String> = names.into_iter().collect();
        prop_assume!(all.len() > count);
        let start = gone.index(all.len() - count);
        let gone: BTreeSet<&String> = all[start..start + count].iter().collect();
        let kept: Vec<String> = all.iter().filter(|name| !gone.contains(name)).cloned().collect();
        let (before, after) = (desired(&fixture::many(&all)), desired(&fixture::many(&kept)));
        let plan = plan(&after, &made(&before), &Options { allow_deletes: Some(100), ..Options::default() });
        let deleted: BTreeSet<_> = plan.changes.iter().filter(|change| change.action == Action::Delete).map(|change| (change.kind, change.name.clone())).collect();
        let wanted: BTreeSet<_> = after.resources.iter().map(|resource| (resource.kind(), resource.name.clone())).collect();
        let expected: BTreeSet<_> = before
            .resources
            .iter()
            .map(|resource| (resource.kind(), resource.name.clone()))
            .filter(|key| !wanted.contains(key))
            .collect();
        prop_assert_eq!(deleted, expected);
        for change in &plan.changes {
            let theirs = change.dataset.as_ref().is_none_or(|dataset| gone.contains(&dataset.to_string()));
            prop_assert!(change.action != Action::Delete || theirs, "{}", change.name);
        }
    }
}
