//! Holding back the report of a push until the catalog knows the tip.
//!
//! git sends `report-status` before the references' new values are anywhere but in the repository.
//! With a side band the report is channel 1, progress and messages are channel 2: those go on at once.

use bytes::{Bytes, BytesMut};

/// git's answer is not made of pkt-lines.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("git's answer is not made of pkt-lines")]
pub(super) struct Malformed;

/// Sorts git's answer to a push into what may go out now and what has to wait.
#[derive(Debug, Default)]
pub(super) struct Report {
    unsorted: BytesMut,
    held: BytesMut,
    /// Set once a packet shows that there is no side band: then everything waits.
    plain: bool,
}

impl Report {
    /// Takes what git wrote and gives back what may go out now.
    pub(super) fn sort(&mut self, chunk: &[u8]) -> Result<Bytes, Malformed> {
        if self.plain {
            self.held.extend_from_slice(chunk);
            return Ok(Bytes::new());
        }
        self.unsorted.extend_from_slice(chunk);
        let mut out = BytesMut::new();
        while let Some(length) = self.packet_length()? {
            if self.unsorted.len() < length {
                break;
            }
            let packet = self.unsorted.split_to(length);
            match packet.get(4) {
                // Errors and progress; and the empty packets that keep a slow connection open.
                Some(2 | 3) => out.extend_from_slice(&packet),
                Some(1) if length == 5 => out.extend_from_slice(&packet),
                Some(1) | None => self.held.extend_from_slice(&packet),
                Some(_) => {
                    self.plain = true;
                    self.held.extend_from_slice(&packet);
                    let rest = self.unsorted.split();
                    self.held.extend_from_slice(&rest);
                }
            }
        }
        Ok(out.freeze())
    }

    fn packet_length(&self) -> Result<Option<usize>, Malformed> {
        let Some(digits) = self.unsorted.get(..4) else { return Ok(None) };
        let text = std::str::from_utf8(digits).map_err(|_| Malformed)?;
        match usize::from_str_radix(text, 16) {
            // 0000 to 0002 are marks without content.
            Ok(0..=2) => Ok(Some(4)),
            Ok(length @ 4..) => Ok(Some(length)),
            _ => Err(Malformed),
        }
    }

    /// What had to wait.
    pub(super) fn release(mut self) -> Bytes {
        self.held.extend_from_slice(&self.unsorted);
        self.held.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"0009\x02moin";
    const REPORT: &[u8] = b"000a\x01hello";

    #[test]
    fn messages_go_on_and_the_report_waits_however_the_bytes_are_cut() {
        let answer = [MESSAGE, REPORT, b"0005\x01", MESSAGE, b"0000"].concat();
        for cut in 0..answer.len() {
            let mut report = Report::default();
            let mut out = report.sort(&answer[..cut]).unwrap().to_vec();
            out.extend(report.sort(&answer[cut..]).unwrap());
            assert_eq!(out, [MESSAGE, b"0005\x01", MESSAGE].concat());
            assert_eq!(report.release(), [REPORT, b"0000"].concat());
        }
    }

    #[test]
    fn without_a_side_band_everything_waits() {
        let answer = b"000eunpack ok\n0000";
        let mut report = Report::default();
        assert!(report.sort(&answer[..16]).unwrap().is_empty());
        assert!(report.sort(&answer[16..]).unwrap().is_empty());
        assert_eq!(report.release(), &answer[..]);
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        assert_eq!(Report::default().sort(b"zzzzz"), Err(Malformed));
        assert_eq!(Report::default().sort(b"0003"), Err(Malformed));
    }
}
