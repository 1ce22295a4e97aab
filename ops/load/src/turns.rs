//! Two gateways under the same load in turns, so that a busy machine disturbs both alike.

use crate::{Load, Outcome, house::House, upstream::Upstream, walks};

/// How often each of the two has its turn; the first turn warms up and is not counted.
const TURNS: usize = 10;

/// The two, the baseline first, and what they are called.
pub(crate) struct Two<'a> {
    pub(crate) names: [&'static str; 2],
    pub(crate) houses: [&'a House; 2],
}

/// Prints a line for each of `lines`: both, and by how much the second is slower; then what a request of theirs takes of the processor, and by how much more.
/// All are medians: a turn that something else on the machine disturbed is one of many, and who begins changes from turn to turn. What a request takes
/// of the processor is the steadier of the two, since nobody else's work is in it; with the core full, the one follows from the other.
#[expect(clippy::print_stdout, reason = "the table is what the tool is for")]
pub(crate) async fn run(lines: &[&str], two: Two<'_>, upstream: &Upstream, load: &Load) -> Outcome<()> {
    let clients = [two.houses[0].register_clients().await?, two.houses[1].register_clients().await?];
    let [first, second] = two.names;
    println!("| what | {first} per second | {second} per second | cost | {first} µs | {second} µs | cost |");
    println!("|---|---|---|---|---|---|---|");
    for name in lines.iter().filter(|line| load.has(line)) {
        let mut rates = [Vec::new(), Vec::new()];
        let mut took = [Vec::new(), Vec::new()];
        for turn in 0..TURNS {
            for at in if turn % 2 == 0 { [0, 1] } else { [1, 0] } {
                let house = two.houses[at];
                let before = house.processor()?;
                let row = walks::run(name, house, &clients[at], upstream, load.connections, load.span).await?;
                if turn > 0 {
                    rates[at].push(row.per_second);
                    took[at].push(house.processor()?.saturating_sub(before).as_secs_f64() * 1e6 / row.count);
                }
            }
        }
        let slower = cost(&rates, |first, second| 1.0 - second / first);
        let more = cost(&took, |first, second| 1.0 - first / second);
        let ([first, second], [took_first, took_second]) = (rates.map(middle), took.map(middle));
        println!("| {name} | {first:.0} | {second:.0} | {slower:.1} % | {took_first:.0} | {took_second:.0} | {more:.1} % |");
    }
    Ok(())
}

/// Of each turn, in percent; the median.
fn cost(turns: &[Vec<f64>; 2], of: impl Fn(f64, f64) -> f64) -> f64 {
    middle(turns[0].iter().zip(&turns[1]).map(|(first, second)| of(*first, *second) * 100.0).collect())
}

fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
