//! Phrases of kinds of testing, denials, and who speaks.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

use super::{Act, Denials, List, Said};
use crate::triage::policy::Testing;

pub const NEGATIONS: &[&str] = &[
    "no", "not", "never", "without", "none", "didn't", "don't", "doesn't", "haven't", "hasn't", "won't",
    "wasn't", "isn't", "avoid*", "refrain*", "nothing", "neither", "kein", "keine", "keinen", "keinerlei",
    "nicht", "niemals", "ohne", "nie", "pas", "aucun", "aucune", "sans", "jamais", "sin", "ningún", "ninguna",
    "não", "nem", "sem", "non", "senza", "nessun", "nessuna", "geen", "niet", "zonder", "bez", "żadn*", "не",
    "нет", "без", "никак*",
];

/// What could be, what others would do, and what is asked.
pub const MODALS: &[&str] = &[
    "could", "would", "may", "might", "can", "cannot", "if", "unless", "whether", "possible", "possibly",
    "able to", "potential*", "attacker*", "an adversary", "malicious", "hacker*", "victim*", "someone",
    "somebody", "anyone", "allowed", "könnte*", "kann", "möglich", "falls", "wenn", "angreifer*", "pourrait",
    "peut", "attaquant*", "si", "podría", "puede", "atacante*", "poderia", "pode", "potrebbe", "può",
    "attaccante", "kan", "zou", "aanvaller*", "może", "mógłby", "napastnik*", "может", "злоумышленник*",
];

pub const FIRST_PERSON: &[&str] = &[
    "i", "we", "i've", "we've", "ich", "wir", "j'ai", "nous", "ik", "я", "мы", "ho", "abbiamo",
];

/// Whose data it is that a tester may look at.
pub const OWN_ACCOUNTS: &[&str] = &[
    "my own", "my second", "my other", "my test", "own account*", "own data", "test account*", "both accounts",
    "two accounts", "test data", "testkonto", "testkonten", "eigene*", "mon propre", "ma propre", "mi propia",
    "minha própria", "mio secondo", "eigen account",
];

/// Told to us, and to nobody else.
pub const TO_US: &[&str] = &["with you", "to you", "with your team", "mit ihnen", "ihnen", "avec vous", "con ustedes"];

/// What a flaw in a program does; "denial of service" beside it is its impact.
pub const FLAWS: &[&str] = &[
    "redos", "regular expression*", "regex*", "backtracking", "decompression bomb", "zip bomb", "xml bomb",
    "billion laughs", "single request", "one request", "a single", "one packet", "crash*", "malformed",
    "crafted", "memory exhaustion", "infinite loop", "endless loop", "null pointer", "stack overflow",
    "buffer overflow", "out of memory", "panic*", "algorithmic complexity", "uncontrolled recursion",
    "use-after-free", "absturz*", "stürzt", "regulärer ausdruck", "endlosschleife",
];

/// Of the phrases below, those that a flaw's impact is called too.
pub const GENERIC_DOS: &[&str] = &[
    "denial-of-service attack*", "denial of service attack*", "dos attack*", "dos-attack*", "dos-angriff*",
    "attaque par déni de service", "ataque de denegación de servicio", "ataque de negação de serviço",
    "attacco dos", "拒绝服务攻击", "dos攻撃",
];

pub const SAID: &[Said<List>] = &[
    Said {
        kind: Testing::DenialOfService,
        denials: Denials::AndModals,
        phrases: &[
            "ddos*", "distributed denial of service", "syn flood*", "udp flood*", "http flood*", "slowloris",
            "traffic amplification", "dns amplification", "amplification attack*", "reflection attack*",
            "amplification factor", "stress test*", "stress-test*", "stresstest*", "load test*", "load-test*",
            "volumetric", "denial-of-service attack*", "denial of service attack*", "dos attack*", "dos-attack*",
            "flooded", "lasttest*", "dos-angriff*", "überlastet", "lahmgelegt", "test de charge",
            "attaque par déni de service", "prueba de carga", "ataque de denegación de servicio",
            "teste de carga", "ataque de negação de serviço", "test di carico", "attacco dos", "dos-aanval*",
            "atak ddos", "нагрузочн*", "ддос*", "dos攻撃", "ddos攻撃", "負荷テスト", "拒绝服务攻击", "压力测试",
        ],
    },
    Said {
        kind: Testing::RateLimit,
        denials: Denials::None,
        phrases: &[
            "no rate limit*", "no rate-limit*", "no ratelimit*", "missing rate limit*", "missing rate-limit*",
            "lack of rate limit*", "lack of rate-limit*", "lacks rate limit*", "lacks a rate limit",
            "without rate limit*", "without a rate limit", "without any rate limit*", "absence of rate limit*",
            "rate limit bypass*", "rate-limit bypass*", "rate limiting bypass*", "bypass the rate limit*",
            "bypass rate limit*", "bypassing the rate limit*", "bypassing rate limit*",
            "rate limiting is not", "rate limit is not", "rate limiting is missing", "rate limit is missing",
            "not rate limited", "not rate-limited", "isn't rate limited", "unlimited attempts",
            "unlimited requests", "unlimited number of requests", "unlimited number of attempts",
            "any number of requests", "no throttling", "keine ratenbegrenzung", "kein rate-limit*",
            "kein rate limit*", "keine rate limit*", "ohne ratenbegrenzung", "ohne rate limit*",
            "fehlende ratenbegrenzung", "fehlendes rate limit*", "keine begrenzung der anfragen",
            "beliebig viele anfragen", "pas de limitation de débit", "aucune limitation de débit",
            "absence de limitation", "aucune limite de requêtes", "sin límite de peticiones",
            "sin límite de solicitudes", "no hay límite de", "falta de límite de", "sem limite de requisições",
            "não há limite de", "nessun limite di richieste", "alcun limite di richieste",
            "assenza di rate limit*", "geen rate limit*", "geen limiet", "brak limitu", "brak ograniczenia",
            "нет ограничения", "отсутствует ограничение", "レート制限がない", "レート制限がありません", "レート制限なし",
            "没有速率限制", "无速率限制", "缺少速率限制", "没有频率限制", "속도 제한이 없",
        ],
    },
    Said {
        kind: Testing::Spam,
        denials: Denials::AndModals,
        phrases: &[
            "email bomb*", "e-mail bomb*", "mail bomb*", "mailbomb*", "email flood*", "e-mail flood*",
            "mail flood*", "sms bomb*", "sms flood*", "otp flood*", "receive spam", "receiving spam",
            "received spam", "get spam", "getting spam", "got spam", "spam from your", "spam from one of", "spam from an account", "sends spam", "sending spam",
            "sends out spam", "spamming", "spam complaint", "phishing page*", "phishing site*",
            "phishing website*", "phishing url*", "phishing campaign*", "phishing domain*", "fake shop",
            "spam von", "bekomme spam", "erhalte spam", "phishing-seite*", "phishingseite*", "spam-mails",
            "reçois du spam", "page de phishing", "page d'hameçonnage", "site d'hameçonnage", "recibo spam",
            "página de phishing", "recebo spam", "ricevo spam", "pagina di phishing", "ontvang spam",
            "phishingpagina", "otrzymuję spam", "strona phishingowa", "получаю спам", "фишинговый сайт",
            "фишинговая страница", "フィッシングサイト", "迷惑メールを受信", "钓鱼网站", "垃圾邮件来自",
        ],
    },
    Said {
        kind: Testing::SocialEngineering,
        denials: Denials::AndModals,
        phrases: &[
            "social engineering against", "social engineering of your", "social engineering test*",
            "social-engineering test*", "phishing test", "phishing simulation", "vishing",
            "phishing mail to your", "phishing email to your", "phishing mails to your",
            "social engineering gegen", "social engineering bei ihren", "ingénierie sociale contre",
            "ingénierie sociale auprès", "ingeniería social a", "ingeniería social contra",
            "engenharia social contra", "ingegneria sociale contro", "social engineering tegen",
            "socjotechni*", "социальной инженерии", "ソーシャルエンジニアリング", "社会工程学攻击",
        ],
    },
    Said {
        kind: Testing::PhysicalAttack,
        denials: Denials::AndModals,
        phrases: &[
            "tailgat*", "tail-gat*", "piggybacked into", "lock pick*", "lockpick*", "picked the lock",
            "cloned a badge", "cloned the badge", "cloned badge*", "badge clon*", "dumpster div*",
            "physical penetration test", "physical intrusion", "broke into your office",
            "walked into your office", "kopierte zutrittskarte", "kopierten zutrittskarte",
            "geklonte zutrittskarte", "physischer einbruch", "schloss geknackt", "intrusion physique",
            "intrusión física", "intrusão física", "intrusione fisica", "fysieke inbraak", "włamanie fizyczne",
            "физическое проникновение", "物理的侵入", "物理入侵",
        ],
    },
    Said {
        kind: Testing::CustomerEnvironment,
        denials: Denials::Negations,
        phrases: &[
            "customer's aws", "customer aws account", "customers' aws", "customer's environment",
            "customer's server*", "customer's instance*", "customer's bucket*", "customer's cluster",
            "environment of a customer", "environment of one of your customers", "aws account of a customer",
            "aws account of one of your customers", "aws environment of", "bucket of one of your customers",
            "bucket of a customer", "server of one of your customers", "belongs to one of your customers",
            "belongs to a customer", "operated by the customer", "run by a customer", "tenant's aws",
            "aws-konto eines kunden", "aws-umgebung eines kunden", "umgebung eines kunden",
            "server eines kunden", "server ihres kunden", "gehört einem ihrer kunden", "gehört einem kunden",
            "compte aws d'un client", "environnement d'un client", "appartient à un de vos clients",
            "cuenta de aws de un cliente", "entorno de un cliente", "conta aws de um cliente",
            "ambiente de um cliente", "account aws di un cliente", "ambiente di un cliente",
            "aws-account van een klant", "omgeving van een klant", "konto aws klienta", "aws клиента",
            "顧客のaws", "客户的aws",
        ],
    },
    Said {
        kind: Testing::ThirdParty,
        denials: Denials::Negations,
        phrases: &[
            "third-party service you use", "third party service you use", "third-party service that you use",
            "third-party provider", "third party provider", "in your vendor*", "of your vendor*",
            "your vendor's", "your provider's", "your subprocessor*", "your sub-processor*",
            "in your payment provider", "of your payment provider", "of your provider*", "on the provider of",
            "drittanbieter*", "ihres dienstleisters", "ihrem dienstleister", "ihr zahlungsanbieter",
            "service tiers que vous", "votre prestataire", "servicio de terceros", "su proveedor",
            "serviço de terceiros", "seu fornecedor", "servizio di terze parti", "vostro fornitore",
            "dienst van derden", "jullie leverancier", "zewnętrznego dostawcy", "сторонн* сервис*",
            "サードパーティのサービス", "第三者サービス", "第三方服务",
        ],
    },
];

pub const ACTS: &[Act<List>] = &[
    Act {
        kind: Testing::DenialOfService,
        needs_person: true,
        verbs: &[
            "flooded", "stress test*", "stress-test*", "load test*", "load-test*", "load testing", "ddos*",
            "slowloris", "syn flood*", "http flood*", "overloaded", "requests per second", "rps", "took down",
            "brought down", "knocked offline", "lasttest*", "lahmgelegt", "überlastet", "test de charge",
            "attaque ddos", "prueba de carga", "teste de carga", "test di carico", "нагрузочн*",
        ],
        objects: None,
    },
    Act {
        kind: Testing::SocialEngineering,
        needs_person: true,
        verbs: &[
            "social-engineered", "social engineered", "impersonated", "pretended to be", "posed as", "phished",
            "tricked", "talked into", "convinced", "persuaded", "sent a phishing", "sent phishing", "ausgegeben",
            "hereingelegt", "überredet", "fait passer", "voorgedaan", "fatto passare",
        ],
        objects: Some(&[
            "support", "support agent*", "staff", "employee*", "helpdesk", "help desk", "the agent",
            "the operator", "your team", "your colleague*", "mitarbeiter*", "kundendienst", "hotline", "employé*",
            "assistance", "assistenza", "dipendent*", "medewerker*", "klantenservice",
        ]),
    },
    Act {
        kind: Testing::SocialEngineering,
        needs_person: false,
        verbs: &["me hice pasar", "me fiz passar", "fingi ser", "podszyłem się", "я представился"],
        objects: None,
    },
    Act {
        kind: Testing::PhysicalAttack,
        needs_person: true,
        verbs: &[
            "entered", "walked into", "got into", "stood in", "broke into", "followed an employee",
            "tailgat*", "cloned", "opened the door", "opened the side door", "gelangt", "betreten",
            "hineingekommen", "geknackt", "binnengelopen", "entré", "entrato",
        ],
        objects: Some(&[
            "datacenter*", "data center*", "data centre*", "office*", "building*", "server room", "cage",
            "rack*", "badge", "rechenzentrum*", "serverraum", "büro*", "gebäude", "centre de données",
            "centro de datos", "centro dati",
        ]),
    },
    Act {
        kind: Testing::PersistentImplant,
        needs_person: true,
        verbs: &[
            "uploaded", "installed", "left", "planted", "deployed", "dropped", "placed", "set up",
            "hochgeladen", "installiert", "eingerichtet", "hinterlassen", "platziert", "installé", "déposé",
            "laissé", "téléversé", "caricato", "installato", "lasciato", "geüpload", "geplaatst",
            "achtergelaten", "geïnstalleerd", "загрузил", "установил", "оставил",
        ],
        objects: Some(IMPLANTS),
    },
    Act {
        kind: Testing::PersistentImplant,
        needs_person: false,
        verbs: &[
            "subí", "instalé", "dejé", "enviei", "instalei", "deixei", "carreguei", "wgrałem",
            "zainstalowałem", "zostawiłem",
        ],
        objects: Some(IMPLANTS),
    },
    Act {
        kind: Testing::Pivoting,
        needs_person: true,
        verbs: &[
            "pivoted", "moved laterally", "lateral movement", "weiterbewegt", "bewegt im internen netz",
            "pivoté", "mouvement latéral", "lateraal bewogen",
        ],
        objects: None,
    },
    Act {
        kind: Testing::Pivoting,
        needs_person: true,
        verbs: &[
            "logged in", "logged into", "connected", "reached", "became root", "ssh*", "got into", "accessed",
            "eingeloggt", "zugegriffen", "angemeldet", "verbunden",
        ],
        objects: Some(&[
            "internal network", "internal server*", "internal host*", "production database", "other hosts",
            "more hosts", "further hosts", "further servers", "other servers", "from there", "domain controller",
            "your jenkins", "backup host", "im internen netz", "internes netz", "weitere server",
            "internen servern", "produktionsdatenbank", "von dort",
        ]),
    },
    Act {
        kind: Testing::AutomatedScanning,
        needs_person: true,
        verbs: &[
            "ran", "run", "scanned", "launched", "fuzzed", "crawled", "used", "started", "executed", "performed",
            "conducted", "laufen lassen", "durchgeführt", "gescannt", "gestartet", "ausgeführt", "lancé",
            "exécuté", "lanciato", "eseguito", "gedraaid", "uitgevoerd", "запустил",
        ],
        objects: Some(SCANS),
    },
    Act {
        kind: Testing::AutomatedScanning,
        needs_person: false,
        verbs: &["ejecuté", "lancé un escaneo", "executei", "rodei", "uruchomiłem"],
        objects: Some(SCANS),
    },
    Act {
        kind: Testing::DataAccess,
        needs_person: true,
        verbs: &[
            "dumped", "downloaded", "extracted", "exported", "exfiltrated", "copied", "saved", "modified",
            "changed", "deleted", "altered", "edited", "scraped", "harvested", "enumerated", "read", "accessed",
            "viewed", "opened", "heruntergeladen", "ausgelesen", "kopiert", "exportiert", "gespeichert",
            "verändert", "geändert", "gelöscht", "abgezogen", "gedumpt", "téléchargé", "extrait", "copié",
            "modifié", "supprimé", "scaricato", "estratto", "copiato", "modificato", "cancellato", "gedownload",
            "gekopieerd", "gewijzigd", "verwijderd", "скачал", "скопировал", "выгрузил", "изменил", "удалил",
            "скачали", "выгрузили",
        ],
        objects: Some(OTHERS_DATA),
    },
    Act {
        kind: Testing::DataAccess,
        needs_person: false,
        verbs: &[
            "descargué", "extraje", "copié", "modifiqué", "borré", "eliminé", "baixei", "extraí", "copiei",
            "alterei", "apaguei", "pobrałem", "skopiowałem", "usunąłem", "zmieniłem",
        ],
        objects: Some(OTHERS_DATA),
    },
    Act {
        kind: Testing::DataSharing,
        needs_person: true,
        verbs: &[
            "shared", "sold", "published", "posted", "leaked", "tweeted", "gave", "passed on", "handed",
            "weitergegeben", "verkauft", "veröffentlicht", "geteilt", "partagé", "vendu", "publié", "transmis",
            "condiviso", "venduto", "pubblicato", "gedeeld", "verkocht", "gepubliceerd", "продал*",
            "опубликовал*", "передал*",
        ],
        objects: Some(SHARED),
    },
    Act {
        kind: Testing::DataSharing,
        needs_person: false,
        verbs: &["compartí", "vendí", "publiqué", "compartilhei", "vendi", "publiquei", "sprzedałem", "opublikowałem"],
        objects: Some(SHARED),
    },
];

const IMPLANTS: &[&str] = &[
    "web shell*", "webshell*", "web-shell*", "backdoor*", "implant*", "malware", "rootkit*", "reverse shell*",
    "cron job*", "cronjob*", "persistence", "beacon", "hintertür*", "schadsoftware", "porte dérobée",
    "puerta trasera", "porta dos fundos", "achterdeur", "tylną furtkę", "бэкдор*", "веб-шелл*",
];

const SCANS: &[&str] = &[
    "automated scan*", "automated vulnerability", "vulnerability scan*", "automatic scan*", "full scan",
    "port scan*", "mass scan*", "subdomain brute*", "nessus", "acunetix", "nuclei", "openvas", "burp scanner",
    "active scan*", "nikto", "owasp zap", "zap", "dirbuster", "dirsearch", "gobuster", "ffuf", "feroxbuster",
    "wfuzz", "masscan", "netsparker", "invicti", "qualys", "scanner*", "your subdomains", "all subdomains",
    "all your hosts", "all hosts", "your whole site", "your infrastructure", "schwachstellenscan*",
    "automatisierten scan*", "automatisierte scans", "portscan*", "scan automatique", "escaneo automático",
    "escáner", "varredura automática", "scansione automatica", "geautomatiseerde scan", "skaner*", "сканер*",
];

const OTHERS_DATA: &[&str] = &[
    "users table", "user table", "customers table", "customer table", "whole database", "entire database",
    "full database", "complete database", "customer database", "user database", "database dump",
    "production database", "customer data", "customers' data", "customer's data", "user data", "users' data",
    "another user's", "other users", "other users'", "other user's", "another customer's", "other customers",
    "other customers'", "other customer's", "another tenant's", "other tenants", "somebody else's",
    "someone else's", "personal data", "records", "rows", "of all users", "of all customers",
    "customer names", "datenbank", "kundendatenbank", "kundendaten", "nutzerdaten", "benutzertabelle",
    "datensätze", "daten anderer", "anderer kunden", "anderer nutzer", "anderer benutzer",
    "eines anderen kunden", "fremde daten", "base de données", "données des clients", "d'autres clients",
    "d'autres utilisateurs", "d'un autre client", "base de datos", "datos de clientes", "otros usuarios",
    "otros clientes", "otro usuario", "banco de dados", "base de dados", "dados de clientes",
    "outros usuários", "outros clientes", "base dati", "intero database", "dati dei clienti", "altri utenti",
    "altri clienti", "klantgegevens", "andere klanten", "andere gebruikers", "hele database",
    "bazę danych", "dane klientów", "innych użytkowników", "базу", "базу данных", "данные клиентов",
    "других пользователей",
];

const SHARED: &[&str] = &[
    "customer data", "customers' data", "customer records", "user data", "users' data", "personal data",
    "records", "the database", "the dump", "the data with", "kundendaten", "kundendatenbank", "datensätze",
    "nutzerdaten", "die daten", "données des clients", "données clients", "la base de données",
    "datos de clientes", "datos de los clientes", "base de datos", "dados de clientes", "dados dos clientes",
    "dati dei clienti", "klantgegevens", "dane klientów", "данные клиентов", "базу",
];
