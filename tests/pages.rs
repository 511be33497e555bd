//! The digest and notices as pages, in a browser: on a phone and on a desk, by day and by night.
//!
//! `TRIAGED_SHOTS=FOLDER` keeps the pages and what they look like, for a person to see.

mod board;
#[path = "pages/boards.rs"]
mod boards;
#[path = "pages/chromium.rs"]
mod chromium;
mod common;
#[path = "pages/notices.rs"]
mod notices;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use mail_parser::{MessageParser, MimeHeaders};
use serde_json::json;
use tempfile::TempDir;
use triaged::mail::compose::{self, AutoSubmitted, Draft};
use triaged::mail::message::Address;
use triaged::notices::board::Board;
use triaged::notices::digest::{self, Weekly};
use triaged::notices::page;

use chromium::Chromium;
use common::Setup;

/// What is wrong with how a page looks; an empty list where nothing is.
const FAULTS: &str = r#"(async () => {
  const faults = [];
  const say = (what, element) => faults.push(what + ": " + (element ? element.outerHTML.slice(0, 160) : ""));
  const width = window.innerWidth;
  if (document.scrollingElement.scrollWidth > width)
    say("wider than the screen, " + document.scrollingElement.scrollWidth + " over " + width);
  await Promise.all([...document.images].map(image => image.decode().catch(() => say("broken picture", image))));
  const channels = colour => colour.match(/[\d.]+/g).map(Number);
  const brightness = ([red, green, blue]) => [red, green, blue]
    .map(part => part / 255)
    .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = element => {
    for (let it = element; it; it = it.parentElement) {
      const colour = channels(getComputedStyle(it).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (box.width === 0) continue;
    if (box.right > width + 0.5 || box.left < -0.5) say("out of the screen", element);
    const words = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim() !== "");
    if (!words) continue;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) < 12) say("too small " + style.fontSize, element);
    const pair = [brightness(channels(style.color)), brightness(ground(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) say("pale, " + contrast.toFixed(2), element);
  }
  for (const name of document.querySelectorAll(".name")) {
    const range = document.createRange();
    range.selectNodeContents(name);
    const lines = new Set([...range.getClientRects()].map(line => Math.round(line.top))).size;
    if (lines > name.innerText.split(/\s+/).length) say("a word is broken", name);
  }
  for (const chart of document.querySelectorAll(".chart")) {
    const seen = [...chart.querySelectorAll("img")].filter(image => image.getBoundingClientRect().width > 0);
    const wanted = matchMedia("(prefers-color-scheme: dark)").matches ? "by-night" : "by-day";
    if (seen.length !== 1 || !seen[0].classList.contains(wanted)) say("not the one picture", chart);
    if (seen[0] && !seen[0].alt) say("no words for a picture", seen[0]);
  }
  for (const link of document.querySelectorAll("a"))
    if (link.getBoundingClientRect().height < 30) say("too small for a finger", link);
  return faults;
})()"#;

#[test]
fn it_is_readable_on_every_screen_by_day_and_by_night() {
    let folder = Folder::new();
    let mut chromium = Chromium::start();
    let (ends, all): (&[u32], &[u32]) = (&[360, 1280], &[360, 768, 1280]);
    for (name, board, widths) in [
        ("seeded", seeded(), ends),
        ("busy", boards::busy(), all),
        ("empty", boards::empty(), ends),
        ("hostile", boards::hostile(12), all),
    ] {
        let file = folder.page(name, &board);
        for &width in widths {
            for is_dark in [false, true] {
                chromium.show(&file, width, is_dark);
                let light = if is_dark { "dark" } else { "light" };
                let faults = chromium.evaluate(FAULTS);
                let shot = chromium.screenshot();
                folder.keep(&format!("{name}-{width}-{light}.png"), &shot);
                assert_eq!(faults, json!([]), "{name}, {width}, {light}");
                // All of the page is in the picture: it is as wide as the screen.
                let points = if width < 500 { 2 * width } else { width };
                assert_eq!(width_of(&shot), points, "{name}, {width}, {light}");
            }
        }
    }
}

#[test]
fn a_notice_is_readable_likewise() {
    let folder = Folder::new();
    let mut chromium = Chromium::start();
    for (name, sheet) in [
        ("notice", notices::usual()),
        ("notice-hostile", notices::hostile(&boards::HOSTILE)),
        ("notice-many", notices::many(150)),
    ] {
        let html = sheet.html().unwrap();
        let file = folder.keep(&format!("{name}.html"), html.as_bytes());
        for width in [360, 1280] {
            for is_dark in [false, true] {
                chromium.show(&file, width, is_dark);
                let light = if is_dark { "dark" } else { "light" };
                let faults = chromium.evaluate(FAULTS);
                folder.keep(
                    &format!("{name}-{width}-{light}.png"),
                    &chromium.screenshot(),
                );
                assert_eq!(faults, json!([]), "{name}, {width}, {light}");
            }
        }
    }
}

#[test]
fn what_strangers_wrote_stays_words_in_a_notice() {
    let folder = Folder::new();
    let mut chromium = Chromium::start();
    let html = notices::hostile(&boards::HOSTILE).html().unwrap();
    assert!(html.contains("default-src 'none'"));
    assert!(html.len() < 75_000, "{}", html.len());
    let many = notices::many(150).html().unwrap();
    assert!(many.len() < 230_000, "{}", many.len());
    let file = folder.keep("notice-words.html", html.as_bytes());
    chromium.show(&file, 360, false);
    let foreign = "script, body style, body link, iframe, img, a:not([href^='mailto:security@'])";
    let count = format!("document.querySelectorAll({foreign:?}).length");
    assert_eq!(chromium.evaluate(&count), json!(0));
    // What is written from right to left moves nothing beside it.
    let loose = r#"[...document.querySelectorAll("td, .subject")].filter(it => !it.querySelector("bdi")).length"#;
    assert_eq!(chromium.evaluate(loose), json!(0));
    let words = chromium.evaluate("document.body.innerText");
    let words = words.as_str().unwrap();
    check_theirs(words);
    let (theirs, ours) = words.split_once("Commands for").unwrap();
    let command = |line: &&str| line.trim_start().starts_with('/');
    assert_eq!(theirs.lines().find(command), None);
    assert!(ours.contains("/case SEC-2026-0001"));
}

#[test]
fn what_strangers_wrote_stays_words() {
    let folder = Folder::new();
    let mut chromium = Chromium::start();
    chromium.show(&folder.page("words", &boards::hostile(12)), 360, false);
    let count = |chromium: &mut Chromium, what: &str| {
        chromium.evaluate(&format!("document.querySelectorAll({what:?}).length"))
    };
    for foreign in [
        "script",
        "body style",
        "body link",
        "iframe",
        "img:not(.picture)",
        "a:not([href^='mailto:security@example.test?subject=Command&body=%2Fcase%20SEC-2026-'])",
    ] {
        assert_eq!(count(&mut chromium, foreign), json!(0), "{foreign}");
    }
    assert_eq!(count(&mut chromium, "img"), json!(6));
    assert_ne!(chromium.evaluate("document.title"), json!("owned"));
    let words = chromium.evaluate("document.body.innerText");
    let words = words.as_str().unwrap();
    check_theirs(words);
    // However badly an answer quotes it: no line is a command, and no button is called like one.
    let command = |line: &&str| line.trim_start().starts_with('/');
    let health = words.lines().filter(command).count();
    assert_eq!(
        health, 2,
        "the lists of keys and problems hold words of ours alone"
    );
    assert!(words.contains("“/accept”"));
}

/// All of them are there, and none turns what stands beside it: a `<bdi>` does not hold it.
#[track_caller]
fn check_theirs(words: &str) {
    let turns = ['\u{202e}', '\u{2066}'];
    assert!(!words.contains(turns));
    for theirs in boards::HOSTILE {
        assert!(words.contains(theirs.replace(turns, "").trim()), "{theirs}");
    }
}

#[test]
fn a_button_opens_a_mail_that_waits_for_what_is_missing() {
    let page = page::board::of_mail(&boards::busy()).unwrap().page;
    for link in [
        "mailto:security@example.test?subject=Command&amp;body=%2Fcase%20SEC-2026-0012%0D%0A%2Faccept\">Accept<",
        "body=%2Fcase%20SEC-2026-0012%0D%0A%2Freject%20\">Reject …<",
        "body=%2Fcase%20SEC-2026-0031%0D%0A%2Fnotified%20early_warning\">Notified early warning<",
        "body=%2Fcase%20SEC-2026-0044%0D%0A%2Freply\">Reply<",
    ] {
        assert!(page.contains(link), "{link}\n{page}");
    }
}

#[test]
fn who_only_looks_on_has_no_buttons() {
    let page = page::board::of_mail(&boards::busy().without_commands()).unwrap();
    assert!(!page.page.contains("mailto:") && !page.page.contains("A button"));
    assert!(page.page.contains("SEC-2026-0012"));
}

#[test]
fn a_picture_says_in_words_what_it_shows() {
    let page = page::board::of_mail(&boards::busy()).unwrap().page;
    for words in [
        "Open cases by state and age. new: 6 (4 of up to 7 days, 2 of 8 to 30 days); \
         accepted: 12 (1 of up to 7 days, 4 of 8 to 30 days, 3 of 31 to 60 days, \
         2 of 61 to 90 days, 2 of over 90 days); fixed: 3 (1 of 8 to 30 days, \
         1 of 31 to 60 days, 1 of over 90 days); waiting: 2 (1 of 8 to 30 days, \
         1 of 31 to 60 days)",
        "New cases by week. Weeks from 30 Mar: 3; 6 Apr: 5; 13 Apr: 2; 20 Apr: 4; 27 Apr: 0; \
         4 May: 6; 11 May: 3; 18 May: 4; 25 May: 9; 1 Jun: 5; 8 Jun: 2; 15 Jun: 3",
        "Deadlines met by week. Weeks from 30 Mar: 6 met, 1 not; 6 Apr: 8 met; 13 Apr: 7 met; \
         20 Apr: 5 met, 2 not; 27 Apr: 9 met; 4 May: 4 met, 3 not; 11 May: 10 met; \
         18 May: 8 met; 25 May: 7 met, 1 not; 1 Jun: 12 met; 8 Jun: 9 met; \
         15 Jun: 3 met, 2 not",
    ] {
        assert_eq!(
            page.matches(&format!("alt=\"{words}\"")).count(),
            2,
            "{words}\n{page}"
        );
    }
}

#[test]
fn a_picture_stands_on_its_card_by_day_and_by_night() {
    let html = page::board::of_mail(&boards::busy()).unwrap();
    assert_eq!(html.pictures.len(), 6);
    for picture in &html.pictures {
        let ground = match picture.id.contains("-day@") {
            true => [255, 255, 255],
            false => [25, 31, 39],
        };
        let points = points(&picture.png);
        assert_eq!(points.len(), 680 * 408, "{}", picture.id);
        let bare = points.iter().filter(|point| **point == ground).count();
        assert!(bare * 2 > points.len(), "{}: {bare}", picture.id);
        let blue = |point: &&[u8; 3]| i32::from(point[2]) - i32::from(point[0]) > 60;
        let orange = |point: &&[u8; 3]| i32::from(point[0]) - i32::from(point[2]) > 60;
        assert!(points.iter().filter(blue).count() > 4_000, "{}", picture.id);
        let has_orange = points.iter().filter(orange).count() > 1_000;
        assert_eq!(
            has_orange,
            !picture.id.contains("arrivals"),
            "{}",
            picture.id
        );
        assert!(html.page.contains(&format!("src=\"cid:{}\"", picture.id)));
    }
}

#[test]
fn nothing_to_draw_is_no_picture() {
    let html = page::board::of_mail(&boards::empty()).unwrap();
    assert!(html.pictures.is_empty());
    assert!(!html.page.contains("<img"));
    assert!(html.page.contains("Nothing open"));
}

#[test]
fn a_mail_is_small_whatever_is_open() {
    let office = board::seeded();
    for board in [
        office.board(Weekly::Always, board::morning()),
        boards::busy(),
        boards::hostile(300),
    ] {
        let sealed = sealed(&office, &board);
        let notice = digest::notice(&board);
        let html = notice.html.unwrap();
        let pictures: usize = html.pictures.iter().map(|it| it.png.len()).sum();
        let parts = (notice.text.len(), html.page.len(), pictures);
        assert!(sealed.len() < 300_000, "{} of {parts:?}", sealed.len());
    }
    let html = page::board::of_mail(&boards::hostile(300)).unwrap().page;
    assert!(html.contains(" more</div>"), "what is left out is counted");
}

#[test]
fn the_digest_arrives_with_both_views_and_its_pictures() {
    let setup = Setup::local();
    let alice = setup.add_member("Alice", "alice@example.test");
    for number in 1..=3 {
        let report = format!(
            "From: Finder <finder@research.test>\r\nTo: security@example.test\r\n\
             Subject: Open redirect number {number}\r\nMessage-ID: <{number}@research.test>\r\n\r\n\
             The login page of shop.example.test sends one anywhere, in way number {number}.\r\n"
        );
        let done = setup.cli_with_input(&["ingest", "--no-reply", "-"], &report);
        assert!(done.status.success());
    }
    assert!(setup.cli(&["digest", "--send", "--week"]).status.success());
    assert!(setup.run_once().status.success());
    let digest = setup
        .sent()
        .into_iter()
        .filter_map(|letter| read_digest(&setup, &std::fs::read(letter).unwrap(), &alice))
        .next()
        .expect("a digest");

    let mail = MessageParser::new().parse(&digest).unwrap();
    assert!(mail.subject().unwrap().starts_with("Digest of the week"));
    assert!(
        mail.body_text(0)
            .unwrap()
            .contains("Open redirect number 3")
    );
    let html = mail.body_html(0).unwrap();
    assert!(html.contains("<bdi>Open redirect number 3</bdi>"), "{html}");
    let pictures: Vec<&str> = mail
        .parts
        .iter()
        .filter(|part| part.is_content_type("image", "png"))
        .map(|part| part.content_id().unwrap())
        .collect();
    assert_eq!(
        pictures,
        [
            "open-day@digest",
            "open-night@digest",
            "arrivals-day@digest",
            "arrivals-night@digest"
        ]
    );
    for picture in pictures {
        assert!(html.contains(&format!("src=\"cid:{picture}\"")), "{html}");
    }
}

/// A mail that gpg decrypts for a member, if it is a digest; nothing of it is outside.
fn read_digest(setup: &Setup, mail: &[u8], signer: &str) -> Option<Vec<u8>> {
    let outer = MessageParser::new().parse(mail)?;
    if outer.to()?.first()?.address()? != "alice@example.test" {
        return None;
    }
    assert!(mail.len() < 300_000, "{}", mail.len());
    assert!(!String::from_utf8_lossy(mail).contains("redirect"));
    let sealed = outer
        .parts
        .iter()
        .find(|part| part.is_content_type("application", "octet-stream"))?;
    let opened = setup.gpg.decrypt(sealed.contents());
    assert_eq!(
        opened.signed_by.as_deref(),
        Some(setup.fingerprint.as_str()),
        "not by {signer}"
    );
    let is_digest = String::from_utf8_lossy(&opened.bytes).contains("Subject: Digest");
    is_digest.then_some(opened.bytes)
}

#[test]
fn a_page_for_the_wall_is_one_file_for_its_owner() {
    let setup = Setup::local();
    setup.add_member("Alice", "alice@example.test");
    let report = "From: finder@research.test\r\nSubject: Marquee <b>injection</b>\r\n\r\nIt is in the title.\r\n";
    assert!(
        setup
            .cli_with_input(&["ingest", "--no-reply", "-"], report)
            .status
            .success()
    );
    let folder = setup.file("wall");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("digest.html");
    let path = file.to_str().unwrap();
    // What was there before, for everybody to read.
    std::fs::write(&file, "old").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();

    let written = setup.cli(&["digest", "--html", path]);
    assert!(
        written.status.success(),
        "{}",
        String::from_utf8_lossy(&written.stderr)
    );
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.ends_with("</html>"), "{page}");
    assert!(
        page.contains("Marquee &lt;b&gt;injection&lt;&#x2f;b&gt;"),
        "{page}"
    );
    let printed = setup.cli(&["digest", "--html", "-"]);
    assert!(printed.stdout.starts_with(b"<!DOCTYPE html>"));
    assert!(printed.stdout.trim_ascii_end().ends_with(b"</html>"));
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 4);
    assert!(
        !page.contains("cid:open") && !page.contains("://"),
        "{page}"
    );
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        1,
        "nothing is left beside it"
    );

    let json = setup.json(&["digest", "--html", path]);
    assert_eq!(json["new"][0]["subject"], "Marquee <b>injection</b>");

    let nowhere = setup.cli(&["digest", "--html", "/nowhere/digest.html"]);
    assert_eq!(nowhere.status.code(), Some(1));
    let error = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(
        error.contains("/nowhere/digest.html: cannot be written"),
        "{error}"
    );
    let both = setup.cli(&["digest", "--html", path, "--send"]);
    assert_eq!(both.status.code(), Some(2));
}

/// The digest of this board as it would leave for the first member.
fn sealed(office: &board::Office, board: &Board) -> Vec<u8> {
    let notice = digest::notice(board);
    assert!(notice.html.is_some());
    let member = &office.desk.team.members()[0];
    let certificate = member.certificate(board::morning()).unwrap();
    let draft = Draft {
        from: Address {
            name: None,
            email: board::US.to_owned(),
        },
        to: member.email.clone(),
        subject: notice.subject,
        text: notice.text,
        in_reply_to: None,
        references: vec![],
        message_id: "1@example.test".to_owned(),
        date: board::morning(),
        auto_submitted: AutoSubmitted::Generated,
        html: notice.html,
        files: notice.files,
        attach_key: None,
        autocrypt: Some(office.desk.keyring.autocrypt(board::US)),
    };
    compose::encrypted(&draft, "Encrypted message", |inner| {
        let sealed = office
            .desk
            .keyring
            .encrypt_signed(certificate, inner, board::morning());
        sealed.map_err(|error| error.to_string())
    })
    .unwrap()
}

fn points(png: &[u8]) -> Vec<[u8; 3]> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    bytes.as_chunks::<3>().0.to_vec()
}

/// The board of the golden digest, as the other views show it.
fn seeded() -> Board {
    board::seeded().board(Weekly::Always, board::morning())
}

fn width_of(png: &[u8]) -> u32 {
    let reader = png::Decoder::new(std::io::Cursor::new(png));
    reader.read_info().unwrap().info().width
}

struct Folder {
    path: PathBuf,
    _gone_at_end: Option<TempDir>,
}

impl Folder {
    fn new() -> Self {
        if let Some(kept) = std::env::var_os("TRIAGED_SHOTS") {
            let path = PathBuf::from(kept);
            std::fs::create_dir_all(&path).unwrap();
            return Self {
                path,
                _gone_at_end: None,
            };
        }
        let folder = tempfile::tempdir().unwrap();
        Self {
            path: folder.path().to_owned(),
            _gone_at_end: Some(folder),
        }
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let file = self.path.join(name);
        std::fs::write(&file, bytes).unwrap();
        file
    }

    fn page(&self, name: &str, board: &Board) -> PathBuf {
        let page = page::board::of_file(board).unwrap();
        self.keep(&format!("{name}.html"), page.as_bytes())
    }
}
