//! Words of scanners, and of people who explain a find.
//!
//! Folded; a final `*` stands for any end of the word. By language, English first, where there are several.

/// What the tools call themselves, or always say.
pub const BANNERS: &[&str] = &[
    "nmap scan report for", "starting nmap", "nmap done", "host is up", "not shown:", "nikto v*", "nikto*",
    "target hostname:", "sqlmap identified", "sqlmap*", "injection point(s)", "wpscan*",
    "wordpress security scanner", "testssl*", "sslscan*", "sslyze", "nuclei", "[nuclei]",
    "projectdiscovery", "[critical] http*", "[high] http*", "[medium] http*", "[low] http*", "[info] http*",
    "owasp zap", "zap scanning report", "zaproxy", "nessus*", "tenable", "plugin id", "plugin output",
    "openvas*", "greenbone", "qualys*", "nexpose", "rapid7", "burp suite professional", "burp scanner",
    "acunetix*", "netsparker*", "invicti*", "trivy*", "grype", "snyk", "semgrep*", "bandit", "brakeman",
    "gitleaks", "trufflehog", "retire.js", "npm audit", "found 0 vulnerabilities", "dependency-check",
    "arachni", "skipfish", "w3af", "wapiti", "gobuster", "(status: 200)", "(status: 301)", "dirbuster",
    "dirsearch*", "ffuf", "feroxbuster", "wfuzz", "masscan", "whatweb", "lynis*", "rkhunter",
    "rootkit hunter", "chkrootkit", "chkdirs:", "aide 0*", "aide found", "scan summary", "infected files:",
    "clamav", "yara", "hydra v*", "medusa v*", "scan started at", "scan report", "scan results",
    "security scan", "vulnerability scan", "immuniweb", "mozilla observatory", "securityheaders.com",
    "checkov", "kube-bench", "kube-hunter", "prowler", "scoutsuite", "osv-scanner", "hadolint", "tfsec",
    "detect-secrets", "mobsf", "firmware directory",
];

/// Words of a list of findings.
pub const FINDINGS: &[&str] = &[
    "severity", "vulnerab*", "cve", "cve-*", "cves", "cwe", "cwe-*", "cweid", "cvss*", "finding*", "risk",
    "riskcode", "riskdesc", "plugin*", "pluginid", "scan*", "issue*", "host", "hostname", "port",
    "remediation", "solution", "recommendation*", "advisor*", "criticality", "package*", "results",
    "result", "rule*", "ruleid", "check*", "checkid", "fail", "failed", "passed", "warnings", "high",
    "medium", "low", "critical", "info", "infected", "(status:", "[size:", "not found", "found", "tool",
    "summary", "target", "targets", "component*", "dependenc*", "version", "fingerprint", "confidence",
    "alerts", "alert", "description", "status", "file", "filename", "credential*", "secret*", "shell*",
    "suspicious*", "hardcoded*",
];

pub const WRITTEN_UP: &[&str] = &[
    "steps to reproduce", "reproduction steps", "proof of concept:", "i found", "i have found",
    "i discovered", "i noticed", "i was able to", "we found that", "an attacker can", "an attacker could",
    "attacker may", "schritte zur reproduktion", "ich habe", "j'ai trouvé", "he encontrado",
];
