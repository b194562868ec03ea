use std::collections::BTreeMap;

use crate::digest::Sha256;
use crate::plan::doctor::{SeenPack, duplicates, overlaps};
use crate::wheel_record::{RecordedFile, parse};

fn pack(folder: &str, repositories: &[&str], ids: &[&str]) -> SeenPack {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    SeenPack { folder: folder.to_owned(), repositories: owned(repositories), ids: owned(ids) }
}

#[test]
fn one_pack_in_two_folders_is_found_however_it_got_there() {
    let impact = "https://github.com/ltdrdata/ComfyUI-Impact-Pack";
    for (packs, expected) in [
        (
            vec![pack("a", &[impact], &[]), pack("b", &["git@github.com:ltdrdata/comfyui-impact-pack.git"], &[])],
            Some("github.com/ltdrdata"),
        ),
        (vec![pack("ComfyUI-Impact-Pack", &[], &[]), pack("comfyui_impact.pack", &[], &[])], Some("spelling only")),
        (vec![pack("loose", &[], &[]), pack("Loose.py", &[], &[])], Some("spelling only")),
        (
            vec![pack("clone", &[impact], &["comfyui-impact-pack"]), pack("unpacked", &[], &["ComfyUI-Impact-Pack"])],
            Some("of the registry"),
        ),
        (vec![pack("unpacked", &[impact], &["impact"]), pack("clone", &[impact], &["impact"])], Some("github.com")),
        (vec![pack("a", &[impact], &["x"]), pack("b", &["https://github.com/ltdrdata/other"], &["y"])], None),
        (vec![pack("a", &["nothing to read"], &[""]), pack("b", &["nothing to read"], &[""])], None),
    ] {
        let found = duplicates(&packs);
        assert_eq!(found.len(), usize::from(expected.is_some()), "{packs:?}: {found:?}");
        if let Some(why) = expected {
            assert!(found[0].why.contains(why), "{found:?}");
            assert_eq!(found[0].folders.len(), 2);
        }
    }
}

#[test]
fn packages_that_write_over_each_other_are_found() {
    let file = |path: &str, digit: &str| RecordedFile {
        path: path.to_owned(),
        sha256: (!digit.is_empty()).then(|| Sha256::parse(&digit.repeat(64)).unwrap()),
        size: None,
    };
    let plain = [file("cv2/__init__.py", "a"), file("cv2/cv2.abi3.so", "1"), file("cv2/data.xml", "3")];
    let headless = [file("cv2/__init__.py", "a"), file("cv2/cv2.abi3.so", "2"), file("cv2/data.xml", "")];
    let harmless = [file("tests/x.py", "1"), file("LICENSE", "1"), file("namespace/__init__.py", "e")];
    let too = [file("tests/x.py", "2"), file("LICENSE", "2"), file("namespace/__init__.py", "e")];
    let compiled = parse("x/__pycache__/a.pyc,,1");
    let records = BTreeMap::from([
        ("opencv-python", &plain[..]),
        ("opencv-python-headless", &headless[..]),
        ("one", &harmless[..]),
        ("two", &too[..]),
        ("three", &compiled[..]),
        ("four", &compiled[..]),
    ]);
    let [found] = overlaps(&records).try_into().unwrap();
    assert_eq!(Vec::from_iter(&found.packages), ["opencv-python", "opencv-python-headless"]);
    assert_eq!(Vec::from_iter(&found.files), ["cv2/cv2.abi3.so", "cv2/data.xml"]);
}
