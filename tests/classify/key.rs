//! Requests for our OpenPGP key, and what only looks like one. A row a line.

use crate::support::{mail, organization};
use triaged::mailbox::Lane;
use triaged::triage::classify::{Kind, classify, wants_key};

const ASKS: &[&str] = &[
    // English
    "Please send me your PGP key.",
    "Could you share your public PGP key so that I can encrypt my report?",
    "Can I have your GPG key?",
    "Do you have a PGP key?",
    "Is there a PGP key I can use to encrypt the details?",
    "Where can I find your public key for encrypted mail?",
    "I would like to report a vulnerability. What is your PGP key?",
    "I need your OpenPGP public key before I send anything.",
    "PGP key please",
    "pgp key?",
    "GPG public key pls",
    "Requesting your PGP public key.",
    "I couldn't find your PGP key on the website.",
    "Your PGP key has expired, could you send me the current one?",
    "My PGP key is attached, please send me your public key.",
    "I have a finding to share, and I'd like your PGP key to encrypt it.",
    "Kindly provide your encryption key so I can encrypt the report.",
    "Hello, do you use PGP? If so please share the public key.",
    "How can I encrypt the report?",
    "Before I disclose the details, would you have a PGP public key?",
    "Please attach your GPG public key to your answer.",
    "Which PGP key should I use?",
    "Would it be possible to get your PGP public key to send sensitive information?",
    "Please let me know your PGP key so I can send the PoC securely.",
    "Before sharing details I'd like to use encrypted email. Can you send me a PGP key?",
    "Can you reply with your public GPG key",
    "I wanted to email you encrypted but there is no PGP key in your security.txt, could you provide one?",
    "send me ur pgp key",
    "Is there an encryption key for this mailbox?",
    "Hi, I want to submit a security bug, need PGP.",
    "Looking for your OpenPGP key to communicate securely",
    "The PGP key on your website is expired. Can I get a new one?",
    // German
    "Bitte senden Sie mir Ihren PGP-Schlüssel.",
    "Könnten Sie mir Ihren öffentlichen Schlüssel zukommen lassen, damit ich verschlüsseln kann?",
    "Haben Sie einen PGP-Key?",
    "Wo finde ich Ihren öffentlichen PGP-Schlüssel?",
    "Ich bräuchte Ihren GPG-Schlüssel, um die Details zu verschlüsseln.",
    "PGP-Schlüssel bitte",
    "Gibt es einen öffentlichen PGP-Schlüssel für diese Adresse?",
    "Bitte teilen Sie mir Ihren PGP Key mit.",
    "Können Sie mir einen PGP Public Key schicken?",
    "Ich möchte eine Schwachstelle verschlüsselt melden. Gibt es dafür einen PGP-Key?",
    // German without umlauts
    "Bitte senden Sie mir Ihren oeffentlichen PGP-Schluessel.",
    "Koennten Sie mir Ihren oeffentlichen Schluessel zukommen lassen, damit ich verschluesseln kann?",
    "Ich braeuchte Ihren GPG-Schluessel, um die Details zu verschluesseln.",
    "PGP-Schluessel bitte",
    "Haben Sie einen oeffentlichen Schluessel, mit dem ich den Bericht verschluesselt schicken kann?",
    "Unterstuetzen Sie PGP?",
    // French
    "Pourriez-vous m'envoyer votre clé PGP ?",
    "Merci de me communiquer votre clé publique PGP.",
    "Avez-vous une clé PGP ?",
    "Où puis-je trouver votre clé publique pour chiffrer mon rapport ?",
    "Je souhaite vous envoyer un rapport chiffré, pouvez-vous me donner votre clé publique ?",
    "Disposez-vous d'une clé GPG ?",
    // Spanish
    "¿Podrían enviarme su clave PGP?",
    "Por favor, envíenme su clave pública para cifrar el informe.",
    "¿Tienen una clave PGP?",
    "Necesito su clave pública GPG.",
    "¿Dónde puedo encontrar su llave pública PGP?",
    "¿Me pueden facilitar la clave PGP?",
    // Portuguese
    "Poderiam me enviar a chave PGP de vocês?",
    "Vocês têm uma chave PGP?",
    "Preciso da sua chave pública PGP para criptografar o relatório.",
    "Por favor envie a chave pública PGP.",
    // Italian
    "Potreste inviarmi la vostra chiave PGP?",
    "Avete una chiave PGP pubblica?",
    "Vorrei la vostra chiave pubblica per cifrare il messaggio.",
    "Mi servirebbe la vostra chiave PGP, grazie.",
    // Dutch
    "Kunnen jullie mij jullie PGP-sleutel sturen?",
    "Hebben jullie een PGP-sleutel?",
    "Graag ontvang ik uw publieke sleutel om mijn melding te versleutelen.",
    "Waar kan ik jullie openbare PGP-sleutel vinden?",
    // Swedish
    "Kan ni skicka er PGP-nyckel?",
    "Har ni en PGP-nyckel?",
    "Var hittar jag er publika nyckel för krypterad e-post?",
    // Polish
    "Proszę o przesłanie klucza PGP.",
    "Czy macie klucz PGP?",
    "Gdzie znajdę wasz klucz publiczny, aby zaszyfrować zgłoszenie?",
    "Proszę mi przesłać Państwa klucz publiczny PGP.",
    // Czech
    "Prosím o zaslání vašeho PGP klíče.",
    "Máte PGP klíč?",
    "Kde najdu váš veřejný klíč, abych zprávu zašifroval?",
    // Russian
    "Пришлите, пожалуйста, ваш PGP-ключ.",
    "Есть ли у вас PGP ключ?",
    "Где найти ваш открытый ключ, чтобы зашифровать письмо?",
    "Можете прислать публичный ключ PGP?",
    "Дайте ваш публичный ключ GPG",
    // Ukrainian
    "Надішліть, будь ласка, ваш PGP ключ.",
    "Чи є у вас PGP ключ?",
    "Де можна знайти ваш відкритий ключ для шифрування?",
    // Turkish
    "PGP anahtarınızı gönderebilir misiniz?",
    "PGP anahtarınız var mı?",
    "Raporu şifrelemek için açık anahtarınıza ihtiyacım var.",
    "PGP açık anahtarınızı paylaşır mısınız?",
    // Arabic
    "الرجاء إرسال مفتاح PGP الخاص بكم.",
    "هل لديكم مفتاح PGP؟",
    "أحتاج مفتاحكم العام لتشفير التقرير.",
    // Chinese
    "请把你们的PGP公钥发给我。",
    "请问贵公司有没有PGP公钥？",
    "我需要您的公钥来加密报告。",
    "請提供您的PGP公鑰",
    "能否提供PGP密钥以便加密通信？",
    // Japanese
    "貴社のPGP公開鍵を送っていただけますか。",
    "PGP公開鍵はありますか？",
    "報告を暗号化するため、公開鍵を教えてください。",
    "PGP鍵をお持ちでしたら共有をお願いします。",
    // Korean
    "PGP 공개키를 보내주세요.",
    "PGP 공개키가 있나요?",
    "보고서를 암호화하려면 귀사의 공개 키가 필요합니다.",
];

const DOES_NOT_ASK: &[&str] = &[
    // Keys of the product
    "Your API keys are in the public repository, please send me a confirmation.",
    "The API key can be sent to anyone, is there a way to rotate it?",
    "I found your PGP private key on GitHub.",
    "Leaked PGP keys of three employees are on a paste site, please have a look.",
    "The firmware signing key is in the update package.",
    "Please rotate the SSH key that is in the image.",
    "The server does not check the public key in the key exchange.",
    "Do you use public key pinning in the app?",
    "The app is missing HTTP public key pinning, please provide a fix.",
    "Where is the TLS public key pinned?",
    "The JWT public key endpoint gives the private key.",
    "The form to upload a PGP key has an XSS.",
    "The keyserver accepts any PGP key, is there a check?",
    "An attacker can send his public key instead of the victim's.",
    "The client should send the public key in the handshake.",
    "Please send me the license key.",
    "The stripe secret key is in the JavaScript, can I have a bounty?",
    "The PGP key import feature crashes, do you have a fix?",
    "We are looking for a report on public key infrastructure usage.",
    "Anyone can request a public key and send messages as another user.",
    "Can you fix the public key validation?",
    "Please send me the server's public key fingerprint that is logged.",
    "The mail is signed with PGP, please check the signature.",
    "Is there a bounty for a leaked GPG key?",
    "You can verify this with my GPG key, please reply soon.",
    "Please remove the old public key from the login page, can you do that?",
    "Do you have a fix for the hard-coded encryption key?",
    "Where is the encryption key stored? It is hardcoded in the APK.",
    "I need a CVE for the encryption key disclosure.",
    "PGP key: 0xDEADBEEF, fingerprint ABCD EF01",
    "The public key of the update server can be replaced, please provide a patch.",
    "Could you send me a test account?",
    "Your PGP key is published without HTTPS.",
    "The wallet's public key is reused.",
    // The sender's own
    "My PGP key is attached.",
    "Here is my public key.",
    "Please use my PGP key for your answer.",
    "Please encrypt your reply with my public key.",
    "I attach my GPG key, please reply encrypted.",
    "You can find my PGP key at https://jane.example/key.asc",
    "My key ID is 0x12345678, please send the answer encrypted.",
    "Please find attached my PGP public key.",
    "PGP key attached",
    "Our PGP key is below, please send details encrypted.",
    "Mein PGP-Schlüssel ist angehängt.",
    "Anbei mein öffentlicher Schlüssel, bitte senden Sie die Antwort verschlüsselt.",
    "Ma clé PGP est en pièce jointe.",
    "Adjunto mi clave pública PGP.",
    "Minha chave PGP segue em anexo.",
    "In allegato la mia chiave PGP.",
    "Mijn PGP-sleutel is bijgevoegd.",
    "Min PGP-nyckel är bifogad.",
    "W załączniku mój klucz PGP.",
    "Můj PGP klíč je v příloze.",
    "Мой PGP-ключ во вложении.",
    "Мій PGP ключ у вкладенні.",
    "PGP anahtarım ektedir.",
    "مفتاحي العام PGP مرفق.",
    "附件是我的PGP公钥。",
    "私のPGP公開鍵を添付します。",
    "제 PGP 공개키를 첨부합니다.",
    // Not wanted, or there already
    "I do not need your PGP key.",
    "No need to send your PGP key.",
    "Please don't send me your PGP key again.",
    "I already have your PGP key.",
    "Thanks for your PGP key, I will send the report tomorrow.",
    "This was encrypted with your PGP key, please tell me if you can read it.",
    "I used your public key from security.txt to encrypt this.",
    "I don't use PGP, can I send it in clear?",
    "Ich brauche keinen PGP-Schlüssel.",
    "Danke für Ihren PGP-Schlüssel, ich sende den Bericht morgen.",
    "Pas besoin de votre clé PGP.",
    "No necesito su clave PGP.",
    "Não preciso da sua chave PGP.",
    "Non ho bisogno della vostra chiave PGP.",
    "Ik heb uw PGP-sleutel niet nodig.",
    "Nie potrzebuję waszego klucza PGP.",
    "Мне не нужен ваш PGP-ключ.",
    "不需要你们的PGP公钥。",
    "PGP公開鍵は必要ありません。",
    "PGP 공개키는 필요 없습니다.",
    // Nothing of the kind
    "I found a vulnerability in your web shop.",
    "The session key is predictable.",
    "The key point is that the token never expires, can you confirm?",
    "Press any key to continue, is there a fix?",
    "La clé API est exposée dans le code, pouvez-vous la révoquer ?",
    "La clave de la base de datos es pública, ¿pueden enviarme una confirmación?",
    "Der API-Schlüssel ist öffentlich, haben Sie das gesehen?",
    "密钥泄露在GitHub上，请尽快处理。",
    "",
];

#[test]
fn requests_are_recognised() {
    let missed: Vec<&str> = ASKS.iter().copied().filter(|text| !asks(text)).collect();
    assert_eq!(missed, Vec::<&str>::new());
}

#[test]
fn nothing_else_is() {
    let wrong: Vec<&str> = DOES_NOT_ASK
        .iter()
        .copied()
        .filter(|text| asks(text))
        .collect();
    assert_eq!(wrong, Vec::<&str>::new());
}

fn asks(text: &str) -> bool {
    wants_key(&mail("jane@sender.example", "Hello", text))
}

#[test]
fn a_table_of_two_halves() {
    assert!(ASKS.len() >= 60 && DOES_NOT_ASK.len() >= 60);
}

#[test]
fn a_request_alone_is_a_key_request_and_inside_a_report_is_not() {
    #[track_caller]
    fn check(subject: &str, text: &str, wants_key: bool, kind: Kind) {
        let message = mail("jane@sender.example", subject, text);
        let verdict = classify(&message, &organization(), Lane::Inbox);
        assert_eq!(
            (verdict.wants_key, verdict.kind_hint),
            (wants_key, kind),
            "{subject}: {text}"
        );
    }
    check("PGP key request", "", true, Kind::KeyRequest);
    check(
        "Vulnerability",
        "Hi,\n\nI found a security issue. Please send me your PGP key.\n\nJane",
        true,
        Kind::KeyRequest,
    );
    check(
        "Hallo",
        "Bitte senden Sie mir Ihren PGP-Schlüssel.\n-- \nJane",
        true,
        Kind::KeyRequest,
    );
    check(
        "XSS in search",
        "There is an XSS in the search field of https://shop.example/?q=. Please send your PGP key for the PoC.",
        true,
        Kind::Report,
    );
    check(
        "Report",
        "I found your API keys in a public repository.",
        false,
        Kind::Report,
    );
    check(
        "Re: PGP key",
        "Thanks.\n\nOn 5 May 2026, Security wrote:\n> Please send me your PGP key.",
        false,
        Kind::Report,
    );
}

#[test]
fn an_empty_reply_is_told() {
    #[track_caller]
    fn check(subject: &str, text: &str, empty: bool) {
        let verdict = classify(
            &mail("jane@sender.example", subject, text),
            &organization(),
            Lane::Inbox,
        );
        assert_eq!(verdict.empty_reply, empty, "{subject}: {text}");
    }
    check("Re: x", "", true);
    check("Re: x", "\n\n-- \nJane Doe\nResearcher\n", true);
    check(
        "Re: x",
        "Sent from my iPhone\n\n> On 5 May 2026, at 10:00, S <s@corp.example> wrote:\n> \n> hi",
        true,
    );
    check(
        "Re: x",
        "On Tue, 5 May 2026 at 10:00, S <s@corp.example> wrote:\n\n> We have received your report\n",
        true,
    );
    check("Re: x", "ok\n\n> We have received your report", false);
    check("Fwd: x", "", false);
}
