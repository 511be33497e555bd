//! Phrases that make a kind.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

pub const FOUND: &[&str] = &[
    "i found", "i've found", "i have found", "we found", "we have found", "i discovered",
    "i have discovered", "we discovered", "i identified", "i have identified", "we identified", "i noticed",
    "found a", "found an", "discovered a", "identified a", "steps to reproduce", "proof of concept", "poc",
    "reproduce", "gefunden", "entdeckt", "j'ai trouvé", "j'ai découvert", "nous avons trouvé",
    "nous avons découvert", "he encontrado", "encontré", "descubrí", "hemos encontrado", "encontrei",
    "descobri", "ho trovato", "ho scoperto", "gevonden", "ontdekt", "znalazłem", "znalazłam", "odkryłem",
    "я нашел", "я нашёл", "нашел", "нашёл", "обнаружил*", "見つけ", "発見", "发现", "發現",
];

/// A flaw of ours is spoken of.
pub const FLAWS: &[&str] = &[
    "vulnerab*", "security issue*", "security bug*", "security flaw*", "exploit*", "proof of concept",
    "steps to reproduce", "attacker can", "attacker could", "an attacker", "sicherheitslücke*",
    "schwachstelle*", "faille*", "vulnérab*", "vulnerabilidad*", "vulnerabilità", "kwetsbaarhe*",
    "podatność*", "уязвимост*", "漏洞", "脆弱性", "cve-*", "security problem*", "sicherheitsproblem*",
    "impact", "impact:", "auswirkung*", "impacto", "impatto", "anyone can", "anyone could", "anybody can",
    "any user can", "users can", "user can", "can be used to", "could be used to", "could be abused",
    "can be abused", "allows anyone", "allows any", "makes it possible", "permission check*",
    "without any permission", "without permission", "without authenti*", "without authori*",
    "without login", "without a login", "not validated", "not sanitized", "not checked", "not escaped",
    "bypass*", "parameter*", "endpoint*", "payload*", "/api/", "csrf", "cookie*", "tenant*",
    "open redirect*", "redirected to any", "angreifer*", "lässt sich", "lassen sich", "könnte",
    "könnte man", "könnte jemand", "ermöglicht", "umleiten", "weiterleitung", "umleitung",
    "ohne anmeldung", "ohne berechtigung", "paramètre*", "permet", "attaquant*",
    "pourrait", "contournement", "parámetro*", "permite", "podría", "atacante*", "parâmetro*",
    "poderia", "parametro", "consente", "potrebbe", "aggressore", "zou kunnen", "aanvaller*",
    "maakt het mogelijk", "pozwala", "napastnik*", "позволяет", "злоумышленник может", "параметр*",
];

/// Something lies open: that is told, and not asked for.
pub const EXPOSED: &[&str] = &[
    "of other companies", "of other customers", "other customers'", "other companies'", "for everybody",
    "for everyone", "for anyone", "to anyone", "to everyone", "to the public", "anyone can", "anybody can",
    "everyone can", "no login", "without login", "without a login", "without logging in",
    "without authentication", "without a password", "change the id", "changing the id", "directory listing",
    "is exposed", "are exposed", "lie open", "lies open", "is public", "are public", "publicly accessible",
    "publicly readable", "publicly reachable", "still works", "ohne anmeldung", "ohne passwort",
    "für jeden", "für alle", "öffentlich zugänglich", "öffentlich erreichbar", "frei zugänglich",
    "offen im netz", "anderer kunden", "sans authentification", "sans mot de passe", "accessible à tous",
    "d'autres clients", "sin autenticación", "sin contraseña", "accesible públicamente", "otros clientes",
    "sem autenticação", "acessível publicamente", "outros clientes", "senza autenticazione",
    "accessibile a tutti", "altri clienti", "zonder inloggen", "andere klanten", "bez logowania",
    "innych klientów", "без авторизации", "других клиентов",
];

/// Somebody asks for something; beside a question mark.
pub const ASKING: &[&str] = &[
    "could i", "could we", "could you", "can i", "can we", "can you", "may i", "may we", "would you",
    "would it be possible", "is it possible", "would like", "i'd like", "we'd like", "request*",
    "requesting", "i need", "we need", "looking for", "asking for", "please provide", "please give",
    "please create", "please set up", "please send", "please grant", "kindly provide", "kindly give",
    "provide me", "provide us", "give me", "grant me", "apply for", "bräuchte*", "brauche*", "benötig*",
    "könnten sie", "könnte ich", "könnten wir", "ich hätte gern*", "wir hätten gern*", "möchte*", "bitte um",
    "bitten um", "darf ich", "dürfen wir", "pourriez-vous", "pourrais-je", "puis-je", "je souhaite*",
    "j'aimerais", "nous souhait*", "auriez-vous", "podrían", "podría", "me gustaría", "quisiera", "necesito",
    "solicit*", "poderiam", "gostaria", "preciso", "potreste", "vorrei", "avrei bisogno", "zou ik",
    "kunnen jullie", "graag", "czy mog*", "prosz*", "potrzebuj*", "можно ли", "не могли бы", "прошу", "хотел*",
    "нужен", "нужна", "いただけ", "ください", "お願い", "希望", "能否", "可以", "请提供", "申请", "想申请",
];

/// Access is asked for, whatever will be tested with it.
pub const ASKS_FOR_ACCESS: &[&str] = &[
    "set up a sandbox", "set up some sandbox", "provide a sandbox", "provide us with a sandbox",
    "provide me with a sandbox", "get a sandbox", "have a sandbox", "use a sandbox", "need a sandbox",
    "is there a sandbox", "sandbox for", "provide a test account", "provide me with a test account",
    "provision a test account", "set up a test account", "get a test account", "ask before i test",
    "asking before i test", "ask first", "asking first", "before i test", "before we test",
    "permission to test", "allowed to test", "may i test", "may we test", "eine sandbox", "sandbox einrichten",
    "ein testkonto", "einen testzugang", "darf ich testen", "dürfen wir testen", "un bac à sable",
    "un compte de test", "una cuenta de prueba", "una conta de teste", "un account di prova", "een sandbox",
    "een testaccount", "konto testowe",
];

pub const STATUS_REQUESTS: &[&str] = &[
    "any update", "any updates", "any news on", "any progress", "status of my report", "status of my case",
    "status of my submission", "status of the report", "status of the case", "status of sec-*",
    "status update on", "what is the status", "what's the status", "status request",
    "follow up on my report", "following up on my report", "following up on my", "following up on the",
    "have you received my", "did you receive my", "did you get my", "have you had a chance",
    "haven't heard back", "have not heard back", "haven't received a response",
    "have not received a response", "have not received any", "haven't received any", "no response to my",
    "how does it stand", "how does my report stand", "how does my case stand", "how do things stand",
    "where do things stand", "wie steht es um", "when will you fix", "has it been fixed", "has this been fixed", "is it fixed", "stand meiner meldung",
    "stand meines berichts", "gibt es neuigkeiten", "gibt es etwas neues", "wie ist der stand",
    "haben sie meine", "habe noch keine antwort", "noch keine rückmeldung", "des nouvelles de mon",
    "avez-vous reçu mon", "avez-vous reçu ma", "où en est", "alguna novedad", "alguna actualización",
    "estado de mi", "recibieron mi", "han recibido mi", "alguma novidade", "alguma atualização",
    "status do meu", "receberam meu", "ci sono novità", "ci sono aggiornamenti", "avete ricevuto",
    "stato della mia", "is er nieuws", "status van mijn", "hebben jullie mijn", "czy są jakieś",
    "status mojego", "status zgłoszenia", "есть ли новости", "есть новости", "каков статус", "какой статус",
    "статус моего", "進捗", "ご確認いただけ", "状況を教えて", "有进展", "有什么进展", "处理进度", "有更新",
];

pub const QUESTIONNAIRES: &[&str] = &[
    "caiq", "sig lite", "sig-lite", "sig core", "sig questionnaire", "vsaq", "hecvat",
    "security questionnaire", "vendor questionnaire", "vendor security", "vendor risk", "vendor assessment",
    "supplier questionnaire", "supplier assessment", "supplier security", "third-party risk",
    "third party risk", "risk assessment questionnaire", "due diligence", "soc 2", "soc2", "soc 2 report",
    "iso 27001 certificate", "iso 27001", "penetration test report", "pentest report",
    "data processing agreement", "data processing addendum", "dpa", "sub-processor*", "subprocessor*",
    "tisax", "security review", "compliance questionnaire", "security assessment",
    "information security policy", "fragebogen", "sicherheitsfragebogen", "lieferantenbewertung",
    "lieferantenfragebogen", "auftragsverarbeitungsvertrag", "auftragsverarbeitung", "av-vertrag", "avv",
    "zertifikat nach iso", "questionnaire de sécurité", "questionnaire", "évaluation fournisseur",
    "accord de traitement des données", "cuestionario*", "evaluación de proveedor*", "questionário*",
    "avaliação de fornecedor*", "questionario", "valutazione fornitor*", "vragenlijst",
    "verwerkersovereenkomst", "leveranciersbeoordeling", "kwestionariusz*", "ankieta bezpieczeństwa",
    "опросник*", "анкет*", "セキュリティチェックシート", "チェックシート", "アンケート", "安全问卷", "调查问卷", "供应商评估",
];

pub const CUSTOMERS: &[&str] = &[
    "customer*", "client*", "vendor*", "supplier*", "procurement", "our company", "fill out", "fill in",
    "complete the", "completed", "please complete", "compliance", "sign the", "countersign*", "provide us",
    "annual review", "onboarding", "kunde*", "lieferant*", "ausfüllen", "auszufüllen", "einkauf",
    "unterzeichn*", "remplir", "fournisseur*", "completar", "rellenar", "proveedor*", "preencher",
    "fornecedor*", "compilare", "fornitor*", "invullen", "leverancier*", "wypełnić", "dostawc*", "заполн*",
    "поставщик*", "ご記入", "ご回答", "填写",
];

pub const ACCESS: &[&str] = &[
    "test account", "test accounts", "testing account", "demo account", "demo accounts", "trial account", "trial accounts", "trial tenant*",
    "test tenant*", "test organi*", "testkonten", "testzugänge", "testmandant*", "sandbox access",
    "sandbox account", "access to your sandbox", "access to the sandbox", "access to a sandbox",
    "access to your staging", "access to the staging", "staging access", "test environment",
    "test credentials", "credentials for testing", "account for testing", "accounts for testing",
    "researcher account", "permission to test", "authorization to test", "authorisation to test",
    "allowed to test", "testzugang", "testkonto", "test-account", "test-zugang", "testumgebung",
    "zugang zu ihrer sandbox", "erlaubnis zum testen", "compte de test", "comptes de test",
    "accès au bac à sable", "environnement de test", "cuenta de prueba", "cuentas de prueba",
    "entorno de pruebas", "conta de teste", "contas de teste", "ambiente de teste", "account di prova",
    "account di test", "ambiente di test", "testaccount", "testomgeving", "konto testowe", "konta testowe",
    "środowisk* testow*", "тестовый аккаунт", "тестовую учетную", "тестового аккаунта", "тестовый доступ",
    "тестовой среде", "テストアカウント", "テスト用アカウント", "テスト環境", "测试账号", "测试帐号", "测试环境", "測試帳號",
];

pub const ABUSE: &[&str] = &[
    "phishing", "phish", "spam from your", "spam from ip", "sending spam", "spamming", "spam complaint",
    "unsolicited bulk", "unsolicited email", "unsolicited e-mail", "scam", "scammer*", "fraudulent website",
    "fraudulent site", "fraudulent mail", "fake website", "fake site", "fake account", "fake shop",
    "impersonat*", "pretending to be", "abuse report", "abuse complaint", "report abuse",
    "copyright infringement", "dmca", "takedown", "take down", "trademark infringement", "child sexual",
    "csam", "hate speech", "harass*", "illegal content", "hosting malware", "malware hosted",
    "distributing malware", "malicious url*", "botnet", "port scan from", "port scanning", "ssh attack",
    "brute force attempts from", "brute-force attempts from", "login attempts from", "fail2ban",
    "blocklist*", "abuseipdb", "x-arf", "spamcop", "phishing-mail*", "phishing-seite", "betrug*",
    "betrügerisch*", "gefälschte", "fakeshop", "urheberrecht*", "markenrecht*", "missbrauch*", "belästig*",
    "spam von", "hameçonnage", "arnaque", "usurpation", "droit d'auteur", "pourriel*", "suplantación",
    "estafa", "fraude", "correo no deseado", "golpe", "direitos autorais", "truffa", "frode",
    "violazione del copyright", "oplichting", "auteursrecht", "oszustwo", "wyłudzen*", "podszywa*",
    "фишинг*", "мошенни*", "спам", "フィッシング", "詐欺", "迷惑メール", "なりすまし", "钓鱼", "釣魚", "诈骗", "垃圾邮件", "侵权",
];

/// Abuse of which one complains, though the words name a weakness too.
pub const COMPLAINTS: &[&str] = &[
    "abuse complaint", "abuse report", "abuse team", "abuse desk", "abuse department", "brute force from",
    "brute-force from", "brute force attempts from", "brute-force attempts from", "brute force attack from",
    "brute-force attack from", "attacks from your", "attack from your", "attempts from your", "login attempts from",
    "port scan from", "originating from your", "missbrauchsmeldung", "angriffe von ihrer", "angriffe aus ihrem netz",
];

/// In a sentence that ends with a question mark.
pub const IN_SCOPE: &[&str] = &[
    "in scope", "in the scope", "within scope", "within the scope", "within your scope", "part of your disclosure",
    "part of your program*", "part of the program*", "im geltungsbereich", "zum geltungsbereich", "im scope",
    "dans le périmètre", "dentro del alcance", "no escopo",
];

pub const QUESTIONS: &[&str] = &[
    "i have a question", "i've a question", "quick question", "question about", "question regarding",
    "do you have a bug bounty", "do you have a bounty", "do you run a bug bounty",
    "do you offer a bug bounty", "do you have a vulnerability disclosure", "do you have any bug bounty",
    "is there a bug bounty", "do you pay", "what is your policy", "what is the scope", "is this in scope",
    "in scope for", "covered by your", "covered by the policy", "part of your scope", "part of the scope", "in your scope", "does your policy",
    "does your safe harbo*", "does the safe harbo*", "do you reward", "do you offer reward*", "where should i report", "where can i report", "how do i report", "how can i report",
    "how should i report", "who should i contact", "whom should i contact", "is this the right address",
    "is this the right place", "is this the correct", "are you affected by", "is your product affected",
    "are your products affected", "is product affected", "affected by cve*", "does your product",
    "do you support", "what version", "how do i", "how can i", "ich habe eine frage", "eine frage zu",
    "frage zu", "frage bezüglich", "wo kann ich", "wie kann ich", "zahlen sie für", "zahlen sie eine", "belohnen sie", "gilt ihre richtlinie", "fällt unter ihre", "gehört zu ihrem", "haben sie ein bug", "gibt es ein bug",
    "sind sie betroffen", "ist ihr produkt", "j'ai une question", "une question", "avez-vous un programme",
    "où puis-je signaler", "comment signaler", "tengo una pregunta", "una pregunta", "tienen un programa",
    "tenho uma pergunta", "uma dúvida", "vocês têm um programa", "ho una domanda", "una domanda",
    "avete un programma", "ik heb een vraag", "een vraag over", "hebben jullie een bug", "mam pytanie",
    "czy macie program", "у меня вопрос", "есть вопрос", "есть ли у вас программа", "質問", "お問い合わせ",
    "教えてください", "请问", "想咨询", "請問",
];
