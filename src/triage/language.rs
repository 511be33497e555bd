//! The language that a reporter writes in, for the language of our answer.
//!
//! Reports are full of English whatever their language: requests, code, names of headers. So only
//! plain words of prose are looked at, and where few are left, or the library is not sure, nothing
//! is said and the policy's language is used.

use whatlang::{Info, Lang};

use super::policy::Language;

/// Fewer letters of prose say too little; a greeting and a sentence have as many.
const LETTERS_AT_LEAST: usize = 60;
/// A language of the first bytes of prose is that of the mail.
const LOOKED_AT: usize = 1024;

/// The language of a person's own words (without quotes and signature); `None`: not sure.
pub fn detect(own_words: &str) -> Option<Language> {
    let prose = prose(own_words);
    if prose.chars().filter(|c| c.is_alphabetic()).count() < LETTERS_AT_LEAST {
        return None;
    }
    let info = whatlang::detect(&prose).filter(Info::is_reliable)?;
    code(info.lang()).map(str::to_owned)
}

/// The plain words of the lines that are prose.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if !in_code {
            add_prose(&mut prose, line);
        }
        if prose.len() > LOOKED_AT {
            break;
        }
    }
    prose
}

/// A line of which half is no plain word is a request, a log or code.
fn add_prose(prose: &mut String, line: &str) {
    let mut words = Vec::new();
    let mut others = 0;
    for word in line.split_whitespace() {
        match plain(word) {
            Some(word) => words.push(word),
            None => others += 1,
        }
    }
    if words.len() > others {
        for word in words {
            prose.push_str(word);
            prose.push(' ');
        }
        prose.push('\n');
    }
}

/// A word of letters, between the marks of a sentence.
fn plain(word: &str) -> Option<&str> {
    let marks = |c: char| c.is_ascii_punctuation() && !"@/\\<>{}[]=_$#&%|;".contains(c);
    let is_quote = |c: char| marks(c) || "\u{201c}\u{201d}\u{201e}\u{2018}\u{2019}«»…".contains(c);
    let bare = word.trim_matches(is_quote);
    let is_letter = |c: char| c.is_alphabetic() || "'-\u{2019}、。，！？：".contains(c);
    // An abbreviation, the name of a constant: no language.
    let is_shouted = bare.len() > 1 && bare.chars().all(|c| c.is_ascii_uppercase() || c == '-');
    (!bare.is_empty() && !is_shouted && bare.chars().all(is_letter)).then_some(bare)
}

/// ISO 639-1, as letters and files name languages.
fn code(language: Lang) -> Option<&'static str> {
    let code = match language {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Bul => "bg",
        Lang::Mkd => "mk",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Bel => "be",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Ell => "el",
        Lang::Tur => "tr",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "no",
        Lang::Fin => "fi",
        Lang::Est => "et",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Cat => "ca",
        Lang::Jpn => "ja",
        Lang::Cmn => "zh",
        Lang::Kor => "ko",
        Lang::Vie => "vi",
        Lang::Ind => "id",
        Lang::Tha => "th",
        Lang::Ara => "ar",
        Lang::Heb => "he",
        Lang::Pes => "fa",
        Lang::Hin => "hi",
        Lang::Ben => "bn",
        Lang::Urd => "ur",
        Lang::Kat => "ka",
        Lang::Hye => "hy",
        Lang::Aze => "az",
        _ => return None,
    };
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_of_a_report() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(detect(text).as_deref(), expected, "{text}");
        }
        check(
            "Hallo,\n\nich habe in Ihrem Kundenportal eine Schwachstelle gefunden, mit der man die \
             Rechnungen anderer Kunden lesen kann.",
            Some("de"),
        );
        check(
            "Guten Tag, bei der Anmeldung lässt sich die zweite Stufe umgehen, indem man die Antwort \
             des Servers verändert. Ein Angreifer braucht nur das Passwort.",
            Some("de"),
        );
        check(
            "Hi team,\n\nthe invoice page of your customer portal does not check who asks, so anybody \
             with an account can read the invoices of other customers.",
            Some("en"),
        );
        check(
            "Bonjour, j'ai trouvé une faille dans votre portail : tout le monde peut lire les \
             factures des autres clients sans autorisation.",
            Some("fr"),
        );
        // Too short, or nothing but names and code.
        check("XSS in the search field", None);
        check("Hallo, XSS in der Suche", None);
        check("", None);
        check(
            "GET /api/v1/users/42 HTTP/1.1\nHost: example.com\nCookie: session=abc\nUser-Agent: \
             Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
            None,
        );
    }

    #[test]
    fn code_and_requests_do_not_count() {
        let code = "for user in users: print user where password equals the password of the user\n";
        let german = "Die folgende Anfrage liefert die Daten eines anderen Mandanten, ohne dass man \
                      dafür berechtigt wäre.\n";
        let text = format!("{german}```\n{}```\n", code.repeat(20));
        assert_eq!(detect(&text).as_deref(), Some("de"));
        let headers =
            "X-Forwarded-For: 127.0.0.1, for=the_internal_address; path=/the/secret/files\n";
        let text = format!("{german}\n{}", headers.repeat(20));
        assert_eq!(detect(&text).as_deref(), Some("de"));
    }
}
