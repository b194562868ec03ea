//! ComfyUI, running.

use std::io::Read as _;
use std::process::{Child, Stdio};

use super::Machine;

/// A running ComfyUI; it ends with the test.
pub(crate) struct Running(Child);

impl Running {
    /// Starts that of the active environment and waits until it serves.
    pub(crate) fn start(machine: &Machine) -> Self {
        let mut command = machine.command(&["run", "--cpu", "--port", "0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut said) = (child.stdout.take().unwrap(), String::new());
        while !said.contains("To see the GUI go to") {
            let mut block = [0; 512];
            let count = stdout.read(&mut block).unwrap();
            assert!(count > 0, "ComfyUI ended: {said}");
            said.push_str(&String::from_utf8_lossy(&block[..count]));
        }
        Self(child)
    }

    /// The process that was started.
    pub(crate) fn process(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killed it could not end ComfyUI.
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), rustix::process::Signal::TERM);
        let _ = self.0.wait();
    }
}
