//! Archives that mean harm: every way a `.tar.gz` can be other than what a bundle is.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// An archive, and words of the message that refuses it.
pub(crate) struct Hostile {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) says: &'static str,
}

/// One entry as a tar has it, honest or not.
pub(crate) struct Raw {
    pub(crate) path: Vec<u8>,
    kind: u8,
    mode: u32,
    link: Vec<u8>,
    data: Vec<u8>,
    /// What the header says instead of the size of `data`.
    size: Option<[u8; 12]>,
    checksum: bool,
}

impl Raw {
    pub(crate) fn file(path: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        let (path, data) = (path.as_ref().to_vec(), data.as_ref().to_vec());
        Self { path, kind: b'0', mode: 0o644, link: Vec::new(), data, size: None, checksum: true }
    }

    fn kind(self, kind: u8) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn with_mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    fn link(self, to: &str) -> Self {
        Self { link: to.as_bytes().to_vec(), ..self }
    }

    /// Says another size than it has.
    fn says_size(self, size: u64) -> Self {
        let text = format!("{size:011o}\0");
        Self { size: text.as_bytes().try_into().ok(), ..self }
    }

    fn write(&self, tar: &mut Vec<u8>) {
        let mut header = [0_u8; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.path[..self.path.len().min(100)]);
        put(100, format!("{:07o}\0", self.mode).as_bytes());
        put(108, b"0000000\0");
        put(116, b"0000000\0");
        put(124, &self.size.unwrap_or_else(|| format!("{:011o}\0", self.data.len()).as_bytes().try_into().unwrap()));
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, &[self.kind]);
        put(157, &self.link);
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum::<u32>() + u32::from(!self.checksum);
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(&self.data);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn tar(entries: &[Raw]) -> Vec<u8> {
    let mut tar = Vec::new();
    entries.iter().for_each(|entry| entry.write(&mut tar));
    tar.extend_from_slice(&[0; 1024]);
    tar
}

pub(crate) fn archive(entries: &[Raw]) -> Vec<u8> {
    gzip(&tar(entries))
}

/// A record of an extended header: `LENGTH KEY=VALUE LF`, the length counting itself.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let length =
        (1..6).map(|digits| rest.len() + digits).find(|length| length.to_string().len() + rest.len() == *length);
    [length.unwrap().to_string().as_bytes(), &rest].concat()
}

fn extended(key: &str, value: &[u8]) -> Raw {
    Raw::file("pax", record(key, value)).kind(b'x')
}

/// Archives with one thing wrong. `base` holds files that alone would be taken.
pub(crate) fn corpus(base: &[(&str, Vec<u8>)]) -> Vec<Hostile> {
    let honest = || base.iter().map(|(path, bytes)| Raw::file(path, bytes)).collect::<Vec<_>>();
    let mut corpus: Vec<Hostile> = Vec::new();
    let mut with = |name: &str, says: &'static str, more: Vec<Raw>| {
        let mut entries = honest();
        entries.extend(more);
        corpus.push(Hostile { name: name.to_owned(), bytes: archive(&entries), says });
    };
    for (name, says, path) in [
        ("absolute", "absolute", &b"/tmp/comfydock-was-here"[..]),
        ("climbs", "`.` and `..`", b"../was-here"),
        ("climbs far", "`.` and `..`", b"workflows/../../../../was-here"),
        ("climbs inside", "`.` and `..`", b"workflows/a/../b.json"),
        ("backslash", "backslash", b"workflows\\..\\a.json"),
        ("drive", "drive", b"C:/a.json"),
        ("line feed", "control character", b"workflows/a\nb.json"),
        ("escape", "control character", b"workflows/a\x1b[2J.json"),
        ("colon", "one of", b"workflows/a:b.json"),
        ("device name", "Windows", b"workflows/con.json"),
        ("device with number", "Windows", b"dev_nodes/mine/COM1"),
        ("trailing dot", "ends in a dot", b"workflows/a."),
        ("trailing space", "ends in a dot or a space", b"dev_nodes/mine/a "),
        ("empty segment", "empty segment", b"workflows//a.json"),
        ("git folder", "`.git`", b"dev_nodes/mine/.git/config"),
        ("git folder by case", "`.git`", b"dev_nodes/mine/.GIT/hooks/post-checkout"),
        ("no text", "not UTF-8", b"workflows/\xff\xfe.json"),
        ("no name", "empty", b""),
    ] {
        with(name, says, vec![Raw::file(path, "x")]);
    }
    let mine = |name: &str| Raw::file(format!("dev_nodes/mine/{name}"), "x");
    with("case collision", "collides", vec![mine("A.py"), mine("a.py")]);
    with("spelling collision", "collides", vec![mine("\u{e9}.py"), mine("e\u{301}.py")]);
    with("twice", "twice", vec![mine("a.py"), mine("a.py")]);
    with("file, then folder", "twice, or as a file and as a folder", vec![mine("a"), mine("a/b.py")]);
    with("folder, then file", "twice, or as a file and as a folder", vec![mine("a/b.py"), mine("a")]);
    with("symbolic link", "is a link", vec![Raw::file("dev_nodes/mine/l", "").kind(b'2').link("/etc/passwd")]);
    with(
        "through a link",
        "is a link",
        vec![Raw::file("dev_nodes/mine/l", "").kind(b'2').link("/tmp"), mine("l/was-here")],
    );
    with("hard link", "is a link", vec![Raw::file("dev_nodes/mine/l", "").kind(b'1').link("pyproject.toml")]);
    for (name, kind) in [("character device", b'3'), ("block device", b'4'), ("pipe", b'6')] {
        with(name, "device or a pipe", vec![mine("d").kind(kind)]);
    }
    for (name, kind) in [("sparse", b'S'), ("dump", b'D'), ("volume", b'M'), ("label", b'V'), ("unheard of", b'Z')] {
        with(name, "of a kind that no bundle has", vec![mine("d").kind(kind)]);
    }
    for (name, mode) in [("set user", 0o4755), ("set group", 0o2755), ("sticky", 0o1644)] {
        with(name, "set-user, set-group or sticky", vec![mine("m").with_mode(mode)]);
    }
    with("folder that climbs", "`.` and `..`", vec![Raw::file("../x/", "").kind(b'5')]);
    with("folder with content", "content of its own", vec![Raw::file("workflows/x/", "x").kind(b'5')]);
    with("large", "are allowed", vec![mine("large.bin").says_size(21 * 1024 * 1024)]);
    with("size of another world", "are allowed", vec![extended("size", b"9223372036854775807"), mine("a")]);
    with("size below nought", "are allowed", vec![Raw { size: Some([0xff; 12]), ..mine("a") }]);
    with("size that is no number", "no whole .tar.gz", vec![extended("size", b"-1"), mine("a")]);
    with("nul in a long name", "control character", vec![extended("path", b"workflows/a\0b.json"), mine("a")]);
    with("long name that climbs", "`.` and `..`", vec![extended("path", b"../../x"), mine("a")]);
    with("sparse by record", "sparse", vec![extended("GNU.sparse.name", b"x"), mine("a")]);
    with("broken record", "extended header", vec![Raw::file("pax", "999 path=x\n").kind(b'x'), mine("a")]);
    with("endless name", "extended header of", vec![mine("n").kind(b'L').says_size(1 << 30)]);
    with("endless record", "extended header of", vec![mine("n").kind(b'x').says_size(1 << 30)]);
    let chain = (0..1000).map(|_| extended("comment", b"more")).collect();
    with("headers without end", "follows the other", chain);
    with("wrong sum", "checksum", vec![Raw { checksum: false, ..mine("a") }]);
    with("too many", "more than 50000 files", (0..50_001).map(|at| mine(&format!("{at}"))).collect());
    let zeros =
        |count: usize| (0..count).map(|at| Raw::file(format!("dev_nodes/mine/{at}"), vec![0; 20 << 20])).collect();
    with("bomb", "grows more than 200 times", zeros(6));

    let whole = tar(&honest());
    let mut raw = |name: &str, says: &'static str, bytes: Vec<u8>| {
        corpus.push(Hostile { name: name.to_owned(), bytes, says });
    };
    raw("nothing", "no whole .tar.gz", Vec::new());
    raw("no gzip", "no whole .tar.gz", b"PK\x03\x04 and so on".to_vec());
    raw("not packed", "no whole .tar.gz", whole.clone());
    raw("no end", "no end", gzip(&whole[..whole.len() - 1024]));
    raw("cut in a file", "in the middle of", gzip(&whole[..whole.len() - 1024 - 512 - 100]));
    raw("cut in the gzip", "no whole .tar.gz", gzip(&whole)[..100].to_vec());
    raw("something behind", "follows the end", gzip(&[&whole[..], b"more"].concat()));
    raw("a second archive", "follows the end", gzip(&[&whole[..], &whole].concat()));
    raw("a second member", "follows the end", [gzip(&whole), gzip(b"more")].concat());
    raw("zeros without end", "follows the end", [gzip(&whole), gzip(&vec![0; 3 << 20])].concat());
    let mut flipped = gzip(&whole);
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    raw("wrong checksum of the gzip", "no whole .tar.gz", flipped);
    corpus
}
