//! The `Authorization` header. What must hold stands in [`vestibule_fuzz::authorization_header`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::authorization_header(data);
});
