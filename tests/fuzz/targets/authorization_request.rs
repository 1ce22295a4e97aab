//! A query string or form body, up to an authorization request. What must hold stands in [`vestibule_fuzz::authorization_request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::authorization_request(data);
});
