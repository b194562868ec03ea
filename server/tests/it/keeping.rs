//! Who comes to have the files that the hub keeps, and for how long.

use crate::blobs::{File, push};
use crate::support::Hub;

#[test]
fn to_read_a_file_for_a_time_gives_nobody_a_copy_for_ever() {
    let hub = Hub::with_team();
    let file = File::new(100_000);
    push(&hub, "ann", "studio/look", &file);
    for user in ["rea", "sam"] {
        push(&hub, user, &format!("{user}/own"), &file);
    }
    let [ann, rea, sam] = ["ann", "rea", "sam"].map(|user| hub.token(user, "push"));
    assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
    // A reader of the team reads, and has nothing in an environment of their own without sending it.
    assert_eq!(file.read(&hub, "GET", &rea, &[]).status, 200);
    let asked = file.ask(&hub, &rea, "rea/own");
    assert_eq!((asked.status, asked.header("upload-offset")), (202, "0"), "{}", asked.text());
    // Nor has a stranger, while the environment is public.
    hub.run(&["environment", "visibility", "studio/look", "public"]);
    assert_eq!(file.read(&hub, "GET", &sam, &[]).status, 200);
    assert_eq!(file.ask(&hub, &sam, "sam/own").status, 202);
    hub.run(&["environment", "visibility", "studio/look", "private"]);
    hub.run(&["team", "remove-member", "studio", "rea"]);
    for token in [&rea, &sam] {
        assert_eq!(file.read(&hub, "GET", token, &[]).status, 404);
    }
    // Environments of one team share what each of them has; the record says from where.
    push(&hub, "ann", "studio/other", &file);
    assert_eq!(file.ask(&hub, &ann, "studio/other").status, 201);
    for path in ["studio/other", "studio/look"] {
        let record = hub.run(&["audit", "--subject", path]);
        assert!(record.contains("blob.link") && record.contains(&file.sha256), "{record}");
    }
    // Who was in the team and sends every byte has it: it is theirs.
    assert_eq!(file.upload(&hub, &rea, "rea/own").status, 201);
    assert_eq!(file.read(&hub, "GET", &rea, &[]).status, 200);
    // Without the team's environments it is still theirs, and nobody else's.
    for path in ["studio/look", "studio/other"] {
        hub.run(&["environment", "delete", path]);
    }
    assert_eq!([&ann, &rea, &sam].map(|token| file.read(&hub, "GET", token, &[]).status), [404, 200, 404]);
}
