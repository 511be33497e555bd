//! What mail programs write around a quote.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

pub const WROTE: &[&str] = &[
    "wrote", "writes", "schrieb", "schreibt", "geschrieben", "a écrit", "écrit", "escribió", "escribio",
    "escreveu", "ha scritto", "scritto", "schreef", "geschreven", "skrev", "skrifaði", "napisał",
    "napisał(a)", "napisała", "pisze", "napsal", "napsal(a)", "napsala", "napísal", "napísal(a)",
    "kirjoitti", "написал", "написал(а)", "написала", "написав", "написав(ла)", "пише", "пишет", "írta",
    "yazdı", "şunu yazdı", "a scris", "έγραψε", "كتب", "写道", "写", "寫道", "書きました", "のメッセージ", "님이 작성", "작성",
    "parašė", "rakstīja", "je napisao", "je napisao/la", "đã viết", "menulis",
];

pub const ATTRIBUTION_STARTS: &[&str] = &[
    "on ", "am ", "le ", "el ", "em ", "il ", "in data", "op ", "den ", "dne ", "dnia ", "w dniu", "på ",
    "mån", "tis", "ons", "tors", "fre", "lör", "sön", "ma ", "ti ", "ke ", "to ", "pe ", "la ", "su ",
    "pon", "wt.", "śr.", "czw", "pt.", "sob", "niedz", "пн", "вт", "ср", "чт", "пт", "сб", "вс", "mo", "tu",
    "we", "th", "fr", "sa", "di", "mi", "do", "em ", "a(z)", "\"", "في ", "vào ", "pada ", "na ",
];

pub const ORIGINAL_MESSAGE: &[&str] = &[
    "original message", "original email", "original mail", "originalnachricht", "original-nachricht",
    "ursprüngliche nachricht", "ursprüngliche mail", "ursprüngliche e-mail", "message d'origine",
    "message original", "mensaje original", "mensagem original", "messaggio originale",
    "messaggio originario", "oorspronkelijk bericht", "origineel bericht", "ursprungligt meddelande",
    "originalmeddelande", "oprindelig meddelelse", "oprindelig besked", "opprinnelig melding",
    "alkuperäinen viesti", "wiadomość oryginalna", "oryginalna wiadomość", "původní zpráva",
    "pôvodná správa", "eredeti üzenet", "исходное сообщение", "оригинальное сообщение",
    "пересылаемое сообщение", "вихідне повідомлення", "orijinal ileti", "özgün ileti", "原始邮件", "原始郵件",
    "原邮件", "元のメッセージ", "원본 메시지", "원본 메일", "الرسالة الأصلية", "mesaj original", "reply message",
    "reply above this line",
];

pub const FORWARDED_MESSAGE: &[&str] = &[
    "forward", "weitergeleitet", "transféré", "transmis", "reenviado", "encaminhada", "inoltrat",
    "doorgestuurd", "vidarebefordra", "videresendt", "przekazana", "przesłana", "přeposlan", "пересыла",
    "переслан", "iletil", "转发", "轉寄", "転送", "전달", "välitetty",
];

pub const FROM_LABELS: &[&str] = &[
    "from", "von", "de", "da", "van", "fra", "från", "od", "от", "від", "kimden", "gönderen", "lähettäjä",
    "feladó", "发件人", "寄件者", "差出人", "送信元", "보낸 사람", "보낸사람", "من", "expéditeur", "remitente", "mittente",
    "afzender", "absender", "nadawca", "odesílatel", "отправитель",
];

pub const SENT_LABELS: &[&str] = &[
    "sent", "date", "gesendet", "datum", "envoyé", "envoyé le", "enviado", "enviado el", "enviada em",
    "enviado em", "fecha", "data", "inviato", "verzonden", "sendt", "dato", "skickat", "wysłano",
    "odesláno", "отправлено", "дата", "надіслано", "gönderildi", "gönderme tarihi", "tarih", "lähetetty",
    "päivämäärä", "dátum", "elküldve", "发送时间", "发送日期", "日期", "寄件日期", "送信日時", "日付", "보낸 날짜", "날짜", "تاريخ",
    "التاريخ", "تم الإرسال",
];

pub const TO_LABELS: &[&str] = &[
    "to", "an", "à", "a", "para", "aan", "til", "till", "do", "komu", "кому", "kime", "alıcı",
    "vastaanottaja", "címzett", "收件人", "收件者", "宛先", "받는 사람", "받는사람", "إلى", "destinataire", "destinatario",
    "cc",
];

pub const SUBJECT_LABELS: &[&str] = &[
    "subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "emne", "ämne", "temat",
    "předmět", "predmet", "тема", "konu", "aihe", "tárgy", "主题", "主題", "主旨", "件名", "제목", "الموضوع",
];

pub const DEVICE_FOOTERS: &[&str] = &[
    "sent from", "sent via ", "sent with ", "sent using", "get outlook for", "gesendet von", "gesendet mit",
    "von meinem", "diese nachricht wurde von meinem", "envoyé de", "envoyé depuis", "envoyé à partir de",
    "enviado desde", "enviado do meu", "enviado de mi", "enviado via", "obter o outlook", "inviato da",
    "verzonden vanaf", "verzonden met", "verstuurd vanaf", "skickat från", "sendt fra", "hämta outlook",
    "lähetetty", "wysłano z", "wysłane z", "odesláno z", "odoslané z", "отправлено с", "отправлено из",
    "надіслано з", "发自我的", "發自我的", "从我的", "iphoneから送信", "androidから送信", "나의 iphone에서", "télécharger outlook",
    "laden sie outlook", "obtenga outlook",
];
