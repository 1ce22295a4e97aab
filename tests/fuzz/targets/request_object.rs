//! A request that a client signed. What must hold stands in [`vestibule_fuzz::request_object`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::request_object(data);
});
