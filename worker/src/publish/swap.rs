//! The statements of the swap itself: live tables to the previous generation, staging live, views bound again. They change
//! a few catalog rows each; everything that takes time has been done before.

use std::collections::BTreeSet;

use super::attached::Place;
use super::columns;
use super::foreign_keys::ForeignKey;
use super::inventory::{Inventory, Live};
use super::lock::LOCK_BUDGET;
use crate::postgres::Acting;
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::staging::Blueprint;

/// The schemas between which tables move.
#[derive(Debug)]
pub(super) struct Schemas<'a> {
    pub(super) staging: &'a str,
    pub(super) live: &'a str,
    pub(super) previous: &'a str,
}

/// Lets roles that act besides the login role into the previous generation's schema, before any lock is taken.
pub(super) fn open(inventory: &Inventory, schemas: &Schemas<'_>) -> String {
    doors(inventory, schemas, "GRANT", "TO")
}

fn doors(inventory: &Inventory, schemas: &Schemas<'_>, verb: &str, preposition: &str) -> String {
    let tables = inventory.live.keys().map(|name| inventory.mover(name));
    let movers: BTreeSet<Acting> =
        tables.chain(inventory.rebuilt().map(|(view, _)| view.mover(inventory.login()))).collect();
    let schema = quote_ident(schemas.previous);
    let statements = movers
        .iter()
        .filter_map(Acting::role)
        .map(|role| format!("{verb} USAGE, CREATE ON SCHEMA {schema} {preposition} {}; ", quote_ident(role)));
    statements.collect()
}

/// One batch that runs while the locks are held.
pub(super) fn statements(inventory: &Inventory, blueprints: &[Blueprint], schemas: &Schemas<'_>) -> String {
    let mut steps: Vec<(Acting, String)> = Vec::new();
    let live = quote_ident(schemas.live);
    if !inventory.schema.exists {
        steps.push((Acting::Login, format!("CREATE SCHEMA {live}")));
    }
    let table = |oid| qualified(schemas.live, inventory.name_of(oid));
    steps.extend(inventory.publications.iter().filter_map(|one| one.drop(table)).map(|sql| (Acting::Login, sql)));
    for key in &inventory.foreign_keys {
        let name = inventory.name_of(key.live);
        steps.push(key.drop(&qualified(schemas.live, name), inventory.mover(name)));
    }
    // Everything that goes: where it stands, what it is, and who moves it.
    let tables = inventory
        .live
        .iter()
        .map(|(name, old)| (Place { schema: schemas.live, table: name }, old, inventory.mover(name)));
    let matviews = inventory.rebuilt().map(|(view, rebuilt)| {
        (Place { schema: &view.schema, table: &view.name }, &rebuilt.live, view.mover(inventory.login()))
    });
    let going: Vec<(Place<'_>, &Live, Acting)> = tables.chain(matviews).collect();
    // Columns of a plain view have no settings of their own that could be written.
    let plain: Vec<Place<'_>> = inventory
        .rebuilt()
        .filter(|(view, _)| !view.is_materialized())
        .map(|(view, _)| Place { schema: &view.schema, table: &view.name })
        .collect();
    for (place, old, mover) in &going {
        let touch = columns::touch(&place.relation(), if plain.contains(place) { &[] } else { &old.columns });
        let clear = old.attached.iter().filter_map(|one| one.clear(place));
        steps.extend(touch.into_iter().chain(clear).map(|sql| (mover.clone(), sql)));
    }
    // All of one generation go before any of the next come: a table's new indexes may have names of another's old ones.
    for name in inventory.live.keys() {
        let table = qualified(schemas.live, name);
        steps
            .push((inventory.mover(name), format!("ALTER TABLE {table} SET SCHEMA {}", quote_ident(schemas.previous))));
    }
    for (view, _) in inventory.rebuilt() {
        let statement = format!("ALTER {} SET SCHEMA {}", view.place(&view.schema), quote_ident(schemas.previous));
        steps.push((view.mover(inventory.login()), statement));
    }
    for blueprint in blueprints {
        let name = blueprint.table.as_str();
        let table = qualified(schemas.staging, name);
        steps.push((inventory.mover(name), format!("ALTER TABLE {table} SET SCHEMA {live}")));
    }
    for (view, _) in inventory.rebuilt() {
        let statement = format!("ALTER {} SET SCHEMA {}", view.place(schemas.staging), quote_ident(&view.schema));
        steps.push((view.mover(inventory.login()), statement));
    }
    for (place, old, mover) in &going {
        let staged = Place { schema: schemas.staging, ..*place };
        let follow = old.attached.iter().filter_map(|one| one.follow(&staged, place.schema));
        let go_on = old.owned.iter().map(|sequence| sequence.go_on(schemas.live, schemas.previous));
        steps.extend(follow.chain(go_on).map(|sql| (mover.clone(), sql)));
    }
    steps.extend(inventory.publications.iter().filter_map(|one| one.add(table)).map(|sql| (Acting::Login, sql)));
    steps.extend(inventory.foreign_keys.iter().flat_map(ForeignKey::add));
    // Innermost first, so that a view that reads a table and a view of it finds both as they will be.
    steps.extend(inventory.views.iter().rev().filter_map(|view| view.rebind(inventory.login())));
    steps.extend(inventory.rules.iter().map(|rule| rule.rebind(inventory.login())));
    steps.extend(inventory.functions.iter().map(|function| function.rebind(inventory.login())));

    // What is not locked by now, such as a table that a key of ours names and that is not ours to lock, is not waited for.
    // No row is read either: PostgreSQL looks at the bodies of functions as their owners, whom policies may bind.
    let mut sql = format!("SET LOCAL lock_timeout = {}; SET LOCAL row_security = on; ", LOCK_BUDGET.as_millis());
    let mut current = Acting::Login;
    for (acting, statement) in steps {
        if acting != current {
            sql.push_str(&acting.set_local());
            sql.push_str("; ");
            current = acting;
        }
        sql.push_str(&statement);
        sql.push_str("; ");
    }
    sql.push_str(&Acting::Login.set_local());
    sql.push_str("; ");
    sql.push_str(&doors(inventory, schemas, "REVOKE", "FROM"));
    sql
}
