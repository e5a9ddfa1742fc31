//! One process at a time writes into a run directory.
//!
//! The lock is the operating system's on the file `run.lock`, so it ends with its process, however that ends. The file
//! stays and says who holds it, or held it last.

use crate::RunError;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Name of the file.
pub(crate) const FILE: &str = "run.lock";

/// The right to write into a run directory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
}

/// Who holds a lock.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    since: String,
    command: String,
}

impl Lock {
    /// Takes the lock of a directory that exists.
    ///
    /// # Errors
    /// [`RunError::Held`] where another process has it, [`RunError::Io`] where the file cannot be made or locked.
    pub(crate) fn take(root: &Path) -> Result<Self, RunError> {
        let path = root.join(FILE);
        let failed = |doing| move |source| RunError::Io { doing, path: root.join(FILE), source };
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let file = options.open(&path).map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RunError::Held { path: root.to_owned(), by: holder(&path) }),
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        let mut lock = Lock { path, file };
        lock.check()?;
        lock.sign().map_err(failed("write"))?;
        Ok(lock)
    }

    /// Whether the directory is still the one that was locked: someone may have deleted it, and another process may
    /// have begun there anew.
    ///
    /// # Errors
    /// [`RunError::NotHeld`].
    pub(crate) fn check(&self) -> Result<(), RunError> {
        let folder = self.path.parent().unwrap_or(&self.path);
        let same = fs::metadata(&self.path).is_ok_and(|there| is_same(&there, &self.file));
        if same { Ok(()) } else { Err(RunError::NotHeld { path: folder.to_owned() }) }
    }

    /// Refuses to write to `path` where this process has no lock, or has it no more.
    ///
    /// # Errors
    /// [`RunError::NotHeld`].
    pub(crate) fn check_held(lock: Option<&Lock>, path: &Path) -> Result<(), RunError> {
        lock.map_or_else(|| Err(RunError::NotHeld { path: path.to_owned() }), Lock::check)
    }

    fn sign(&mut self) -> std::io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let command = std::env::args().collect::<Vec<_>>().join(" ");
        let holder = Holder { pid: std::process::id(), host: host(), since: utc(now.as_secs()), command };
        let text = serde_json::to_string_pretty(&holder).expect("texts and numbers have a JSON form") + "\n";
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())
    }
}

#[cfg(unix)]
fn is_same(there: &fs::Metadata, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &File) -> bool {
    // Here no file can be deleted while it is open.
    true
}

/// Who holds the lock, in words.
fn holder(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    match serde_json::from_str::<Holder>(&text) {
        Ok(Holder { pid, host, since, command }) => {
            format!("process {pid} on {host}, since {since}, by the command `{command}`")
        }
        Err(_) => "another process, which has not said yet who it is".to_owned(),
    }
}

fn host() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let asked = || Command::new("hostname").output().ok().map(|output| String::from_utf8_lossy(&output.stdout).into());
    let name = kernel.or_else(asked).map(|name: String| name.trim().to_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "an unknown host".to_owned())
}

/// Seconds since 1970 as date and time of day.
fn utc(seconds: u64) -> String {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March here, so that a leap day is the last one; 719,468 days lie before 1970 in this calendar.
    let (era, of_era) = ((day + 719_468) / 146_097, (day + 719_468) % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let date = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = 400 * era + year + u64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year}-{month:02}-{date:02} {hour:02}:{minute:02}:{:02} UTC", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).unwrap_err().to_string();
        let pid = std::process::id().to_string();
        for word in [pid.as_str(), &host(), " UTC", &std::env::args().next().unwrap(), folder.path().to_str().unwrap()]
        {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
        drop(lock);
        Lock::take(folder.path()).unwrap();
    }

    #[test]
    fn what_an_older_holder_has_left_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join(FILE),
            "{\"pid\": 1}, and longer than what comes, whatever the next holder is called",
        )
        .unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(serde_json::from_str::<Holder>(&text).unwrap().pid, std::process::id(), "{text}");
        drop(lock);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_was_replaced_is_not_held_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        fs::create_dir(&root).unwrap();
        let lock = Lock::take(&root).unwrap();
        lock.check().unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert!(matches!(lock.check(), Err(RunError::NotHeld { .. })));
        fs::create_dir(&root).unwrap();
        let next = Lock::take(&root).unwrap();
        assert!(matches!(lock.check(), Err(RunError::NotHeld { .. })));
        next.check().unwrap();
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, said) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_709_164_800, "2024-02-29 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), said);
        }
    }
}
