//! Two gateways under the same load in turns, so that a busy machine disturbs both alike.

use std::time::Duration;

use crate::{Outcome, house::House, upstream::Upstream, walks};

/// How often each of the two has its turn; the first turn warms up and is not counted.
const TURNS: u32 = 4;

/// The two, the baseline first, and what they are called.
pub(crate) struct Two<'a> {
    pub(crate) names: [&'static str; 2],
    pub(crate) houses: [&'a House; 2],
}

/// Prints a line for each of `lines`: both, and by how much the second is slower.
#[expect(clippy::print_stdout, reason = "the table is what the tool is for")]
pub(crate) async fn run(lines: &[&str], two: Two<'_>, upstream: &Upstream, connections: usize, span: Duration) -> Outcome<()> {
    let clients = [two.houses[0].register_clients().await?, two.houses[1].register_clients().await?];
    println!("| what | {} per second | {} per second | cost |", two.names[0], two.names[1]);
    println!("|---|---|---|---|");
    for name in lines {
        let mut sums = [0.0; 2];
        for turn in 0..TURNS {
            for (at, house) in two.houses.into_iter().enumerate() {
                let row = walks::run(name, house, &clients[at], upstream, connections, span).await?;
                sums[at] += if turn == 0 { 0.0 } else { row.per_second };
            }
        }
        let [first, second] = sums.map(|sum| sum / f64::from(TURNS - 1));
        println!("| {name} | {first:.0} | {second:.0} | {:.1} % |", (1.0 - second / first) * 100.0);
    }
    Ok(())
}
