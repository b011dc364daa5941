//! The figures, for people and for scripts.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::BenchArgs;
use super::machine::Machine;
use super::template::Packing;
use super::trial::{ByRcs, Figures};
use crate::cli::table::Screen;

/// Prints them.
pub(super) fn show(
    args: &BenchArgs,
    machine: &Machine,
    directory: &Path,
    figures: &Figures,
    screen: &mut Screen,
) -> io::Result<()> {
    let publishable = !machine.is_memory() && !cfg!(debug_assertions);
    if screen.wants_json() {
        return screen.json(&document(args, machine, directory, figures, publishable));
    }
    screen.line("configuration of the daemon (what is not named stands at its default)")?;
    for line in figures.configuration.lines() {
        screen.line(&format!("  {line}"))?;
    }
    screen.line("")?;
    let mut table = screen.rows(&["what", "figure", "unit"], "");
    for (what, figure, unit) in rows(args, machine, figures) {
        screen.add(&mut table, [what.to_owned(), figure, unit.to_owned()]);
    }
    screen.table(&table)?;
    if !publishable {
        screen.line("")?;
        screen.line(if machine.is_memory() {
            "NOT TO BE PUBLISHED: the store is in memory"
        } else {
            "NOT TO BE PUBLISHED: this is a build with debug assertions"
        })?;
    }
    Ok(())
}

fn rows(args: &BenchArgs, machine: &Machine, figures: &Figures) -> Vec<(&'static str, String, &'static str)> {
    let (count, accepts) = (args.count(), &figures.accepts);
    let way = match args.packing() {
        Packing::Single => format!("{} connections, a request each", args.connections),
        Packing::Ndjson(batch) => format!("{} connections, NDJSON of {batch}", args.connections),
        Packing::Events(batch) => format!("{} connections, events in batches of {batch}", args.connections),
    };
    let receipts = if args.no_receipt { "no receipts" } else { "receipts" };
    let keys = if args.keys { ", keys" } else { "" };
    let rate = args.rate.map_or_else(String::new, |rate| format!(", {rate} a second"));
    let mut rows = vec![
        ("processor", format!("{} x {}", machine.cores, machine.cpu), ""),
        ("file system", machine.file_system.clone(), ""),
        (
            "fdatasync of 4 KiB",
            format!("{:.0}", machine.fdatasync_per_second),
            "1/s",
        ),
        ("messages", count.to_string(), args_class(args)),
        ("sent as", format!("{way}, {receipts}{keys}{rate}"), ""),
    ];
    match &figures.queued {
        None => rows.push((
            "end to end",
            format!("{:.0}", per_second(count, figures.seconds)),
            "messages/s",
        )),
        Some(queued) => rows.extend([
            (
                "drained",
                format!("{:.0}", per_second(count, queued.drain_seconds)),
                "messages/s",
            ),
            ("time to drain", format!("{:.2}", queued.drain_seconds), "s"),
            ("peak memory, all queued", mib(queued.peak_rss_kib), "MiB"),
            (
                "CPU of accepting 1,000",
                per_thousand(queued.accept_cpu_seconds, count),
                "s",
            ),
        ]),
    }
    if let Some(events) = &figures.events {
        let per_post = events.taken.webhooks as f64 / events.taken.posts.max(1) as f64;
        rows.extend([
            (
                "webhooks",
                format!("{:.0}", per_second(events.taken.webhooks, figures.seconds)),
                "outcomes/s",
            ),
            ("in a post", format!("{per_post:.1}"), "outcomes"),
            ("told once more", events.taken.again.to_string(), "outcomes"),
            ("peak memory at a quarter", mib(events.quarter_peak_rss_kib), "MiB"),
        ]);
    }
    if let Some(rcs) = &figures.rcs {
        rows.extend(rcs_rows(args, rcs, count, figures.seconds));
    }
    rows.extend([
        (
            "accepted",
            format!("{:.0}", per_second(accepts.accepted, accepts.seconds)),
            "messages/s",
        ),
        ("accept p50", format!("{:.2}", accepts.p50_ms), "ms a request"),
        ("accept p99", format!("{:.2}", accepts.p99_ms), "ms a request"),
        ("accept longest", format!("{:.2}", accepts.max_ms), "ms a request"),
        ("daemon's CPU for 1,000", per_thousand(figures.cpu_seconds, count), "s"),
        ("daemon's peak memory", mib(figures.peak_rss_kib), "MiB"),
    ]);
    if let Some(growth) = figures.growth_kib {
        rows.push(("daemon's memory grew by", format!("{growth:.1}"), "KiB per 1,000"));
    }
    if accepts.retried > 0 {
        rows.push(("sent again, daemon busy", accepts.retried.to_string(), "requests"));
    }
    rows
}

fn rcs_rows(args: &BenchArgs, rcs: &ByRcs, count: u64, seconds: f64) -> Vec<(&'static str, String, &'static str)> {
    let counts = &rcs.counts;
    let told = if args.read { "DELIVERED and READ" } else { "DELIVERED" };
    vec![
        (
            "platform",
            "checks every token, and every body against the JSON Schema".to_owned(),
            "",
        ),
        ("accept to platform p50", counts.age(0.5).to_string(), "ms"),
        ("accept to platform p99", counts.age(0.99).to_string(), "ms"),
        ("accept to platform longest", counts.age(1.0).to_string(), "ms"),
        (
            "signed webhooks",
            format!("{:.0}", per_second(counts.told, seconds)),
            "1/s",
        ),
        ("signed webhooks taken", counts.told.to_string(), told),
        (
            "refused; came again; webhooks untold",
            format!("{}; {}; {}", counts.refused, counts.again, counts.untold),
            "",
        ),
        (
            "platform's CPU for 1,000",
            per_thousand(rcs.platform_cpu_seconds, count),
            "s",
        ),
    ]
}

fn args_class(args: &BenchArgs) -> &'static str {
    use crate::domain::Class;
    Class::ALL
        .into_iter()
        .map(Class::as_str)
        .find(|class| *class == args.class)
        .unwrap_or("")
}

fn document(args: &BenchArgs, machine: &Machine, directory: &Path, figures: &Figures, publishable: bool) -> Value {
    let count = args.count();
    let queued = figures.queued.as_ref().map(|queued| {
        json!({
            "peak_rss_mib": in_mib(queued.peak_rss_kib),
            "accept_cpu_seconds_per_1000": queued.accept_cpu_seconds * 1000.0 / count as f64,
            "drain_seconds": queued.drain_seconds,
            "drained_per_second": per_second(count, queued.drain_seconds),
        })
    });
    let events = figures.events.as_ref().map(|events| {
        json!({
            "webhooks": events.taken,
            "webhooks_per_second": per_second(events.taken.webhooks, figures.seconds),
            "quarter_peak_rss_mib": in_mib(events.quarter_peak_rss_kib),
        })
    });
    let rcs = figures.rcs.as_ref().map(|rcs| {
        json!({
            "read": args.read,
            "accepted": rcs.counts.accepted, "came_again": rcs.counts.again, "refused": rcs.counts.refused,
            "webhooks_taken": rcs.counts.told, "webhooks_untold": rcs.counts.untold,
            "webhooks_per_second": per_second(rcs.counts.told, figures.seconds),
            "to_platform": {
                "p50_ms": rcs.counts.age(0.5), "p99_ms": rcs.counts.age(0.99), "max_ms": rcs.counts.age(1.0),
            },
            "platform_cpu_seconds_per_1000": rcs.platform_cpu_seconds * 1000.0 / count as f64,
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "publishable": publishable,
        "machine": machine,
        "directory": directory,
        "configuration": figures.configuration,
        "work": {
            "messages": count, "connections": args.connections, "class": args.class, "receipt": !args.no_receipt,
            "messages_per_request": args.packing().size(), "ndjson": matches!(args.packing(), Packing::Ndjson(_)),
            "events": args.events.is_some(), "keys": args.keys,
            "rcs": args.rcs, "rate": args.rate,
        },
        "seconds": figures.seconds,
        // Of a trial that queues first there is no such figure: the carrier was stopped for a while.
        "messages_per_second": figures.queued.is_none().then(|| per_second(count, figures.seconds)),
        "accepted_per_second": per_second(figures.accepts.accepted, figures.accepts.seconds),
        "accept": figures.accepts,
        "cpu_seconds_per_1000": figures.cpu_seconds * 1000.0 / count as f64,
        "peak_rss_mib": in_mib(figures.peak_rss_kib),
        "growth_kib_per_1000": figures.growth_kib,
        "queued": queued,
        "events": events,
        "rcs": rcs,
    })
}

fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(f64::MIN_POSITIVE)
}

fn per_thousand(seconds: f64, count: u64) -> String {
    format!("{:.4}", seconds * 1000.0 / count as f64)
}

fn in_mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn mib(kib: u64) -> String {
    format!("{:.1}", in_mib(kib))
}
