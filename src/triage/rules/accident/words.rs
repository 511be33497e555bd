//! Words of an accidental look at other people's data.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

pub const NO_INTENT: &[&str] = &[
    "by accident", "accidentally", "accidental", "unintentional*", "inadvertently", "by mistake", "by chance",
    "happened to see", "happened to get", "stumbled upon data", "stumbled across data", "came across data",
    "came across records", "came across invoices", "came across information", "came across the data",
    "came across personal", "mistakenly", "mistyped", "not intended", "unintended", "without intending",
    "without meaning to", "suddenly", "unexpectedly", "closed it at once", "closed it immediately", "closed it right away", "closed the page at once",
    "stopped at once", "stopped immediately", "stopped right there", "deleted it at once", "deleted it immediately", "at once and deleted",
    "immediately deleted", "deleted my copy", "deleted the copy", "have not kept", "did not keep", "didn't keep", "haven't kept",
    "sofort gelöscht", "sofort geschlossen", "sofort abgebrochen", "gleich gelöscht", "gleich geschlossen", "nicht behalten", "versehentlich", "aus versehen", "zufällig",
    "unbeabsichtigt", "to my surprise", "zu meiner überraschung", "zu meinem erstaunen", "ungewollt", "unabsichtlich", "durch zufall", "plötzlich", "par accident",
    "par hasard", "par erreur", "par mégarde", "involontairement", "accidentellement", "por accidente",
    "accidentalmente", "sin querer", "por error", "por casualidad", "por acidente", "acidentalmente",
    "sem querer", "por engano", "per sbaglio", "per errore", "involontariamente", "per caso",
    "per ongeluk", "onbedoeld", "bij toeval", "toevallig", "przypadkowo", "przez przypadek", "niechcący",
    "omyłkowo", "случайно", "нечаянно", "непреднамеренно", "偶然", "誤って", "意図せず", "意外", "不小心",
    "실수로", "우연히",
];

/// Whose data it was.
pub const OTHERS: &[&str] = &[
    "another user*", "another customer*", "another tenant*", "another account*", "another company*",
    "another organi*", "other customers", "other customers'", "other customer's", "other users", "other users'",
    "other user's", "other tenants", "other people's", "other companies", "someone else*", "somebody else*",
    "some other company*", "some other customer*", "some other user*", "a different company*", "different customer", "different user", "different account", "a stranger's", "nothing to do with", "is not mine", "isn't mine", "was not mine", "wasn't mine", "not belong to me", "not my own",
    "nicht meine", "nicht mir gehör*", "mir nicht gehör*", "anderer kunden",
    "anderen kunden", "anderen mandanten", "anderer mandanten", "anderer nutzer", "anderen nutzers", "anderer benutzer", "anderen benutzers",
    "anderer personen", "fremde rechnung*", "fremde daten", "fremde konten", "fremdes konto",
    "einer anderen firma", "einer fremden firma", "eines fremden", "eines anderen kontos", "d'un autre client", "d'autres clients",
    "d'un autre utilisateur", "d'autres utilisateurs", "otro cliente", "otros clientes", "otro usuario",
    "otros usuarios", "outro cliente", "outros clientes", "outro usuário", "outros usuários",
    "outro utilizador", "altro cliente", "altri clienti", "altro utente", "altri utenti", "andere klant*",
    "andere gebruiker*", "innego klienta", "innych klientów", "innego użytkownika", "другого клиента",
    "других клиентов", "другого пользователя", "других пользователей", "чужие", "他の顧客", "ほかの顧客", "別の顧客",
    "他のユーザー", "別のユーザー", "其他客户", "其他用户", "别的用户", "다른 고객", "다른 사용자",
];

pub const SAW: &[&str] = &[
    "see", "saw", "seen", "accessed", "viewed", "got", "get", "shown", "showed", "shows", "greeted", "came across", "came back", "closed", "kept",
    "stumbled", "opened", "came up", "appeared", "popped up", "was in", "logged in as", "received", "gesehen", "sehen", "einsehen", "gestoßen",
    "angezeigt", "gelandet", "gefunden", "erhalten", "zugegriffen", "bekommen", "vu", "accédé", "affiché", "vi", "accedí", "vio",
    "acessei", "visto", "zag", "gezien", "kreeg", "zobaczyłem", "zobaczyłam", "widziałem", "увидел*", "получил*",
    "表示", "見え", "見て", "看到", "访问", "보았", "보였",
];

/// The writer himself, or a language in which the verb alone says so, or none does.
pub const WRITER: &[&str] = &[
    "i", "we", "me", "i've", "ich", "wir", "mir", "j'ai", "je", "nous", "vi", "accedí", "accidentalmente vi",
    "acessei", "ho", "abbiamo", "ik", "zobaczyłem", "zobaczyłam", "widziałem", "я", "мы", "表示", "見え", "見て", "看到",
    "访问", "我", "보았", "보였", "제가",
];

/// By accident he found a flaw, and no data.
pub const FOUND_A_BUG: &[&str] = &[
    "accidentally found", "accidentally discovered", "accidentally noticed", "by accident found",
    "by chance found", "found by accident", "zufällig eine lücke", "zufällig eine schwachstelle", "zufällig eine sicherheitslücke", "zufällig einen fehler",
    "zufällig auf eine schwachstelle", "zufällig entdeckt", "par hasard une faille",
    "attacker*", "victim*",
];

pub const DENIED: &[&str] = &[
    "not even", "did not", "didn't", "no data", "never", "have not", "haven't", "nicht", "keine", "pas même",
    "aucune", "no vi", "não vi", "non ho", "niet", "geen", "nie", "не",
];
