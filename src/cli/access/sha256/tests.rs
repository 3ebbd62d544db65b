//! The vectors of FIPS 180-4 and RFC 4231.

use super::*;

fn sha256(message: &[u8]) -> [u8; DIGEST] {
    EMPTY.finish(0, message)
}

/// Fails with both in hexadecimal.
#[track_caller]
fn assert_is(digest: [u8; DIGEST], expected: &str) {
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, expected.replace(' ', ""));
}

#[test]
fn digests_are_those_of_the_examples_of_fips_180_4() {
    assert_is(
        sha256(b"abc"),
        "ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad",
    );
    assert_is(
        sha256(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
        "248d6a61 d20638b8 e5c02693 0c3e6039 a33ce459 64ff2167 f6ecedd4 19db06c1",
    );
    assert_is(
        sha256(
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
              hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        ),
        "cf5b16a7 78af8380 036ce59e 7b049237 0b249b11 e8f07a51 afac4503 7afee9d1",
    );
    assert_is(
        sha256(b""),
        "e3b0c442 98fc1c14 9afbf4c8 996fb924 27ae41e4 649b934c a495991b 7852b855",
    );
    assert_is(
        sha256(&vec![b'a'; 1_000_000]),
        "cdc76e5c 9914fb92 81a1c7e2 84d73e67 f1809a48 a497200e 046d39cc c7112cd0",
    );
}

/// The mark and the length share a block with the end of the message, or need another.
#[test]
fn a_message_may_end_anywhere_in_a_block() {
    for (length, expected) in [
        (55, "9f4390f8 d30c2dd9 2ec9f095 b65e2b9a e9b0a925 a5258e24 1c9f1e91 0f734318"),
        (56, "b35439a4 ac6f0948 b6d6f9e3 c6af0f5f 590ce20f 1bde7090 ef797068 6ec6738a"),
        (63, "7d3e74a0 5d7db15b ce4ad9ec 0658ea98 e3f06eee cf16b4c6 fff2da45 7ddc2f34"),
        (64, "ffe054fe 7ae0cb6d c65c3af9 b61d5209 f439851d b43d0ba5 997337df 154668eb"),
        (65, "635361c4 8bb9eab1 4198e76e a8ab7f1a 41685d6a d62aa914 6d301d4f 17eb0ae0"),
    ] {
        assert_is(sha256(&b"a".repeat(length)), expected);
    }
}

/// The constants are roots of primes, so that nobody can have chosen them.
#[test]
fn the_constants_are_the_fractions_of_roots_of_primes() {
    let primes = (2_u128..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0));
    let root = |of: u128, power: u32| {
        let is_root = |root: &u128| root.checked_pow(power).is_some_and(|whole| whole <= of);
        let mut found = 0;
        for bit in (0..=60).rev() {
            found = Some(found | 1 << bit).filter(is_root).unwrap_or(found);
        }
        found as u32
    };
    for (prime, constant) in primes.clone().zip(EMPTY.0) {
        assert_eq!(root(prime << 64, 2), constant, "{prime}");
    }
    for (prime, constant) in primes.zip(K) {
        assert_eq!(root(prime << 96, 3), constant, "{prime}");
    }
}

/// RFC 4231, sections 4.2 to 4.8. Of the fifth case only the first 128 bits are given.
#[test]
fn signatures_are_those_of_rfc_4231() {
    let long = [0xaa; 131];
    let row: [(&[u8], &[u8], &str); 6] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b 881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c7 5a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a7 2959098b3ef8c122d9635514ced565fe",
        ),
        (
            b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\
              \x16\x17\x18\x19",
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a 85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            &long,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f 8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            &long,
            b"This is a test using a larger than block-size key and a larger than block-size \
              data. The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944 bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, message, expected) in row {
        assert_is(Key::new(key).sign(message), expected);
    }
    let truncated = Key::new(&[0x0c; 20]).sign(b"Test With Truncation");
    assert_eq!(
        truncated[..16],
        [163, 182, 22, 116, 115, 16, 14, 224, 110, 12, 121, 108, 41, 85, 85, 43]
    );
}
