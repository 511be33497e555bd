//! What there is to see, one after the other. In each scene a mail comes, the daemon makes a pass,
//! and what came of it is shown.

use super::super::paint::{Paint, columns, paint, shown};
use super::super::{Failure, digest, office};
use super::mails;
use super::show::{self, Part, excerpt, fields, words};
use super::tour::{self, Letter, SECURITY, Tour};
use crate::notices::digest::Weekly;
use crate::store::intake::MailIn;

const MIRA: &str = "mira@researcher.example";
const JONAS: &str = "jonas@forschung.example";
const PAGE: &str = "digest.html";

pub struct Scene {
    pub title: &'static str,
    /// Plays it; what is to be read of it.
    pub play: fn(&mut Tour) -> Result<String, Failure>,
}

pub const ALL: [Scene; 5] = [
    Scene {
        title: "A report comes",
        play: report,
    },
    Scene {
        title: "Ada decides, in a mail that she signs",
        play: decision,
    },
    Scene {
        title: "Somebody else writes in her name",
        play: forgery,
    },
    Scene {
        title: "What else came within the hour",
        play: others,
    },
    Scene {
        title: "The digest, each morning",
        play: morning,
    },
];

fn report(tour: &mut Tour) -> Result<String, Failure> {
    let mail = mails::REPORT.arrives(tour)?;
    let letters = tour.pass()?;
    let receipt = tour::letter(&letters, MIRA, "received")?;
    let notice = tour::letter(&letters, tour.ada.email, "New report")?;
    let subject = "Stored XSS in the report title on app.cloudarq.example";
    Ok([
        fields(&[
            ("From", &format!("Mira Okafor <{MIRA}>")),
            ("Subject", subject),
        ]),
        excerpt(body(&mail), &[Part::Head(4)]),
        words("\nWithin seconds Mira has a receipt, with the dates that the policy promises:"),
        show::letter(receipt, "", &[Part::From("Case", 2), Part::From("What", 4)]),
        words("\nAda has a notice. On its way nobody can read more of it than this:"),
        show::on_the_way(notice),
        words("\nWhat she reads ends with commands that fit, to copy or to click:"),
        show::letter(
            notice,
            "opened here with Ada's key",
            &[
                Part::Head(6),
                Part::From("Deadlines", 6),
                Part::From("Commands for", 7),
            ],
        ),
    ]
    .concat())
}

fn decision(tour: &mut Tour) -> Result<String, Failure> {
    let commands = mails::commands(tour, &tour.first_case()?)?;
    let letters = tour.pass()?;
    let transcript = tour::letter(&letters, tour.ada.email, ": done")?;
    let accepted = tour::letter(&letters, MIRA, "accepted")?;
    let relayed = tour::letter(&letters, MIRA, "News")?;
    Ok([
        fields(&[("From", tour.ada.email), ("To", SECURITY)]),
        show::seal("signed and encrypted by her mail program"),
        excerpt(&commands, &[Part::Head(20)]),
        words("\nA transcript comes back: what changed, which letters go, what is due now."),
        show::letter(
            transcript,
            "opened here with Ada's key",
            &[Part::Head(12), Part::From("  update", 2)],
        ),
        words("\nMira hears of it from Cloudarq: the decision, and Ada's words."),
        show::letter(accepted, "", &[Part::Head(5)]),
        "\n".to_owned(),
        show::letter(relayed, "", &[Part::Head(3)]),
    ]
    .concat())
}

fn forgery(tour: &mut Tour) -> Result<String, Failure> {
    let number = tour.first_case()?;
    let mail = mails::FORGED.arrives_about(tour, &number)?;
    let letters = tour.pass()?;
    let told = tour::letter(&letters, tour.ada.email, "Nothing was changed")?;
    let case = tour.case(&number)?;
    let severity = case.severity.as_deref().unwrap_or("of no severity");
    let stands = format!("\n{number} is {} and {severity}, as before.", case.status);
    Ok([
        fields(&[("From", tour.ada.email), ("To", SECURITY)]),
        excerpt(body(&mail), &[Part::Head(2)]),
        words("\nIt is not signed, so it commands nothing. Only Ada herself hears of it:"),
        show::letter(told, "opened here with Ada's key", &[Part::Head(5)]),
        words(&stands),
    ]
    .concat())
}

fn others(tour: &mut Tour) -> Result<String, Failure> {
    mails::encrypted_report(tour)?;
    for mail in mails::OTHERS {
        mail.arrives(tour)?;
    }
    let letters = tour.pass()?;
    let count = u32::try_from(mails::OTHERS.len() + 1).unwrap_or(u32::MAX);
    let came = tour.store()?.read(|tx| tx.mails_in(count))?;
    let to_lin = tour::letter(&letters, tour.lin.email, "received")?;
    let to_jonas = tour::letter(&letters, JONAS, "OpenPGP")?;
    let on_the_way = format!(
        "\nLin wrote encrypted and is answered so; seen on the way: {}",
        to_lin.outer_subject
    );
    Ok([
        table(&came, &letters),
        unanswered(&came),
        words(&on_the_way),
        show::letter(to_lin, "opened here with Lin's key", &[]),
        words("\nJonas asked for the key, and gets it in his language:"),
        show::letter(to_jonas, "", &[Part::Head(4)]),
        show::files(to_jonas),
    ]
    .concat())
}

fn unanswered(came: &[MailIn]) -> String {
    let why = |mail: &MailIn| {
        let (from, why) = (mail.from.as_ref()?, mail.not_answered.as_ref()?);
        let note = shown(&format!("{from}: no answer, {why}"), 76);
        Some(format!("  {}\n", paint(&note, Paint::Dim)))
    };
    came.iter().filter_map(why).collect()
}

fn table(came: &[MailIn], letters: &[Letter]) -> String {
    let head = ["subject", "is seen as", "case", "answer"];
    let mut rows = vec![head.map(|title| paint(title, Paint::Dim)).to_vec()];
    rows.extend(came.iter().map(|mail| row(mail, letters)));
    columns(&rows)
}

fn row(mail: &MailIn, letters: &[Letter]) -> Vec<String> {
    let seal = if mail.encrypted { " 🔒" } else { "" };
    let mut to_them = letters.iter().filter(|letter| {
        let from = mail.from.as_deref();
        from.is_some_and(|from| letter.is_to(from))
    });
    vec![
        format!("{}{seal}", shown(&mail.subject, 33)),
        paint(&mail.kind, Paint::Bold),
        mail.case.clone().unwrap_or_else(|| "-".to_owned()),
        match to_them.next() {
            Some(letter) if letter.opened.openpgp.encrypted => paint("encrypted", Paint::Good),
            Some(_) => paint("in clear", Paint::Good),
            None => paint("none", Paint::Warn),
        },
    ]
}

fn morning(tour: &mut Tour) -> Result<String, Failure> {
    let config = office::config(&tour.config_path())?;
    let (board, _) = digest::enqueue(&config, &office::desk(&config)?, Weekly::WhenDue)?;
    let letters = tour.pass()?;
    let page = tour.dir.join(PAGE);
    digest::save(&board, &page)?;
    let mail = tour::letter(&letters, tour.ada.email, "open")?;
    Ok([
        words(
            "The whole board in one encrypted mail, with pictures. It ends with the head of the \
             audit chain, so that each mailbox bears witness to it:",
        ),
        show::letter(
            mail,
            "opened here with Ada's key",
            &[Part::Head(10), Part::From("  audit chain", 3)],
        ),
        words("\nThe page as a file, for the archive and the wall:"),
        format!("  {}\n", page.display()),
    ]
    .concat())
}

/// With `--keep`: how to go on by oneself.
pub fn what_stays(tour: &Tour) -> Result<String, Failure> {
    let number = tour.first_case()?;
    let dir = tour.dir.display();
    // After `script/demo` it is on nobody's path.
    let program = std::env::args_os().next();
    let program = program.unwrap_or_else(|| "triaged".into());
    Ok(format!(
        "\n{head}\n\n\
         \x20 {program} --config {dir}/config.toml run\n\n\
         A mail that you put into Maildir/new is answered into sent/. From another\n\
         terminal you command as Ada; her secret key, ada.key.asc, has no passphrase:\n\n\
         \x20 cd {dir}\n\
         \x20 export GNUPGHOME=$PWD/gnupg; mkdir -m 700 gnupg; gpg --import ada.key.asc\n\
         \x20 (echo 'From: {ada}'; echo\n\
         \x20  printf '/case {number}\\n/status\\n' | gpg --clear-sign) > mine\n\
         \x20 mv mine Maildir/new/\n\
         \x20 gpg --decrypt \"$(ls -t sent/* | head -1)\"       # the transcript\n",
        head = paint("The folder stays, ready for", Paint::Head),
        program = program.display(),
        ada = tour.ada.email,
    ))
}

/// What stands below the header.
fn body(mail: &str) -> &str {
    mail.split_once("\n\n").map_or(mail, |(_, body)| body)
}
