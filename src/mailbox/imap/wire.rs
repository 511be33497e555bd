//! The stream below the IMAP parser, watched.
//!
//! The parser takes memory for a literal as soon as its size is announced, up
//! to 512 MiB, and parses an unfinished line anew at every read. So the bytes
//! are looked at on their way in, and a size or a line beyond our bounds ends
//! the session before the parser sees it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Bytes of one answer outside its literals. The longest that we provoke is a
/// SEARCH answer of about half of this.
const MAX_LINE: u64 = 1024 * 1024;

/// What a literal may have above the largest mail that is fetched: sizes that
/// servers tell are sometimes a little off.
const LITERAL_SLACK: u64 = 1024 * 1024;

pub(super) struct Wire {
    stream: Stream,
    watch: Watch,
    received: u64,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// `max_literal`: the largest mail in bytes that will be asked for.
    pub(super) fn plain(stream: TcpStream, max_literal: u64) -> Self {
        Self::new(Stream::Plain(stream), max_literal)
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, max_literal: u64) -> Self {
        Self::new(Stream::Tls(Box::new(stream)), max_literal)
    }

    fn new(stream: Stream, max_literal: u64) -> Self {
        Self {
            stream,
            watch: Watch::new(max_literal.saturating_add(LITERAL_SLACK)),
            received: 0,
        }
    }

    /// The connection below, for the handshake of STARTTLS; `None` where TLS is on already.
    pub(super) fn into_tcp(self) -> Option<TcpStream> {
        match self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Tls(_) => None,
        }
    }

    /// How many bytes have come so far: what tells a slow server from a stalled one.
    pub(super) fn received(&self) -> u64 {
        self.received
    }
}

/// The parser wants its stream to have this; the contents are nobody's business.
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        ready!(match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        })?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        this.received += fresh.len() as u64;
        let verdict = this.watch.see(fresh);
        Poll::Ready(verdict.map_err(|refusal| io::Error::new(io::ErrorKind::InvalidData, refusal)))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Why the wire ended a session.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the server announces {announced} bytes at once; at most {limit} are taken")]
    Literal { announced: u64, limit: u64 },
    #[error("the server sends a line without an end; at most {MAX_LINE} bytes are taken")]
    Line,
}

/// Follows the framing of what a server sends: lines ended by LF, and the
/// literals that a line announces at its end as `{SIZE}` (RFC 3501, 4.3).
struct Watch {
    /// Most bytes of literals in one answer.
    limit: u64,
    /// Bytes still to come of the present literal.
    literal_left: u64,
    /// Bytes of all literals that the present answer announced.
    literals: u64,
    /// Bytes of the present answer outside its literals.
    length: u64,
    /// How the present answer begins.
    head: Vec<u8>,
    /// How the present line ends so far.
    tail: Vec<u8>,
}

/// Enough for `* PREAUTH `.
const HEAD: usize = 10;
/// Enough for `{18446744073709551615+}` and CR.
const TAIL: usize = 24;

impl Watch {
    fn new(limit: u64) -> Self {
        Self {
            limit,
            literal_left: 0,
            literals: 0,
            length: 0,
            head: Vec::with_capacity(HEAD),
            tail: Vec::with_capacity(2 * TAIL),
        }
    }

    fn see(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            bytes = if self.literal_left > 0 {
                self.skip_literal(bytes)
            } else {
                self.see_line(bytes)?
            };
        }
        Ok(())
    }

    fn skip_literal<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let skipped = usize::try_from(self.literal_left)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.literal_left -= skipped as u64;
        bytes.get(skipped..).unwrap_or_default()
    }

    /// Takes up to and including the next LF; returns what comes after.
    fn see_line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Refusal> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (line, rest) = match end {
            Some(end) => (
                bytes.get(..end).unwrap_or_default(),
                bytes.get(end + 1..).unwrap_or_default(),
            ),
            None => (bytes, &[][..]),
        };
        self.note(line)?;
        if end.is_some() {
            self.end_line()?;
        }
        Ok(rest)
    }

    fn note(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.length += line.len() as u64;
        if self.length > MAX_LINE {
            return Err(Refusal::Line);
        }
        let missing = HEAD.saturating_sub(self.head.len());
        self.head.extend(line.iter().take(missing));
        let last = line.len().saturating_sub(TAIL);
        self.tail.extend(line.get(last..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Refusal> {
        let announced = announced_size(&self.tail);
        self.tail.clear();
        if let Some(size) = announced {
            self.literals = self.literals.saturating_add(size);
            if self.literals > self.limit {
                return Err(Refusal::Literal {
                    announced: self.literals,
                    limit: self.limit,
                });
            }
            if !is_text(&self.head) {
                self.literal_left = size;
                return Ok(());
            }
        }
        self.literals = 0;
        self.length = 0;
        self.head.clear();
        Ok(())
    }
}

/// Does an answer that begins so end in words for people? A `{12}` at the end
/// of such words announces nothing.
fn is_text(head: &[u8]) -> bool {
    let Some(answer) = head.strip_prefix(b"* ") else {
        return true;
    };
    [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"]
        .iter()
        .any(|status| {
            answer
                .get(..status.len())
                .is_some_and(|word| word.eq_ignore_ascii_case(status))
                && matches!(answer.get(status.len()), None | Some(b' ' | b'\r'))
        })
}

/// The size in `…{SIZE}`, an optional CR behind it.
fn announced_size(tail: &[u8]) -> Option<u64> {
    let tail = tail.strip_suffix(b"\r").unwrap_or(tail);
    let tail = tail.strip_suffix(b"}")?;
    let open = tail.iter().rposition(|byte| *byte == b'{')?;
    let digits = tail.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than fit are a size too: the largest.
    Some(
        std::str::from_utf8(digits)
            .ok()?
            .parse()
            .unwrap_or(u64::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 100;

    /// The verdict must not depend on how the bytes were cut into reads.
    #[track_caller]
    fn check(input: &str, expected: Result<(), Refusal>) {
        for piece in [1, 2, 3, 7, input.len().max(1)] {
            let mut watch = Watch::new(LIMIT);
            let verdict = input
                .as_bytes()
                .chunks(piece)
                .try_for_each(|bytes| watch.see(bytes));
            assert_eq!(verdict, expected, "{input:?} in pieces of {piece}");
        }
    }

    fn refused(announced: u64) -> Result<(), Refusal> {
        Err(Refusal::Literal {
            announced,
            limit: LIMIT,
        })
    }

    #[test]
    fn literals_up_to_the_limit_pass() {
        check("* 1 FETCH (BODY[] {100}\r\n", Ok(()));
        check("* 1 FETCH (BODY[] {101}\r\n", refused(101));
        check("* 1 FETCH (BODY[] {0}\r\n)\r\n", Ok(()));
        check("* 1 FETCH (BODY[] {419430400}\r\n", refused(419_430_400));
        check("* LIST () \"/\" {101}\n", refused(101));
    }

    #[test]
    fn a_size_that_no_number_holds_is_refused() {
        check(
            "* 1 FETCH (BODY[] {99999999999999999999}\r\n",
            refused(u64::MAX),
        );
    }

    #[test]
    fn the_inside_of_a_literal_announces_nothing() {
        check("* 1 FETCH (BODY[] {8}\r\n {999}\r\n)\r\n", Ok(()));
        check("* 1 FETCH (BODY[] {7}\r\n{999}\r\n)\r\n", Ok(()));
        check("* 1 FETCH (BODY[] {6}\r\nabcdef {999}\r\n", refused(1_005));
    }

    #[test]
    fn literals_of_one_answer_are_added_up() {
        check(
            "* 1 FETCH (BODY[] {60}\r\n0123456789012345678901234567890123456789\
             01234567890123456789 BODY[TEXT] {60}\r\n",
            refused(120),
        );
        let mails = "* 1 FETCH (BODY[] {10}\r\n0123456789)\r\n".repeat(50);
        check(&mails, Ok(()));
    }

    #[test]
    fn words_for_people_announce_nothing() {
        check("* OK see {12}\r\n* 1 FETCH (BODY[] {101}\r\n", refused(101));
        check(
            "A0001 NO see {12}\r\n* 1 FETCH (BODY[] {101}\r\n",
            refused(101),
        );
        check("* ok {5}\r\n* 1 FETCH (X {101}\r\n", refused(101));
        check("* NO [BADCHARSET ({101}\r\n", refused(101));
        check("* OKAY {5}\r\n12345)\r\n", Ok(()));
    }

    #[test]
    fn what_only_looks_like_a_size_is_none() {
        for line in ["{}", "{x}", "{1", "1}", "{1} ", "{-1}", "{101}x", "{101} "] {
            check(&format!("* 1 FETCH (X {line}\r\n"), Ok(()));
        }
        check("* 1 FETCH (X {101+}\r\n", refused(101));
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut watch = Watch::new(LIMIT);
        let block = [b'a'; 4096];
        let blocks = (MAX_LINE / 4096) as usize;
        for _ in 0..blocks {
            assert_eq!(watch.see(&block), Ok(()));
        }
        assert_eq!(watch.see(&block), Err(Refusal::Line));
    }

    #[test]
    fn many_short_lines_are_no_long_one() {
        let mut watch = Watch::new(LIMIT);
        for _ in 0..100_000 {
            assert_eq!(watch.see(b"* 17 EXPUNGE is long\r\n"), Ok(()));
        }
    }
}
