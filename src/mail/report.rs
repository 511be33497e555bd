//! Machine reports: what a mail system says about a mail (RFC 3464, 8098, 5965, 6522).

use super::message::{MachineReport, MachineReportKind};
use super::parse::{Budget, Part, header};

/// Bytes of a machine part that are read; honest ones are a few kilobytes.
const MAX_READ: usize = 256 * 1024;

/// Message-IDs kept of one report.
const MAX_IDS: usize = 20;

/// The kind that a part's own type announces.
pub fn kind_of(part: &Part) -> Option<MachineReportKind> {
    let kind = match part.media_type.as_str() {
        "message/delivery-status" | "message/global-delivery-status" => {
            MachineReportKind::DeliveryStatus
        }
        "message/disposition-notification" | "message/global-disposition-notification" => {
            MachineReportKind::DispositionNotification
        }
        "message/feedback-report" => MachineReportKind::FeedbackReport,
        _ => return None,
    };
    Some(kind)
}

/// The kind that a `multipart/report` announces for itself.
pub fn announced(part: &Part) -> Option<MachineReportKind> {
    let kind = match part
        .content_type
        .get("report-type")?
        .to_lowercase()
        .as_str()
    {
        "delivery-status" => MachineReportKind::DeliveryStatus,
        "disposition-notification" => MachineReportKind::DispositionNotification,
        "feedback-report" => MachineReportKind::FeedbackReport,
        _ => return None,
    };
    Some(kind)
}

/// Is this the returned mail, or its header, rather than something to read?
pub fn is_returned(part: &Part) -> bool {
    matches!(
        part.media_type.as_str(),
        "message/rfc822"
            | "message/global"
            | "message/global-headers"
            | "message/rfc822-headers"
            | "text/rfc822-headers"
    )
}

pub fn empty(kind: MachineReportKind) -> MachineReport {
    MachineReport {
        kind,
        action: None,
        original_message_ids: Vec::new(),
    }
}

/// Reads the fields of a machine part into the report.
pub fn read_status(report: &mut MachineReport, part: &Part) {
    let (bytes, _) = part.decoded();
    let text = String::from_utf8_lossy(bytes.get(..MAX_READ).unwrap_or(&bytes)).into_owned();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "action" => note_action(report, value),
            "original-message-id" | "message-id" => note_ids(report, value),
            _ => {}
        }
    }
}

/// A failure says more than a delay, and that more than a success (RFC 3464, 2.3.3).
fn note_action(report: &mut MachineReport, value: &str) {
    let action: String = value
        .trim()
        .to_ascii_lowercase()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .take(20)
        .collect();
    let weight = |action: &str| match action {
        "failed" => 3,
        "delayed" => 2,
        _ => 1,
    };
    let known = matches!(
        action.as_str(),
        "failed" | "delayed" | "delivered" | "relayed" | "expanded"
    );
    if known
        && report
            .action
            .as_deref()
            .is_none_or(|old| weight(old) < weight(&action))
    {
        report.action = Some(action);
    }
}

/// Takes the Message-ID out of the mail, or the header, that came back.
pub fn read_returned(report: &mut MachineReport, part: &Part) {
    let (bytes, _) = part.decoded();
    let head = bytes.get(..MAX_READ).unwrap_or(&bytes);
    let mut budget = Budget {
        parts: 1,
        depth: 0,
        exceeded: false,
        header_cut: false,
    };
    let returned = super::parse::message(head, &mut budget);
    if let Some(value) = returned.field("message-id") {
        note_ids(report, &value);
    }
}

fn note_ids(report: &mut MachineReport, value: &str) {
    for id in header::identifiers(value) {
        let ids = &mut report.original_message_ids;
        if ids.len() < MAX_IDS && !ids.contains(&id) {
            ids.push(id);
        }
    }
}
