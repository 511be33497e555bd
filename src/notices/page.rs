//! What the team reads, as HTML: the same facts as in the text, easier on the eye.
//!
//! - `style.css`, `style`: how all of it looks, by day and by night
//! - `layout.html`, `parts.html`: what every page begins and ends with, and what it is made of
//! - `board`, `board.html`, `chart`: the digest, with its pictures
//!
//! No page runs a script or fetches anything, and it says so (Content-Security-Policy). What
//! strangers wrote is escaped wherever it stands, since every template has a name in `.html`.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;
use thiserror::Error;

pub mod board;
mod chart;
mod png;
mod style;

/// A page that cannot be made; the text goes without it.
#[derive(Debug, Error)]
pub enum PageError {
    #[error("a picture cannot be drawn: {0}")]
    Drawing(String),
    #[error("a picture cannot be written: {0}")]
    Png(#[from] ::png::EncodingError),
    #[error("a page cannot be filled: {0}")]
    Template(#[from] minijinja::Error),
}

impl PageError {
    fn drawing(error: impl std::error::Error) -> Self {
        Self::Drawing(error.to_string())
    }
}

/// Templates and what they can call: `look("card late")` gives the attributes of these classes.
static TEMPLATES: LazyLock<Result<Environment<'static>, String>> =
    LazyLock::new(|| environment().map_err(|error| format!("{error:#}")));

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    templates.set_syntax(syntax);
    templates.add_function("look", style::look);
    templates.add_function("sheet", || {
        Value::from_safe_string(style::sheet().to_owned())
    });
    templates.add_template("parts.html", include_str!("page/parts.html"))?;
    templates.add_template("layout.html", include_str!("page/layout.html"))?;
    templates.add_template("board.html", include_str!("page/board.html"))?;
    Ok(templates)
}

/// A page out of one of the templates above.
pub(super) fn render(template: &str, values: &impl Serialize) -> Result<String, PageError> {
    let templates = TEMPLATES.as_ref().map_err(|error| {
        let kind = minijinja::ErrorKind::BadInclude;
        minijinja::Error::new(kind, error.clone())
    })?;
    let template = templates.get_template(template)?;
    Ok(template.render(Value::from(Serde(values)))?)
}
