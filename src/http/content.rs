//! What can be the content of a response: text and bytes, of the program itself or made by it.

use std::borrow::Cow;

/// What can be the content of a response that [`Server::content`](crate::Server::content) or
/// [`Response::content`](crate::Response::content) makes.
///
/// Text and bytes are: `&'static str` as `include_str!` gives it, `&'static [u8]` and `&'static
/// [u8; N]` as `include_bytes!` does, `String`, `Vec<u8>`, `[u8; N]`, and the `Cow` of either.
///
/// ```
/// use tidings::http::IntoContent;
///
/// assert_eq!(*"text".into_content(), *b"text");
/// assert_eq!(*vec![1, 2].into_content(), [1, 2]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the content of a response",
    label = "this is neither text nor bytes",
    note = "text is a `&'static str` or a `String`; bytes are a `&'static [u8]`, a `Vec<u8>` or an \
            array of `u8`"
)]
pub trait IntoContent {
    /// Its bytes. Those that are borrowed are never copied.
    fn into_content(self) -> Cow<'static, [u8]>;
}

/// Implements it for types that are made a `Cow` of bytes by an expression.
macro_rules! content {
    ($(<$($n:ident)?> $of:ty: $content:ident => $bytes:expr;)*) => {$(
        impl$(<const $n: usize>)? IntoContent for $of {
            fn into_content(self) -> Cow<'static, [u8]> {
                let $content = self;
                $bytes
            }
        }
    )*};
}

content! {
    <> &'static str: text => Cow::Borrowed(text.as_bytes());
    <> String: text => Cow::Owned(text.into_bytes());
    <> &'static [u8]: bytes => Cow::Borrowed(bytes);
    <N> &'static [u8; N]: bytes => Cow::Borrowed(bytes);
    <> Vec<u8>: bytes => Cow::Owned(bytes);
    <N> [u8; N]: bytes => Cow::Owned(bytes.into());
    <> Cow<'static, [u8]>: bytes => bytes;
    <> Cow<'static, str>: text => match text {
        Cow::Borrowed(text) => text.into_content(),
        Cow::Owned(text) => text.into_content(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_part_of_the_program_is_borrowed_and_all_else_is_owned() {
        let borrowed = |content: Cow<'static, [u8]>| matches!(content, Cow::Borrowed(b"ab"));
        assert!(borrowed("ab".into_content()));
        assert!(borrowed(b"ab".into_content()));
        assert!(borrowed(b"ab".as_slice().into_content()));
        assert!(borrowed(Cow::Borrowed("ab").into_content()));
        assert!(borrowed(Cow::Borrowed(&b"ab"[..]).into_content()));
        let owned = |content: Cow<'static, [u8]>| content == Cow::<[u8]>::Owned(b"ab".to_vec());
        assert!(owned(String::from("ab").into_content()));
        assert!(owned(b"ab".to_vec().into_content()));
        assert!(owned((*b"ab").into_content()));
        assert!(owned(Cow::<str>::Owned("ab".into()).into_content()));
    }
}
