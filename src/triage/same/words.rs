//! What mail programs and people put before a subject.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

pub const PREFIXES: &[&str] = &[
    "re", "fw", "fwd", "aw", "wg", "antwort", "weitergeleitet", "sv", "vs", "vb", "vl", "tr", "rv", "res",
    "enc", "antw", "doorst", "odp", "pd", "ynt", "ilt", "rif", "r", "i", "bls", "ref", "trs", "vá",
    "továbbítás", "ha", "fs", "atb", "rép", "réf", "отв", "пересл", "на", "відп", "回复", "答复", "转发", "回覆",
    "答覆", "轉寄", "返信", "転送", "답장", "전달", "רד", "σχετ", "πρθ", "yan", "ats", "hal",
];

pub const SENT_AGAIN: &[&str] = &[
    "resend", "resent", "resending", "re-send", "re-sent", "re-sending", "resubmission", "resubmit",
    "sent again", "again", "2nd attempt", "second attempt", "3rd attempt", "third attempt", "2nd try",
    "second try", "2nd time", "second time", "2nd email", "second email", "reminder", "gentle reminder",
    "friendly reminder", "2nd reminder", "follow up", "follow-up", "followup", "duplicate", "copy",
    "erneut", "erneuter versuch", "zweiter versuch", "2. versuch", "nochmal", "nochmals", "wiederholung",
    "erinnerung", "renvoi", "deuxième envoi", "relance", "rappel", "reenvío", "reenvio", "segundo intento",
    "recordatorio", "segunda tentativa", "lembrete", "secondo invio", "rinvio", "promemoria", "herinnering",
    "opnieuw", "nogmaals", "ponownie", "przypomnienie", "повторно", "повтор", "напоминание", "再送", "再发",
    "重发", "重發", "재전송",
];
