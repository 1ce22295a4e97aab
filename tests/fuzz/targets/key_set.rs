//! A client's key set. What must hold stands in [`vestibule_fuzz::key_set`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::key_set(data);
});
