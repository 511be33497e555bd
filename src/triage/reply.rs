//! The words of our letters: templates, and the facts that go into them.
//!
//! The built-in texts are files in `letters/`; a file of the same name in the
//! folder that `templates` names replaces one. Such a text is tried with many
//! shapes of facts when it is loaded, so that a mistake shows at start; if one
//! shows in a letter all the same, the built-in text is still there.
//!
//! A letter quotes nothing of the mail that it answers: the facts hold no text
//! that a stranger wrote.

use std::path::Path;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

/// Which letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The reporter's receipt.
    Acknowledgement,
    /// Our OpenPGP key, for whoever asked.
    Key,
    /// We could not read your mail.
    Unreadable,
    /// Several held answers to one address as one letter.
    Combined,
    /// Without content: the reporter's key cannot be used, and clear is out of the question.
    Notice,
}

impl Template {
    pub const ALL: [Self; 5] = [
        Self::Acknowledgement,
        Self::Key,
        Self::Unreadable,
        Self::Combined,
        Self::Notice,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::Key => "key",
            Self::Unreadable => "unreadable",
            Self::Combined => "combined",
            Self::Notice => "notice",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|template| template.as_str() == name)
    }

    fn built_in(self) -> &'static str {
        match self {
            Self::Acknowledgement => include_str!("letters/acknowledgement.txt"),
            Self::Key => include_str!("letters/key.txt"),
            Self::Unreadable => include_str!("letters/unreadable.txt"),
            Self::Combined => include_str!("letters/combined.txt"),
            Self::Notice => include_str!("letters/notice.txt"),
        }
    }

    /// Constant but for the case number: an attacker cannot put words into it.
    pub fn subject(self, case: Option<&str>) -> String {
        let words = match self {
            Self::Acknowledgement => "We have received your report",
            Self::Key => "Our OpenPGP key",
            Self::Unreadable => "We have received your mail and cannot read it",
            Self::Combined => "We have received your mails",
            Self::Notice => "We have an answer for you",
        };
        match case {
            Some(case) => format!("[{case}] {words}"),
            None => words.to_owned(),
        }
    }

    /// Does the server's word that it took this letter meet the acknowledge deadline?
    pub fn acknowledges(self) -> bool {
        match self {
            Self::Acknowledgement | Self::Unreadable | Self::Combined | Self::Notice => true,
            Self::Key => false,
        }
    }
}

/// The outer subject of an encrypted letter.
pub fn outer_subject(case: Option<&str>) -> String {
    match case {
        Some(case) => format!("[{case}]"),
        None => "Encrypted message".to_owned(),
    }
}

/// One line of the promise: what happens, and when at the latest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Promise {
    pub what: String,
    pub when: String,
}

/// One case of a combined letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseFacts {
    pub number: String,
    pub received: String,
    /// `None`: of a mail that was too large to be known by one.
    pub digest: Option<String>,
    /// A mail of it, or a part of one, could not be read.
    pub unreadable: bool,
    pub promises: Vec<Promise>,
}

/// Everything that a letter may say. What is absent is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub organization: String,
    pub address: String,
    /// Our key's, in groups of four.
    pub fingerprint: String,
    pub policy_url: Option<String>,
    pub case: Option<String>,
    /// With weekday and zone.
    pub received: Option<String>,
    pub digest: Option<String>,
    pub promises: Vec<Promise>,
    /// What the report lacks, as requests.
    pub missing: Vec<String>,
    pub key_attached: bool,
    /// The same report came before.
    pub again: bool,
    pub too_large: bool,
    /// A part of the mail could not be read; the key is attached.
    pub part_unread: bool,
    /// The mail came encrypted and this letter leaves in clear.
    pub asks_for_key: bool,
    /// Unreadable, and this cause alone may be told.
    pub no_key_of_ours: bool,
    /// The mail could not be read.
    pub unreadable: bool,
    /// In clear, because the reporter's certificate cannot be used.
    pub certificate_unusable: bool,
    pub cases: Vec<CaseFacts>,
}

/// The loaded texts.
pub struct Texts {
    /// With those of the folder in the place of built-in ones.
    chosen: Environment<'static>,
    built_in: Environment<'static>,
}

/// A text that cannot be used: where, what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct TextError {
    pub file: String,
    pub what: String,
}

impl TextError {
    fn of(template: Template, error: &minijinja::Error) -> Self {
        Self {
            file: template.as_str().to_owned(),
            what: in_words(error),
        }
    }
}

impl Texts {
    /// The built-in texts, those in `folder` in their place. Lists every mistake.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<TextError>> {
        let built_in = built_in().map_err(|mistake| vec![mistake])?;
        let mut chosen = built_in.clone();
        let mut mistakes = Vec::new();
        for template in Template::ALL {
            let (file, source) = match own_text(folder, template) {
                Ok(Some(own)) => own,
                Ok(None) => continue,
                Err(mistake) => {
                    mistakes.push(mistake);
                    continue;
                }
            };
            let tried = chosen
                .add_template_owned(template.as_str(), source)
                .and_then(|()| try_out(&chosen, template));
            if let Err(error) = tried {
                mistakes.push(TextError {
                    file,
                    what: in_words(&error),
                });
            }
        }
        match mistakes.is_empty() {
            true => Ok(Self { chosen, built_in }),
            false => Err(mistakes),
        }
    }

    /// The text of a letter, lines ended by `\n`.
    pub fn render(&self, template: Template, facts: &Facts) -> Result<String, TextError> {
        render(&self.chosen, template, facts)
    }

    /// The same in our own words, for where somebody's own text fails.
    pub fn render_built_in(&self, template: Template, facts: &Facts) -> Result<String, TextError> {
        render(&self.built_in, template, facts)
    }

    /// Files in the folder that no letter uses: a misspelt name, most likely.
    pub fn unused(folder: &Path) -> Vec<TextError> {
        let known: Vec<String> = Template::ALL.map(file_name).into();
        let Ok(entries) = std::fs::read_dir(folder) else {
            // `load` says what is wrong with it.
            return Vec::new();
        };
        let mut unused: Vec<TextError> = entries
            .flatten()
            .filter(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                !name.starts_with('.') && !known.contains(&name)
            })
            .map(|entry| TextError {
                file: entry.path().display().to_string(),
                what: format!("no letter uses it; those in use are {}", known.join(", ")),
            })
            .collect();
        unused.sort_by(|one, other| one.file.cmp(&other.file));
        unused
    }
}

fn built_in() -> Result<Environment<'static>, TextError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    for template in Template::ALL {
        environment
            .add_template(template.as_str(), template.built_in())
            .map_err(|error| TextError::of(template, &error))?;
    }
    Ok(environment)
}

fn render(
    environment: &Environment<'_>,
    template: Template,
    facts: &Facts,
) -> Result<String, TextError> {
    environment
        .get_template(template.as_str())
        .and_then(|text| text.render(Value::from(Serde(facts))))
        .map(|text| squeeze_blank_lines(&text))
        .map_err(|error| TextError::of(template, &error))
}

fn file_name(template: Template) -> String {
    format!("{}.txt", template.as_str())
}

fn own_text(
    folder: Option<&Path>,
    template: Template,
) -> Result<Option<(String, String)>, TextError> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let path = folder.join(file_name(template));
    let file = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(source) => Ok(Some((file, source))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TextError {
            file,
            what: format!("cannot be read ({error})"),
        }),
    }
}

/// Renders with all that a letter may say, with nothing of it, and with each pair of facts
/// changed: a text that is wrong about two facts together is wrong at start.
fn try_out(environment: &Environment<'_>, template: Template) -> Result<(), minijinja::Error> {
    let text = environment.get_template(template.as_str())?;
    for facts in shapes() {
        text.render(Value::from(Serde(facts)))?;
    }
    Ok(())
}

/// Takes one fact over from others.
type Take = fn(&mut Facts, &Facts);

const OPTIONAL: [Take; 15] = [
    |facts, from| facts.policy_url = from.policy_url.clone(),
    |facts, from| facts.case = from.case.clone(),
    |facts, from| facts.received = from.received.clone(),
    |facts, from| facts.digest = from.digest.clone(),
    |facts, from| facts.promises = from.promises.clone(),
    |facts, from| facts.missing = from.missing.clone(),
    |facts, from| facts.key_attached = from.key_attached,
    |facts, from| facts.again = from.again,
    |facts, from| facts.too_large = from.too_large,
    |facts, from| facts.part_unread = from.part_unread,
    |facts, from| facts.asks_for_key = from.asks_for_key,
    |facts, from| facts.no_key_of_ours = from.no_key_of_ours,
    |facts, from| facts.unreadable = from.unreadable,
    |facts, from| facts.certificate_unusable = from.certificate_unusable,
    |facts, from| facts.cases = from.cases.clone(),
];

/// From nothing, one of everything, and several, towards each other, two facts at a time.
fn shapes() -> Vec<Facts> {
    let ends = [sample(0), sample(1), sample(3)];
    let mut shapes = Vec::new();
    for start in &ends {
        for end in &ends {
            for one in OPTIONAL {
                for other in OPTIONAL {
                    let mut facts = start.clone();
                    one(&mut facts, end);
                    other(&mut facts, end);
                    if !shapes.contains(&facts) {
                        shapes.push(facts);
                    }
                }
            }
        }
    }
    shapes
}

/// Facts with lists of this length; with 0 nothing that a letter can do without.
fn sample(length: usize) -> Facts {
    const WHEN: &str = "Friday 1 May 2026, 12:00 CEST";
    let is_full = length > 0;
    let some = |text: &str| is_full.then(|| text.to_owned());
    let promises = |length| {
        let promise = Promise {
            what: "You hear our decision by".to_owned(),
            when: format!("{WHEN} (in 7 days)"),
        };
        vec![promise; length]
    };
    let case = |number| CaseFacts {
        number: format!("SEC-2026-{number:04}"),
        received: WHEN.to_owned(),
        digest: (number % 2 == 1).then(|| "0".repeat(64)),
        unreadable: number % 2 == 0,
        // The last one promises nothing any more.
        promises: promises(length - number),
    };
    Facts {
        organization: "Example Corp".to_owned(),
        address: "security@example.com".to_owned(),
        fingerprint: grouped(&"0".repeat(40)),
        policy_url: some("https://example.com/security"),
        case: some("SEC-2026-0001"),
        received: some(WHEN),
        digest: some(&"0".repeat(64)),
        promises: promises(length),
        missing: vec!["the steps that show it".to_owned(); length],
        key_attached: is_full,
        again: is_full,
        too_large: is_full,
        part_unread: is_full,
        asks_for_key: is_full,
        no_key_of_ours: is_full,
        unreadable: is_full,
        certificate_unusable: is_full,
        cases: (1..=length).map(case).collect(),
    }
}

fn in_words(error: &minijinja::Error) -> String {
    match error.line() {
        Some(line) => format!("line {line}: {error}"),
        None => error.to_string(),
    }
}

/// Optional paragraphs leave holes; one blank line is enough.
fn squeeze_blank_lines(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.trim().lines() {
        let line = line.trim_end();
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank <= 1 {
            squeezed.push_str(line);
            squeezed.push('\n');
        }
    }
    squeezed
}

/// A fingerprint as people compare it: groups of four, a wider gap in the middle.
pub fn grouped(fingerprint: &str) -> String {
    let mut grouped = String::new();
    for (position, character) in fingerprint.chars().enumerate() {
        if position > 0 && position % 4 == 0 {
            grouped.push(' ');
        }
        if position == 20 {
            grouped.push(' ');
        }
        grouped.push(character);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            key_attached: false,
            again: false,
            too_large: false,
            part_unread: false,
            asks_for_key: false,
            no_key_of_ours: false,
            unreadable: false,
            certificate_unusable: false,
            ..sample(1)
        }
    }

    #[test]
    fn every_built_in_text_renders_in_short_lines() {
        let texts = Texts::load(None).unwrap();
        for template in Template::ALL {
            for facts in [vec![facts()], shapes()].concat() {
                let text = texts.render(template, &facts).unwrap();
                assert_eq!(texts.render_built_in(template, &facts).unwrap(), text);
                assert!(text.contains("Example Corp"), "{text}");
                assert!(
                    text.lines().all(|line| line.chars().count() <= 78),
                    "{text}"
                );
                assert!(!text.contains("\n\n\n"), "{text}");
            }
        }
    }

    #[test]
    fn the_receipt_names_what_the_contract_promises() {
        let text = Texts::load(None)
            .unwrap()
            .render(Template::Acknowledgement, &facts())
            .unwrap();
        for word in [
            "SEC-2026-0001",
            "Friday 1 May 2026, 12:00 CEST",
            "SHA-256",
            "0000",
            "steps",
        ] {
            assert!(text.contains(word), "{word} in {text}");
        }
    }

    #[test]
    fn an_own_text_replaces_the_built_in_one_and_its_mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key.txt"), "The key of {{ address }}").unwrap();
        let texts = Texts::load(Some(folder.path())).unwrap();
        assert_eq!(
            texts.render(Template::Key, &facts()).unwrap(),
            "The key of security@example.com\n"
        );

        std::fs::write(folder.path().join("key.txt"), "\n{{ adress }}").unwrap();
        std::fs::write(folder.path().join("notice.txt"), "{% if %}").unwrap();
        let mistakes = Texts::load(Some(folder.path())).err().unwrap();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert!(mistakes.iter().any(|mistake| mistake.file.ends_with("key.txt")
            && mistake.what.contains("line 2")));
    }

    /// Each fails over facts that neither a full nor an empty letter has.
    #[test]
    fn an_own_text_is_tried_with_many_shapes_of_facts() {
        #[track_caller]
        fn check(text: &str, refused: bool) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("acknowledgement.txt"), text).unwrap();
            let mistakes = Texts::load(Some(folder.path())).err();
            assert_eq!(mistakes.is_some(), refused, "{text}: {mistakes:?}");
        }
        check("{{ case }} {{ missing[0] }}", true);
        check("{% if promises %}{{ promises[1].when }}{% endif %}", true);
        check("{% if again and not case %}{{ name }}{% endif %}", true);
        check(
            "{% if key_attached and not digest %}{{ name }}{% endif %}",
            true,
        );
        check(
            "{% if promises and not missing %}{{ name }}{% endif %}",
            true,
        );
        check("{% if cases | length > 1 %}{{ name }}{% endif %}", true);
        check("{% for one in promises %}{{ one.by }}{% endfor %}", true);
        check("{% for one in promises %}{{ one.when }}{% endfor %}", false);
        check("{{ fingerprint[45:] }}", false);
    }

    #[test]
    fn files_that_no_letter_uses_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["key.txt", "acknowledgment.txt", ".hidden"] {
            std::fs::write(folder.path().join(name), "words").unwrap();
        }
        let unused = Texts::unused(folder.path());
        let words: Vec<String> = unused.iter().map(ToString::to_string).collect();
        let [only] = words.as_slice() else {
            panic!("{words:?}")
        };
        assert!(only.contains("/acknowledgment.txt: "), "{only}");
        assert!(only.contains("acknowledgement.txt, key.txt"), "{only}");
    }

    #[test]
    fn a_fingerprint_is_grouped() {
        assert_eq!(
            grouped("AAAABBBBCCCCDDDDEEEEFFFF0000111122223333"),
            "AAAA BBBB CCCC DDDD EEEE  FFFF 0000 1111 2222 3333"
        );
    }
}
