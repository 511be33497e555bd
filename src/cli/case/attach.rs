//! Files of this machine that go with the words to a reporter.

use std::fs::File as Open;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::commands::{FILES_AT_MOST, too_large};
use crate::mail::compose::File;
use crate::mail::open::media_type_of;

/// Reads them whole. Too much is refused before it is read.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<File>> {
    let mut bytes = 0;
    let mut opened = Vec::new();
    for path in paths {
        let file = open(path).with_context(|| path.display().to_string())?;
        bytes += file.metadata().map_or(0, |metadata| metadata.len());
        opened.push((path, file));
    }
    ensure!(bytes <= FILES_AT_MOST, too_large(bytes));
    opened
        .into_iter()
        .map(|(path, file)| whole(path, file).with_context(|| path.display().to_string()))
        .collect()
}

/// A pipe or a device may have no end.
fn open(path: &Path) -> anyhow::Result<Open> {
    let is_file = std::fs::metadata(path)?.is_file();
    ensure!(is_file, "no regular file, which alone can be attached");
    Ok(Open::open(path)?)
}

fn whole(path: &Path, file: Open) -> anyhow::Result<File> {
    let name = path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let mut bytes = Vec::new();
    // It may grow meanwhile; what is then too much is refused with the command.
    file.take(FILES_AT_MOST + 1).read_to_end(&mut bytes)?;
    Ok(File {
        media_type: media_type_of(&name, &bytes).to_owned(),
        name,
        bytes,
    })
}
