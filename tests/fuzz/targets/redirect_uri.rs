//! An address for codes, as it is registered and as it is asked for. What must hold stands in [`vestibule_fuzz::redirect_uri`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::redirect_uri(data);
});
