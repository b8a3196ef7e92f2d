//! `fastpath doctor`: what of this machine stands in the way of inspection.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use crate::config::IndexList;

/// Look at machine, kernel, driver and settings, and say what stands in the way and what mends it
///
/// Looks at the machine for what `run` would do there: every option goes before the same setting in the configuration file.
/// Changes nothing.
///
/// Exit status: 0 when no check fails (warnings are none), 1 when one does, 2 for wrong arguments or a wrong configuration file.
#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// Port to look at [default: the wires of the configuration file]
    #[arg(short, long, value_name = "PORT")]
    interface: Option<String>,
    /// The other port of the wire
    #[arg(long, value_name = "PORT", requires = "interface")]
    peer: Option<String>,
    /// Rx queues that are to be inspected [default: those of the file, or all there are]
    #[arg(long, value_name = "LIST")]
    queues: Option<IndexList>,
    /// Cores that the workers are to have [default: those of the file, or the first ones, one for each queue]
    #[arg(long, value_name = "LIST")]
    cores: Option<IndexList>,
    /// Configuration file [default: /etc/fastpath/fastpath.toml, when it is there]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Bind a zero-copy socket for a moment to see whether the driver has it; may reset the queue
    #[arg(long)]
    probe: bool,
    /// Print one JSON object: checks (each with name, port, status, finding, meaning, fix), counts, and the packet memory
    #[arg(long)]
    json: bool,
}

#[cfg(not(feature = "nic"))]
pub(super) fn run(_args: DoctorArgs) -> anyhow::Result<ExitCode> {
    Err(super::Usage(
        "this build has no wire support (built without the feature `nic`), so there is nothing to diagnose; \
         build with the default features"
            .into(),
    )
    .into())
}

#[cfg(feature = "nic")]
pub(super) use wire::run;

#[cfg(feature = "nic")]
mod wire {
    use std::io::{self, Write as _};

    use serde::Serialize;

    use super::{DoctorArgs, ExitCode, IndexList};
    use crate::{
        cli::{Usage, unless_closed},
        config::{ConfigError, Given, RunConfig, Settings, file},
        nic::{
            cores,
            doctor::{self, Check, Purpose, Status},
            link::{self, Control},
        },
        worker::supervisor,
    };

    pub(in crate::cli) fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
        let (json, probe) = (args.json, args.probe);
        let config = args.into_config().map_err(|error| Usage(error.to_string()))?;
        let cores = workers_cores(&config, &cores::available());
        let umem_bytes = supervisor::umem_bytes(&config);
        let packet_memory = PacketMemory::of(&config);
        let checks = doctor::diagnose(&Purpose { config: &config, cores, umem_bytes }, probe)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        let written =
            if json { write_json(&mut out, &checks, packet_memory) } else { write_table(&mut out, &checks) };
        unless_closed(written.and_then(|()| out.flush()))?;
        let failed = checks.iter().any(|check| check.status == Status::Fail);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    impl DoctorArgs {
        fn into_config(self) -> Result<RunConfig, ConfigError> {
            let file = file::read_given(self.config.as_deref())?;
            let mut settings = self.into_settings().or(file);
            // A start must be told; who asks what the machine is fit for may want to know of all.
            if settings.queues.is_none()
                && let Some((interface, _)) = settings.wires.first()
            {
                settings.queues = Some(Given::flag("--queues", all_queues(&interface.value)));
            }
            settings.validate()
        }

        fn into_settings(self) -> Settings {
            let peer = self.peer.map(|name| Given::flag("--peer", name));
            Settings {
                wires: self
                    .interface
                    .map(|name| (Given::flag("--interface", name), peer))
                    .into_iter()
                    .collect(),
                queues: self.queues.map(|queues| Given::flag("--queues", queues)),
                cores: self.cores.map(|cores| Given::flag("--cores", cores)),
                ..Settings::default()
            }
        }
    }

    /// Every rx queue of `port`; of one that is not there, the first: that it is not there is a finding.
    fn all_queues(port: &str) -> IndexList {
        let queues =
            Control::open().and_then(|control| link::read(&control, port)).map_or(1, |link| link.rx_queues);
        IndexList::up_to(queues.saturating_sub(1))
    }

    /// As the plan of a start deals them out: `--cores`, or all there are, as many as there are queues.
    fn workers_cores(config: &RunConfig, available: &[usize]) -> Vec<usize> {
        let cores = match &config.cores {
            Some(list) => list.as_slice().iter().map(|&core| core as usize).collect(),
            None => available.to_vec(),
        };
        cores.into_iter().take(workers(config)).collect()
    }

    /// One for each queue of each wire.
    fn workers(config: &RunConfig) -> usize {
        config.wires.len() * config.queues.as_slice().len()
    }

    #[derive(Debug, Default, PartialEq, Serialize)]
    struct Counts {
        ok: usize,
        warn: usize,
        fail: usize,
        unknown: usize,
    }

    impl Counts {
        fn of(checks: &[Check]) -> Self {
            let count = |status| checks.iter().filter(|check| check.status == status).count();
            Self {
                ok: count(Status::Ok),
                warn: count(Status::Warn),
                fail: count(Status::Fail),
                unknown: count(Status::Unknown),
            }
        }
    }

    /// What packets take: tuning/ reserves huge pages by it.
    #[derive(Clone, Copy, Serialize)]
    struct PacketMemory {
        /// One UMEM each.
        workers: usize,
        /// All UMEMs together.
        bytes: u64,
        /// Whether huge pages are asked for.
        huge_pages: bool,
    }

    impl PacketMemory {
        fn of(config: &RunConfig) -> Self {
            Self {
                workers: workers(config),
                bytes: supervisor::umem_bytes(config),
                huge_pages: config.rings.huge_pages,
            }
        }
    }

    #[derive(Serialize)]
    struct Json<'a> {
        checks: &'a [Check],
        counts: Counts,
        packet_memory: PacketMemory,
    }

    fn write_json(out: &mut impl io::Write, checks: &[Check], packet_memory: PacketMemory) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &Json { checks, counts: Counts::of(checks), packet_memory })?;
        writeln!(out)
    }

    /// A line for each check; under what is not in order, why it matters and what mends it.
    fn write_table(out: &mut impl io::Write, checks: &[Check]) -> io::Result<()> {
        let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
        let mut port = None;
        for check in checks {
            if check.port != port {
                port.clone_from(&check.port);
                writeln!(out, "\n{}", port.as_deref().unwrap_or_default())?;
            }
            let status = match check.status {
                Status::Ok => "  ok  ",
                Status::Unknown => "  ?   ",
                Status::Warn => " warn ",
                Status::Fail => " FAIL ",
            };
            writeln!(out, "[{status}] {:width$}  {}", check.name, check.finding)?;
            if check.status >= Status::Warn {
                writeln!(out, "{:margin$}why: {}", "", check.meaning, margin = width + 11)?;
            }
            if let Some(fix) = &check.fix {
                writeln!(out, "{:margin$}fix: {fix}", "", margin = width + 11)?;
            }
        }
        let Counts { ok, warn, fail, unknown } = Counts::of(checks);
        writeln!(out, "\n{ok} ok, {warn} warnings, {fail} failures, {unknown} unknown")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn check(name: &'static str, port: Option<&str>, status: Status) -> Check {
            let fix = (status >= Status::Warn).then(|| "do it".into());
            Check {
                name,
                port: port.map(Into::into),
                status,
                finding: "is so".into(),
                meaning: "matters",
                fix,
            }
        }

        fn some() -> Vec<Check> {
            vec![
                check("kernel", None, Status::Ok),
                check("mtu", Some("eth1"), Status::Fail),
                check("numa", Some("eth1"), Status::Unknown),
                check("pcie", Some("eth2"), Status::Warn),
            ]
        }

        #[test]
        fn the_table_says_why_and_what_mends_it() {
            let mut out = Vec::new();
            write_table(&mut out, &some()).unwrap();
            let expected = "[  ok  ] kernel  is so\n\
                            \neth1\n\
                            [ FAIL ] mtu     is so\n\
                            \x20                why: matters\n\
                            \x20                fix: do it\n\
                            [  ?   ] numa    is so\n\
                            \neth2\n\
                            [ warn ] pcie    is so\n\
                            \x20                why: matters\n\
                            \x20                fix: do it\n\
                            \n1 ok, 1 warnings, 1 failures, 1 unknown\n";
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }

        #[test]
        fn json_is_one_object() {
            let mut out = Vec::new();
            let packet_memory = PacketMemory { workers: 4, bytes: 218_103_808, huge_pages: true };
            write_json(&mut out, &some(), packet_memory).unwrap();
            let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(json["counts"], serde_json::json!({ "ok": 1, "warn": 1, "fail": 1, "unknown": 1 }));
            let first = serde_json::json!(
                { "name": "kernel", "status": "ok", "finding": "is so", "meaning": "matters", "fix": null }
            );
            assert_eq!(json["checks"][0], first);
            // A line for each, which tuning/lib/hugepages.bash reads.
            let text = String::from_utf8(out).unwrap();
            for line in ["workers\": 4,", "bytes\": 218103808,", "huge_pages\": true"] {
                assert!(text.contains(&format!("\n    \"{line}\n")), "no {line} in {text}");
            }
            assert_eq!(json["checks"][1]["port"], "eth1");
            assert_eq!(json["checks"][1]["fix"], "do it");
        }
    }
}
