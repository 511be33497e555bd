//! The library alone, as its documentation shows it: for keys that no program of this machine may know yet.

use std::io::{Read, Write};

use sequoia_openpgp::anyhow::{self, bail};
use sequoia_openpgp::crypto::{KeyPair, SessionKey};
use sequoia_openpgp::packet::{PKESK, SKESK};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, DetachedVerifierBuilder, MessageLayer, MessageStructure,
    VerificationHelper,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{Armorer, Encryptor, LiteralWriter, Message, Signer};
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, KeyHandle, armor};

use crate::keys::Key;
use crate::programs::{Form, Program, Sealing};

pub struct Library;

const POLICY: &StandardPolicy = &StandardPolicy::new();

impl Program for Library {
    fn name(&self) -> &str {
        "the library"
    }

    fn armour(&self) -> &'static [&'static str] {
        &[]
    }

    fn takes(&self, key: &Key) -> Result<(), String> {
        said(Cert::from_bytes(&key.secret).map(drop))
    }

    fn encrypts(&self, sealing: &Sealing) -> Result<Vec<u8>, String> {
        said(encrypted(sealing))
    }

    fn signs(&self, form: Form, text: &[u8], by: &Key, _: &[&str]) -> Result<Vec<u8>, String> {
        assert_eq!(form, Form::Detached);
        said(signed(text, by))
    }

    fn decrypts(&self, message: &[u8], to: &Key, from: &Key) -> Result<Vec<u8>, String> {
        said(decrypted(message, to, from))
    }

    fn verifies(&self, text: &[u8], signature: &[u8], from: &Key) -> Result<(), String> {
        said(verified(text, signature, from))
    }
}

fn said<T>(result: anyhow::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{error:#}"))
}

fn encrypted(sealing: &Sealing) -> anyhow::Result<Vec<u8>> {
    let certs: Vec<Cert> = sealing
        .to
        .iter()
        .map(|key| Cert::from_bytes(&key.certificate))
        .collect::<anyhow::Result<_>>()?;
    let mut keys = Vec::new();
    for cert in &certs {
        let before = keys.len();
        let valid = cert.with_policy(POLICY, None)?.keys().supported();
        keys.extend(valid.for_transport_encryption());
        if keys.len() == before {
            bail!("has no suitable encryption key");
        }
    }
    let mut sealed = Vec::new();
    let message = Armorer::new(Message::new(&mut sealed)).build()?;
    let mut message = Encryptor::for_recipients(message, keys).build()?;
    if let Some(signer) = sealing.signer {
        message = Signer::new(message, signing_key(signer)?)?.build()?;
    }
    let mut message = LiteralWriter::new(message).build()?;
    message.write_all(sealing.text)?;
    message.finalize()?;
    Ok(sealed)
}

fn signed(text: &[u8], by: &Key) -> anyhow::Result<Vec<u8>> {
    let mut signature = Vec::new();
    let message = Message::new(&mut signature);
    let message = Armorer::new(message).kind(armor::Kind::Signature).build()?;
    let mut message = Signer::new(message, signing_key(by)?)?.detached().build()?;
    message.write_all(text)?;
    message.finalize()?;
    Ok(signature)
}

fn signing_key(of: &Key) -> anyhow::Result<KeyPair> {
    let cert = Cert::from_bytes(&of.secret)?;
    let keys = cert.with_policy(POLICY, None)?.keys().secret();
    let key = keys.supported().for_signing().next();
    let key = key.ok_or_else(|| anyhow::anyhow!("Found no suitable key"))?;
    key.key().clone().into_keypair()
}

fn decrypted(message: &[u8], to: &Key, from: &Key) -> anyhow::Result<Vec<u8>> {
    let reader = Reader::new(Some(to), from)?;
    let mut decryptor = DecryptorBuilder::from_bytes(message)?.with_policy(POLICY, None, reader)?;
    let mut plaintext = Vec::new();
    decryptor.read_to_end(&mut plaintext)?;
    Ok(plaintext)
}

fn verified(text: &[u8], signature: &[u8], from: &Key) -> anyhow::Result<()> {
    let reader = Reader::new(None, from)?;
    let verifier = DetachedVerifierBuilder::from_bytes(signature)?;
    verifier
        .with_policy(POLICY, None, reader)?
        .verify_bytes(text)
}

struct Reader {
    key: Option<Cert>,
    signer: Cert,
}

impl Reader {
    fn new(to: Option<&Key>, from: &Key) -> anyhow::Result<Self> {
        Ok(Self {
            key: to.map(|key| Cert::from_bytes(&key.secret)).transpose()?,
            signer: Cert::from_bytes(&from.certificate)?,
        })
    }
}

impl VerificationHelper for Reader {
    fn get_certs(&mut self, _issuers: &[KeyHandle]) -> anyhow::Result<Vec<Cert>> {
        Ok(vec![self.signer.clone()])
    }

    fn check(&mut self, structure: MessageStructure) -> anyhow::Result<()> {
        let is_good = structure.into_iter().any(|layer| match layer {
            MessageLayer::SignatureGroup { results } => results.iter().any(Result::is_ok),
            _ => false,
        });
        anyhow::ensure!(is_good, "no good signature");
        Ok(())
    }
}

impl DecryptionHelper for Reader {
    fn decrypt(
        &mut self,
        public: &[PKESK],
        _passwords: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> anyhow::Result<Option<Cert>> {
        for key in self.key.iter().flat_map(|cert| cert.keys().secret()) {
            let mut key = key.key().clone().into_keypair()?;
            for packet in public {
                let found = packet.decrypt(&mut key, algorithm);
                if found.is_some_and(|(cipher, session)| decrypt(cipher, &session)) {
                    return Ok(None);
                }
            }
        }
        bail!("No key to decrypt message")
    }
}
