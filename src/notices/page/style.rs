//! The style sheet in two parts: attributes of the elements, and the sheet in the head.
//!
//! Mail programs differ in what they take of a sheet. What makes a page readable stands on each
//! element; what depends on the screen (night, width) can stand in the head alone.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::{Error, ErrorKind, Value};

const STYLE: &str = include_str!("style.css");

static LOOKS: LazyLock<BTreeMap<&str, String>> = LazyLock::new(|| looks(split(STYLE).0));

/// What goes into `<style>`: everything from the first at-rule on.
pub fn sheet() -> &'static str {
    split(STYLE).1
}

/// `class="card" style="…"`, for one class or several with spaces between them. Called from the
/// templates; an error where the sheet knows no such class.
pub fn look(classes: &str) -> Result<Value, Error> {
    let mut style = String::new();
    for class in classes.split(' ') {
        match LOOKS.get(class) {
            Some(rules) => style.push_str(rules),
            None if sheet().contains(&format!(".{class} ")) => {}
            None => {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("style.css has no class {class:?}"),
                ));
            }
        }
    }
    let attributes = if style.is_empty() {
        format!("class=\"{classes}\"")
    } else {
        format!("class=\"{classes}\" style=\"{style}\"")
    };
    Ok(Value::from_safe_string(attributes))
}

/// What a class says, for a style of which a part is reckoned.
pub fn rules(class: &str) -> &'static str {
    LOOKS.get(class).map_or("", String::as_str)
}

fn split(style: &'static str) -> (&'static str, &'static str) {
    // The comment at the head names the sign too.
    let rules = style.split_once("*/").map_or(style, |(_, rules)| rules);
    let at_rules = rules.find("\n@").unwrap_or(rules.len());
    rules.split_at_checked(at_rules).unwrap_or((rules, ""))
}

/// The rules by the name of their class.
fn looks(rules: &'static str) -> BTreeMap<&'static str, String> {
    rules
        .split('}')
        .filter_map(|rule| {
            let (class, rules) = rule.split_once('{')?;
            // They stand in a page a thousand times.
            let rules = rules.trim().replace(": ", ":").replace("; ", ";");
            Some((class.trim().strip_prefix('.')?, rules))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_become_attributes() {
        let look = look("card soft").unwrap();
        let text = look.as_str().unwrap();
        assert!(text.starts_with("class=\"card soft\" style=\"margin:0 0 14px;"));
        assert!(text.contains("color:#5a6675;"), "{text}");
        assert!(look.is_safe());
    }

    #[test]
    fn a_class_of_the_sheet_alone_has_no_style() {
        assert_eq!(look("pairs").unwrap().as_str(), Some("class=\"pairs\""));
    }

    #[test]
    fn an_unknown_class_is_an_error() {
        assert!(look("kard").is_err());
    }

    #[test]
    fn no_rule_can_end_its_attribute_and_nothing_is_fetched() {
        assert!(LOOKS.len() > 30);
        for (class, rules) in LOOKS.iter() {
            assert!(rules.ends_with(';') && !rules.contains('"'), "{class}");
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
        assert!(sheet().trim_start().starts_with("@media"));
    }
}
