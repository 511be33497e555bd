//! Words of the parts of a report.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

pub const SUMMARY: &[&str] = &[
    "summary", "description", "overview", "vulnerability details", "zusammenfassung", "beschreibung",
    "résumé", "resumen", "descripción", "resumo", "descrição", "riepilogo", "descrizione", "samenvatting",
    "omschrijving", "podsumowanie", "opis", "описание", "概要", "描述", "漏洞描述", "요약", "설명",
];

pub const STEPS: &[&str] = &[
    "steps to reproduce", "reproduction steps", "steps:", "how to reproduce", "to reproduce", "reproduce",
    "reproducer", "proof of concept", "proof-of-concept", "poc", "exploit*", "curl", "wget", "python3",
    "payload*", "get /", "post /", "http/1.1", "navigate to", "go to", "visit", "log in as", "login as",
    "click on", "click the", "open the", "send a request", "send the following", "run the following",
    "intercept", "walkthrough", "attack vector*", "attack scenario*", "replay", "replayed", "with burp", "triggering the", "trigger the", "schritte", "vorgehen", "vorgehensweise", "ablauf", "getestet:", "so geht es", "geprüft:", "reproduzier*", "nachstellen",
    "nachvollzieh*", "aufrufen", "étapes", "reproduire", "pasos", "reproducir", "passos", "reproduzir",
    "passaggi", "riprodurre", "stappen", "reproduceren", "kroki", "odtworz*", "шаги", "воспроизв*", "再現",
    "手順", "复现", "重现", "步骤", "재현",
];

pub const IMPACT: &[&str] = &[
    "can delete", "could delete", "can modify", "could modify", "can change", "could change", "can view", "could view",
    "could read", "can download", "could download", "can list", "could list", "can overwrite", "can execute",
    "could execute", "can run", "could run", "can impersonate", "can act as", "can bypass", "can obtain", "can be read",
    "can be changed", "can be deleted", "can be guessed", "can be stolen", "can be forged", "not allowed to", "not supposed to", "not be able to", "is able to", "are able to",
    "impact", "business risk", "risk", "consequence*", "attacker can", "attacker could", "attacker may",
    "attacker is able", "attackers can", "attackers could", "an attacker", "attacker", "attackers", "adversar*", "allows an", "allowing an", "allows to", "allows for", "permits",
    "lets me", "lets you", "lets a", "lets any*", "let me", "enables an", "i could", "i was able to", "was possible to",
    "allows anyone", "allow an", "allow anyone", "anyone can", "can be used to", "could be used to",
    "anybody", "anyone", "everybody", "everyone", "every user", "any user", "gives me", "logs me in", "take over",
    "takes over", "taken over", "can become", "loss of", "full access", "help phishing", "helps phishing",
    "on behalf of", "impersonate*", "exposes", "exposed", "exposing", "exposure of", "discloses", "disclosed to", "disclosure of", "reveals", "crashes", "bypass*",
    "without permission", "without authori*", "leads to", "lead to", "leading to", "results in", "resulting in", "causes", "can read", "can steal",
    "can access", "takeover", "privilege escalation", "code execution", "memory corruption",
    "denial of service", "steal*", "leak*", "compromise*", "severity:", "harm", "why it matters", "what an attacker", "worst case", "in the end", "consequently", "ends up", "end up",
    "ended up", "hijack*", "real attacks", "in the wild", "exploited", "without being", "without a session", "no session", "logged in as", "log in as any*",
    "you are in", "without paying", "for free", "more than paid", "auswirkung*", "folgen", "folge:", "schweregrad", "gefahr*",
    "risiko", "risiken", "dadurch", "damit kann*", "damit können", "damit könnte*", "damit sind", "somit", "lesbar", "einsehbar",
    "abrufbar", "auslesen", "einsehen", "übernehmen", "übernahme", "umgehen", "gelangt", "kommt so", "lässt sich also",
    "offengelegt", "angreifer*", "ermöglicht",
    "führt zu", "jeder kann", "attaquant*", "permet de", "conséquence*", "impacto", "atacante*", "permite",
    "cualquiera puede", "n'importe qui", "tous les clients", "roubo", "robo de", "qualquer pessoa", "impatto", "aggressore", "consente", "attaccante", "gevolg*",
    "aanvaller*", "iedereen kan", "wpływ", "napastnik*", "atakując*", "pozwala", "злоумышленник*",
    "позволяет", "последстви*", "影響", "攻撃者", "影响", "攻击者", "危害", "영향", "공격자",
];

/// As they stand in a captured request or a shell.
pub const REQUESTS: &[&str] = &[
    "http/1.0", "http/1.1", "http/2", "http/3", "curl", "wget", "host:", "set-cookie:", "content-type:",
];

pub const CAPTURES: &[&str] = &[
    "screenshot*", "screen shot*", "screen recording*", "screen capture*", "screencast*", "evidence:", "php notice:", "php warning:", "fatal error:", "error log", "output:", "200 ok", "http 200", "status 200",
    "status code", "response (*", "drwx*", "-rw-*", "see image*", "see the image*",
    "video", "poc video", "request and response", "requests and responses", "request/response", "request:",
    "response:", "answers:", "prints:", "stack trace*", "stacktrace", "traceback", "backtrace", "log excerpt",
    "log line*", "har file", "pcap", "packet capture*", "burp request", "raw request", "intercepted request",
    "ausgabe:", "-> 200", "bildschirmfoto*", "bildschirmvideo*", "bildschirmaufnahme", "anfrage:", "antwort:", "protokollauszug", "mitschnitt",
    "capture d'écran", "captures d'écran", "requête :", "requête:", "réponse :", "captura de pantalla",
    "capturas de pantalla", "solicitud:", "petición:", "respuesta:", "captura de tela", "capturas de tela",
    "requisição:", "resposta:", "schermata", "schermate", "richiesta:", "risposta:", "schermafbeelding*",
    "schermafdruk*", "verzoek:", "zrzut ekranu", "zrzuty ekranu", "żądanie:", "odpowiedź:", "скриншот*",
    "снимок экрана", "запрос:", "ответ:", "スクリーンショット", "画面キャプチャ", "リクエスト:", "截图", "请求:", "响应:",
    "스크린샷", "요청:", "응답:",
];

pub const CAPTURE_FILES: &[&str] = &[
    ".har", ".pcap", ".pcapng", ".log", ".http", ".saz", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4",
    ".webm", ".mov", ".trace", ".cast",
];

pub const REMEDIATION: &[&str] = &[
    "remediation*", "remedy", "remedies", "remediate", "mitigation*", "mitigate*", "recommendation*",
    "recommend*", "suggested fix*", "suggestion*", "i suggest", "we suggest", "possible fix*",
    "proposed fix", "fix:", "the fix", "a fix", "as a fix", "is the fix", "to fix", "would fix", "can be fixed",
    "could be fixed", "how to fix", "workaround*", "countermeasure*", "solution", "solution:", "patch:",
    "should be", "should check", "should not", "should set", "should verify", "should validate",
    "should only", "should expire", "should require", "should return", "should use", "should reject", "should never", "should enforce",
    "should refuse", "should invalidate", "should limit", "should escape", "should have", "is advised", "advised to", "my advice", "we advise",
    "you should", "must be", "needs to be", "need to be", "it is better to", "consider",
    "please set", "please add", "please remove", "please verify", "please change", "please disable",
    "please bind", "please validate", "please escape", "please restrict", "please update", "please add one",
    "fixed in", "fixed by", "upgrade to", "upgrading to", "update to", "updating to", "is enough", "would be enough", "would help",
    "would close", "would prevent", "proposal*", "proposition", "i propose", "what i would do", "ought to", "must not",
    "better to", "hardening", "use bound", "use parameterized", "use prepared", "behebung", "empfehl*", "abhilfe", "gegenmaßnahme*",
    "lösung", "lösungsvorschlag", "vorschlag", "verbesserungsvorschlag", "behoben", "beheben", "ich schlage vor", "müsste*",
    "reicht es", "es genügt", "sollte*", "bitte abschalten", "bitte setzen", "bitte prüfen",
    "bitte die", "bitte entfernen", "korrektur", "correctif*", "correction", "recommandation*", "il faudrait",
    "remédiation", "corriger", "recomendación", "recomendaciones", "solución", "mitigación", "remediación",
    "corregir", "debería*", "correção", "recomendação", "recomendações", "mitigação", "solução", "corrigir",
    "deveria*", "soluzione", "rimedio", "raccomandazion*", "mitigazione", "correzione", "dovrebbe",
    "oplossing", "aanbeveling*", "verhelpen", "zou moeten", "zalecen*", "rozwiązanie", "naprawa", "poprawka",
    "należy", "рекоменд*", "исправ*", "устран*", "решение", "следует", "対策", "修正", "緩和", "推奨", "修复", "建议",
    "缓解", "해결", "권고", "대응 방안", "조치",
];

/// Imperatives of a remedy, and no steps of an attack.
pub const MENDS_AT_START: &[&str] = &[
    "encode", "escape", "sanitise", "sanitize", "validate", "normalise", "normalize", "restrict", "limit",
    "bind", "verify", "upgrade", "disable", "enforce", "require", "rotate", "revoke", "use bound",
    "use a", "use prepared", "allow only", "allow relative", "fix", "ensure", "make sure", "never", "refuse", "reject",
    "deny", "allowlist", "whitelist", "drop the", "guard", "zero the", "clear the", "firewall", "ausgabe", "deaktivieren",
    "prüfen sie", "stellen sie sicher",
];

/// A weakness whose name says what comes of it.
pub const GRAVE: &[&str] = &[
    "rce", "remote code", "code execution", "command injection", "code injection", "sql injection", "sqli",
    "sql-injection", "nosql injection", "ssrf", "server-side request forgery", "xxe", "path traversal", "directory traversal",
    "file traversal", "traversal", "file inclusion", "lfi", "rfi", "arbitrary file*", "any file", "deserializ*", "deserialis*",
    "pickle", "template injection", "ssti", "xss", "cross-site scripting", "cross site scripting", "request smuggling",
    "auth bypass", "authentication bypass", "authorization bypass", "broken access control", "idor", "double spend*",
    "subdomain takeover", "use-after-free", "use after free", "uaf", "double free", "double-free", "buffer overflow*",
    "buffer-overflow*", "heap overflow*", "stack overflow*", "heap corruption", "out-of-bounds", "out of bounds", "oob",
    "type confusion", "null deref*", "null pointer", "segv", "sigsegv", "segfault*", "segmentation fault", "kernel panic",
    "uninitiali*", "memory overwrite", "overwrite*", "local privilege*", "root shell", "web shell*", "webshell*", "backdoor*",
    "full read", "endless loop", "infinite loop", "exhaust*", "sandbox escape", "container escape", "poisoning",
    "hardcoded", "hard-coded", "default credential*", "default password*", "alg none", "codeausführung", "rechteausweitung",
    "pufferüberlauf", "injection sql", "inyección sql", "sql-инъекц*", "sql注入", "sql 注入", "越权", "sqlインジェクション",
];

/// Whose data or rights are reached: the consequence is told.
pub const OTHERS: &[&str] = &[
    "other user", "other users", "others'", "another user*", "another customer*", "another tenant*", "another account*", "another company*",
    "another organi*", "another member*", "another project*", "other customer*", "other tenant*", "other people*", "other account*",
    "other companies", "other member*", "other organi*", "some other", "someone else*", "somebody else*", "stranger*", "of others", "all others", "victim*",
    "all users", "all customers", "all tenants", "all members", "all visitors", "every customer", "every tenant",
    "unauthenticated", "unauthorized", "unauthorised", "not logged in", "outsider*", "personal data", "customer data", "user data",
    "credentials", "secrets", "private key*", "dumps", "database", "as root", "as admin*", "as owner", "to owner", "to admin*", "become admin*",
    "fremde*", "anderer nutzer", "anderer kunden", "anderer mandanten", "eines anderen", "einer anderen", "aller mandanten",
    "aller kunden", "aller nutzer", "kundendaten", "personenbezogen*", "zugangsdaten", "gestohlene*", "jeden angemeldeten",
    "unangemeldet*", "d'autres clients", "d'un autre", "otros clientes", "otro usuario", "outros clientes", "altri clienti",
    "andere klanten", "innych klientów", "других клиентов",
];

/// A report will come, or is for sale. Nothing of it is here.
pub const ANNOUNCES: &[&str] = &[
    "contact me for", "contact me to get", "i will send", "we will send", "i'll send", "we can send", "can i send", "should i send",
    "shall i send", "to send the", "send the technical", "send the full", "send the details", "send you the details", "send the report",
    "ready to send", "i will share", "i'll share", "will share the", "share the details", "share details privately", "before i share",
    "will provide details", "will provide the details", "after your confirmation", "once you confirm", "not describing the issue",
    "like to report them", "like to report it", "like to report this", "report privately", "privately report", "report it privately",
    "report this privately", "report them privately", "privately disclos*", "disclose privately", "disclose it privately", "disclose responsibly", "private channel",
    "secure channel", "where can i report", "where do i report", "where should i report", "how can i report", "how do i report",
    "would like security vulnerabilities to be reported", "not a security policy", "any security policy",
    "interested in information about", "more detail , email", "einzelheiten schicken", "details schicken", "einzelheiten senden",
    "details senden", "wohin darf ich", "wohin kann ich", "an wen darf ich", "an wen kann ich", "rufen sie mich",
    "kontaktieren sie mich", "contactez-moi", "contáctenme", "entre em contato", "contattatemi", "neem contact op", "свяжитесь",
];

/// A setting that one look at the place shows.
pub const EVIDENT: &[&str] = &[
    "clickjacking", "x-frame-options", "hsts", "strict-transport-security", "content-security-policy", "missing header*",
    "security header*", "header fehlt", "headers fehlen", "hsts-header", "expired certificate", "certificate has expired", "zertifikat ist abgelaufen",
    "broken link*", "security.txt", "without a password", "without password", "without authentication", "unauthenticated", "without login",
    "without logging in", "ohne anmeldung", "ohne passwort", "publicly reachable", "öffentlich erreichbar",
];

/// What one puts in, and no prose: folded, so that a backtick is a plain quote.
pub const PAYLOADS: &[&str] = &[
    "../", "..\\", "<script*", "<img*", "<svg*", "<iframe*", "onerror=*", "onload=*", "alert(*", "javascript:*", "/etc/passwd",
    "' or *", "1=1", "union select", "${*", "{{*", "%0a*", "%2e*", "%00*", "0x*", "malformed", "file://*", "gopher://*", "169.254.169.254", "127.0.0.1*",
    "x-forwarded-*", "alg none", "\"alg\":*", "__proto__", "user-agent:", "origin:", "burp", "turbo intruder", "sudo *",
    "snmpwalk", "nmap", "openssl s_client", "sqlmap", "metasploit",
];

/// Of a sanitizer, a debugger, a kernel.
pub const TRACES: &[&str] = &[
    "addresssanitizer", "undefinedbehaviorsanitizer", "memorysanitizer", "threadsanitizer", "runtime error:", "sigsegv",
    "sigabrt", "segmentation fault (core dumped)", "read of size", "write of size", "conditional jump or move", "bug: kasan",
    "call trace:", "kernel panic - not syncing", "traceback (most recent call last)", "panicked at",
];

/// How it goes, told in passing.
pub const NARRATES: &[&str] = &[
    "brute-force*", "brute force*", "does not check", "doesn't check", "not checked", "not validated", "not verified",
    "does not verify", "doesn't verify", "don't verify", "does not validate", "doesn't validate", "never checked", "without check*", "there is no verification", "when i", "when you", "when one", "when a", "when an", "when the", "when two", "when both", "when it", "when processing", "when sending", "if i send",
    "if i change", "if two", "if one", "if the", "if a", "as soon as", "by changing", "by sending", "by setting", "by adding", "by removing",
    "by replacing", "by using", "by uploading", "by calling", "by opening", "by pressing", "after log*", "after the", "after sign*",
    "after changing", "after removing", "afterwards", "and then", "i used", "i tried", "i sent", "i changed", "i uploaded", "i logged", "i created",
    "i sign*", "i pressed", "i opened", "i mistyped", "i copied", "i called", "i set", "i requested", "i entered", "tested with",
    "tested on", "observed:", "sign up with", "worked on my", "with crafted", "crafted", "symlink", "cname", "an empty", "via the",
    "it is caused by", "this is caused by", "caused by", "because the", "for example", "e.g.", "no check", "wenn man", "wenn ich",
    "beim", "nach dem", "nachdem", "sobald", "indem", "ich habe das mit", "anschließend", "daraufhin", "zum beispiel", "z.b.", "z. b.",
    "il suffit", "lorsque", "basta", "cuando", "quando", "wanneer", "gdy", "если", "когда",
];

/// Imperatives of an attack at the beginning of a clause.
pub const ACTS_AT_START: &[&str] = &[
    "try a", "try the", "try to", "set", "change", "send", "open the", "open a", "open an", "open your", "open this", "open it", "open any", "upload", "log in", "login",
    "log out", "sign in", "sign up", "create", "request the", "request a", "request an", "replace", "run", "type", "enter", "post", "copy", "decrement",
    "increment", "append", "insert", "paste", "strip", "call", "submit", "register", "go to", "go on", "put", "visit", "browse", "click", "press",
    "start", "compile", "build", "install", "edit", "modify", "ask for", "point", "repeat", "resend", "remove", "add", "delete", "invite", "download",
    "öffnen sie", "rufen sie die", "ändern sie", "geben sie", "senden sie", "melden sie sich an", "laden sie",
];

pub const BEFORE_ACTS: &[&str] = &["first", "then", "next", "now", "just", "simply", "finally", "and", "or", "to reproduce"];

