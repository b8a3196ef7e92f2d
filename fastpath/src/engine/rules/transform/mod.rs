//! What becomes of a buffer before contents are looked for in it (Suricata's "Transformations").

mod case;
mod domain;
mod from_base64;
mod hash;
mod header;
mod inflate;
mod pcrexform;
mod subslice;
mod url;
mod whitespace;
mod xor;

use inflate::Inflater;

use super::{fault::Fault, lexer::Token, scan::pcre};

/// A worker's memory for transforming; reused from buffer to buffer.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    inflater: Inflater,
    pcre: pcre::Scratch,
}

/// One transformation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Transform {
    /// `dotprefix`: a `.` in front.
    Dotprefix,
    /// `strip_whitespace`
    StripWhitespace,
    /// `compress_whitespace`: of white space in a row the first byte.
    CompressWhitespace,
    /// `to_lowercase`
    ToLowercase,
    /// `to_uppercase`
    ToUppercase,
    /// `header_lowercase`: the names of HTTP headers.
    HeaderLowercase,
    /// `strip_pseudo_headers`: the lines that begin with a `:`.
    StripPseudoHeaders,
    /// `to_md5`, `to_sha1`, `to_sha256`: the raw hash.
    Hash(hash::Algorithm),
    /// `url_decode`
    UrlDecode,
    /// `xor`
    Xor(xor::Xor),
    /// `from_base64`
    FromBase64(from_base64::FromBase64),
    /// `domain`: what can be registered, and its public suffix.
    Domain,
    /// `tld`: the public suffix alone.
    Tld,
    /// `subslice`
    Subslice(subslice::Subslice),
    /// `gunzip`, `zlib_deflate`
    Inflate(inflate::Inflate),
    /// `pcrexform`
    Pcrexform(pcrexform::Pcrexform),
}

impl Transform {
    /// Reads the transformation `name`, with its value if it has one.
    pub(super) fn parse(name: Token<'_>, value: Option<Token<'_>>) -> Result<Self, Fault> {
        let transform = match name.text {
            "dotprefix" => Self::Dotprefix,
            "strip_whitespace" => Self::StripWhitespace,
            "compress_whitespace" => Self::CompressWhitespace,
            "to_lowercase" => Self::ToLowercase,
            "to_uppercase" => Self::ToUppercase,
            "header_lowercase" => Self::HeaderLowercase,
            "strip_pseudo_headers" => Self::StripPseudoHeaders,
            "to_md5" => Self::Hash(hash::Algorithm::Md5),
            "to_sha1" => Self::Hash(hash::Algorithm::Sha1),
            "to_sha256" => Self::Hash(hash::Algorithm::Sha256),
            "url_decode" => Self::UrlDecode,
            "domain" => Self::Domain,
            "tld" => Self::Tld,
            "xor" => return xor::Xor::parse(needed(name, value)?).map(Self::Xor),
            "subslice" => return subslice::Subslice::parse(needed(name, value)?).map(Self::Subslice),
            "pcrexform" => {
                return pcrexform::Pcrexform::parse(needed(name, value)?).map(Self::Pcrexform);
            }
            "from_base64" => return from_base64::FromBase64::parse(value).map(Self::FromBase64),
            "gunzip" => return inflate::Inflate::gzip(value).map(Self::Inflate),
            "zlib_deflate" => return inflate::Inflate::zlib(value).map(Self::Inflate),
            other => return Err(name.fault(format!("`{other}` is no transformation"))),
        };
        match value {
            None => Ok(transform),
            Some(value) => Err(value.fault(format!("`{}` takes no value", name.text))),
        }
    }

    /// Puts what becomes of `input` into `out`. Of an empty buffer nothing becomes anything.
    ///
    /// Allocates only where `out` is too small, and in `scratch` the first time something is inflated or matched.
    pub(super) fn apply(&self, input: &[u8], out: &mut Vec<u8>, scratch: &mut Scratch) {
        out.clear();
        if input.is_empty() {
            return;
        }
        match self {
            Self::Dotprefix => {
                out.push(b'.');
                out.extend_from_slice(input);
            }
            Self::StripWhitespace => whitespace::strip(input, out),
            Self::CompressWhitespace => whitespace::compress(input, out),
            Self::ToLowercase => case::lower(input, out),
            Self::ToUppercase => case::upper(input, out),
            Self::HeaderLowercase => header::lower_names(input, out),
            Self::StripPseudoHeaders => header::strip_pseudo(input, out),
            Self::Hash(algorithm) => algorithm.hash(input, out),
            Self::UrlDecode => url::decode(input, out),
            Self::Xor(xor) => xor.apply(input, out),
            Self::FromBase64(base64) => base64.apply(input, out),
            Self::Domain => out.extend_from_slice(domain::registrable(input)),
            Self::Tld => out.extend_from_slice(domain::suffix(input)),
            Self::Subslice(subslice) => out.extend_from_slice(subslice.of(input)),
            Self::Inflate(inflate) => inflate.apply(input, out, &mut scratch.inflater),
            Self::Pcrexform(pcrexform) => out.extend_from_slice(pcrexform.apply(input, &mut scratch.pcre)),
        }
    }

    /// Whether what comes out can contain `content`; a rule that looks for another never matches (Suricata refuses it).
    pub(super) fn can_yield(&self, content: &[u8], nocase: bool) -> bool {
        match self {
            Self::StripWhitespace => !content.iter().any(whitespace::is_space),
            Self::CompressWhitespace => !content.windows(2).any(|pair| pair.iter().all(whitespace::is_space)),
            Self::ToLowercase => nocase || !content.iter().any(u8::is_ascii_uppercase),
            Self::ToUppercase => nocase || !content.iter().any(u8::is_ascii_lowercase),
            Self::Hash(algorithm) => content.len() <= algorithm.length(),
            _ => true,
        }
    }
}

fn needed<'a>(name: Token<'_>, value: Option<Token<'a>>) -> Result<Token<'a>, Fault> {
    value.ok_or_else(|| name.fault(format!("`{0}` needs a value: `{0}:…;`", name.text)))
}

#[cfg(test)]
mod tests;
