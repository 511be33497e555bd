//! The name under which a Web Key Directory keeps the certificate of an address.

use sequoia_openpgp::types::HashAlgorithm;

/// z-base-32, whose letters people confuse least.
const ALPHABET: [char; 32] = [
    'y', 'b', 'n', 'd', 'r', 'f', 'g', '8', 'e', 'j', 'k', 'm', 'c', 'p', 'q', 'x', 'o', 't', '1',
    'u', 'w', 'i', 's', 'z', 'a', '3', '4', '5', 'h', '7', '6', '9',
];

/// Of the part before the `@`: SHA-1 of it in lower case (ASCII alone), in 32 letters.
pub fn directory_name(local: &str) -> Option<String> {
    let mut hash = HashAlgorithm::SHA1.context().ok()?.for_digest();
    hash.update(local.to_ascii_lowercase().as_bytes());
    Some(z_base_32(&hash.into_digest().ok()?))
}

/// Five bytes are eight letters; a digest of 20 bytes leaves no rest.
fn z_base_32(bytes: &[u8]) -> String {
    let mut letters = String::new();
    for chunk in bytes.chunks_exact(5) {
        let bits = chunk
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in (0..8).rev() {
            let letter = usize::try_from(bits >> (5 * place) & 31).ok();
            letters.extend(letter.and_then(|letter| ALPHABET.get(letter)));
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of draft-koch-openpgp-webkey-service.
    #[test]
    fn names_are_those_of_the_draft() {
        let name = directory_name("Joe.Doe").unwrap();
        assert_eq!(name, "iy9q119eutrkn8s1mk4r39qejnbu3n5q");
        assert_eq!(directory_name("joe.doe").unwrap(), name);
    }
}
