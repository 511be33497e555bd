//! Words of vulnerability reports.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

/// Words that claim a vulnerability.
pub const CLAIMS: &[&str] = &[
    "vulnerab*", "security issue", "security issues", "security bug*", "security flaw*",
    "security problem*", "security hole*", "security weakness*", "security report", "security finding*",
    "security advisory", "bug bounty", "responsible disclosure", "coordinated disclosure",
    "proof of concept", "proof-of-concept", "exploit*", "zero-day", "0-day", "0day", "cve-*", "cwe-*",
    "cvss*", "ghsa-*", "data breach", "data leak*", "leaked credential*", "leaked database*", "hacked",
    "compromised", "malicious package", "sicherheitslücke*", "sicherheitslueck*", "schwachstelle*",
    "sicherheitsproblem*", "sicherheitsmangel", "datenleck*", "datenpanne*", "gehackt", "faille*",
    "problème de sécurité", "fuite de données", "vulnérab*", "vulnerabilidad*", "fallo de seguridad",
    "problema de seguridad", "agujero de seguridad", "vulnerabilidade*", "falha de segurança",
    "problema de segurança", "vulnerabilità", "falla di sicurezza", "problema di sicurezza", "kwetsbaarhe*",
    "beveiligingslek*", "beveiligingsprobleem", "podatność*", "podatności*", "luka w zabezpiecz*",
    "luki bezpiecz*", "sårbarhet*", "zranitelnost*", "bezpečnostní chyb*", "уязвимост*", "вразливіст*",
    "güvenlik açığı*", "ثغرة", "脆弱性", "セキュリティ問題", "漏洞", "安全问题", "취약점",
];

/// Names of weaknesses and attacks.
pub const WEAKNESSES: &[&str] = &[
    "xss", "cross-site scripting", "cross site scripting", "csrf", "cross-site request forgery", "ssrf",
    "server-side request forgery", "sql injection", "sqli", "sql-injection", "nosql injection",
    "command injection", "code injection", "code execution", "rce", "remote code", "lfi", "rfi",
    "file inclusion", "path traversal", "directory traversal", "idor", "insecure direct object",
    "broken access control", "access control", "authentication bypass", "auth bypass",
    "authorization bypass", "privilege escalation", "account takeover", "open redirect*", "xxe",
    "xml external entit*", "deserializ*", "deserialis*", "prototype pollution", "template injection",
    "ssti", "clickjacking", "subdomain takeover", "buffer overflow", "heap overflow", "stack overflow",
    "use-after-free", "use after free", "double free", "out-of-bounds", "out of bounds", "integer overflow",
    "race condition", "memory corruption", "memory leak", "null pointer", "denial of service",
    "denial-of-service", "redos", "request smuggling", "cache poisoning", "session fixation",
    "session hijack*", "information disclosure", "sensitive data exposure", "data exposure",
    "hardcoded credential*", "hardcoded password*", "hard-coded", "api key leak*", "exposed api key*",
    "email spoofing", "missing spf", "spf record*", "dmarc", "missing security header*", "rate limit*",
    "weak cipher*", "host header injection", "crlf injection", "header injection", "ldap injection",
    "html injection", "backdoor", "dns rebinding", "cors misconfig*", "misconfigur*", "directory listing",
    "default credential*", "brute force", "brute-force", "2fa bypass", "mfa bypass", "otp bypass",
    "jwt none", "spoofing", "man in the middle", "man-in-the-middle", "mitm", "side channel",
    "timing attack", "padding oracle", "sandbox escape", "uaf", "oob read", "oob write", "codeausführung",
    "rechteausweitung", "pufferüberlauf", "injection sql", "inyección sql", "inyección de", "injeção de",
    "sql-инъекц*", "sql 注入", "sql注入", "跨站", "越权", "sqlインジェクション",
];

/// Headings and sentences of a written-up report.
pub const PARTS_OF_REPORTS: &[&str] = &[
    "steps to reproduce", "reproduction steps", "how to reproduce", "to reproduce", "reproduce the", "poc",
    "impact", "affected version*", "affected component*", "affected url*", "affected endpoint*",
    "vulnerable endpoint*", "expected behavior", "expected behaviour", "actual behavior", "remediation",
    "mitigation", "recommended fix", "suggested fix", "severity", "attack vector", "attack scenario",
    "stack trace", "asan", "addresssanitizer", "segmentation fault", "segfault", "crash*",
    "disclosure policy", "disclosure deadline", "embargo*", "schritte zur reproduktion", "nachvollziehen",
    "auswirkung*", "reproduzieren", "étapes pour reproduire", "étapes de reproduction",
    "pasos para reproducir", "impacto", "passos para reproduzir", "passi per riprodurre",
    "stappen om te reproduceren", "kroki do odtworzenia", "шаги воспроизведения", "воспроизвед*", "再現手順",
    "复现步骤", "复现", "重现步骤",
];

/// Words of the trade that other mails use too.
pub const SECURITY_WORDS: &[&str] = &[
    "attacker*", "attack*", "security researcher*", "security research", "pentest*", "penetration test*",
    "ethical hacker*", "white hat", "bug hunter*", "unauthorized", "unauthorised", "unauthenticated",
    "bypass*", "payload*", "malicious*", "injection*", "disclos*", "leak*", "exposed", "session token*",
    "cookie*", "credential*", "admin panel", "burp*", "curl", "angreifer*", "sicherheitsforscher*",
    "angriff*", "attaquant*", "chercheur en sécurité", "atacante*", "investigador de seguridad",
    "pesquisador de segurança", "ricercatore di sicurezza", "beveiligingsonderzoeker", "badacz*",
    "злоумышленник*", "исследовател*", "攻撃者", "攻击者", "攻击",
];
