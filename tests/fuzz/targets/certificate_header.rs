//! A certificate in a proxy's header. What must hold stands in [`vestibule_fuzz::certificate_header`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::certificate_header(data);
});
