//! The texts, as they are loaded and filled.

use std::path::Path;

use super::sample::{sample, shapes};
use super::*;

/// Of a letter that says what nearly every one says.
fn facts() -> Facts {
    Facts {
        key_attached: false,
        too_large: false,
        part_unread: false,
        asks_for_key: false,
        no_key_of_ours: false,
        unreadable: false,
        certificate_unusable: false,
        ..sample(1)
    }
}

fn render(texts: &Texts, template: Template, language: &str) -> String {
    texts
        .voice(template, Some(language), "en")
        .render(template, &facts())
        .unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

#[track_caller]
fn names(found: &[TextError], words: &[&str]) {
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let named = |words: &str| {
        let mut words = words.split(" … ");
        let (file, what) = (words.next().unwrap(), words.next().unwrap_or_default());
        found
            .iter()
            .any(|it| it.contains(file) && it.contains(what))
    };
    for words in words {
        assert!(named(words), "{words}: {found:#?}");
    }
    assert_eq!(found.len(), words.len(), "{found:#?}");
}

#[test]
fn every_built_in_text_renders_in_short_lines() {
    let texts = Texts::load(None).unwrap();
    let is_short = |line: &str| line.chars().count() <= 72;
    for template in Template::ALL {
        for language in ["en", "de"] {
            let voice = texts.voice(template, Some(language), "en");
            assert_eq!(voice.language, language);
            for facts in [facts(), sample(0), sample(1), sample(3)] {
                let text = voice.render(template, &facts).unwrap();
                assert!(text.contains("Example Corp"), "{text}");
                assert!(text.lines().all(is_short), "{text}");
                assert!(!text.contains("\n\n\n"), "{text}");
            }
        }
    }
}

/// A long name and a case number do not break a line in two.
#[test]
fn every_line_of_a_built_in_text_has_room_for_what_is_filled_in() {
    for template in Template::ALL {
        for source in [template.english(), template.german()] {
            for line in source.lines() {
                let filled = line
                    .replace("{{ case }}", "SEC-2026-00001")
                    .replace("{{ organization }}", "Example Corporation Ltd.")
                    .replace("{{ on }}", "Wednesday 30 September 2026");
                let filled = filled
                    .replace("{%- ", "{% ")
                    .split("{%")
                    .next()
                    .map(str::to_owned);
                let length = filled.unwrap_or_default().chars().count();
                assert!(length <= 72, "{template:?}: {line}");
            }
        }
    }
}

#[test]
fn every_built_in_text_takes_any_facts() {
    let folder = tempfile::tempdir().unwrap();
    for template in Template::ALL {
        write(folder.path(), &template.file_name(), template.english());
        write(
            folder.path(),
            &format!("de/{}", template.file_name()),
            template.german(),
        );
    }
    assert_eq!(Texts::check(Some(folder.path())), Default::default());
}

#[test]
fn every_name_in_the_words_is_there_in_each_language() {
    let texts = Texts::load(None).unwrap();
    let english = &texts.voice(Template::Key, None, "en").words;
    for language in ["en", "de"] {
        let words = &texts.voice(Template::Key, Some(language), "en").words;
        assert_eq!(words.compare(english).in_words(), [""; 0], "{language}");
        for template in Template::ALL {
            assert!(!words.subject(template, None).is_empty(), "{template:?}");
            assert!(
                words
                    .subject(template, Some("SEC-1"))
                    .starts_with("[SEC-1] ")
            );
        }
        words.check_complete();
    }
}

#[test]
fn the_receipt_names_what_the_contract_promises() {
    let texts = Texts::load(None).unwrap();
    let text = render(&texts, Template::Acknowledgement, "en");
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
    write(folder.path(), "key.txt", "The key of {{ address }}");
    write(folder.path(), "de/key.txt", "Schlüssel: {{ address }}");
    let texts = Texts::load(Some(folder.path())).unwrap();
    assert_eq!(
        render(&texts, Template::Key, "en"),
        "The key of security@example.com\n"
    );
    assert_eq!(
        render(&texts, Template::Key, "de"),
        "Schlüssel: security@example.com\n"
    );
    let built_in = texts.built_in_voice(Template::Key, Some("de"), "en");
    let text = built_in.render(Template::Key, &facts()).unwrap();
    assert!(text.contains("Fingerabdruck"), "{text}");

    write(folder.path(), "key.txt", "\n{{ adress }}");
    write(folder.path(), "de/notice.txt", "{% if %}");
    write(folder.path(), "de/words.toml", "[dates]\nmonths = 12");
    let mistakes = Texts::load(Some(folder.path())).err().unwrap();
    names(
        &mistakes,
        &[
            "key.txt … line 2",
            "de/notice.txt … line 1",
            "de/words.toml … dates.months",
        ],
    );
}

/// Each fails over facts that neither a full nor an empty letter has.
#[test]
fn an_own_text_is_tried_with_many_shapes_of_facts() {
    #[track_caller]
    fn check(text: &str, refused: bool) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "acknowledgement.txt", text);
        let mistakes = Texts::load(Some(folder.path())).err();
        assert_eq!(mistakes.is_some(), refused, "{text}: {mistakes:?}");
    }
    check("{{ case }} {{ missing[0] }}", true);
    check("{% if promises %}{{ promises[1].when }}{% endif %}", true);
    check("{% if too_large and not case %}{{ name }}{% endif %}", true);
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
    check("{{ safe_harbour.url }}", true);
    check(
        "{% if safe_harbour %}{{ safe_harbour.url }}{% endif %}",
        false,
    );
}

#[test]
fn a_text_is_tried_with_each_pair_of_what_it_mentions() {
    let mentioned = ["case", "digest", "missing"].map(str::to_owned).into();
    let shapes = shapes(&mentioned);
    let has = |case: bool, digest: bool, missing: usize| {
        shapes.iter().any(|facts| {
            facts["case"].is_string() == case
                && facts["digest"].is_string() == digest
                && facts["missing"]
                    .as_array()
                    .is_some_and(|it| it.len() == missing)
        })
    };
    for case in [false, true] {
        for digest in [false, true] {
            for missing in [0, 1, 3] {
                assert!(has(case, digest, missing), "{case} {digest} {missing}");
            }
        }
    }
}

#[test]
fn files_that_no_letter_uses_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "key.txt",
        "acknowledgment.txt",
        ".hidden",
        "deutsch/key.txt",
        "de/key.md",
        "de/others",
    ] {
        write(folder.path(), name, "words");
    }
    let unused = Texts::check(Some(folder.path()));
    assert_eq!(unused.mistakes, []);
    names(
        &unused.gaps,
        &[
            "/acknowledgment.txt: … did you mean acknowledgement.txt?",
            "/deutsch: … is no language",
            "/de/key.md: … did you mean key.txt?",
            "/de/others: … acknowledgement.txt, acknowledgement_again.txt, key.txt",
        ],
    );
}

#[test]
fn what_a_translation_lacks_is_named_and_another_language_speaks() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "fr/key.txt", "Notre clé : {{ fingerprint }}");
    let language_of = |template, wanted: &str, own: &str| {
        let texts = Texts::load(Some(folder.path())).unwrap();
        texts.voice(template, Some(wanted), own).language.clone()
    };
    let gaps = || Texts::check(Some(folder.path())).gaps;
    assert_eq!(gaps().len(), Template::ALL.len(), "{:?}", gaps());
    assert!(gaps()[0].to_string().contains("fr/words.toml: is missing"));
    assert!(
        gaps()[1]
            .to_string()
            .contains("fr/acknowledgement.txt: is missing")
    );
    assert_eq!(language_of(Template::Key, "fr", "de"), "de");

    // Nearly all of the words.
    let words = include_str!("../letters/en/words.toml")
        .replace("update = \"14", "")
        .replace("quotes = [\"\\u201c\", \"\\u201d\"]", "quotes = [\"'\"]")
        .replace(", {time} {zone}", "")
        .replace("iban =", "ibann =");
    write(folder.path(), "fr/words.toml", &words);
    let lacking: Vec<TextError> = gaps()
        .into_iter()
        .filter(|gap| gap.file.ends_with("words.toml"))
        .collect();
    names(
        &lacking,
        &[
            "words.toml … marks.quotes needs 2",
            "words.toml … sensitive.iban is missing",
            "words.toml … sensitive.ibann: no letter uses it",
            "words.toml … dates.instant lacks {time}",
            "words.toml … dates.instant lacks {zone}",
        ],
    );
    assert_eq!(language_of(Template::Key, "fr", "de"), "de");

    write(
        folder.path(),
        "fr/words.toml",
        include_str!("../letters/en/words.toml"),
    );
    assert_eq!(gaps().len(), Template::ALL.len() - 1);
    assert_eq!(language_of(Template::Key, "fr", "de"), "fr");
    assert_eq!(language_of(Template::Closed, "fr", "de"), "de");
    assert_eq!(language_of(Template::Closed, "fr", "xx"), "en");
    assert_eq!(language_of(Template::Closed, "it", "fr"), "en");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let findings = Texts::check(Some(&folder.path().join("texts")));
    assert_eq!(findings.mistakes, []);
    names(&findings.gaps, &["/texts: … cannot be read"]);
}

#[test]
fn a_fingerprint_is_grouped() {
    assert_eq!(
        grouped("AAAABBBBCCCCDDDDEEEEFFFF0000111122223333"),
        "AAAA BBBB CCCC DDDD EEEE  FFFF 0000 1111 2222 3333"
    );
}
