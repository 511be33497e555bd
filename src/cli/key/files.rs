//! Files that must never be lost by half: key files and the configuration.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use secrecy::zeroize::Zeroizing;

use crate::cli::say::complain;
use crate::killpoint;

/// One `triaged key` at a time; ends with the value. The lock is the folder itself, as the files
/// in it are replaced.
pub struct Alone(#[expect(dead_code, reason = "held, and let go when it is dropped")] File);

impl Alone {
    pub fn beside(file: &Path) -> anyhow::Result<Self> {
        use rustix::fs::{FlockOperation, flock};
        let folder = folder_of(file);
        let handle = File::open(folder).with_context(|| folder.display().to_string())?;
        if flock(&handle, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!(
                "{}: another `triaged key` is at work here; try again when it is done",
                folder.display()
            );
        }
        Ok(Self(handle))
    }
}

/// What was written, to be taken back when this is dropped.
#[derive(Default)]
pub struct Undo {
    made: Vec<PathBuf>,
    replaced: Vec<(PathBuf, Zeroizing<Vec<u8>>)>,
}

impl Undo {
    /// This file was not there before.
    pub fn made(&mut self, path: &Path) {
        self.made.push(path.to_owned());
    }

    /// This is what the file held.
    pub fn replaced(&mut self, path: &Path, bytes: Zeroizing<Vec<u8>>) {
        self.replaced.push((path.to_owned(), bytes));
    }

    /// It stays.
    pub fn forget(mut self) {
        self.made.clear();
        self.replaced.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for (path, bytes) in &self.replaced {
            if let Err(error) = replace(path, bytes, |_| Ok(())) {
                complain!("triaged: what was changed could not be taken back: {error:#}");
            }
        }
        for path in &self.made {
            fs::remove_file(path).ok();
        }
    }
}

/// A new file that its owner alone may read, and that belongs to whom `like` belongs; never over
/// another.
pub fn create(path: &Path, bytes: &[u8], like: &Path) -> anyhow::Result<()> {
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let filled = fill(&mut file, bytes, like);
        if filled.is_err() {
            fs::remove_file(path).ok();
        }
        filled?;
        sync_folder(path)
    };
    written().with_context(|| format!("{}: cannot be written", path.display()))
}

fn fill(file: &mut File, bytes: &[u8], like: &Path) -> io::Result<()> {
    file.write_all(bytes)?;
    // Root makes it for the daemon's user, who could not read it otherwise.
    if let Ok(model) = fs::metadata(like)
        && rustix::process::geteuid().is_root()
    {
        fchown(&*file, Some(model.uid()), Some(model.gid()))?;
    }
    file.sync_all()
}

/// Puts new bytes into a file, with its mode and owner: at any moment the file is the old one or
/// the new one, whole. `is_fit` looks at the new one before it takes the place.
pub fn replace(
    path: &Path,
    bytes: &[u8],
    is_fit: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // Where it is a link, what it leads to is replaced.
    let path = fs::canonicalize(path).with_context(|| path.display().to_string())?;
    let new = beside(&path)?;
    let written = write_like(&new, bytes, &path)
        .with_context(|| format!("{}: cannot be written", path.display()))
        .and_then(|()| is_fit(&new));
    if let Err(error) = written {
        fs::remove_file(&new).ok();
        return Err(error);
    }
    killpoint::reached("key_file_written");
    fs::rename(&new, &path).with_context(|| path.display().to_string())?;
    killpoint::reached("key_file_replaced");
    sync_folder(&path).with_context(|| path.display().to_string())
}

fn write_like(new: &Path, bytes: &[u8], old: &Path) -> io::Result<()> {
    let model = fs::metadata(old)?;
    // Left by one that was killed; nobody else is at work.
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(new)?;
    file.write_all(bytes)?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (model.uid(), model.gid()) {
        chown(new, Some(model.uid()), Some(model.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(model.mode() & 0o7777))?;
    file.sync_all()
}

/// `.security.key.asc.new` beside `security.key.asc`.
fn beside(path: &Path) -> anyhow::Result<PathBuf> {
    let name = path.file_name().context("no file")?.to_string_lossy();
    Ok(path.with_file_name(format!(".{name}.new")))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}
