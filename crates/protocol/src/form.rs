//! Decoding of `application/x-www-form-urlencoded` (URL Standard §5), but lossless: what can't be decoded exactly is refused.

/// One name, value or half of a Basic credential. Nothing if a `%` isn't followed by two hexadecimal digits or the bytes aren't UTF-8.
///
/// The `url` crate would put U+FFFD for what it can't read. Two different inputs would then become one text, and a check made on the text
/// would not hold for what was sent.
pub(crate) fn decode(encoded: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_and_invalid_utf8_are_refused() {
        for bad in [&b"%"[..], b"%4", b"%zz", b"%+1", b"a%", b"%ff", b"%c3", b"%ed%a0%80", b"\xff"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
        assert_eq!(decode(b"a+b%20c%2B%C3%A4").as_deref(), Some("a b c+ä"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_url_crate_encodes_is_decoded_to_the_same(text in ".{0,64}") {
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            proptest::prop_assert_eq!(decode(encoded.as_bytes()), Some(text));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
