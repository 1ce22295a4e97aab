//! The metadata of an app that registers itself. What must hold stands in [`vestibule_fuzz::client_metadata`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::client_metadata(data);
});
