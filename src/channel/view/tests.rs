//! What streams of views are sent, from where, and in which order.

use super::*;

#[test]
fn a_pattern_is_a_star_or_a_name_with_a_dot_and_a_star() {
    let prefix = |pattern| prefix_of(pattern).ok();
    let patterns = ["*", "room.*", "a.b.*", "..*", "ä.*"];
    let prefixes = ["", "room.", "a.b.", "..", "ä."].map(Some);
    assert_eq!(patterns.map(prefix), prefixes);
    for other in ["", ".", ".*", "room", "room*", "room.", "*.*", "a.*.*", "a*.*", "**", "room.* "]
    {
        assert!(prefix_of(other).is_err_and(|error| error.is_invalid()), "{other}");
    }
}
