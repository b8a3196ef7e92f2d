//! `seeds CAPTURES CORPUS`: writes what is in all captures below the folder CAPTURES as files into folders of CORPUS: single packets
//! for the fuzz target `decode`, each behind the byte that tells it the link type, and the beginnings of captures for `engine`.

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
    let mut seeds = Seeds::default();
    seeds.collect(&captures)?;
    for (target, files) in [("decode", &seeds.decode), ("engine", &seeds.engine)] {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in files.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
        println!("{} seeds in {}", files.len(), folder.display());
    }
    Ok(())
}

/// Inputs of the fuzz targets.
#[derive(Default)]
struct Seeds {
    decode: HashSet<Vec<u8>>,
    engine: HashSet<Vec<u8>>,
}

impl Seeds {
    fn collect(&mut self, folder: &Path) -> Result<(), Box<dyn Error>> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.collect(&path)?;
            } else if let Ok(mut capture) = Capture::read(&path, ChecksumState::Unverified) {
                self.add(&mut capture);
            }
        }
        Ok(())
    }

    fn add(&mut self, capture: &mut Capture) {
        // Inline, with the checksums taken for good.
        let mut sequence = vec![0];
        for (meta, bytes) in capture.packets_mut().filter(|(_, bytes)| bytes.len() <= LONGEST).take(EACH) {
            if let Some(first) = first_byte(meta.link) {
                self.decode.insert([&[first], &*bytes].concat());
            }
            if meta.link == LinkType::Ethernet {
                let [low, high] = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes();
                sequence.extend_from_slice(&[low, high, 20]);
                sequence.extend_from_slice(bytes);
            }
        }
        if sequence.len() > 1 {
            self.engine.insert(sequence);
        }
    }
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
