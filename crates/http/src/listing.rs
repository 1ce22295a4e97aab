//! Lists, a page at a time: one more is asked for than is shown, so that it is known whether there are more.

/// How many stand on a page where nobody says otherwise.
pub(crate) const USUAL: u64 = 50;

/// The first `most` of what was found, and what names the last of them if there are more.
pub(crate) fn page<T>(mut items: Vec<T>, most: u64, id: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let is_more = items.len() > most;
    items.truncate(most);
    let last = items.last().filter(|_| is_more).map(id);
    (items, last)
}
