//! Two gateways under the same load in turns, so that a busy machine disturbs both alike.

use crate::{Load, Outcome, house::House, upstream::Upstream, walks};

/// How often each of the two has its turn; the first turn warms up and is not counted.
const TURNS: usize = 10;

/// The two, the baseline first, and what they are called.
pub(crate) struct Two<'a> {
    pub(crate) names: [&'static str; 2],
    pub(crate) houses: [&'a House; 2],
}

/// Prints a line for each of `lines`: both, and by how much the second is slower. All three are medians: a turn that something else on the machine
/// disturbed is one of many, and who begins changes from turn to turn.
#[expect(clippy::print_stdout, reason = "the table is what the tool is for")]
pub(crate) async fn run(lines: &[&str], two: Two<'_>, upstream: &Upstream, load: &Load) -> Outcome<()> {
    let clients = [two.houses[0].register_clients().await?, two.houses[1].register_clients().await?];
    println!("| what | {} per second | {} per second | cost | from – to |", two.names[0], two.names[1]);
    println!("|---|---|---|---|---|");
    for name in lines.iter().filter(|line| load.has(line)) {
        let mut rates = [Vec::new(), Vec::new()];
        for turn in 0..TURNS {
            for at in if turn % 2 == 0 { [0, 1] } else { [1, 0] } {
                let row = walks::run(name, two.houses[at], &clients[at], upstream, load.connections, load.span).await?;
                if turn > 0 {
                    rates[at].push(row.per_second);
                }
            }
        }
        let costs = sorted(rates[0].iter().zip(&rates[1]).map(|(first, second)| (1.0 - second / first) * 100.0));
        let [first, second] = rates.map(|rates| middle(&sorted(rates.into_iter())));
        let (least, most) = (costs[costs.len() / 4], costs[costs.len() - 1 - costs.len() / 4]);
        println!("| {name} | {first:.0} | {second:.0} | {:.1} % | {least:.1} – {most:.1} % |", middle(&costs));
    }
    Ok(())
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn middle(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
