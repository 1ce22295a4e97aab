//! A client's document at its own address. What must hold stands in [`vestibule_fuzz::client_document`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::client_document(data);
});
