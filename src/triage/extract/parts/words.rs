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
    "leads to", "lead to", "leading to", "results in", "resulting in", "causes", "can read", "can steal",
    "can access", "takeover", "privilege escalation", "code execution", "memory corruption",
    "denial of service", "steal*", "leak*", "compromise*", "auswirkung*", "angreifer*", "ermöglicht",
    "führt zu", "jeder kann", "attaquant*", "permet de", "conséquence*", "impacto", "atacante*", "permite",
    "cualquiera puede", "qualquer pessoa", "impatto", "aggressore", "consente", "attaccante", "gevolg*",
    "aanvaller*", "iedereen kan", "wpływ", "napastnik*", "atakując*", "pozwala", "злоумышленник*",
    "позволяет", "последстви*", "影響", "攻撃者", "影响", "攻击者", "危害", "영향", "공격자",
];
