//! Names that are nearly right.

/// How many letters of a name may be wrong, if fewer than half of them are.
const MOST_WRONG_LETTERS: usize = 3;

/// The name that the user most likely meant, if one is near enough.
pub(crate) fn nearest(
    given: &str,
    names: &mut dyn Iterator<Item = &'static str>,
) -> Option<&'static str> {
    names
        .map(|name| (distance(given, name), name))
        .filter(|(wrong, name)| *wrong <= MOST_WRONG_LETTERS && wrong * 2 < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// How many letters must be added, removed or changed to turn one text into the other (the
/// Levenshtein distance). `row[j]` is the distance from the first letters of `a` to the first `j`
/// of `b`.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, of_a) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, of_b) in b.iter().enumerate() {
            let changed = before + usize::from(of_a != *of_b);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters_added_left_out_and_changed() {
        for (a, b, wrong) in [
            ("", "", 0),
            ("", "abc", 3),
            ("lag", "log", 1),
            ("histroy", "history", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), wrong, "{a} {b}");
            assert_eq!(distance(b, a), wrong, "{b} {a}");
        }
    }

    #[test]
    fn only_a_name_that_is_near_is_suggested() {
        let names = || ["history", "history-age", "lag", "log"].into_iter();
        assert_eq!(nearest("histroy", &mut names()), Some("history"));
        assert_eq!(nearest("historyage", &mut names()), Some("history-age"));
        assert_eq!(nearest("lg", &mut names()), Some("lag"));
        assert_eq!(nearest("xyz", &mut names()), None);
        assert_eq!(nearest("", &mut names()), None);
    }
}
