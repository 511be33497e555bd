//! What the policy says in words: a text, or one for each language.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::config::document::{Complaint, Table, Value};
use crate::config::mistake::{Gravity, quote};
use crate::triage::policy::{Language, Sentence};

/// Characters; a longer one is a page, and letters name its address instead.
const LONGEST: usize = 4_000;

/// ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv \
    cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie \
    ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk \
    ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se \
    sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo \
    xh yi yo za zh zu";

/// Reads sentences, and remembers in which languages they came.
pub struct Sentences<'a> {
    /// The language of plain texts.
    pub own: Language,
    count: Cell<usize>,
    translated: RefCell<Vec<(Language, Value<'a>)>>,
}

impl<'a> Sentences<'a> {
    /// `language`, or English.
    pub fn of(root: &Table<'a>) -> Self {
        Self {
            own: root
                .optional("language", language)
                .unwrap_or_else(|| "en".to_owned()),
            count: Cell::new(0),
            translated: RefCell::default(),
        }
    }

    pub fn optional(&self, table: &Table<'a>, key: &'static str) -> Option<Sentence> {
        self.read(&table.value(key)?)
    }

    pub fn required(&self, table: &Table<'a>, key: &'static str, mend: &str) -> Sentence {
        table
            .required_value(key, mend)
            .and_then(|value| self.read(&value))
            .unwrap_or_default()
    }

    pub fn read(&self, value: &Value<'a>) -> Option<Sentence> {
        self.count.set(self.count.get() + 1);
        if !value.is_section() {
            return value
                .parse(words)
                .map(|text| Sentence::of(&self.own, &text));
        }
        let by_language = value.section(|table| self.by_language(table))?;
        if !by_language.contains_key(&self.own) {
            let what = format!(
                "has no sentence in {}, the policy's own language",
                quote(&self.own)
            );
            let mend = format!(
                "add {} = \"…\", which is cited where a reader's language is missing",
                self.own
            );
            value.complain(Complaint::new(what, mend));
        }
        Some(Sentence {
            by_language,
            own: self.own.clone(),
        })
    }

    fn by_language(&self, table: &Table<'a>) -> BTreeMap<Language, String> {
        let mut sentences = BTreeMap::new();
        for (key, value) in table.entries() {
            let text = value.parse(words);
            match language(key) {
                Ok(language) => {
                    sentences.extend(text.map(|text| (language.clone(), text)));
                    self.translated.borrow_mut().push((language, value));
                }
                Err(complaint) => value.complain(complaint),
            }
        }
        sentences
    }

    /// A translation of one sentence alone is a slip of the pen, or was never finished.
    pub fn warn_of_lone_languages(self) {
        let translated = self.translated.into_inner();
        for (language, value) in &translated {
            let uses = translated.iter().filter(|(other, _)| other == language);
            if *language != self.own && uses.count() == 1 && self.count.get() > 1 {
                let what = format!("no other sentence is in {}", quote(language));
                let mend = format!(
                    "translate the others too, or take it out; a reader of {language} gets {} else",
                    quote(&self.own)
                );
                value.warn(Gravity::Warning, Complaint::new(what, mend));
            }
        }
    }
}

fn language(text: &str) -> Result<Language, Complaint> {
    let is_known = |tag: &str| LANGUAGES.split_whitespace().any(|known| known == tag);
    if is_known(text) {
        return Ok(text.to_owned());
    }
    let lower = text.to_lowercase();
    let base = lower.split(['-', '_']).next().unwrap_or_default();
    let mend = if is_known(base) {
        format!("write {}", quote(base))
    } else {
        "write two letters of ISO 639-1, like \"en\" or \"de\"".to_owned()
    };
    Err(Complaint::new(
        format!("{} is not a language", quote(text)),
        mend,
    ))
}

fn words(text: &str) -> Result<String, Complaint> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Complaint::new(
            "is empty",
            "write the sentence, or take the key out",
        ));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        let what = format!("{} holds a control character", quote(text));
        return Err(Complaint::new(what, "take tabs and the like out"));
    }
    if text.chars().count() > LONGEST {
        let what = format!("is longer than {LONGEST} characters");
        return Err(Complaint::new(
            what,
            "write what letters cite, and the page's address as url",
        ));
    }
    Ok(text.to_owned())
}
