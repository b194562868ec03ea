//! Wheels and source archives made on the spot: as small as uv takes them.

use std::fmt::Write as _;

/// A wheel.
pub(crate) struct Wheel {
    name: &'static str,
    version: &'static str,
    tag: &'static str,
    requires: Vec<&'static str>,
    files: Vec<(String, String)>,
}

impl Wheel {
    /// A pure one with a module of the package's name, which knows its version.
    pub(crate) fn new(name: &'static str, version: &'static str) -> Self {
        let module = format!("{}/__init__.py", name.replace('-', "_"));
        Self {
            name,
            version,
            tag: "py3-none-any",
            requires: Vec::new(),
            files: vec![(module, format!("__version__ = \"{version}\"\n"))],
        }
    }

    /// Other packages it needs.
    pub(crate) fn requires(mut self, requirements: &[&'static str]) -> Self {
        self.requires.extend(requirements);
        self
    }

    /// With this file in place of its module.
    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files = vec![(path.to_owned(), text.to_owned())];
        self
    }

    /// The package's name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The name of its file.
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}-{}.whl", self.name.replace('-', "_"), self.version, self.tag)
    }

    /// Its bytes: a zip whose members are not compressed.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let folder = format!("{}-{}.dist-info", self.name.replace('-', "_"), self.version);
        let mut metadata = format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", self.name, self.version);
        for requirement in &self.requires {
            writeln!(metadata, "Requires-Dist: {requirement}").unwrap();
        }
        let wheel = format!("Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {}\n", self.tag);
        let mut files = self.files.clone();
        files.push((format!("{folder}/METADATA"), metadata));
        files.push((format!("{folder}/WHEEL"), wheel));
        let record: String = files.iter().map(|(path, _)| format!("{path},,\n")).collect();
        files.push((format!("{folder}/RECORD"), format!("{record}{folder}/RECORD,,\n")));
        zip(&files)
    }
}

/// A zip with stored members (APPNOTE 4.3).
fn zip(files: &[(String, String)]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (path, text) in files {
        let start = u32::try_from(body.len()).unwrap();
        let mut about = Vec::new();
        // Version 2.0, no flags, stored; the first of January 1980.
        for number in [20_u16, 0, 0, 0, 33] {
            about.extend(number.to_le_bytes());
        }
        let size = u32::try_from(text.len()).unwrap();
        for number in [crc32(text.as_bytes()), size, size] {
            about.extend(number.to_le_bytes());
        }
        about.extend(u16::try_from(path.len()).unwrap().to_le_bytes());
        about.extend(0_u16.to_le_bytes());
        body.extend(0x0403_4b50_u32.to_le_bytes());
        body.extend(&about);
        body.extend(path.as_bytes());
        body.extend(text.as_bytes());
        directory.extend(0x0201_4b50_u32.to_le_bytes());
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&about);
        directory.extend([0; 6]);
        directory.extend(0_u32.to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let count = u16::try_from(files.len()).unwrap();
    let (start, size) = (u32::try_from(body.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    body.extend(&directory);
    body.extend(0x0605_4b50_u32.to_le_bytes());
    body.extend([0; 4]);
    body.extend(count.to_le_bytes());
    body.extend(count.to_le_bytes());
    body.extend(size.to_le_bytes());
    body.extend(start.to_le_bytes());
    body.extend([0; 2]);
    body
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}
