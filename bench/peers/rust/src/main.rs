//! The Rust peers: kafka-protocol, krabka-protocol (owned and borrowed), crc-fast.
//!
//! Speaks the protocol of bench/peers.py: `list`, and `run CASE OP CONTENDER MS` lines.

mod contenders;
mod corpus;
mod streams;
mod visits;

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

/// A row: its work is done so many times by `repeat`.
pub struct Row {
    pub name: String,
    pub operation: &'static str,
    pub contender: &'static str,
    pub prove: Box<dyn Fn() -> bool>,
    pub repeat: Box<dyn FnMut(u64)>,
}

fn elapsed(row: &mut Row, times: u64) -> f64 {
    let start = Instant::now();
    (row.repeat)(times);
    start.elapsed().as_nanos() as f64
}

/// How often the work fits half a millisecond; also warms up.
fn times_of(row: &mut Row) -> u64 {
    let mut times = 1;
    loop {
        let took = elapsed(row, times);
        if took > 100e3 {
            return ((times as f64 * 500e3 / took) as u64).max(1);
        }
        times *= 4;
    }
}

fn main() {
    let folder = std::env::args().nth(1).expect("usage: kwire-bench-rust CORPUS_DIR");
    let inputs = corpus::load(&folder);
    let mut rows = Vec::new();
    contenders::add_all(&inputs, &mut rows);
    streams::add_all(&inputs, &mut rows);
    let mut known = vec![0u64; rows.len()];
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let words: Vec<&str> = line.split_whitespace().collect();
        if words == ["list"] {
            for row in &rows {
                println!("{} {} {}", row.name, row.operation, row.contender);
            }
            println!(".");
        } else if let ["run", name, operation, contender, ms] = words[..] {
            let at = rows
                .iter()
                .position(|r| r.name == name && r.operation == operation && r.contender == contender)
                .expect("a row of the list");
            let row = &mut rows[at];
            if known[at] == 0 {
                assert!((row.prove)(), "{name} {operation}: {contender} answers something else than is expected");
                known[at] = times_of(row);
            }
            let end = Instant::now() + Duration::from_secs_f64(ms.parse::<f64>().expect("milliseconds") / 1e3);
            let mut best = f64::INFINITY;
            loop {
                best = best.min(elapsed(row, known[at]) / known[at] as f64);
                if Instant::now() >= end {
                    break;
                }
            }
            println!("{name} {operation} {contender} 1 {best:.3}");
        }
        std::io::stdout().flush().expect("standard output");
    }
}
