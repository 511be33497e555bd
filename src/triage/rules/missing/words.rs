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
    "intercept", "triggering the", "trigger the", "schritte", "reproduzier*", "nachstellen",
    "nachvollzieh*", "aufrufen", "étapes", "reproduire", "pasos", "reproducir", "passos", "reproduzir",
    "passaggi", "riprodurre", "stappen", "reproduceren", "kroki", "odtworz*", "шаги", "воспроизв*", "再現",
    "手順", "复现", "重现", "步骤", "재현",
];

pub const IMPACT: &[&str] = &[
    "impact", "business risk", "risk", "consequence*", "attacker can", "attacker could", "attacker may",
    "attacker is able", "attackers can", "attackers could", "an attacker", "attacker", "allows an",
    "allows anyone", "allow an", "allow anyone", "anyone can", "can be used to", "could be used to",
    "anybody", "anyone", "everybody", "everyone", "every user", "any user", "gives me", "logs me in", "take over",
    "takes over", "taken over", "can become", "loss of", "full access", "help phishing", "helps phishing",
    "on behalf of", "impersonate*", "exposes", "exposed", "disclos*", "reveals", "crashes", "bypass*",
    "without permission", "without authori*", "leads to", "lead to", "leading to", "results in", "resulting in", "causes", "can read", "can steal",
    "can access", "takeover", "privilege escalation", "code execution", "memory corruption",
    "denial of service", "steal*", "leak*", "compromise*", "auswirkung*", "angreifer*", "ermöglicht",
    "führt zu", "jeder kann", "attaquant*", "permet de", "conséquence*", "impacto", "atacante*", "permite",
    "cualquiera puede", "qualquer pessoa", "impatto", "aggressore", "consente", "attaccante", "gevolg*",
    "aanvaller*", "iedereen kan", "wpływ", "napastnik*", "atakując*", "pozwala", "злоумышленник*",
    "позволяет", "последстви*", "影響", "攻撃者", "影响", "攻击者", "危害", "영향", "공격자",
];

/// As they stand in a captured request or a shell.
pub const REQUESTS: &[&str] = &[
    "http/1.0", "http/1.1", "http/2", "http/3", "curl", "wget", "host:", "set-cookie:", "content-type:",
];

pub const CAPTURES: &[&str] = &[
    "screenshot*", "screen shot*", "screen recording*", "screencast*", "see image*", "see the image*",
    "video", "poc video", "request and response", "requests and responses", "request/response", "request:",
    "response:", "answers:", "prints:", "stack trace*", "stacktrace", "traceback", "backtrace", "log excerpt",
    "log line*", "har file", "pcap", "packet capture*", "burp request", "raw request", "intercepted request",
    "bildschirmfoto*", "bildschirmaufnahme", "anfrage:", "antwort:", "protokollauszug", "mitschnitt",
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
    "should only", "you should", "must be", "needs to be", "need to be", "it is better to", "consider",
    "please set", "please add", "please remove", "please verify", "please change", "please disable",
    "please bind", "please validate", "please escape", "please restrict", "please update", "please add one",
    "use bound", "use parameterized", "use prepared", "behebung", "empfehl*", "abhilfe", "gegenmaßnahme*",
    "lösung", "lösungsvorschlag", "sollte*", "bitte abschalten", "bitte setzen", "bitte prüfen",
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
    "use a", "use prepared", "allow only", "allow relative", "fix", "ausgabe", "deaktivieren", "prüfen sie",
];
