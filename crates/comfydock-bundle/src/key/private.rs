//! Private keys, as cosign keeps them: PKCS#8 in a NaCl secretbox, under a password through scrypt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Nonce, XSalsa20Poly1305};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use serde::{Deserialize, Serialize};

use super::{Error, PublicKey, pem};

const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// What cosign wrote before version 2.
const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";

const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
/// What cosign writes: N = 2^16.
const COST: Cost = Cost { n: 1 << 16, r: 8, p: 1 };
/// Most of N, and of r*p, that a key may ask for.
const MOST_N: u64 = 1 << 20;
const MOST_BLOCKS: u64 = 64;
/// Most bytes of memory, which are 128*N*r.
const MOST_MEMORY: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
struct Container {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Cost,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Cost {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// A key that signs: ECDSA on P-256. Its bytes are wiped when it is dropped.
#[derive(Debug)]
pub struct PrivateKey(SigningKey);

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}

impl Cost {
    fn derive(&self, password: &str, salt: &[u8]) -> Result<XSalsa20Poly1305, Error> {
        let too_expensive = || Error::TooExpensive { n: self.n, r: self.r, p: self.p };
        let blocks = u64::from(self.r) * u64::from(self.p);
        let bounded = self.n <= MOST_N && blocks <= MOST_BLOCKS && 128 * self.n * u64::from(self.r) <= MOST_MEMORY;
        if !self.n.is_power_of_two() || !bounded {
            return Err(too_expensive());
        }
        let log_n = u8::try_from(self.n.trailing_zeros()).map_err(|_| too_expensive())?;
        let params = scrypt::Params::new(log_n, self.r, self.p).map_err(|_| too_expensive())?;
        let mut key = [0; 32];
        scrypt::scrypt(password.as_bytes(), salt, &params, &mut key).map_err(|_| too_expensive())?;
        Ok(XSalsa20Poly1305::new(&key.into()))
    }
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        // Nearly every 32 bytes are a key; the few that are none are as improbable as guessing one.
        loop {
            if let Ok(key) = SigningKey::from_slice(&random::<32>()?) {
                return Ok(Self(key));
            }
        }
    }

    /// Opens the text of a `.key` file.
    ///
    /// # Errors
    /// When it is none, the password is wrong, or the key is not on P-256.
    pub fn open(text: &str, password: &str) -> Result<Self, Error> {
        let (label, json) = pem::read(text)?;
        if label != LABEL && label != OLD_LABEL {
            return Err(Error::OtherKind { found: label.to_lowercase(), wanted: "private key as cosign encrypts it" });
        }
        let container: Container =
            serde_json::from_slice(&json).map_err(|error| Error::NotCosign(error.to_string()))?;
        let Container { kdf, cipher, ciphertext } = container;
        if kdf.name != KDF || cipher.name != CIPHER {
            return Err(Error::NotCosign(format!("it uses {} and {}", kdf.name, cipher.name)));
        }
        let decode = |name: &str, text: &str| {
            STANDARD.decode(text).map_err(|_| Error::NotCosign(format!("its {name} is not base64")))
        };
        let nonce: [u8; 24] = decode("nonce", &cipher.nonce)?
            .try_into()
            .map_err(|_| Error::NotCosign("its nonce is not 24 bytes long".to_owned()))?;
        let (salt, ciphertext) = (decode("salt", &kdf.salt)?, decode("ciphertext", &ciphertext)?);
        let secretbox = kdf.params.derive(password, &salt)?;
        let der = secretbox.decrypt(&Nonce::from(nonce), ciphertext.as_slice()).map_err(|_| Error::Password)?;
        SigningKey::from_pkcs8_der(&der)
            .map(Self)
            .map_err(|_| Error::Unsupported("the private key is not ECDSA on P-256, the one kind that signs here"))
    }

    /// The text of a `.key` file, under a password.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, password: &str) -> Result<String, Error> {
        let (salt, nonce) = (random::<32>()?, random::<24>()?);
        let der = self.0.to_pkcs8_der().map_err(|error| Error::NotCosign(error.to_string()))?;
        let sealed = COST.derive(password, &salt)?.encrypt(&Nonce::from(nonce), der.as_bytes());
        let container = Container {
            kdf: Kdf { name: KDF.to_owned(), params: COST, salt: STANDARD.encode(salt) },
            cipher: Cipher { name: CIPHER.to_owned(), nonce: STANDARD.encode(nonce) },
            ciphertext: STANDARD.encode(sealed.map_err(|_| Error::Password)?),
        };
        let json = serde_json::to_vec(&container).map_err(|error| Error::NotCosign(error.to_string()))?;
        Ok(pem::write(LABEL, &json))
    }

    /// Its public half.
    ///
    /// # Errors
    /// Never for a key that was made or opened.
    pub fn public(&self) -> Result<PublicKey, Error> {
        PublicKey::of_p256(*self.0.verifying_key())
    }

    /// Signs: ECDSA over SHA-256, in DER. The same message gives the same signature (RFC 6979).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: p256::ecdsa::DerSignature = self.0.sign(message);
        signature.as_bytes().to_vec()
    }
}
