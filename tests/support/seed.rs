//! The seed of a run: printed, so that `ARALDO_SEED` repeats it.

use araldo::clock::secret_bits;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The seed that was asked for, or a fresh one; said aloud either way.
pub(crate) fn seed(journey: &str) -> u64 {
    let asked = std::env::var("ARALDO_SEED")
        .ok()
        .map(|text| text.parse().expect("ARALDO_SEED is a number"));
    let seed = asked.unwrap_or_else(|| {
        let [a, b, c, d, ..] = secret_bits();
        u64::from(u32::from_le_bytes([a, b, c, d]))
    });
    eprintln!("{journey}: ARALDO_SEED={seed}");
    seed
}

/// A stream of its own for each thing that draws.
pub(crate) fn rng(seed: u64, stream: u64) -> StdRng {
    StdRng::seed_from_u64(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}
