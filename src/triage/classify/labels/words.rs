//! Phrases and domains that make a label.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

pub const REWARDS: &[&str] = &[
    "bounty", "bounties", "reward", "rewards", "rewarded", "compensation", "compensate*", "monetary",
    "paypal", "payment", "payout", "pay me", "get paid", "remuneration", "appreciation", "gift card*",
    "swag", "bitcoin", "btc", "usdt", "upi", "token of appreciation", "hall of fame", "goodies",
    "belohnung", "vergütung", "prämie", "récompense", "rémunération", "recompensa", "ricompensa",
    "beloning", "vergoeding", "nagrod*", "вознагражден*", "награда", "報酬", "赏金", "奖励",
];

pub const TRIFLES: &[&str] = &[
    "spf", "dmarc", "dkim", "mta-sts", "email spoofing", "e-mail spoofing", "clickjacking", "click jacking",
    "x-frame-options", "security header*", "missing header*", "hsts", "strict-transport-security",
    "content-security-policy", "csp header", "x-content-type-options", "x-xss-protection",
    "referrer-policy", "permissions-policy", "rate limit*", "rate-limit*", "cookie flag*", "httponly",
    "secure flag", "samesite", "banner", "version disclosure", "server version", "version exposed",
    "autocomplete", "tls 1.0", "tls 1.1", "weak cipher*", "ssl certificate", "caa record*", "dnssec",
    "options method", "trace method", "http trace", "xmlrpc", "xml-rpc", "wp-json", "user enumeration",
    "username enumeration", "open port*", "directory listing", "session timeout", "session expir*",
    "password policy", "weak password policy", "broken link*", "security.txt", "robots.txt", "email bomb*",
    "text injection", "self-xss", "self xss", "captcha", "exif", "cross-domain.xml", "tabnabbing",
    "host header", "jquery version", "outdated jquery",
];

pub const GRAVE: &[&str] = &[
    "rce", "remote code", "code execution", "command injection", "sql injection", "sqli", "ssrf",
    "account takeover", "authentication bypass", "auth bypass", "idor", "path traversal", "deserialization",
    "privilege escalation", "stored xss", "arbitrary file", "memory corruption", "use-after-free",
    "buffer overflow", "admin access", "full access", "customer data", "database dump", "access control",
];

pub const WITHHOLDS: &[&str] = &[
    "before i share", "before i disclose", "before sharing", "before disclosing", "will share the details",
    "will share details", "can share the details", "share the details after", "share full details",
    "will send the details", "will provide details", "will disclose", "do you have a bug bounty",
    "do you have bug bounty", "have a bug bounty program", "have any bug bounty", "have a bounty program",
    "do you pay", "do you provide any", "do you offer any", "do you give", "is there any reward",
    "is there a reward", "any reward for", "how much", "eligible for a bounty", "eligible for bounty",
    "eligible for reward",
];

pub const EXPLOITED: &[&str] = &[
    "actively exploited", "actively being exploited", "being actively exploited", "active exploitation",
    "being exploited", "exploited in the wild", "exploitation in the wild", "in-the-wild exploit*",
    "exploited in-the-wild", "under active attack", "under active exploitation", "under attack right now",
    "attackers are exploiting", "attackers are using", "attackers are already", "attacker is currently",
    "is exploited by attackers", "have observed exploitation", "observed exploitation", "observed attacks",
    "seen exploited", "saw this exploited", "already exploited", "has been exploited",
    "have been exploited", "is used to break into", "used to break into", "used in attacks", "used in real attacks", "used in ongoing attacks",
    "abused in the wild", "attackers abuse", "attackers already use", "hackers are using", "criminals are using", "hacked through this", "mass exploitation", "known exploited", "wird aktiv ausgenutzt",
    "aktiv ausgenutzt", "wird bereits ausgenutzt", "bereits ausgenutzt", "aktive ausnutzung",
    "wird derzeit ausgenutzt", "wird gerade ausgenutzt", "wird schon ausgenutzt", "für angriffe genutzt", "für angriffe benutzt", "angreifer nutzen", "bereits angegriffen", "activement exploité*", "exploitée activement", "exploitation active",
    "está siendo explotad*", "siendo explotad*", "explotada activamente", "explotación activa",
    "sendo explorad*", "ativamente explorad*", "explorada ativamente", "attivamente sfruttat*",
    "viene sfruttat*", "già sfruttat*", "actief misbruikt", "actief uitgebuit", "wordt misbruikt",
    "aktywnie wykorzystywan*", "активно эксплуатируется", "эксплуатируется в дикой",
    "эксплуатируется злоумышленниками", "уже эксплуатируется", "悪用が確認", "既に悪用", "悪用されています", "在野利用", "正在被利用",
    "已被利用", "被积极利用",
];

pub const DENIALS: &[&str] = &[
    "no evidence", "no sign", "no signs", "no indication", "not", "isn't", "hasn't", "haven't", "never",
    "unaware", "without", "if", "could", "may", "might", "can", "unless", "whether", "prevent", "before it",
    "kein", "keine", "keinen", "nicht", "falls", "pas", "aucune", "no hay", "não", "non", "geen", "niet",
    "nie", "не", "нет",
];

pub const COORDINATOR_DOMAINS: &[&str] = &[
    "cert.org", "kb.cert.org", "cisa.dhs.gov", "cisa.gov", "us-cert.gov", "bsi.bund.de", "cert-bund.de",
    "cert.bund.de", "jpcert.or.jp", "ipa.go.jp", "ncsc.nl", "ncsc.gov.uk", "ncsc.admin.ch", "govcert.ch",
    "ncsc.ch", "ncsc.fi", "ncsc.ie", "cert.at", "cert.pl", "nask.pl", "cert.ssi.gouv.fr", "ssi.gouv.fr",
    "cert.europa.eu", "enisa.europa.eu", "incibe.es", "incibe-cert.es", "ccn-cert.cni.es", "csirt.gov.it",
    "acn.gov.it", "cert.hr", "cert.lv", "cert.ee", "cert.lt", "nukib.cz", "csirt.cz", "csirt.sk", "cert.ro",
    "dnsc.ro", "cert.se", "cfcs.dk", "nsm.no", "cert.be", "ccb.belgium.be", "circl.lu", "govcert.lu",
    "dns.pt", "cncs.gov.pt", "krcert.or.kr", "kisa.or.kr", "cert.org.cn", "cncert.org.cn", "twcert.org.tw",
    "hkcert.org", "csa.gov.sg", "cert-in.org.in", "auscert.org.au", "cyber.gov.au", "cyber.gc.ca",
    "certnz.govt.nz", "cert.govt.nz", "cert.br", "cert.gov.ua", "usom.gov.tr", "divd.nl", "csirt.divd.nl",
    "zerodayinitiative.com",
];

pub const COORDINATOR_SUBJECTS: &[&str] = &[
    "vu#*", "vince", "vrf#*", "jvn#*", "cert/cc", "cert-bund", "icsa-*", "ics-vu-*", "zdi-can-*", "[cert*",
];

pub const COORDINATOR_WORDS: &[&str] = &[
    "we are cert/cc", "cert pl", "cert polska", "the cert coordination center", "cert coordination center", "we at cert/cc",
    "cert/cc is", "vince case", "jpcert/cc", "tracked as vu#*", "cert-bund",
    "bundesamt für sicherheit in der informationstechnik", "as the coordinating cert",
    "acting as coordinator", "we are coordinating",
];
