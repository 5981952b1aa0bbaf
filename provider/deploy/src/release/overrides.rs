//! Merges a user's settings into a rendered file: order is kept, a setting that is there is replaced where it stands,
//! what is new goes to the end of its section, and a missing section to the end of the file.

use std::collections::BTreeMap;

use super::spec::Format;

/// Settings by section and key.
pub type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// Indentation of a setting in HAProxy's configuration.
const HAPROXY_INDENT: &str = "    ";

/// Merges the settings into the text.
///
/// # Errors
/// Says what cannot be written in a file of that format.
pub(crate) fn merge(text: &str, format: Format, sections: &Sections) -> Result<String, String> {
    judge(format, sections)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (section, settings) in sections {
        for (key, value) in settings {
            set(&mut lines, format, section, key, value);
        }
    }
    let mut merged = lines.join("\n");
    merged.push('\n');
    Ok(merged)
}

/// Judges settings without the file.
///
/// # Errors
/// Says what cannot be written in a file of that format.
pub(crate) fn judge(format: Format, sections: &Sections) -> Result<(), String> {
    for (section, settings) in sections {
        judge_section(format, section)?;
        for (key, value) in settings {
            judge_setting(section, key, value)?;
        }
    }
    Ok(())
}

fn judge_section(format: Format, section: &str) -> Result<(), String> {
    let plain = !section.chars().any(|letter| letter.is_control() || letter == '[' || letter == ']');
    match format {
        Format::None => Err("its content is fixed".to_owned()),
        Format::Flat if section.is_empty() => Ok(()),
        Format::Flat => Err(format!("it has no sections: use the section \"\" instead of `{section}`")),
        Format::Ini | Format::Mysql | Format::Haproxy if !section.trim().is_empty() && plain => Ok(()),
        Format::Ini | Format::Mysql | Format::Haproxy => {
            Err("every setting needs the name of a section".to_owned())
        }
    }
}

/// A line break in a key or a value would smuggle in a second setting.
fn judge_setting(section: &str, key: &str, value: &str) -> Result<(), String> {
    let misplaced = |letter: char| letter.is_control() || matches!(letter, '=' | '#' | ';' | '[');
    if key.trim().is_empty() || key.chars().any(misplaced) {
        return Err(format!("`{key}` in section `{section}` is no name of a setting"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("the value of `{key}` in section `{section}` is not one line"));
    }
    Ok(())
}

fn set(lines: &mut Vec<String>, format: Format, section: &str, key: &str, value: &str) {
    let setting = setting_line(format, key, value);
    let (start, end) = match find_section(lines, format, section) {
        Some(span) => span,
        None => append_section(lines, format, section),
    };
    let same: Vec<usize> = (start..end).filter(|at| names_key(format, &lines[*at], key)).collect();
    let Some((first, repeats)) = same.split_first() else {
        let last = (start..end).rev().find(|at| !lines[*at].trim().is_empty());
        lines.insert(last.map_or(start, |at| at + 1), setting);
        return;
    };
    lines[*first] = setting;
    // A setting may stand more than once (oslo's multi-valued options): an override replaces them all.
    for at in repeats.iter().rev() {
        lines.remove(*at);
    }
}

fn setting_line(format: Format, key: &str, value: &str) -> String {
    match format {
        Format::Haproxy => format!("{HAPROXY_INDENT}{key} {value}").trim_end().to_owned(),
        Format::Ini | Format::Mysql | Format::Flat | Format::None => {
            format!("{key} = {value}").trim_end().to_owned()
        }
    }
}

/// The lines of a section, without its header.
fn find_section(lines: &[String], format: Format, section: &str) -> Option<(usize, usize)> {
    if format == Format::Flat {
        return Some((0, lines.len()));
    }
    let wanted = words(section);
    let named = |line: &String| header(format, line).is_some_and(|name| words(name) == wanted);
    let start = lines.iter().position(named)? + 1;
    let end = lines.iter().skip(start).position(|line| header(format, line).is_some());
    Some((start, end.map_or(lines.len(), |length| start + length)))
}

fn append_section(lines: &mut Vec<String>, format: Format, section: &str) -> (usize, usize) {
    if lines.last().is_some_and(|line| !line.is_empty()) {
        lines.push(String::new());
    }
    lines.push(if format == Format::Haproxy { section.to_owned() } else { format!("[{section}]") });
    (lines.len(), lines.len())
}

/// The section that a line begins, if it begins one.
fn header(format: Format, line: &str) -> Option<&str> {
    match format {
        Format::Haproxy => (!line.is_empty() && !line.starts_with([' ', '\t', '#'])).then_some(line),
        Format::Ini | Format::Mysql => line.trim().strip_prefix('[')?.strip_suffix(']'),
        Format::Flat | Format::None => None,
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn names_key(format: Format, line: &str, key: &str) -> bool {
    match format {
        Format::Haproxy => {
            let (line, key) = (words(line), words(key));
            line.starts_with(&key)
        }
        Format::Mysql => name_of(line).replace('-', "_") == key.trim().replace('-', "_"),
        Format::Ini | Format::Flat | Format::None => name_of(line) == key.trim(),
    }
}

fn name_of(line: &str) -> &str {
    line.split_once('=').map_or(line, |(name, _)| name).trim()
}
