//! JSON from strangers. What must hold stands in [`vestibule_fuzz::strict_json`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::strict_json(data);
});
