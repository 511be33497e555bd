//! The digest as a page, in a browser: on a phone and on a desk, by day and by night.
//!
//! `TRIAGED_SHOTS=FOLDER` keeps the pages and what they look like, for a person to see.

mod board;
#[path = "pages/boards.rs"]
mod boards;
#[path = "pages/chromium.rs"]
mod chromium;

use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use triaged::notices::board::Board;
use triaged::notices::digest::Weekly;
use triaged::notices::page;

use chromium::Chromium;

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
    for (name, board) in [
        ("seeded", seeded()),
        ("busy", boards::busy()),
        ("empty", boards::empty()),
        ("hostile", boards::hostile()),
    ] {
        let file = folder.page(name, &board);
        for width in [360, 768, 1280] {
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
