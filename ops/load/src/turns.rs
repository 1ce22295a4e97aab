//! Gateways under the same load in turns, so that a busy machine disturbs all of them alike.

use std::hash::{BuildHasher, RandomState};

use crate::{Load, Outcome, house::House, upstream::Upstream, walks};

/// How often each has its turn. The first turn warms up and is not counted; the others are odd in number, so that one of them is the median.
const TURNS: usize = 22;

/// A gateway, and what it is called.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a>(pub(crate) &'static str, pub(crate) &'a House);

/// What the turns of one of them came to.
#[derive(Clone, Default)]
struct Turns {
    per_second: Vec<f64>,
    /// Of the processor, for one request.
    micros: Vec<f64>,
}

/// Prints a row for each of `lines` and each gateway: how fast it was, and what a request took of the processor; and by how much either is worse than at the
/// first, the baseline. All are medians: a turn that something else on the machine disturbed is one of many. They come in an order of chance, since the disk
/// may still be busy in one turn with what was written in the one before, and a turn ends when the chain has its events: so sealing them is in what a request
/// takes of the processor, and disturbs nobody else's turn. The processor's time is the steadier of the two.
#[expect(clippy::print_stdout, reason = "the table is what the tool is for")]
pub(crate) async fn run(lines: &[&str], gateways: &[Named<'_>], upstream: &Upstream, load: &Load) -> Outcome<()> {
    let mut clients = Vec::new();
    for Named(_, house) in gateways {
        clients.push(house.register_clients().await?);
    }
    let chance = RandomState::new();
    println!();
    println!("| what | gateway | per second | cost | µs of the processor | cost |");
    println!("|---|---|---|---|---|---|");
    for line in lines.iter().filter(|line| load.has(line)) {
        let mut turns = vec![Turns::default(); gateways.len()];
        for turn in 0..TURNS {
            let mut order: Vec<_> = (0..gateways.len()).collect();
            order.sort_by_key(|at| chance.hash_one((turn, at)));
            for at in order {
                let Named(_, house) = gateways[at];
                let before = house.processor()?;
                let row = walks::run(line, house, &clients[at], upstream, load.connections, load.span).await?;
                house.sealed().await?;
                if turn > 0 {
                    turns[at].per_second.push(row.per_second);
                    turns[at].micros.push(house.processor()?.saturating_sub(before).as_secs_f64() * 1e6 / row.count);
                }
            }
        }
        for (Named(name, _), own) in gateways.iter().zip(&turns) {
            let slower = cost(&turns[0].per_second, &own.per_second, |first, own| 1.0 - own / first);
            let more = cost(&turns[0].micros, &own.micros, |first, own| 1.0 - first / own);
            let (per_second, micros) = (middle(own.per_second.clone()), middle(own.micros.clone()));
            println!("| {line} | {name} | {per_second:.0} | {slower:.1} % | {micros:.0} | {more:.1} % |");
        }
    }
    Ok(())
}

/// Of each turn, in percent; the median.
fn cost(first: &[f64], own: &[f64], of: impl Fn(f64, f64) -> f64) -> f64 {
    middle(first.iter().zip(own).map(|(first, own)| of(*first, *own) * 100.0).collect())
}

fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
