//! Words of people who ask for a key, and of people who speak of one.
//!
//! Folded; a final `*` stands for any end of the word. German also as it is written without
//! umlauts. By language, English first, where there are several.

pub const BARE_NAMES: &[&str] = &[
    "pgp key", "gpg key", "your pgp key", "your gpg key", "your public key", "pgp key request",
    "gpg key request", "public key request", "request for pgp key", "request for your pgp key", "key request",
    "pgp public key", "pgp-schlüssel", "pgp-schluessel", "pgp schlüssel", "pgp schluessel",
    "ihr pgp-schlüssel", "ihr pgp-schluessel", "clé pgp", "votre clé pgp", "clave pgp", "chave pgp",
    "chiave pgp", "pgp-sleutel", "klucz pgp", "pgp-nyckel", "pgp klíč", "ключ pgp", "pgp ключ", "pgp-ключ",
    "pgp anahtarı", "مفتاح pgp", "pgp公钥", "pgp 公钥", "pgp公開鍵", "pgp鍵", "pgp 공개키", "pgp 키",
];

pub const PGP: &[&str] = &["pgp", "gpg", "openpgp", "gnupg"];

pub const ENCRYPTION: &[&str] = &[
    "pgp*", "gpg*", "openpgp", "gnupg", "encrypt*", "verschlüssel*", "verschluessel*", "chiffr*", "crypt*",
    "cifrar", "cifrad*", "encript*", "criptograf*", "crittograf*", "cifrat*", "versleutel*", "krypter*",
    "szyfrow*", "zaszyfrow*", "šifrov*", "zašifrov*", "шифр*", "зашифр*", "şifrele*", "تشفير", "مشفر", "加密",
    "暗号", "암호",
];

/// A key that others encrypt with.
pub const KEYS: &[&str] = &[
    "public key", "public keys", "public-key", "pubkey", "encryption key", "encryption keys", "your key",
    "öffentlichen schlüssel", "oeffentlichen schluessel", "öffentlicher schlüssel",
    "oeffentlicher schluessel", "öffentliche schlüssel", "oeffentliche schluessel", "public-key-schlüssel",
    "public-key-schluessel", "ihren schlüssel", "ihren schluessel", "ihr schlüssel", "ihr schluessel",
    "euren schlüssel", "euren schluessel", "deinen schlüssel", "deinen schluessel", "clé publique",
    "clef publique", "clé de chiffrement", "clave pública", "clave publica", "llave pública", "llave publica",
    "clave de cifrado", "chave pública", "chave publica", "chiave pubblica", "publieke sleutel",
    "openbare sleutel", "klucz publiczny", "klucza publicznego", "klucz szyfrujący", "publik nyckel",
    "publika nyckel", "offentliga nyckel", "öppna nyckel", "veřejný klíč", "veřejného klíče",
    "публичный ключ", "открытый ключ", "публичного ключа", "открытого ключа", "публічний ключ",
    "відкритий ключ", "публічного ключа", "відкритого ключа", "ваш ключ", "açık anahtar*", "genel anahtar*",
    "ortak anahtar*", "المفتاح العام", "مفتاحكم العام", "مفتاح عام", "مفتاحك العام", "公钥", "公鑰", "公共密钥",
    "公開鍵", "公開キー", "공개키", "공개 키",
];

/// The word alone, next to "PGP".
pub const KEY_WORDS: &[&str] = &[
    "key", "keys", "schlüssel", "schluessel", "pgp-schlüssel", "pgp-schluessel", "gpg-schlüssel",
    "gpg-schluessel", "openpgp-schlüssel", "openpgp-schluessel", "clé", "clef", "clés", "clave", "llave",
    "chave", "chiave", "sleutel", "pgp-sleutel", "klucz*", "nyckel", "pgp-nyckel", "klíč*", "ключ*",
    "pgp-ключ*", "anahtar*", "مفتاح", "مفتاحكم", "密钥", "密鑰", "鍵", "キー", "키", "certificate", "zertifikat",
];

pub const OURS: &[&str] = &[
    "your", "ihr", "ihren", "ihre", "ihres", "euren", "euer", "deinen", "votre", "ton", "vos", "su",
    "vuestra", "tu", "sua", "vossa", "seu", "vostra", "tua", "uw", "jullie", "je", "er", "din", "era", "wasz",
    "państwa", "twój", "waszego", "váš", "vašeho", "váši", "ваш", "вашего", "вашу", "вашого", "sizin",
    "anahtarınız*", "مفتاحكم", "مفتاحك", "你们", "您", "贵公司", "贵司", "你的", "貴社", "御社", "そちら", "귀사", "귀하",
];

pub const REQUESTS: &[&str] = &[
    "send", "sending", "share", "provide", "supply", "give me", "give us", "attach", "email me", "mail me",
    "publish", "post your", "pass me", "point me", "reply with", "respond with", "can i have", "can i get",
    "could i have", "could i get", "may i have", "may i get", "can we have", "could we have", "can we get",
    "i need", "we need", "i'd need", "need your", "i require", "i want", "i would like", "i'd like",
    "we would like", "looking for", "request your", "requesting", "request for", "asking for", "ask for",
    "i request", "do you have", "do you use", "do you offer", "have you got", "is there", "are there",
    "where is", "where can", "where do", "where's", "how do i get", "how can i get", "how can i obtain",
    "how can i find", "what is your", "what's your", "which key", "which pgp", "there is no", "there's no",
    "provide one", "send one", "get a new one", "can't find", "cannot find", "could not find",
    "couldn't find", "unable to find", "didn't find", "did not find", "let me know your", "let me have",
    "kindly share", "kindly send", "would you have", "senden sie", "schicken sie", "schickt", "schick mir",
    "sende mir", "zusenden", "zuschicken", "zukommen", "schicken", "senden", "bereitstellen", "mitteilen",
    "teilen sie", "teilt mir", "haben sie", "habt ihr", "gibt es", "wo finde", "wo ist", "benötige",
    "benoetige", "brauche", "bräuchte", "braeuchte", "benötigen", "benoetigen", "brauchen", "bitte um",
    "hätte gern", "haette gern", "hätte ich gern", "haette ich gern", "bekommen", "erhalten", "envoyer",
    "envoyez", "envoie", "m'envoyer", "fournir", "communiquer", "transmettre", "partager", "avez-vous",
    "avez vous", "auriez-vous", "où puis-je", "où trouver", "où se trouve", "j'ai besoin", "j'aurais besoin",
    "puis-je avoir", "je souhaite", "je voudrais", "je cherche", "pourrais-je", "enviar", "enviarme", "envíe",
    "envíen", "envíeme", "envíenme", "envíame", "compartir", "facilitar", "proporcionar", "tienen", "tiene",
    "necesito", "dónde", "podrían", "me pasan", "mandar", "mandarme", "quisiera", "solicito", "envie",
    "enviem", "me enviar", "compartilhar", "fornecer", "vocês têm", "você tem", "têm", "preciso", "onde",
    "gostaria", "poderiam", "mandem", "solicitar", "inviare", "inviarmi", "inviatemi", "mandarmi",
    "mandatemi", "fornire", "fornirmi", "avete", "ho bisogno", "dove", "potreste", "vorrei", "mi serve",
    "mi servirebbe", "servirebbe", "condividere", "potete", "sturen", "stuur", "toesturen", "opsturen",
    "hebben jullie", "heeft u", "hebt u", "waar", "ik heb uw", "ik zoek", "delen", "nodig", "mag ik", "graag",
    "skicka", "skickar", "skicka mig", "har ni", "var hittar", "behöver", "finns det", "kan jag få", "dela",
    "wyślij", "wysłać", "prześlij", "przesłać", "proszę o", "potrzebuję", "gdzie", "czy macie", "czy mają",
    "udostępni*", "podać", "przysłać", "poproszę", "poslat", "pošlete", "zaslat", "zašlete", "potřebuji",
    "kde", "máte", "prosím o", "poskytnout", "sdílet", "пришлите", "отправьте", "вышлите", "прислать",
    "отправить", "выслать", "нужен", "нужно", "где", "есть ли", "предоставьте", "предоставить", "дайте",
    "поделитесь", "можно получить", "скиньте", "надішліть", "надіслати", "потрібен", "чи є", "де знайти",
    "де можна", "пришліть", "дайте", "поділіться", "gönder*", "gönderebilir*", "paylaş*", "iletir*",
    "ihtiyacım", "nerede", "nereden", "var mı", "istiyorum", "alabilir miyim", "إرسال", "ارسال", "أرسلوا",
    "ارسلوا", "أرسل", "ارسل", "تزويدي", "أحتاج", "احتاج", "أين", "هل لديكم", "هل يمكن", "مشاركة", "أريد",
    "الحصول", "发给", "发送", "發送", "发我", "提供", "给我", "寄给", "需要", "哪里", "索取", "請提供", "告知", "获取", "傳送", "有没有",
    "想要", "哪裡", "送って", "送付", "お送り", "ください", "下さい", "いただけ", "教えて", "必要", "どこ", "ありますか", "希望", "頂け", "お願い",
    "共有", "보내", "제공", "알려", "필요", "어디", "있나요", "있습니까", "받을 수", "공유", "주세요", "부탁", "요청",
];

/// Who says this of our key wants the current one.
pub const NO_LONGER_GOOD: &[&str] = &[
    "expired", "has expired", "is expired", "gives 404", "returns 404", "abgelaufen", "expirée", "expiré",
    "caducad*", "expirou", "expirada", "scadut*", "verlopen", "wygasł*", "vypršel*", "истек*", "просрочен*",
    "已过期", "過期", "期限切れ", "만료",
];

pub const PLEASE: &[&str] = &[
    "please", "pls", "plz", "kindly", "bitte", "s'il vous plaît", "svp", "por favor", "per favore",
    "per cortesia", "alstublieft", "alsjeblieft", "a.u.b", "aub", "tack", "snälla", "proszę", "prosím",
    "пожалуйста", "будь ласка", "прошу", "lütfen", "من فضلك", "الرجاء", "يرجى", "请", "請", "麻烦", "お願い", "부탁",
];

pub const QUESTION_WORDS: &[&str] = &[
    "have", "haben", "avez", "tiene*", "tem", "hebben", "what", "where", "wo", "où", "which",
];

/// Asks for a way to write in confidence without naming a key.
pub const SECURE_CHANNEL: &[&str] = &[
    "how can i encrypt", "how do i encrypt", "how should i encrypt", "how can i send this encrypted",
    "how can i send it encrypted", "how can i send you encrypted", "how do i send you encrypted",
    "can i encrypt", "need pgp", "need gpg", "do you support pgp", "do you support gpg", "do you accept pgp",
    "do you use pgp", "do you use gpg", "do you have pgp", "do you have gpg", "is pgp available",
    "do you support encrypted", "do you accept encrypted", "which key should i encrypt",
    "unterstützen sie pgp", "unterstuetzen sie pgp", "haben sie pgp", "nutzen sie pgp", "verwenden sie pgp",
    "wie kann ich ihnen verschlüsselt", "wie kann ich ihnen verschluesselt", "wie kann ich verschlüsselt",
    "wie kann ich verschluesselt", "comment puis-je chiffrer", "comment chiffrer", "utilizan pgp", "usan pgp",
    "vocês usam pgp", "usate pgp", "gebruiken jullie pgp", "używacie pgp", "используете ли вы pgp", "你们支持pgp",
    "pgpに対応", "pgp를 지원",
];

/// The key is the sender's, and comes with the mail or is told of.
pub const SENDERS_OWN: &[&str] = &[
    "my pgp", "my gpg", "my openpgp", "my public", "my key", "my own", "our pgp", "our public key",
    "my encryption key", "my new key", "my new pgp", "here is the", "here's the", "attached is",
    "is attached", "key attached", "keys attached", "attached my", "i attach", "i have attached",
    "i've attached", "i am attaching", "find attached", "attached you", "is below", "key below", "key id is",
    "mein pgp*", "meinen pgp*", "meinem pgp*", "mein öffentlich*", "mein oeffentlich*", "meinen öffentlich*",
    "meinen oeffentlich*", "meinem öffentlich*", "meinem oeffentlich*", "mein gpg*", "mein schlüssel",
    "mein schluessel", "meinen schlüssel", "meinen schluessel", "meinem schlüssel", "meinem schluessel",
    "angehängt", "angehaengt", "im anhang", "anbei", "ma clé", "ma clef", "ci-joint", "ci-jointe",
    "en pièce jointe", "mi clave", "mi llave", "adjunto", "adjunta", "minha chave", "em anexo", "segue minha",
    "la mia chiave", "mia chiave", "in allegato", "allego", "mijn pgp*", "mijn publieke", "mijn openbare",
    "mijn sleutel", "bijgevoegd", "bijlage", "min pgp*", "min publika", "min nyckel", "bifogad*", "bifogar",
    "mój klucz", "mojego klucza", "moim kluczem", "w załączniku", "můj klíč", "můj veřejný", "můj pgp",
    "v příloze", "мой ключ", "мой pgp*", "мой открыт*", "мой публичн*", "моим ключом", "во вложении",
    "прикладываю", "мій ключ", "мій pgp*", "мій відкрит*", "мій публічн*", "у вкладенні", "додаю",
    "pgp anahtarım", "anahtarım*", "açık anahtarım*", "ekte", "مفتاحي", "مرفق", "我的公钥", "我的pgp*", "我的 pgp*",
    "我的密钥", "附件", "附上", "我的公鑰", "私の公開鍵", "私のpgp*", "当方の", "添付", "제 공개키", "제 공개 키", "제 pgp*", "나의", "첨부",
];

/// What makes it another key, or a part of the product.
pub const OTHER_KEYS: &[&str] = &[
    "api key*", "api-key*", "api keys", "private key*", "private-key*", "secret key*", "privaten schlüssel",
    "privaten schluessel", "geheimen schlüssel", "geheimen schluessel", "ssh*", "signing key*",
    "signing-key*", "code signing", "signed with", "signaturschlüssel", "signaturschluessel", "key exchange",
    "key pinning", "pinning", "pinned", "hpkp", "license key", "licence key", "access key*", "aws", "stripe",
    "jwt", "jwks", "oauth", "wallet", "tls", "ssl", "x.509", "x509", "leak*", "exposed", "expose*", "expos*",
    "hardcoded", "hard-coded", "stored", "stolen", "compromised", "disclos*", "found in", "committed",
    "repository", "github", "vulnerab*", "exploit*", "attacker*", "attack*", "victim*", "xss", "csrf", "sql",
    "injection", "bypass*", "payload*", "inject*", "spoof*", "forge*", "mitm", "brute*", "upload*", "import*",
    "endpoint*", "feature", "function*", "form", "parser", "parsing", "keyserver*", "key server*", "server's",
    "client's", "users'", "user's", "handshake", "certificate pinning", "rsa", "ecdsa", "diffie*",
    "validation", "verification", "verify*", "revoked by", "rotate", "rotated", "session key", "geleakt*",
    "öffentlich zugänglich", "oeffentlich zugaenglich", "clé privée", "clés privées", "clave privada",
    "chave privada", "chiave privata", "privésleutel", "klucz prywatny", "klucza prywatnego", "soukromý klíč",
    "закрытый ключ", "приватный ключ", "приватного ключа", "утечк*", "api anahtar*", "özel anahtar*",
    "المفتاح الخاص", "私钥", "泄露", "泄漏", "api密钥", "api 密钥", "秘密鍵", "漏洩", "apiキー", "개인키", "유출", "api 키",
    "clé api", "clés api", "clé d'api", "clave api", "clave de api", "chave de api", "chave api",
    "chiave api", "chiavi api", "api-sleutel*", "api-schlüssel*", "api-schluessel*", "klucz api",
    "klucza api", "klucze api", "api-nyckel*", "api klíč*", "api-ключ*", "ключ api", "ключи api", "مفتاح api",
];

/// Says that the key is not wanted, or is there already.
pub const NOT_WANTED: &[&str] = &[
    "no need", "not need", "don't need", "do not need", "needn't", "don't send", "do not send", "don't want",
    "do not want", "not necessary", "without pgp", "instead of pgp", "already have", "already got",
    "have imported", "i got your", "i received your", "thanks for", "thank you for", "encrypted with your",
    "encrypted to your", "encrypted using", "encrypted this with", "using your pgp", "using your public",
    "used your", "i fetched", "i downloaded", "i used", "i don't use", "i do not use", "we don't use",
    "don't have pgp", "do not have pgp", "don't have a pgp", "no pgp on my", "never send", "should not send",
    "shouldn't send", "must not send", "nicht nötig", "nicht noetig", "nicht notwendig", "nicht erforderlich",
    "brauche keinen", "brauchen keinen", "benötige keinen", "benoetige keinen", "kein pgp", "keinen pgp*",
    "nicht senden", "danke für", "danke fuer", "mit ihrem", "ihren schlüssel verwendet",
    "ihren schluessel verwendet", "habe ihren", "bereits", "pas besoin", "n'envoyez pas", "merci pour votre",
    "avec votre clé", "j'ai déjà", "no necesito", "no hace falta", "no envíe*", "gracias por su",
    "con su clave", "ya tengo", "não preciso", "não é necessário", "obrigado pela", "com a sua chave",
    "já tenho", "non ho bisogno", "non serve", "grazie per la", "con la vostra chiave", "ho già",
    "niet nodig", "heb geen", "bedankt voor", "met uw", "heb al", "behöver inte", "behövs inte",
    "tack för er", "med er", "har redan", "nie potrzebuję", "nie trzeba", "dziękuję za", "waszym kluczem",
    "już mam", "nepotřebuji", "není potřeba", "děkuji za", "vaším klíčem", "už mám", "не нужен", "не нужно",
    "не надо", "спасибо за", "вашим ключом", "уже есть", "не потрібен", "не потрібно", "дякую за",
    "вашим ключем", "вже є", "gerek yok", "gerekmiyor", "göndermeyin", "için teşekkür", "لا أحتاج", "لا حاجة",
    "شكرا على", "شكراً على", "بمفتاحكم", "不需要", "无需", "不用", "已收到", "用你们的公钥", "用贵公司的公钥", "已经有", "必要ありません",
    "不要です", "不要", "ありがとう", "公開鍵で暗号化", "必要はありません", "필요 없", "필요하지 않", "감사합니다", "공개키로 암호화",
];

/// More than a request: the report has begun.
pub const DETAILS: &[&str] = &[
    "steps to reproduce", "proof of concept", "payload", "poc", "impact", "endpoint", "parameter",
    "screenshot*", "video", "reproduzieren", "auswirkung*", "étapes", "pasos para", "severity", "cvss*",
];
