//! The lines `openpgp.keys` and `openpgp.retired` of the configuration, changed in their place:
//! comments, order and everything else stay as they are.

use std::path::Path;

use anyhow::{Context, bail};
use toml_edit::{Array, DocumentMut, Item, RawString, TableLike, Value};

use super::files::{self, Undo};
use crate::config::{self, Config};

/// What becomes of the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A key file in front of the others: it is offered from now on.
    First(String),
    /// Behind the others.
    Last(Vec<String>),
    /// This key (upper-case hex) is offered no more.
    Retire(String),
}

impl Edit {
    /// What a person writes where we cannot.
    pub fn by_hand(&self) -> String {
        match self {
            Self::First(file) => format!("put {} in front of openpgp.keys", quoted(file)),
            Self::Last(files) => {
                let files: Vec<String> = files.iter().map(|file| quoted(file)).collect();
                format!("put {} at the end of openpgp.keys", files.join(", "))
            }
            Self::Retire(key) => format!("add {} to the list openpgp.retired", quoted(key)),
        }
    }

    /// What it did.
    pub fn done(&self) -> &'static str {
        match self {
            Self::First(_) => "put in front of openpgp.keys",
            Self::Last(_) => "put at the end of openpgp.keys",
            Self::Retire(_) => "added to openpgp.retired",
        }
    }

    /// Changes the file, as a whole or not at all. The new one is read before it takes the place.
    pub fn carry_out(&self, config: &Config, undo: &mut Undo) -> anyhow::Result<()> {
        let path = &config.path;
        let old = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let text = self
            .applied(&old)
            .with_context(|| path.display().to_string())?;
        files::replace(path, text.as_bytes(), |new| self.is_in(new, config))?;
        undo.replaced(path, old.into_bytes().into());
        Ok(())
    }

    /// Does the new file say what it should, and nothing else about the keys?
    fn is_in(&self, new: &Path, old: &Config) -> anyhow::Result<()> {
        let (new, _) = config::load(new).map_err(|it| anyhow::anyhow!(config::in_words(&it)))?;
        let (keys, retired) = (&new.openpgp.keys, &new.openpgp.retired);
        let (old_keys, old_retired) = (&old.openpgp.keys, &old.openpgp.retired);
        let grew_by = |count| {
            keys.len() == old_keys.len() + count
                && old_keys.iter().all(|key| keys.contains(key))
                && retired == old_retired
        };
        let is_right = match self {
            Self::First(_) => grew_by(1),
            Self::Last(files) => grew_by(files.len()),
            Self::Retire(key) => keys == old_keys && retired.contains(key),
        };
        anyhow::ensure!(is_right, "the configuration did not come out as it should");
        Ok(())
    }

    fn applied(&self, text: &str) -> anyhow::Result<String> {
        let mut document: DocumentMut = text.parse().context("cannot be read as TOML")?;
        let table = document
            .get_mut("openpgp")
            .and_then(Item::as_table_like_mut)
            .context("has no section [openpgp]")?;
        match self {
            Self::First(file) => put_first(list(table, "keys")?, file),
            Self::Last(files) => {
                let list = list(table, "keys")?;
                files.iter().for_each(|file| put_last(list, file));
            }
            Self::Retire(key) => {
                if table.get("retired").is_none() {
                    table.insert("retired", Item::Value(Value::Array(Array::new())));
                }
                put_last(list(table, "retired")?, key);
            }
        }
        Ok(document.to_string())
    }
}

/// The first entry of `openpgp.keys`, as it is written.
pub fn first_entry(config: &Path) -> Option<String> {
    let document: DocumentMut = std::fs::read_to_string(config).ok()?.parse().ok()?;
    let keys = document.get("openpgp")?.get("keys")?.as_array()?;
    Some(keys.get(0)?.as_str()?.to_owned())
}

fn list<'a>(table: &'a mut dyn TableLike, name: &str) -> anyhow::Result<&'a mut Array> {
    match table.get_mut(name).and_then(Item::as_array_mut) {
        Some(list) => Ok(list),
        None => bail!("has no list openpgp.{name}"),
    }
}

fn put_first(list: &mut Array, text: &str) {
    let Some(first) = list.get_mut(0) else {
        list.push(text);
        return;
    };
    let place = prefix(first);
    let mut new = Value::from(text);
    match line_start(&place) {
        Some(start) => *new.decor_mut() = toml_edit::Decor::new(start, ""),
        None => {
            *new.decor_mut() = toml_edit::Decor::new(&place, "");
            first.decor_mut().set_prefix(" ");
        }
    }
    list.insert_formatted(0, new);
}

fn put_last(list: &mut Array, text: &str) {
    let mut new = Value::from(text);
    let behind = list.trailing().as_str().unwrap_or_default().to_owned();
    let has_comma = list.trailing_comma();
    let count = list.len();
    let Some(last) = count.checked_sub(1).and_then(|index| list.get_mut(index)) else {
        list.push(text);
        return;
    };
    let start = line_start(&prefix(last)).unwrap_or_else(|| " ".to_owned());
    if has_comma {
        // A comment behind the last comma is about the entry before it.
        let comment = behind.trim_end();
        let end = behind.get(comment.len()..).unwrap_or_default().to_owned();
        *new.decor_mut() = toml_edit::Decor::new(format!("{comment}{start}"), "");
        list.set_trailing(end);
    } else {
        let end = suffix(last);
        last.decor_mut().set_suffix("");
        let comment = end.trim_end();
        let space = end.get(comment.len()..).unwrap_or_default();
        *new.decor_mut() = toml_edit::Decor::new(format!("{comment}{start}"), space);
    }
    list.push_formatted(new);
}

fn prefix(value: &Value) -> String {
    raw(value.decor().prefix())
}

fn suffix(value: &Value) -> String {
    raw(value.decor().suffix())
}

fn raw(text: Option<&RawString>) -> String {
    text.and_then(RawString::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The line end and the indent before an entry that stands on a line of its own.
fn line_start(prefix: &str) -> Option<String> {
    let (_, indent) = prefix.rsplit_once('\n')?;
    Some(format!("\n{indent}"))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edit: &Edit, old: &str, new: &str) {
        let head = "# ours\n[openpgp] # keys\n";
        let tail = "\n# then\n[policy]\nfile = 'p'   # as is\n";
        let edited = edit.applied(&format!("{head}{old}{tail}")).unwrap();
        assert_eq!(edited, format!("{head}{new}{tail}"));
    }

    #[test]
    fn entries_are_added_and_all_else_stays() {
        let first = Edit::First("n".to_owned());
        let last = Edit::Last(vec!["n".to_owned()]);
        for (old, in_front, behind) in [
            (
                "keys = [\"a\"]",
                "keys = [\"n\", \"a\"]",
                "keys = [\"a\", \"n\"]",
            ),
            (
                "keys = [ 'a', 'b' ] # two",
                "keys = [ \"n\", 'a', 'b' ] # two",
                "keys = [ 'a', 'b', \"n\" ] # two",
            ),
            (
                "keys = [\n  # mine\n  \"a\", # old\n  \"b\", # older\n]",
                "keys = [\n  \"n\",\n  # mine\n  \"a\", # old\n  \"b\", # older\n]",
                "keys = [\n  # mine\n  \"a\", # old\n  \"b\", # older\n  \"n\",\n]",
            ),
            (
                "keys = [\n\t\"a\",\n\t\"b\"\n]",
                "keys = [\n\t\"n\",\n\t\"a\",\n\t\"b\"\n]",
                "keys = [\n\t\"a\",\n\t\"b\",\n\t\"n\"\n]",
            ),
            ("keys = []", "keys = [\"n\"]", "keys = [\"n\"]"),
        ] {
            check(&first, old, in_front);
            check(&last, old, behind);
        }
    }

    #[test]
    fn a_list_of_retired_keys_is_made_and_grows() {
        let retire = Edit::Retire("F".to_owned());
        check(
            &retire,
            "keys = [\"a\"] # one\nsign = true\n",
            "keys = [\"a\"] # one\nsign = true\nretired = [\"F\"]\n",
        );
        check(&retire, "retired = [\"E\"]", "retired = [\"E\", \"F\"]");
        let text = retire.applied("openpgp.keys = ['a']\n").unwrap();
        assert_eq!(text, "openpgp.keys = ['a']\nopenpgp.retired = [\"F\"]\n");
        let text = retire.applied("openpgp = { keys = ['a'] }\n").unwrap();
        assert_eq!(text, "openpgp = { keys = ['a'] , retired = [\"F\"] }\n");
    }

    #[test]
    fn where_there_is_no_list_nothing_is_invented() {
        for text in [
            "",
            "[openpgp]\nkeys_credentials = ['k']\n",
            "[openpgp]\nkeys = 'a'\n",
        ] {
            assert!(Edit::First("n".to_owned()).applied(text).is_err(), "{text}");
        }
    }
}
