//! The pure core: what a mail is, which case it belongs to, what the policy
//! promises for it, and which answer goes out. No clock, network or database.

pub mod calendar;
pub mod case;
pub mod classify;
pub mod command;
pub mod deadline;
pub mod decide;
pub mod extract;
pub mod language;
pub mod marks;
pub mod orders;
pub mod policy;
pub mod reply;
pub mod rules;
pub mod same;
pub mod whose;
