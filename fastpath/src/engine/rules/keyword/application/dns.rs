//! DNS and multicast DNS (Suricata's "DNS Keywords", "mDNS Keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::{Entry, Reader};

const PAGE: &str = "dns-keywords";
const MDNS: &str = "mdns-keywords";

const fn sticky(buffer: &'static str) -> Reader {
    reader("dns", Form::Sticky(buffer))
}

const fn multicast(buffer: &'static str) -> Reader {
    reader("mdns", Form::Sticky(buffer))
}

pub(super) const KEYWORDS: &[Entry] = &[
    ("dns.additionals.rrname", PAGE, sticky("dns.additionals.rrname")),
    ("dns.answer.name", PAGE, sticky("dns.answer.name")),
    ("dns.answers.rrname", PAGE, sticky("dns.answers.rrname")),
    ("dns.authorities.rrname", PAGE, sticky("dns.authorities.rrname")),
    ("dns.opcode", PAGE, reader("dns", Form::Value(value::integer::<u8>))),
    ("dns.queries.rrname", PAGE, sticky("dns.queries.rrname")),
    ("dns.query", PAGE, sticky("dns.query")),
    ("dns.query.name", PAGE, sticky("dns.query.name")),
    ("dns.rcode", PAGE, reader("dns", Form::Value(|value| value::named::<u16>(value, RCODES)))),
    ("dns.response.rrname", PAGE, sticky("dns.response.rrname")),
    ("dns.rrtype", PAGE, reader("dns", Form::Value(|value| value::named::<u16>(value, TYPES)))),
    ("dns_query", PAGE, sticky("dns.query")),
    ("mdns.additionals.rrname", MDNS, multicast("mdns.additionals.rrname")),
    ("mdns.answers.rrname", MDNS, multicast("mdns.answers.rrname")),
    ("mdns.authorities.rrname", MDNS, multicast("mdns.authorities.rrname")),
    ("mdns.queries.rrname", MDNS, multicast("mdns.queries.rrname")),
    ("mdns.response.rrname", MDNS, multicast("mdns.response.rrname")),
];

/// Response codes (IANA, "DNS RCODEs").
const RCODES: &str = "NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE BADVERS \
                      BADKEY BADTIME BADMODE BADNAME BADALG BADTRUNC";
/// Types of resource records (IANA, "Resource Record (RR) TYPEs").
const TYPES: &str = "A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAPPTR SIG \
                     KEY PX GPOS AAAA LOC NXT SRV ATMA NAPTR KX CERT A6 DNAME OPT APL DS SSHFP IPSECKEY RRSIG NSEC \
                     DNSKEY DHCID NSEC3 NSEC3PARAM TLSA HIP CDS CDNSKEY HTTPS SPF TKEY TSIG MAILA ANY URI";
