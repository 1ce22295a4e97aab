//! Tables for people: columns as wide as their widest cell, two spaces between them.

/// Lines of aligned cells, each indented by two spaces.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let all: Vec<&[String]> =
        [heading.as_slice()].into_iter().filter(|row| !row.is_empty()).chain(rows.iter().map(Vec::as_slice)).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &all {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(*row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &&[String]| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", printable(cell), width = *width)).collect();
        format!("  {}\n", cells.join("  ").trim_end())
    };
    all.iter().map(line).collect()
}

/// Whatever came in from outside, it stays one line and moves no cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "é\n".into(), "x".into()], vec!["abc".into(), "d".into(), String::new()]];
        assert_eq!(table(&["ID", "B", "C"], &rows), "  ID   B   C\n  a    é\u{fffd}  x\n  abc  d\n");
        assert_eq!(table(&[], &[]), "");
    }
}
