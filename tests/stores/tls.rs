//! The connection to PostgreSQL, in the clear and not.

use std::sync::mpsc;

use offing_server::store::meta::{MetaError, MetaStore as _};
use offing_server::store::postgres::PostgresMeta;
use offing_server::store::postgres::tls::DatabaseTlsError;
use offing_tests::engines::postgres::Postgres;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// A cluster whose certificate is for `localhost` alone, and two authorities, of which one signed it.
struct Site {
    cluster: Postgres,
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let (folder, key) = (TempDir::new().unwrap(), KeyPair::generate().unwrap());
        let issuer = ["other.pem", "own.pem"].map(|name| {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            std::fs::write(folder.path().join(name), params.self_signed(&key).unwrap().pem())
                .unwrap();
            Issuer::new(params, key)
        });
        let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer[1]).unwrap();
        Self { cluster: Postgres::over_tls(&leaf.pem(), &key.serialize_pem()), folder }
    }

    /// What a URL says to be sure of who answers.
    fn by(&self, authority: &str) -> String {
        format!("sslmode=verify-full&sslrootcert={}", self.folder.path().join(authority).display())
    }

    /// Opens a new database at the port.
    fn opens(&self, host: &str, said: &str) -> Result<PostgresMeta, MetaError> {
        PostgresMeta::open(&format!("{}?{said}", self.cluster.database_at(host)))
    }

    /// Fails unless all connections of this are encrypted, or none is.
    fn holds_all(&self, meta: &PostgresMeta, encrypted: bool) {
        let (tell, told) = mpsc::channel();
        meta.listen(Box::new(move |note| tell.send(note).unwrap_or_default()));
        // The last one is there.
        told.recv().unwrap();
        let sql = format!(
            "SELECT 1 / (COUNT(*) = 6 AND bool_and(ssl = {encrypted}))::int \
             FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE application_name = 'offing-server'"
        );
        self.cluster.run(&self.cluster.database(), &sql);
    }
}

#[test]
fn who_asks_to_be_sure_has_every_connection_encrypted() {
    let site = Site::new();
    let meta = site.opens("localhost", &site.by("own.pem")).unwrap();
    site.holds_all(&meta, true);
}

#[test]
fn who_asks_for_nothing_has_what_the_database_offers() {
    let site = Site::new();
    site.holds_all(&site.opens("127.0.0.1", "").unwrap(), true);
}

#[test]
fn who_wants_none_has_none() {
    let site = Site::new();
    site.holds_all(&site.opens("localhost", "sslmode=disable").unwrap(), false);
}

#[test]
fn whoever_cannot_be_known_to_be_the_database_is_told_nothing() {
    let site = Site::new();
    for (host, said) in [
        ("localhost", site.by("other.pem")),
        // Known, and another's name.
        ("127.0.0.1", site.by("own.pem")),
        ("127.0.0.1", site.by("own.pem").replace("verify-full", "require")),
    ] {
        let refused = site.opens(host, &said).map(drop);
        let wanted = matches!(refused, Err(MetaError::DatabaseTls(DatabaseTlsError::Untrusted(_))));
        assert!(wanted, "{said}: {refused:?}");
    }
    // By what the system knows, if it knows any.
    let refused = site.opens("localhost", "sslmode=require").map(drop);
    assert!(matches!(refused, Err(MetaError::DatabaseTls(_))), "{refused:?}");
    // One that has no TLS.
    let clear = format!("{}&sslmode=require", site.cluster.database());
    let refused = PostgresMeta::open(&clear).map(drop);
    let Err(MetaError::Postgres(error)) = &refused else { panic!("{refused:?}") };
    assert!(format!("{error:?}").contains("does not support TLS"), "{error:?}");
}
