//! Words of a printed command, as a shell takes them.

/// The word as it is where that is safe, else in single quotes; one that begins with `-` is taken for a path.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    let word = if word.starts_with('-') { format!("./{word}") } else { word.to_owned() };
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        for word in ["runs/table2", "my runs/a b", "it's", "$HOME", "a;b", "", "x*", "`id`", "naïve", "a\nb", "~x"] {
            let output = Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(word))).output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), word);
        }
        assert_eq!(quoted("runs/table2-quick"), "runs/table2-quick");
        assert_eq!(quoted("ddim:eta=0.5"), "ddim:eta=0.5");
        assert_eq!(quoted("-runs"), "./-runs");
    }
}
