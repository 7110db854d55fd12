//! When an authority wants a certificate renewed (ACME renewal information, RFC 9773).
//!
//! It names a window, in which each chooses a moment by chance so that not all come at once. When
//! certificates have to be taken back, it moves the window to where it is time already; so it is asked
//! again and again. Who says nothing, or something too late, leaves it to us.

use std::time::{Duration, SystemTime};

use instant_acme::{Account, CertificateIdentifier, Error};
use rustls::pki_types::Der;
use x509_cert::Certificate;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

/// What an authority suggested, and of which certificate.
#[derive(Debug, Default)]
pub(super) struct Advice {
    /// How the authority calls the certificate.
    of: Option<CertificateIdentifier<'static>>,
    window: Option<[SystemTime; 2]>,
    /// What was chosen in that window.
    moment: Option<SystemTime>,
    /// From when on it is asked again.
    again: Option<SystemTime>,
}

impl Advice {
    /// When the certificate wants a successor, if the authority says so.
    pub(super) fn moment(&self) -> Option<SystemTime> {
        self.moment
    }

    /// How to call the certificate, if it is time to ask about it.
    pub(super) fn question(
        &mut self,
        certificate: &Certificate,
        now: SystemTime,
    ) -> Option<CertificateIdentifier<'static>> {
        let id = id(certificate);
        if id != self.of {
            *self = Self { of: id, ..Self::default() };
        }
        let is_time = self.again.is_none_or(|again| now >= again);
        self.of.clone().filter(|_| is_time)
    }

    /// Asks what the authority says of a certificate. Where it says nothing, what it said before holds.
    pub(super) async fn ask(&mut self, account: &Account, of: &CertificateIdentifier<'_>) {
        let asked = account.renewal_info(of).await;
        let now = SystemTime::now();
        match asked {
            Ok((said, again)) => {
                let window = said.suggested_window;
                self.hear([window.start.into(), window.end.into()], rand::random());
                self.again = Some(now + again.clamp(AGAIN_MIN, AGAIN_MAX));
            }
            Err(Error::Unsupported(_)) => self.again = Some(now + AGAIN_MAX),
            Err(error) => self.is_unheard(&error, now),
        }
    }

    /// The authority could not be asked.
    pub(super) fn is_unheard(&mut self, error: &dyn std::error::Error, now: SystemTime) {
        tracing::info!(%error, "the authority does not say when the certificate wants renewal");
        self.again = Some(now + AGAIN_MIN);
    }

    /// Takes a window; another one is another moment, by this chance between 0 and 1.
    fn hear(&mut self, window: [SystemTime; 2], chance: f64) {
        if self.window != Some(window) {
            self.window = Some(window);
            let [start, end] = window;
            self.moment = end.duration_since(start).ok().map(|len| start + len.mul_f64(chance));
        }
    }
}

/// How an authority calls a certificate: who signed it, and its number. One that does not say who
/// signed it has no such name.
fn id(certificate: &Certificate) -> Option<CertificateIdentifier<'static>> {
    let (_, signed_by) = certificate.tbs_certificate.get::<AuthorityKeyIdentifier>().ok()??;
    let key = signed_by.key_identifier?;
    let serial = certificate.tbs_certificate.serial_number.as_bytes();
    Some(CertificateIdentifier::new(Der::from_slice(key.as_bytes()), Der::from_slice(serial)))
}

const AGAIN_MIN: Duration = Duration::from_secs(3_600);
const AGAIN_MAX: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, Issuer, KeyIdMethod, KeyPair, SerialNumber};
    use x509_cert::der::Decode as _;

    use super::*;

    /// A certificate of this number, of the authority that the RFC has as its example.
    fn certificate(serial: &[u8], names_authority: bool) -> Certificate {
        let by = "69885b6b87464041e1b37b847ba0ae2cde01c8d4";
        let mut signs = CertificateParams::default();
        signs.key_identifier_method = KeyIdMethod::PreSpecified(hex::decode(by).unwrap());
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.use_authority_key_identifier_extension = names_authority;
        let key = KeyPair::generate().unwrap();
        let made = params.signed_by(&key, &Issuer::from_params(&signs, &key)).unwrap();
        Certificate::from_der(made.der()).unwrap()
    }

    #[test]
    fn a_certificate_is_called_as_the_rfc_does() {
        let example = certificate(&[0x87, 0x65, 0x43, 0x21], true);
        assert_eq!(id(&example).unwrap().to_string(), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
        assert!(id(&certificate(&[1], false)).is_none());
    }

    #[test]
    fn a_moment_is_chosen_once_for_each_window_and_forgotten_with_the_certificate() {
        let day = |day: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400);
        let (mut advice, first) = (Advice::default(), certificate(&[1], true));
        assert!(advice.question(&first, day(1)).is_some());
        advice.hear([day(10), day(20)], 0.5);
        assert_eq!(advice.moment(), Some(day(15)));
        advice.hear([day(10), day(20)], 0.9);
        assert_eq!(advice.moment(), Some(day(15)));
        advice.hear([day(2), day(4)], 0.0);
        assert_eq!(advice.moment(), Some(day(2)));
        advice.hear([day(4), day(2)], 0.5);
        assert_eq!(advice.moment(), None, "no window");
        advice.hear([day(2), day(4)], 0.5);
        advice.again = Some(day(2));
        assert!(advice.question(&first, day(1)).is_none());
        assert!(advice.question(&first, day(2)).is_some());
        assert!(advice.question(&certificate(&[2], true), day(1)).is_some());
        assert_eq!(advice.moment(), None);
    }
}
