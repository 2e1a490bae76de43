//! What goes wrong in other tools for the same job, and the test here that it does not.
//!
//! | tool | what goes wrong there | test |
//! |---|---|---|
//! | ecspresso #534, buildkite/ecs-run-task, `CircleCI` orb | a task that could not be started counts as success, or ends in a nil | `a_task_that_was_not_started_is_an_error_although_the_request_was_answered` |
//! | ecspresso #202, #203, #532 | a secret or its JSON key is missed only when the task starts | `a_key_that_is_not_there_is_named_with_the_one_that_was_meant` |
//! | ecspresso #895, #1082; ecschedule #89, #41, #42, #76, #170, #271; Terraform #17737 | defaults that AWS adds show as changes for ever | `a_stack_of_any_shape_is_applied_whole_and_loses_exactly_what_its_folder_loses` |
//! | ecspresso #806, ecschedule | `arn:aws` is written everywhere, so China and `GovCloud` break | `no_arn_names_the_partition_of_another_region` |
//! | ecspresso #1054 | `image@sha256:…` is not read | `references_come_apart_as_docker_reads_them` |
//! | ecspresso #961; Prefect #4402 | a definition is registered twice | `after_a_lost_answer_the_deployer_looks_before_it_asks_again` |
//! | ecspresso #697, ecschedule #143 | an answer without the expected field ends in a panic | `a_page_of_html_is_told_by_its_status_and_never_quoted` |
//! | ecspresso v3 plan | an error is a text, and retries guess | `throttles_are_recognised_in_every_disguise` |
//! | ecschedule `rule.go:514` | a crash between `PutRule`, `PutTargets` and `TagResource` leaves a rule that prune never sees | `a_rule_that_is_cut_off_before_its_target_is_seen_and_completed` |
//! | ecschedule, fabfuel/ecs-deploy, the loader's script | `FailedEntryCount` is not read: a target that was not taken is reported as done | `a_target_that_was_not_taken_is_an_error_although_the_request_was` |
//! | ecschedule `rule.go:498` | a rule that has the right content already is never marked, so never ours | `a_rule_of_the_right_content_without_the_mark_is_refused_and_marked_when_adopted` |
//! | ecschedule pitfalls | a rule of the same name of somebody else is overwritten | `a_rule_a_role_and_a_definition_of_others_are_refused` |
//! | ecschedule `config.go:78` | `rate(1 minutes)` passes and AWS refuses it | `what_aws_refuses_is_refused_at_its_place` |
//! | ecschedule `rule.go:370` | variables come from a map, so their order changes between runs | `the_order_of_the_manifests_does_not_reach_a_hash` |
//! | ecschedule | a caller identity is asked for before anything, so nothing works offline | `an_unchanged_stack_of_a_thousand_datasets_costs_list_pages_and_nothing_else` |
//! | ecschedule | `diff` ends with 0 whatever it finds; lambroll #485 | `a_changed_plan_can_be_told_by_its_exit_code` |
//! | ecschedule | prune stops at a rule that is gone already | `what_is_gone_already_does_not_stop_the_rest_from_going` |
//! | ecschedule | no guard on deletions | `an_empty_folder_does_not_delete_a_stack_untold` |
//! | ecschedule | no check of the account | `the_credentials_of_another_account_are_refused_before_anything_is_asked` |
//! | ecschedule #93, #97; the loader's script | one page of rules is read | `an_unchanged_stack_of_a_thousand_datasets_costs_list_pages_and_nothing_else` |
//! | ecschedule #219 | deletion fails when a target's id is not the rule's name | `a_schedule_takes_the_place_of_a_rule_and_both_are_named` |
//! | ecschedule #126; Nextflow #710, Cromwell #4496 | throttles are not waited out | `throttles_in_every_disguise_are_waited_out` |
//! | copilot `scheduled_job.go:338` | `0 9 */2 * *` becomes daily | `copilot_0_9_every_second_day_does_not_become_daily` |
//! | copilot `scheduled_job.go:371` | `0 9 * * */2` becomes daily | `copilot_0_9_every_second_weekday_does_not_become_daily` |
//! | copilot `scheduled_job.go:388` | one is added to the step of a weekday | `copilot_1_5_step_2_in_the_weekday_keeps_its_step` |
//! | copilot `scheduled_job.go:388` | Sunday as 7 becomes 8 | `copilot_weekday_7_is_sunday_and_not_8` |
//! | copilot | `@yearly` is documented one way and built another | `copilot_yearly_is_the_first_of_january` |
//! | copilot #4604, CDK #21181 | no time zones | `a_local_time_keeps_its_hour_through_the_change_of_clocks` |
//! | cargo-lambda | progress shares standard output with JSON | `every_command_speaks_json_to_programs` |
//! | cargo-lambda `roles.rs:127` | a retry never reaches its last arm, and the real error is lost | `a_role_that_spreads_is_given_two_minutes_and_then_reported` |
//! | cargo-lambda | a failed deploy leaves a role with a name of chance | `a_run_that_is_cut_off_at_any_call_converges_when_it_is_run_again` |
//! | cargo-lambda | `--dry` prints the values of variables | `a_secrets_value_is_seen_nowhere` |
//! | fabfuel/ecs-deploy, Terraform #632 | old revisions are deregistered while schedules start them | `old_revisions_go_and_none_to_which_anything_refers` |
//! | fabfuel/ecs-deploy `ecs.py:194` | only the first target of a rule is looked at | `an_adopted_rule_starts_what_the_manifest_says_and_nothing_else` |
//! | Prefect #16485 | "Too many concurrent attempts" comes as a `ClientException` | `a_throttle_is_waited_out_even_when_asking_twice_would_do_harm` |
//! | Dagster #33439 | "Rate exceeded" comes inside an `InvalidParameterException` | `throttles_are_recognised_in_every_disguise` |
//! | CDK #28854, #27246 | tags make the role need `ecs:TagResource`, and every firing fails without a word | `who_starts_tasks_may_tag_them` |
//! | `CloudFormation` coverage #1056 | drift is compared with the first revision | `drift_looks_at_the_newest_revision` |
//! | terraform-aws-eventbridge #178 | generated policies are too small | `whoever_deploys_is_allowed_what_is_called_and_nothing_else` |
//! | containers-roadmap #1705 | a task that was not started is told to nobody | `people_are_told_by_one_topic_four_alarms_and_a_row_per_dataset` |
//! | the loader's script | ownership is the prefix of a name | `removing_a_dataset_prunes_exactly_its_things` |
//! | the loader's script | the database's address is a plain variable | `a_definition_is_the_whole_truth_of_a_run` |
//! | the loader's script | deleting a dataset leaves its rule | `removing_a_dataset_prunes_exactly_its_things` |
//! | the loader's script | nothing is compared: each run writes everything | `a_deployed_stack_is_whole_and_a_second_run_writes_nothing` |

use std::fs;
use std::path::Path;

use freshet_tests::proxy::{Fault, When};
use serde_json::json;

use crate::stage::{Entry, Stage, four, names};

/// All Rust below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, text);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(entry).unwrap());
        }
    }
}

#[test]
fn each_defect_of_the_table_has_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    for folder in ["src", "tests", "../manifest/src", "../manifest/tests"] {
        sources(&root.join(folder), &mut text);
    }
    let rows = include_str!("peers.rs").lines().filter(|line| line.starts_with("//! |")).skip(2);
    let tests: Vec<&str> = rows.map(|row| row.trim_end_matches(" |").rsplit('`').nth(1).unwrap()).collect();
    assert!(tests.len() > 40, "{}", tests.len());
    let missing: Vec<&&str> = tests.iter().filter(|test| !text.contains(&format!("fn {test}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The one rule that starts a run.
const RULE: &str = "freshet-nycdb-prod.dhs_daily_shelter_count";

fn rule_stage() -> Stage {
    Stage::with(&[Entry::new("dhs_daily_shelter_count", "small", "rule")])
}

#[test]
fn a_rule_that_is_cut_off_before_its_target_is_seen_and_completed() {
    let stage = rule_stage();
    stage.set_secret();
    stage.proxy.inject(When::operation("events:PutTargets").from(1), Fault::CutBefore);
    stage.deploy(["schedule-all"]).expect_code(1);
    stage.proxy.clear_faults();
    let rule = stage.aws.describe_rule(RULE).unwrap();
    assert_eq!(rule["State"], "DISABLED", "what is half made does not fire");
    assert!(
        rule["Description"].as_str().unwrap().contains("freshet:v1 nycdb/prod"),
        "its mark came with the first call"
    );
    stage.deploy(["schedule-all"]).expect_code(0);
    assert_eq!(stage.aws.describe_rule(RULE).unwrap()["State"], "ENABLED");
    assert_eq!(stage.aws.list_targets_by_rule(RULE).unwrap().len(), 1);
}

#[test]
fn a_rule_of_the_right_content_without_the_mark_is_refused_and_marked_when_adopted() {
    let stage = rule_stage();
    stage.set_secret();
    stage.deploy(["schedule-all"]).expect_code(0);
    let rule = stage.aws.describe_rule(RULE).unwrap();
    let unmarked = json!({"Name": RULE, "ScheduleExpression": rule["ScheduleExpression"], "Description": "nightly"});
    stage.aws.json("events", "PutRule", &unmarked).unwrap();
    stage.deploy(["schedule-all"]).expect_code(4);
    stage.deploy(["schedule-all", "--adopt", RULE]).expect_code(0);
    let marked = stage.aws.describe_rule(RULE).unwrap();
    assert_eq!(marked["Description"], rule["Description"]);
    assert_eq!(stage.plan(), [] as [&str; 0]);
}

#[test]
fn what_is_gone_already_does_not_stop_the_rest_from_going() {
    let mut entries = four();
    let stage = Stage::deployed(&entries);
    entries.truncate(1);
    stage.datasets(&entries);
    // Somebody deletes it between the list and our call.
    let gone =
        |code: &str| Fault::Refuse { status: 404, code: code.to_owned(), message: "it does not exist".to_owned() };
    stage.proxy.inject(When::operation("scheduler:DeleteSchedule").nth(1), gone("ResourceNotFoundException"));
    stage.proxy.inject(When::operation("events:DeleteRule").nth(1), gone("ResourceNotFoundException"));
    stage.deploy(["schedule-all", "--allow-deletes", "20"]).expect_code(0);
    stage.proxy.clear_faults();
    stage.deploy(["schedule-all", "--allow-deletes", "20"]).expect_code(0);
    assert_eq!(stage.plan(), [] as [&str; 0]);
    assert_eq!(stage.everything()["schedules"].len(), 1);
}

#[test]
fn who_starts_tasks_may_tag_them() {
    let stage = Stage::deployed(&four());
    for role in ["freshet-nycdb-prod-scheduler", "freshet-nycdb-prod-events"] {
        let policy = [("RoleName", role), ("PolicyName", "freshet")];
        let policy = stage.aws.query("iam", "GetRolePolicy", &policy).unwrap();
        assert!(policy.contains("ecs%3ATagResource") || policy.contains("ecs:TagResource"), "{role}: {policy}");
    }
}

#[test]
fn drift_looks_at_the_newest_revision() {
    let stage = Stage::deployed(&[Entry::new("hpd_violations", "small", "scheduler")]);
    let file = "datasets/nyc/hpd_violations.yml";
    stage.write(file, &stage.read(file).replace("title: hpd_violations", "title: Housing violations"));
    stage.deploy(["schedule-all"]).expect_code(0);
    stage.deploy(["drift"]).expect_code(0);
    // Somebody registers a revision by hand and lets the mark and the hash be as they were.
    let family = "freshet-nycdb-prod-hpd_violations";
    let input = json!({"taskDefinition": family, "include": ["TAGS"]});
    let found = stage.aws.json("ecs", "DescribeTaskDefinition", &input).unwrap();
    let mut definition = found["taskDefinition"].clone();
    let kept = [
        "family",
        "networkMode",
        "requiresCompatibilities",
        "cpu",
        "memory",
        "executionRoleArn",
        "taskRoleArn",
        "containerDefinitions",
    ];
    definition.as_object_mut().unwrap().retain(|key, _| kept.contains(&key.as_str()));
    definition["memory"] = json!("2048");
    definition["tags"] = found["tags"].clone();
    stage.aws.json("ecs", "RegisterTaskDefinition", &definition).unwrap();
    let told = stage.deploy(["drift"]).expect_code(4).stdout;
    assert!(told.contains("memory: 2048 → 1024"), "{told}");
    stage.deploy(["drift", "--repair"]).expect_code(0);
    stage.deploy(["drift"]).expect_code(0);
    assert_eq!(names(&stage.proxy.calls_of("ecs:DeregisterTaskDefinition")), [] as [&str; 0]);
}
