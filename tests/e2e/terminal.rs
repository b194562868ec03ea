//! A person at a terminal: what is on the screen, and the keys that are pressed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::Machine;

/// Runs `comfydock` in a terminal and presses keys, each time as soon as words are on the screen that
/// were not before. Returns the exit code and all that was shown.
pub(crate) fn converse(machine: &Machine, arguments: &[&str], talk: &[(&str, &str)]) -> (i32, String) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    tcsetwinsize(&screen, Winsize { ws_row: 40, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&screen, Vec::new()).unwrap();
    let keyboard: OwnedFd = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
    let mut command = machine.command(arguments);
    command.env("TERM", "xterm").stdin(end(&keyboard)).stdout(end(&keyboard)).stderr(Stdio::from(keyboard));
    let mut child = command.spawn().unwrap();
    // Its own copies of the terminal would keep it open for ever.
    drop(command);
    let mut keys = File::from(screen);
    let mut screen = keys.try_clone().unwrap();
    let (sender, arrivals) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        // When the last one at the other end has gone, Linux says EIO.
        while let Ok(length @ 1..) = screen.read(&mut bytes) {
            let _ = sender.send(bytes[..length].to_vec());
        }
    });
    let (mut shown, mut read) = (String::new(), 0);
    let mut talk = talk.iter();
    let mut next = talk.next();
    loop {
        match arrivals.recv_timeout(Duration::from_secs(60)) {
            Ok(bytes) => shown.push_str(&String::from_utf8_lossy(&bytes)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                panic!("it waits for something:\n{shown}");
            }
        }
        let Some((words, pressed)) = next else { continue };
        if let Some(at) = shown[read..].find(words) {
            read += at + words.len();
            keys.write_all(pressed.as_bytes()).unwrap();
            next = talk.next();
        }
    }
    reader.join().unwrap();
    assert!(next.is_none(), "{:?} was never on the screen:\n{shown}", next.map(|(words, _)| words));
    (child.wait().unwrap().code().unwrap_or(-1), shown)
}
