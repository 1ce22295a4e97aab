//! A DPoP proof. What must hold stands in [`vestibule_fuzz::dpop_proof`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    vestibule_fuzz::dpop_proof(data);
});
