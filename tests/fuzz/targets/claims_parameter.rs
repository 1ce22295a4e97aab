//! The `claims` parameter. What must hold stands in [`vestibule_fuzz::claims_parameter`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::claims_parameter(data);
});
