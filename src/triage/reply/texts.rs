//! Loading the texts of the letters, language by language, and filling them.
//!
//! Built in are English and German, files in `letters/`. In the folder that `templates` names, a
//! folder for each language holds its texts and its `words.toml`; files directly in it replace
//! English ones. Each such text is tried with many shapes of facts when it is loaded, so that a
//! mistake shows at start; if one shows in a letter all the same, the built-in text is still there.
//!
//! A letter is in one language as a whole: where a language lacks a text or its words, another
//! language speaks.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};

use super::{Facts, Template, Words, fold, sample};
use crate::triage::policy::Language;

const ENGLISH: &str = "en";
const WORDS_FILE: &str = "words.toml";

/// The loaded texts.
#[derive(Clone)]
pub struct Texts {
    /// With those of the folder in the place of built-in ones.
    chosen: Voices,
    built_in: Voices,
}

/// One language: its words and its texts.
#[derive(Clone)]
pub struct Voice {
    pub language: Language,
    pub words: Words,
    texts: Environment<'static>,
}

#[derive(Clone)]
struct Voices {
    /// Has every text.
    english: Voice,
    others: BTreeMap<Language, Voice>,
}

/// A text that cannot be used, or one that is missing: where, what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct TextError {
    pub file: String,
    pub what: String,
}

/// What is wrong with a folder of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The daemon does not start with these.
    pub mistakes: Vec<TextError>,
    /// What a translation lacks, and what nobody reads. Another language speaks meanwhile.
    pub gaps: Vec<TextError>,
}

impl Texts {
    /// The built-in texts, those in `folder` in their place. Lists every mistake.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<TextError>> {
        let (texts, findings) = Self::read(folder).map_err(|mistake| vec![mistake])?;
        match findings.mistakes.is_empty() {
            true => Ok(texts),
            false => Err(findings.mistakes),
        }
    }

    /// What is wrong with the texts in a folder.
    pub fn check(folder: Option<&Path>) -> Findings {
        match Self::read(folder) {
            Ok((_, findings)) => findings,
            Err(mistake) => Findings {
                mistakes: vec![mistake],
                gaps: Vec::new(),
            },
        }
    }

    /// The error: a built-in text cannot be used.
    fn read(folder: Option<&Path>) -> Result<(Self, Findings), TextError> {
        let built_in = Voices::built_in()?;
        let mut texts = Self {
            chosen: Voices::built_in()?,
            built_in,
        };
        let mut findings = Findings::default();
        if let Some(folder) = folder {
            texts.take_over(folder, &mut findings);
        }
        Ok((texts, findings))
    }

    fn take_over(&mut self, folder: &Path, findings: &mut Findings) {
        let listed = match Listing::of(folder) {
            Ok(listed) => listed,
            Err(error) => return findings.gap(folder, &format!("cannot be read ({error})")),
        };
        self.take_over_language(ENGLISH, folder, &listed.files, findings);
        for name in &listed.folders {
            let path = folder.join(name);
            if !is_language(name) {
                findings.gap(&path, "is no language; name it like en, de or pt-br");
                continue;
            }
            match Listing::of(&path) {
                Ok(inner) => {
                    self.take_over_language(name, &path, &inner.files, findings);
                    for folder in &inner.folders {
                        findings.gap(&path.join(folder), "no letter uses it");
                    }
                }
                Err(error) => findings.mistake(&path, &format!("cannot be read ({error})")),
            }
        }
    }

    /// Takes over the files of one language.
    fn take_over_language(
        &mut self,
        language: &str,
        folder: &Path,
        files: &BTreeSet<String>,
        findings: &mut Findings,
    ) {
        findings.unused(folder, files);
        let built_in = self.built_in.get(language);
        let words = read_words(
            folder,
            files,
            &self.built_in.english.words,
            built_in.map(|voice| &voice.words),
            findings,
        );
        let mut texts = self
            .chosen
            .get(language)
            .map_or_else(empty_environment, |voice| voice.texts.clone());
        for template in Template::ALL {
            let path = folder.join(template.file_name());
            if files.contains(&template.file_name()) {
                if let Err(what) = own_text(&mut texts, template, &path) {
                    findings.mistake(&path, &what);
                }
            } else if built_in.is_none() {
                findings.gap(
                    &path,
                    "is missing; this letter goes out in the policy's language until it is written",
                );
            }
        }
        if let Some(words) = words {
            self.chosen.insert(Voice {
                language: language.to_owned(),
                words,
                texts,
            });
        }
    }

    /// The language of a letter: `wanted` where it has the text, else the policy's `own`, else English.
    pub fn voice(&self, template: Template, wanted: Option<&str>, own: &str) -> &Voice {
        self.chosen.first_with(template, wanted, own)
    }

    /// The same in our own words, for where somebody's own text fails.
    pub fn built_in_voice(&self, template: Template, wanted: Option<&str>, own: &str) -> &Voice {
        self.built_in.first_with(template, wanted, own)
    }

    /// The languages that letters can be written in.
    pub fn languages(&self) -> Vec<&str> {
        let others = self.chosen.others.keys().map(String::as_str);
        std::iter::once(ENGLISH).chain(others).collect()
    }
}

impl Voice {
    /// The text of a letter, lines ended by `\n`.
    pub fn render(&self, template: Template, facts: &Facts) -> Result<String, TextError> {
        self.texts
            .get_template(template.as_str())
            .and_then(|text| text.render(Value::from(Serde(facts))))
            .map(|text| fold::letter(&text))
            .map_err(|error| TextError {
                file: format!("{}/{}", self.language, template.file_name()),
                what: in_words(&error),
            })
    }

    fn built_in(
        language: &str,
        words: &str,
        otherwise: Option<&Words>,
        text: fn(Template) -> &'static str,
    ) -> Result<Self, TextError> {
        let mistake = |file: String, what| TextError {
            file: format!("{language}/{file}"),
            what,
        };
        let words =
            Words::read(words, otherwise).map_err(|what| mistake(WORDS_FILE.to_owned(), what))?;
        let mut texts = empty_environment();
        for template in Template::ALL {
            texts
                .add_template(template.as_str(), text(template))
                .map_err(|error| mistake(template.file_name(), in_words(&error)))?;
        }
        Ok(Self {
            language: language.to_owned(),
            words,
            texts,
        })
    }

    fn has(&self, template: Template) -> bool {
        self.texts.get_template(template.as_str()).is_ok()
    }
}

impl Voices {
    fn built_in() -> Result<Self, TextError> {
        let english = include_str!("../letters/en/words.toml");
        let german = include_str!("../letters/de/words.toml");
        let english = Voice::built_in(ENGLISH, english, None, Template::english)?;
        let german = Voice::built_in("de", german, None, Template::german)?;
        Ok(Self {
            english,
            others: BTreeMap::from([(german.language.clone(), german)]),
        })
    }

    fn get(&self, language: &str) -> Option<&Voice> {
        match language {
            ENGLISH => Some(&self.english),
            other => self.others.get(other),
        }
    }

    fn insert(&mut self, voice: Voice) {
        match voice.language.as_str() {
            ENGLISH => self.english = voice,
            _ => {
                self.others.insert(voice.language.clone(), voice);
            }
        }
    }

    fn first_with(&self, template: Template, wanted: Option<&str>, own: &str) -> &Voice {
        [wanted, Some(own)]
            .into_iter()
            .flatten()
            .filter_map(|language| self.get(language))
            .find(|voice| voice.has(template))
            .unwrap_or(&self.english)
    }
}

impl Findings {
    fn mistake(&mut self, file: &Path, what: &str) {
        self.mistakes.push(TextError {
            file: file.display().to_string(),
            what: what.to_owned(),
        });
    }

    fn gap(&mut self, file: &Path, what: &str) {
        self.gaps.push(TextError {
            file: file.display().to_string(),
            what: what.to_owned(),
        });
    }

    /// Files that no letter uses: a misspelt name, most likely.
    fn unused(&mut self, folder: &Path, files: &BTreeSet<String>) {
        let mut known: Vec<String> = Template::ALL.map(Template::file_name).into();
        known.push(WORDS_FILE.to_owned());
        for file in files.iter().filter(|file| !known.contains(file)) {
            let alike = |name: &&String| strsim::damerau_levenshtein(name, file) <= 3;
            let what = match known.iter().find(alike) {
                Some(name) => format!("no letter uses it; did you mean {name}?"),
                None => format!("no letter uses it; those in use are {}", known.join(", ")),
            };
            self.gap(&folder.join(file), &what);
        }
    }
}

/// The words of a language; `None`: it cannot speak, and what it lacks was noted.
fn read_words(
    folder: &Path,
    files: &BTreeSet<String>,
    measure: &Words,
    built_in: Option<&Words>,
    findings: &mut Findings,
) -> Option<Words> {
    let path = folder.join(WORDS_FILE);
    if !files.contains(WORDS_FILE) {
        if built_in.is_none() {
            findings.gap(
                &path,
                "is missing, so the language is not used; copy the English one and translate it",
            );
        }
        return built_in.cloned();
    }
    let read = std::fs::read_to_string(&path).map_err(|error| format!("cannot be read ({error})"));
    let words = match read.and_then(|source| Words::read(&source, built_in)) {
        Ok(words) => words,
        Err(what) => {
            findings.mistake(&path, &what);
            return None;
        }
    };
    let comparison = words.compare(measure);
    for what in comparison.in_words() {
        findings.gap(&path, &what);
    }
    if comparison.is_complete() {
        return Some(words);
    }
    built_in.cloned()
}

fn own_text(
    texts: &mut Environment<'static>,
    template: Template,
    path: &Path,
) -> Result<(), String> {
    let source =
        std::fs::read_to_string(path).map_err(|error| format!("cannot be read ({error})"))?;
    texts
        .add_template_owned(template.as_str(), source)
        .and_then(|()| try_out(texts, template))
        .map_err(|error| in_words(&error))
}

/// Renders with all that a letter may say, with nothing of it, and with each pair of facts
/// changed: a text that is wrong about two facts together is wrong at start.
fn try_out(texts: &Environment<'_>, template: Template) -> Result<(), minijinja::Error> {
    let text = texts.get_template(template.as_str())?;
    for facts in sample::shapes(&text.undeclared_variables(false)) {
        text.render(Value::from(Serde(facts)))?;
    }
    Ok(())
}

fn empty_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
}

fn in_words(error: &minijinja::Error) -> String {
    match error.line() {
        Some(line) => format!("line {line}: {error}"),
        None => error.to_string(),
    }
}

/// `en`, `pt-br`: ISO 639, and what may follow.
fn is_language(name: &str) -> bool {
    let mut parts = name.split('-');
    let is_lower = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    let first = parts.next().unwrap_or_default();
    (2..=3).contains(&first.len())
        && is_lower(first)
        && parts.all(|part| (2..=8).contains(&part.len()) && is_lower(part))
}

/// The names in a folder, hidden ones left out.
struct Listing {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Listing {
    fn of(folder: &Path) -> io::Result<Self> {
        let mut listing = Self {
            files: BTreeSet::new(),
            folders: BTreeSet::new(),
        };
        for entry in std::fs::read_dir(folder)? {
            let path: PathBuf = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let kind = match path.is_dir() {
                true => &mut listing.folders,
                false => &mut listing.files,
            };
            kind.insert(name.into_owned());
        }
        Ok(listing)
    }
}
