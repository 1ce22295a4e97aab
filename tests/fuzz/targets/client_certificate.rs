//! A client's certificate. What must hold stands in [`vestibule_fuzz::client_certificate`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::client_certificate(data);
});
