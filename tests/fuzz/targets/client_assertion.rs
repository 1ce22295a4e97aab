//! A JWT as client assertion. What must hold stands in [`vestibule_fuzz::client_assertion`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::client_assertion(data);
});
