//! Why a server is not taken for the host that it should be.

use std::error::Error;
use std::io;

/// What is wrong with how a server answers on https.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Its certificate is from nobody this machine knows, for another host, or of another time.
    Certificate,
    /// It does not speak https at all.
    Plain,
}

/// What to do about a certificate that is not believed.
pub const BELIEVE: &str = "if its certificate is from an authority of your own, add that to this system's (`update-ca-certificates`), \
     or name a file with the authorities to believe in SSL_CERT_FILE";

/// What an error of the network has to do with who the server is; none where that is not what went wrong.
pub fn doubt(error: &(dyn Error + 'static)) -> Option<Doubt> {
    std::iter::successors(Some(error), |error| (*error).source()).find_map(|error| {
        match within(error).downcast_ref()? {
            rustls::Error::InvalidCertificate(_) => Some(Doubt::Certificate),
            rustls::Error::InvalidMessage(_) => Some(Doubt::Plain),
            _ => None,
        }
    })
}

/// What an error of input and output was made of, which it does not name as its source.
fn within<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => within(inner),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_wherever_it_is_wrapped() {
        let unknown = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let no_tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert_eq!(doubt(&unknown()), Some(Doubt::Certificate));
        assert_eq!(doubt(&io::Error::other(unknown())), Some(Doubt::Certificate));
        assert_eq!(doubt(&io::Error::other(io::Error::other(unknown()))), Some(Doubt::Certificate));
        assert_eq!(doubt(&io::Error::other(no_tls)), Some(Doubt::Plain));
        assert_eq!(doubt(&rustls::Error::HandshakeNotComplete), None);
        assert_eq!(doubt(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
    }
}
