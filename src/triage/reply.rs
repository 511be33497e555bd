//! The words of our letters: templates, and the facts that go into them.
//!
//! The built-in texts are files in `letters/`; a file of the same name in the
//! folder that `templates` names replaces one. Every text is tried with sample
//! facts when it is loaded, so a mistake shows at start and not in a letter.
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
    /// A mail of it could not be read.
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
pub struct Texts(Environment<'static>);

/// A text that cannot be used: where, what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct TextError {
    pub file: String,
    pub what: String,
}

impl Texts {
    /// The built-in texts, those in `folder` in their place. Lists every mistake.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<TextError>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let mut mistakes = Vec::new();
        for template in Template::ALL {
            let (file, source) = match own_text(folder, template) {
                Ok(Some(own)) => own,
                Ok(None) => (template.as_str().to_owned(), template.built_in().to_owned()),
                Err(mistake) => {
                    mistakes.push(mistake);
                    continue;
                }
            };
            let tried = environment
                .add_template_owned(template.as_str(), source)
                .and_then(|()| try_out(&environment, template));
            if let Err(error) = tried {
                mistakes.push(TextError {
                    file,
                    what: in_words(&error),
                });
            }
        }
        if mistakes.is_empty() {
            Ok(Self(environment))
        } else {
            Err(mistakes)
        }
    }

    /// The text of a letter, lines ended by `\n`.
    pub fn render(&self, template: Template, facts: &Facts) -> Result<String, TextError> {
        self.0
            .get_template(template.as_str())
            .and_then(|text| text.render(Value::from(Serde(facts))))
            .map(|text| squeeze_blank_lines(&text))
            .map_err(|error| TextError {
                file: template.as_str().to_owned(),
                what: in_words(&error),
            })
    }
}

fn own_text(
    folder: Option<&Path>,
    template: Template,
) -> Result<Option<(String, String)>, TextError> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let path = folder.join(format!("{}.txt", template.as_str()));
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

/// Renders with everything present and with everything absent.
fn try_out(environment: &Environment<'_>, template: Template) -> Result<(), minijinja::Error> {
    let text = environment.get_template(template.as_str())?;
    text.render(Value::from(Serde(Facts::default())))?;
    text.render(Value::from(Serde(sample())))?;
    Ok(())
}

fn sample() -> Facts {
    let promise = Promise {
        what: "triage".to_owned(),
        when: "Friday 1 May 2026, 12:00 CEST".to_owned(),
    };
    Facts {
        organization: "Example Corp".to_owned(),
        address: "security@example.com".to_owned(),
        fingerprint: "0000".to_owned(),
        policy_url: Some("https://example.com/security".to_owned()),
        case: Some("SEC-2026-0001".to_owned()),
        received: Some("Friday 1 May 2026, 12:00 CEST".to_owned()),
        digest: Some("00".to_owned()),
        promises: vec![promise.clone()],
        missing: vec!["steps".to_owned()],
        key_attached: true,
        again: true,
        too_large: true,
        asks_for_key: true,
        no_key_of_ours: true,
        unreadable: true,
        certificate_unusable: true,
        cases: vec![CaseFacts {
            number: "SEC-2026-0001".to_owned(),
            received: "Friday 1 May 2026, 12:00 CEST".to_owned(),
            digest: Some("00".to_owned()),
            unreadable: true,
            promises: vec![promise],
        }],
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
            asks_for_key: false,
            no_key_of_ours: false,
            unreadable: false,
            certificate_unusable: false,
            ..sample()
        }
    }

    #[test]
    fn every_built_in_text_renders_in_short_lines() {
        let texts = Texts::load(None).unwrap();
        for template in Template::ALL {
            for facts in [facts(), sample()] {
                let text = texts.render(template, &facts).unwrap();
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

    #[test]
    fn a_fingerprint_is_grouped() {
        assert_eq!(
            grouped("AAAABBBBCCCCDDDDEEEEFFFF0000111122223333"),
            "AAAA BBBB CCCC DDDD EEEE  FFFF 0000 1111 2222 3333"
        );
    }
}
