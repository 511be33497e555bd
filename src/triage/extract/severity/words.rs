//! Words of grades and weaknesses.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

use crate::triage::policy::Severity;

/// What stands before a grade; longer labels before their beginnings.
pub const LABELS: &[&str] = &[
    "severity level", "severity rating", "severity", "risk level", "risk rating", "risk", "criticality",
    "priority", "schweregrad", "kritikalität", "einstufung", "risiko", "sévérité", "gravité", "criticité",
    "severidad", "gravedad", "criticidad", "gravidade", "severidade", "criticidade", "gravità", "severità",
    "ernst", "wysokość ryzyka", "krytyczność", "poziom zagrożenia", "серьезность", "серьёзность",
    "критичность", "уровень опасности", "深刻度", "重大度", "严重性", "严重程度", "危害等级", "위험도", "심각도",
];

/// Whole words.
pub const WORDS: &[(Severity, &[&str])] = &[
    (Severity::Critical, &[
        "critical", "kritisch", "critique", "crítica", "crítico", "critica", "critico", "krytyczny",
        "krytyczna", "kritiek", "критический", "критическая", "критичная", "p1", "緊急", "严重", "严重漏洞", "超危",
        "치명적",
    ]),
    (Severity::High, &[
        "high", "hoch", "élevé", "élevée", "haute", "alto", "alta", "hoog", "hög", "høy", "wysoki",
        "wysoka", "wysokie", "высокий", "высокая", "p2", "重要", "高", "高危", "높음", "important", "severe",
        "major",
    ]),
    (Severity::Medium, &[
        "medium", "moderate", "mittel", "moyen", "moyenne", "modéré", "modérée", "medio", "media", "médio",
        "média", "gemiddeld", "medel", "średni", "średnia", "средний", "средняя", "p3", "警告", "中", "中危",
        "중간", "보통",
    ]),
    (Severity::Low, &[
        "low", "niedrig", "gering", "faible", "bajo", "baja", "baixo", "baixa", "basso", "bassa", "laag",
        "låg", "lav", "niski", "niska", "niskie", "низкий", "низкая", "p4", "p5", "注意", "低", "低危", "낮음",
        "minor", "informational",
    ]),
];

/// Worst first. A guess never says critical: that word is for a person.
pub const WEAKNESSES: &[(Severity, &[&str])] = &[
    (Severity::High, &[
        "rce", "remote code execution", "remote command execution", "arbitrary code execution",
        "command injection", "sql injection", "sqli", "account takeover", "authentication bypass",
        "auth bypass", "privilege escalation", "deserialization", "deserialisation", "template injection",
        "ssti", "arbitrary file upload", "arbitrary file write", "arbitrary file read", "use-after-free",
        "use after free", "heap overflow", "buffer overflow", "out-of-bounds write", "memory corruption",
        "hardcoded credential*", "database dump", "webshell", "codeausführung", "rechteausweitung",
        "exécution de code", "ejecución de código", "ejecución remota", "execução remota",
        "esecuzione di codice", "удаленное выполнение", "удалённое выполнение", "任意代码执行", "远程代码执行",
        "リモートコード実行",
    ]),
    (Severity::Medium, &[
        "xss", "cross-site scripting", "cross site scripting", "ssrf", "server-side request forgery",
        "idor", "insecure direct object", "csrf", "cross-site request forgery", "path traversal",
        "directory traversal", "local file inclusion", "lfi", "xxe", "broken access control",
        "subdomain takeover", "session fixation", "request smuggling", "cache poisoning",
        "prototype pollution", "denial of service", "out-of-bounds read", "race condition",
        "information disclosure", "api key*", "cors misconfig*",
    ]),
    (Severity::Low, &[
        "open redirect", "clickjacking", "missing security header*", "security header*", "spf record*",
        "dmarc", "rate limit*", "version disclosure", "banner", "cookie flag*", "self-xss", "weak cipher*",
        "tls 1.0", "autocomplete", "user enumeration", "username enumeration", "host header",
        "directory listing",
    ]),
];
