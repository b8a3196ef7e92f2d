//! `seeds CAPTURES CORPUS`: writes packets of all captures below the folder CAPTURES as files into the folder CORPUS,
//! each behind the byte that tells the fuzz target `decode` its link type.

use std::{
    collections::HashSet,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use fastpath::{
    engine::meta::{ChecksumState, LinkType},
    io::pcap::Capture,
};

/// Longer packets say nothing more about headers and slow the fuzzer down.
const LONGEST: usize = 600;
/// Packets taken from the start of a capture; what comes later mostly looks like them.
const EACH: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(captures), Some(corpus)) = (arguments.next(), arguments.next()) else {
        return Err("usage: seeds CAPTURES CORPUS".into());
    };
    let mut seeds = HashSet::new();
    collect(&captures, &mut seeds)?;
    fs::create_dir_all(&corpus)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), seed)?;
    }
    println!("{} seeds in {}", seeds.len(), corpus.display());
    Ok(())
}

fn collect(folder: &Path, seeds: &mut HashSet<Vec<u8>>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, seeds)?;
        } else if let Ok(mut capture) = Capture::read(&path, ChecksumState::Unverified) {
            for (meta, bytes) in capture.packets_mut().filter(|(_, bytes)| bytes.len() <= LONGEST).take(EACH)
            {
                if let Some(first) = first_byte(meta.link) {
                    seeds.insert([&[first], &*bytes].concat());
                }
            }
        }
    }
    Ok(())
}

/// What the fuzz target takes for this link type.
fn first_byte(link: LinkType) -> Option<u8> {
    match link {
        LinkType::Ethernet => Some(0),
        LinkType::Null => Some(1),
        LinkType::RawIp => Some(2),
        LinkType::LinuxSll => Some(3),
        LinkType::LinuxSll2 => Some(4),
        LinkType::Ppp => Some(5),
        LinkType::CiscoHdlc => Some(6),
        LinkType::EtherType(_) | LinkType::Other(_) => None,
    }
}
