//! The parts of a mail as raw bytes, cut at the boundaries alone: what a reader verifies.

/// The signed entity and the armoured signature of a `multipart/signed` (RFC 3156, 5).
#[track_caller]
pub fn signed_parts(mail: &[u8]) -> (&[u8], &[u8]) {
    assert_eq!(media_type(mail), "multipart/signed");
    let parts = parts(mail);
    let [entity, signature] = parts.as_slice() else {
        panic!("{} parts", parts.len());
    };
    (entity, body(signature))
}

/// What stands between the boundaries of the outermost multipart, without the line end before each.
#[track_caller]
pub fn parts(mail: &[u8]) -> Vec<&[u8]> {
    let boundary = parameter(&field(mail, "Content-Type"), "boundary").expect("a boundary");
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let mut rest = after(mail, &delimiter).expect("a first boundary");
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, &delimiter).expect("a closing boundary");
        parts.push(&part[..end]);
        rest = &part[end + delimiter.len()..];
    }
    assert!(rest.starts_with(b"--"), "the last boundary closes");
    parts
}

pub fn body(entity: &[u8]) -> &[u8] {
    after(entity, b"\r\n\r\n").expect("an empty line behind the header")
}

#[track_caller]
pub fn media_type(entity: &[u8]) -> String {
    let value = field(entity, "Content-Type");
    let end = value.find(';').unwrap_or(value.len());
    value[..end].trim().to_ascii_lowercase()
}

/// The value of the one field of this name, unfolded; empty where there is none.
#[track_caller]
pub fn field(entity: &[u8], name: &str) -> String {
    let end = find(entity, b"\r\n\r\n").expect("an empty line behind the header");
    let header = std::str::from_utf8(&entity[..end]).expect("a header in UTF-8");
    let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", " ");
    let wanted = |line: &&str| {
        let field = line.split_once(':').map(|(field, _)| field);
        field.is_some_and(|field| field.eq_ignore_ascii_case(name))
    };
    let found: Vec<&str> = unfolded.split("\r\n").filter(wanted).collect();
    assert!(found.len() <= 1, "{} fields {name}", found.len());
    let value = found.first().and_then(|line| line.split_once(':'));
    value
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

/// Of a field such as Content-Type, without quotes.
pub fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let is_it = key.trim().eq_ignore_ascii_case(name);
        is_it.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn after<'b>(bytes: &'b [u8], wanted: &[u8]) -> Option<&'b [u8]> {
    find(bytes, wanted).map(|start| &bytes[start + wanted.len()..])
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
