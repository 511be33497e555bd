//! Canonical S-expressions, in which gpg-agent speaks of keys and numbers:
//! `(7:enc-val(3:rsa(1:a2:..)))`.

use sequoia_openpgp::crypto::mem::Protected;

/// Lists inside each other; gpg-agent needs five.
const DEEPEST: usize = 16;

/// An expression that was read; its texts may be secret, and are wiped.
#[derive(Debug)]
pub enum Sexp {
    Text(Protected),
    List(Vec<Sexp>),
}

impl Sexp {
    /// `None`: it is none. What follows it is ignored (gpg-agent puts a 0 there).
    pub fn read(bytes: &[u8]) -> Option<Self> {
        read(bytes, DEEPEST).map(|(sexp, _)| sexp)
    }

    /// What stands behind `name` in the first list that begins with it, this one or one inside it.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        match self.list(name)? {
            [_, Self::Text(value), ..] => Some(value),
            _ => None,
        }
    }

    /// The first list that begins with `name`: this one or one inside it.
    fn list(&self, name: &str) -> Option<&[Sexp]> {
        let Self::List(list) = self else { return None };
        match list.first() {
            Some(Self::Text(text)) if **text == *name.as_bytes() => Some(list),
            _ => list.iter().find_map(|inner| inner.list(name)),
        }
    }

    /// Is there such a list?
    pub fn has(&self, name: &str) -> bool {
        self.list(name).is_some()
    }
}

fn read(bytes: &[u8], deepest: usize) -> Option<(Sexp, &[u8])> {
    match bytes.split_first()? {
        (b'(', rest) => read_list(rest, deepest.checked_sub(1)?),
        _ => read_text(bytes),
    }
}

fn read_list(mut rest: &[u8], deepest: usize) -> Option<(Sexp, &[u8])> {
    let mut list = Vec::new();
    loop {
        if let Some((b')', rest)) = rest.split_first() {
            return Some((Sexp::List(list), rest));
        }
        let (sexp, after) = read(rest, deepest)?;
        list.push(sexp);
        rest = after;
    }
}

fn read_text(bytes: &[u8]) -> Option<(Sexp, &[u8])> {
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let length: usize = str::from_utf8(bytes.get(..colon)?).ok()?.parse().ok()?;
    let rest = bytes.get(colon + 1..)?;
    let text = rest.get(..length)?;
    Some((Sexp::Text(text.into()), rest.get(length..)?))
}

/// `(name(parameter value)…)`, to be put into another list.
pub fn list(name: &str, items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![b'('];
    out.extend(text(name.as_bytes()));
    items.iter().for_each(|item| out.extend(item));
    out.push(b')');
    out
}

/// `(name value)`.
pub fn pair(name: &str, value: &[u8]) -> Vec<u8> {
    list(name, &[text(value)])
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("{}:", bytes.len()).into_bytes();
    out.extend(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = list("enc-val", &[list("rsa", &[pair("a", b"\0(x)")])]);
        assert_eq!(bytes, b"(7:enc-val(3:rsa(1:a4:\0(x))))");
        let sexp = Sexp::read(&[&bytes[..], b"\0"].concat()).unwrap();
        assert_eq!(sexp.value("a"), Some(&b"\0(x)"[..]));
        assert!(sexp.has("rsa") && !sexp.has("ecdh"));
        assert_eq!(sexp.value("rsa"), None, "that is a list");
        assert_eq!(sexp.value("b"), None);
    }

    #[test]
    fn what_is_no_expression() {
        let deep = [vec![b'('; 100], vec![b')'; 100]].concat();
        let long = b"(99999999999999999999:a)";
        for bytes in [
            &b""[..],
            b"(",
            b"(1:a",
            b"2:a",
            b"x",
            b"(1:a))("[..1].as_ref(),
            &deep,
            long,
        ] {
            assert!(Sexp::read(bytes).is_none(), "{bytes:?}");
        }
    }
}
