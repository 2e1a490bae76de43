//! Files as publishers send them on their bad days, each read by `worker check` without a database: what is loaded, what is lost and on
//! which line, and what a load would end in. Nothing is lost that is not told.

mod archives;
mod checked;
mod corpus;
mod encodings;
mod headers;
mod lines;
mod values;
