//! HTML mail as text.
//!
//! The markup is first cut down to what shapes text: blocks, line breaks, lists, quotes and
//! preformatted text, with links and picture texts written out. Scripts, styles, comments and the
//! head are gone then, formatting elements too (an HTML parser builds them anew in every block,
//! which is quadratic), and nesting has a bound (html2text is quadratic in it). One pass, linear.
//! What remains goes through html2text, or, when it fails or takes more than it should, through a
//! plain renderer over the same pieces.

use mail_parser::decoders::html::add_html_token;

/// HTML beyond this many bytes is not read.
const MAX_HTML: usize = 1024 * 1024;

/// More markup than this goes through the plain renderer.
const MAX_RENDERED: usize = 256 * 1024;

/// Open blocks inside each other; deeper ones add their text to the last.
const MAX_DEPTH: usize = 40;

/// Lines are not wrapped: addresses of web pages must stay whole.
const WIDTH: usize = 20_000;

/// The text that a person would read, and whether the HTML was too long to read all of it.
pub fn to_text(html: &str) -> (String, bool) {
    let kept = super::text::cut(html, MAX_HTML);
    let pieces = pieces(kept);
    let markup = tamed(&pieces);
    let rendered = if markup.len() <= MAX_RENDERED {
        render(&markup)
    } else {
        None
    };
    let text = rendered.unwrap_or_else(|| plain(&pieces));
    (tidy(&text), kept.len() < html.len())
}

fn render(markup: &str) -> Option<String> {
    let render = || {
        html2text::config::plain_no_decorate()
            .link_footnotes(false)
            .raw_mode(true)
            .allow_width_overflow()
            .string_from_read(markup.as_bytes(), WIDTH)
            .ok()
    };
    std::panic::catch_unwind(render).ok().flatten()
}

/// Without trailing spaces, and with one blank line where there were several.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines() {
        let line = line.trim_end_matches([' ', '\u{A0}', '\t']);
        if line
            .trim_matches(['\u{A0}', ' ', '\u{200C}', '\u{34F}', '\u{AD}'])
            .is_empty()
        {
            blank += 1;
            continue;
        }
        if blank > 0 && !out.is_empty() {
            out.push('\n');
        }
        blank = 0;
        out.push_str(line);
        out.push('\n');
    }
    out.replace('\u{A0}', " ")
}

/// What shapes text. Text still has its character references.
enum Piece<'a> {
    Text(&'a str),
    /// Text of ours, without character references.
    Ours(String),
    Break,
    Open(Block),
    Close(Block),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Plain,
    Paragraph,
    Quote,
    List,
    Numbered,
    Entry,
    Preformatted,
}

impl Block {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Self::Paragraph,
            "div" | "tr" | "table" | "section" | "article" | "header" | "footer" | "main"
            | "center" | "form" | "fieldset" | "address" | "dl" | "dt" | "dd" | "figure"
            | "caption" | "body" => Self::Plain,
            "blockquote" => Self::Quote,
            "ul" | "menu" | "dir" => Self::List,
            "ol" => Self::Numbered,
            "li" => Self::Entry,
            "pre" | "listing" | "xmp" | "plaintext" => Self::Preformatted,
            _ => return None,
        })
    }

    fn tag(self) -> &'static str {
        match self {
            Self::Plain => "div",
            Self::Paragraph => "p",
            Self::Quote => "blockquote",
            Self::List => "ul",
            Self::Numbered => "ol",
            Self::Entry => "li",
            Self::Preformatted => "pre",
        }
    }
}

/// Cuts HTML into pieces, balanced and bounded in depth.
fn pieces(html: &str) -> Vec<Piece<'_>> {
    let mut reader = Reader {
        rest: html,
        quotes_broken: false,
        pieces: Vec::new(),
        open: Vec::new(),
        link: None,
    };
    while reader.step() {}
    reader.close_link();
    while let Some(block) = reader.open.pop() {
        reader.pieces.push(Piece::Close(block));
    }
    reader.pieces
}

struct Reader<'a> {
    rest: &'a str,
    /// A quote in a tag was never closed: from then on tags end at the first `>`.
    quotes_broken: bool,
    pieces: Vec<Piece<'a>>,
    open: Vec<Block>,
    /// Target of the open link, and how many pieces there were when it opened.
    link: Option<(String, usize)>,
}

impl<'a> Reader<'a> {
    fn step(&mut self) -> bool {
        let Some(start) = self.rest.find('<') else {
            self.push_text(self.rest);
            return false;
        };
        let (text, tail) = self.rest.split_at(start);
        self.push_text(text);
        self.rest = tail;
        let inner = tail.get(1..).unwrap_or_default();
        if let Some(comment) = inner.strip_prefix("!--") {
            self.rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if inner.starts_with(['!', '?']) {
            self.rest = inner.split_once('>').map_or("", |(_, after)| after);
        } else if inner
            .strip_prefix('/')
            .unwrap_or(inner)
            .starts_with(|c: char| c.is_ascii_alphabetic())
        {
            self.tag(inner);
        } else {
            self.pieces.push(Piece::Ours("<".to_owned()));
            self.rest = inner;
        }
        true
    }

    fn push_text(&mut self, text: &'a str) {
        if !text.is_empty() {
            self.pieces.push(Piece::Text(text));
        }
    }

    fn tag(&mut self, inner: &'a str) {
        let end = self.tag_end(inner);
        let tag = inner.get(..end).unwrap_or(inner);
        self.rest = inner.get(end + 1..).unwrap_or_default();
        let (closing, tag) = match tag.strip_prefix('/') {
            Some(tag) => (true, tag),
            None => (false, tag),
        };
        let name_end = tag
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(tag.len());
        let (name, attributes) = tag.split_at(name_end);
        let name = super::text::cut(name, 16).to_ascii_lowercase();
        match (name.as_str(), closing) {
            ("script" | "style" | "title" | "template" | "noframes", false) => {
                self.skip_element(&name);
            }
            ("br", _) => self.pieces.push(Piece::Break),
            ("hr", false) => {
                self.pieces.push(Piece::Break);
                self.pieces.push(Piece::Ours("----------".to_owned()));
                self.pieces.push(Piece::Break);
            }
            ("td" | "th", true) => self.pieces.push(Piece::Ours(" ".to_owned())),
            ("img", false) => self.image(attributes),
            ("a", false) => self.open_link(attributes),
            ("a", true) => self.close_link(),
            (name, closing) => {
                if let Some(block) = Block::of(name) {
                    if closing {
                        self.close(block);
                    } else {
                        self.open(block);
                    }
                }
            }
        }
    }

    /// Where the `>` is that ends the tag; quotes may hide others.
    fn tag_end(&mut self, inner: &str) -> usize {
        if !self.quotes_broken {
            let mut quote = None;
            let mut after_equals = false;
            for (at, byte) in inner.bytes().enumerate() {
                match (quote, byte) {
                    (None, b'>') => return at,
                    (None, b'"' | b'\'') if after_equals => quote = Some(byte),
                    (Some(open), byte) if open == byte => quote = None,
                    _ => {}
                }
                after_equals = byte == b'=' || after_equals && byte.is_ascii_whitespace();
            }
            self.quotes_broken = true;
        }
        inner.find('>').unwrap_or(inner.len())
    }

    /// Passes over an element whose content is no text for people.
    fn skip_element(&mut self, name: &str) {
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        while let Some(found) = self.rest.get(at..).and_then(|rest| rest.find("</")) {
            let start = at + found + 2;
            at = start + name.len();
            if bytes
                .get(start..at)
                .is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()))
            {
                let tail = self.rest.get(at..).unwrap_or_default();
                self.rest = tail.split_once('>').map_or("", |(_, after)| after);
                return;
            }
            at = start;
        }
        // Never closed: browsers show nothing behind it, a reader of reports wants to see it.
        if name != "script" && name != "style" {
            return;
        }
        self.rest = "";
    }

    fn open(&mut self, block: Block) {
        if block == Block::Entry
            && let Some(at) = self.open.iter().rposition(|&open| open == Block::Entry)
            && !self
                .open
                .iter()
                .skip(at)
                .any(|open| matches!(open, Block::List | Block::Numbered))
        {
            self.close(Block::Entry);
        }
        if matches!(block, Block::Paragraph) && self.open.last() == Some(&Block::Paragraph) {
            self.close(Block::Paragraph);
        }
        if self.open.len() >= MAX_DEPTH {
            self.pieces.push(Piece::Break);
            return;
        }
        self.open.push(block);
        self.pieces.push(Piece::Open(block));
    }

    /// Closes the innermost block of this kind with all inside it; a stray end tag is a line break.
    fn close(&mut self, block: Block) {
        if !self.open.contains(&block) {
            self.pieces.push(Piece::Break);
            return;
        }
        while let Some(open) = self.open.pop() {
            self.pieces.push(Piece::Close(open));
            if open == block {
                return;
            }
        }
    }

    fn image(&mut self, attributes: &str) {
        let alt = attribute(attributes, "alt").unwrap_or_default();
        let alt = super::text::one_line(&alt, 200);
        if !alt.is_empty() {
            self.pieces.push(Piece::Ours(format!("[{alt}]")));
        }
    }

    fn open_link(&mut self, attributes: &str) {
        self.close_link();
        let target = attribute(attributes, "href").unwrap_or_default();
        let target: String = target.chars().filter(|c| !c.is_whitespace()).collect();
        if target.contains(':') && !target.starts_with("javascript:") && target.len() <= 4096 {
            self.link = Some((target, self.pieces.len()));
        }
    }

    /// Writes the target behind the link's text, unless the text is the target.
    fn close_link(&mut self) {
        let Some((target, since)) = self.link.take() else {
            return;
        };
        let mut shown = String::new();
        for piece in self.pieces.iter().skip(since) {
            match piece {
                Piece::Text(text) => push_decoded(&mut shown, text),
                Piece::Ours(text) => shown.push_str(text),
                _ => {}
            }
            if shown.len() > 2 * target.len() + 64 {
                break;
            }
        }
        let shown = shown.trim();
        if shown.is_empty() && target.starts_with("mailto:") || same_target(shown, &target) {
            return;
        }
        self.pieces.push(Piece::Ours(format!(" <{target}> ")));
    }
}

fn same_target(shown: &str, target: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_end_matches('/');
        ["https://", "http://", "mailto:"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text)
            .to_owned()
    };
    bare(shown).eq_ignore_ascii_case(&bare(target))
}

/// The value of an attribute, its character references decoded.
fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let name_end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '/');
        let (name, tail) = rest.split_at(name_end.unwrap_or(rest.len()));
        let tail = tail.trim_start();
        let Some(value) = tail.strip_prefix('=').map(str::trim_start) else {
            if tail.is_empty() || tail.len() == rest.len() {
                return None;
            }
            rest = tail;
            continue;
        };
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = value.get(1..).unwrap_or_default();
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            _ => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        if name.eq_ignore_ascii_case(wanted) {
            let mut decoded = String::new();
            push_decoded(&mut decoded, value);
            return Some(decoded);
        }
        rest = after;
    }
}

/// HTML of the pieces, with nothing in it but blocks, line breaks and text.
fn tamed(pieces: &[Piece]) -> String {
    let mut markup = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => markup.push_str(text),
            Piece::Ours(text) => push_escaped(&mut markup, text),
            Piece::Break => markup.push_str("<br>"),
            Piece::Open(block) => markup.extend(["<", block.tag(), ">"]),
            Piece::Close(block) => markup.extend(["</", block.tag(), ">"]),
        }
        if markup.len() > MAX_RENDERED {
            break;
        }
    }
    markup
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
}

/// Text of the pieces without any layout but lines, list marks and quote marks.
fn plain(pieces: &[Piece]) -> String {
    let mut out = String::new();
    let mut preformatted = 0usize;
    let mut quotes = 0usize;
    for piece in pieces {
        match piece {
            Piece::Text(text) if preformatted > 0 => push_decoded(&mut out, text),
            Piece::Text(text) => {
                let mut decoded = String::with_capacity(text.len());
                push_decoded(&mut decoded, text);
                push_collapsed(&mut out, &decoded);
            }
            Piece::Ours(text) => push_collapsed(&mut out, text),
            Piece::Break => new_line(&mut out, quotes),
            Piece::Open(block) | Piece::Close(block) => {
                let opening = matches!(piece, Piece::Open(_));
                let count = |n: &mut usize| {
                    *n = if opening { *n + 1 } else { n.saturating_sub(1) };
                };
                match block {
                    Block::Quote => count(&mut quotes),
                    Block::Preformatted => count(&mut preformatted),
                    _ => {}
                }
                if !out.ends_with('\n') && !out.is_empty() || *block == Block::Paragraph {
                    new_line(&mut out, quotes);
                }
                if opening && *block == Block::Entry {
                    out.push_str("* ");
                }
            }
        }
    }
    out
}

fn new_line(out: &mut String, quotes: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("> ", quotes.min(8)));
}

fn push_collapsed(out: &mut String, text: &str) {
    for c in text.chars() {
        if !c.is_ascii_whitespace() {
            out.push(c);
        } else if !out.ends_with([' ', '\n']) && !out.is_empty() {
            out.push(' ');
        }
    }
}

/// Text with its character references decoded.
fn push_decoded(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, tail) = rest.split_at(start);
        out.push_str(before);
        let reference = super::text::cut(tail, 33)
            .find(';')
            .and_then(|end| tail.get(..=end))
            .filter(|reference| {
                reference
                    .chars()
                    .skip(1)
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '#' | ';'))
            });
        match reference {
            Some(reference) => {
                add_html_token(out, reference.as_bytes(), false);
                rest = tail.get(reference.len()..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(to_text(html).0.trim_end(), expected, "html2text: {html}");
        assert_eq!(
            tidy(&plain(&pieces(html))).trim(),
            expected,
            "plain renderer: {html}"
        );
    }

    #[test]
    fn blocks_and_breaks_make_lines() {
        check("<p>one</p><p>two</p>", "one\n\ntwo");
        check("<div>one</div><div>two<br>three</div>", "one\ntwo\nthree");
        check("a &lt;b&gt; &amp; c&nbsp;d &#228;", "a <b> & c d ä");
        check("x < y and y > z", "x < y and y > z");
        check("<ul><li>one<li>two</ul>", "* one\n* two");
        check("<pre>a\n  b</pre>", "a\n  b");
    }

    #[test]
    fn what_is_no_text_is_left_out() {
        check(
            "<html><head><title>t</title><style>p{}</style></head><body>text</body></html>",
            "text",
        );
        check(
            "a<!-- <b>hidden</b> -->b<script>if (a<b) {}</script>c",
            "abc",
        );
        check("a<SCRIPT>x</sCript >b", "ab");
        check("a<!--", "a");
    }

    #[test]
    fn links_are_written_out() {
        check(
            r#"<a href="https://a.test/x?a=1&amp;b=2">here</a>."#,
            "here <https://a.test/x?a=1&b=2> .",
        );
        check(
            r#"<a href="https://a.test/">https://a.test</a>"#,
            "https://a.test",
        );
        check(r#"<a href='mailto:r@a.test'>r@a.test</a>"#, "r@a.test");
        check(r#"<img src="x.png" alt="a > b">"#, "[a > b]");
    }
}
