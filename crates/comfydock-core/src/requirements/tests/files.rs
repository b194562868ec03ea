//! Whole files: encodings, continued lines, options, includes.

use super::*;

#[test]
fn requirements_are_taken_and_the_rest_is_named() {
    let found = parse(
        b"\xef\xbb\xbf# comment\ntorch\nnumpy>=1.25 # keep\n\nname @ git+https://x/y@main#egg=name\n-r other.txt\n--extra-index-url https://i.org/simple\n\
          -e .\nfile:///x\nidna==3.7 \\\n  --hash=sha256:00 \\\n  --hash=sha256:01\nidna>=3\n# caf\xe9 \\\nsix",
    );
    assert_eq!(found.lines, ["torch", "numpy>=1.25", "name @ git+https://x/y@main", "idna==3.7", "idna>=3", "six"]);
    assert_eq!(refused(&found), [(FILE, 6, "-r other.txt"), (FILE, 8, "-e ."), (FILE, 9, "file:///x")]);
    assert_eq!(found.indexes, [Index { file: FILE.to_owned(), line: 7, url: "https://i.org/simple".to_owned() }]);
}

#[test]
fn options_on_a_line_with_a_requirement_are_taken_apart() {
    for (line, taken, indexes, refused_texts) in [
        ("pkg --extra-index-url https://i.org/s", "pkg", vec!["https://i.org/s"], vec![]),
        ("pkg>=1 -i https://i.org/s --hash=sha256:0", "pkg>=1", vec!["https://i.org/s"], vec![]),
        (
            "pkg>=1 ; python_version < '4' --config-settings=x",
            "pkg>=1 ; python_version < '4'",
            vec![],
            vec!["--config-settings=x"],
        ),
        ("pkg --pre --no-deps", "pkg", vec![], vec!["--pre", "--no-deps"]),
    ] {
        let found = parse(line.as_bytes());
        assert_eq!(found.lines, [taken]);
        assert_eq!(found.indexes.iter().map(|index| index.url.as_str()).collect::<Vec<_>>(), indexes);
        assert_eq!(found.refused.iter().map(|refused| refused.text.as_str()).collect::<Vec<_>>(), refused_texts);
    }
    for line in [
        "--index-url=https://i.org/s",
        "-i https://i.org/s",
        "-ihttps://i.org/s",
        "--extra-index-url   https://i.org/s",
    ] {
        assert_eq!(parse(line.as_bytes()).indexes[0].url, "https://i.org/s", "{line}");
    }
    let secret = parse(b"--extra-index-url https://ann:secret@i.org/s");
    assert!(secret.indexes.is_empty() && secret.refused[0].reason.contains("would be committed"));
}

#[test]
fn every_encoding_is_read() {
    let wide = |order: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let start = if mark { order(0xfeff).to_vec() } else { Vec::new() };
        start.into_iter().chain("six>=1\r\nidna\r\n".encode_utf16().flat_map(order)).collect()
    };
    for bytes in [
        b"six>=1\r\nidna".to_vec(),
        b"\xef\xbb\xbfsix>=1\nidna\n".to_vec(),
        b"six>=1 # caf\xe9\nidna\n".to_vec(),
        wide(u16::to_le_bytes, true),
        wide(u16::to_be_bytes, true),
        wide(u16::to_le_bytes, false),
        wide(u16::to_be_bytes, false),
    ] {
        assert_eq!(parse(&bytes).lines, ["six>=1", "idna"], "{bytes:?}");
    }
}

#[test]
fn includes_stay_inside_the_pack() {
    let files = |path: &str| {
        let text = match path {
            "requirements.txt" => "-r base.txt\n--requirement=sub/more.txt\n-r ../out.txt\nsix\n",
            "base.txt" => "idna\n-r requirements.txt\n",
            "sub/more.txt" => "rich\n-e .\n-r ../base.txt\n-r deeper/most.txt\n-r ../../out.txt\n",
            "sub/deeper/most.txt" => "tqdm\n",
            "../out.txt" | "out.txt" => "outside\n",
            _ => return None,
        };
        Some(text.as_bytes().to_vec())
    };
    let found = of_pack(&files);
    assert_eq!(found.lines, ["idna", "rich", "tqdm", "six"]);
    assert_eq!(
        refused(&found),
        [("sub/more.txt", 2, "-e ."), ("sub/more.txt", 5, "-r ../../out.txt"), (FILE, 3, "-r ../out.txt")]
    );
}

#[test]
fn includes_end() {
    let deeper = |path: &str| Some(format!("six\n-r x{path}\n").into_bytes());
    let found = of_pack(&|path| if path.ends_with(".txt") { deeper(path) } else { None });
    assert_eq!(found.lines.len(), 9);
    assert!(found.refused[0].reason.contains("deep"));
}

#[test]
fn a_file_that_is_no_list_is_not_read() {
    let found = parse(&vec![b'#'; (1 << 20) + 1]);
    assert!(found.refused[0].reason.contains("1 MiB"));
}
