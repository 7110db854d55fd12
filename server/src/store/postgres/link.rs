//! One connection, used from a thread that may block.
//!
//! It is made again when it broke: what was under way then has failed, and whoever asked asks
//! again. Statements are prepared once for each connection.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::Asked;
use crate::store::meta::MetaResult;

/// A process of the database that vanished holds nobody up for longer than this, and a
/// database that does not answer is a failure after it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Each statement that writes looks rows up by their keys. It is planned once, perhaps over empty tables,
/// where reading all of one is the cheapest; the plan has to be right when they have grown.
const BY_KEYS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off";

/// No statement here is so long that compiling its plan is worth it, which takes a tenth of a second.
/// The database reckons otherwise where the only way is one of those that [`BY_KEYS`] makes dear.
const INTERPRETED: &str = "SET jit = off";

/// How to reach the database.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    tls: MakeRustlsConnect,
    pub(super) runtime: Handle,
    /// What a connection begins with.
    settings: &'static str,
}

impl Address {
    pub(super) fn parse(url: &str, runtime: Handle) -> MetaResult<Self> {
        let asked = Asked::of(url)?;
        let mut config: Config = asked.url.parse()?;
        let tls = asked.settle(&mut config)?;
        config.connect_timeout(PATIENCE).tcp_user_timeout(PATIENCE).keepalives_idle(PATIENCE);
        if config.get_application_name().is_none() {
            config.application_name("offing-server");
        }
        Ok(Self { config, tls, runtime, settings: "" })
    }

    /// The same, for a connection that writes.
    pub(super) fn for_writes(&self) -> Self {
        Self { settings: BY_KEYS, ..self.clone() }
    }

    /// Connects, and gives back the side that has to be driven.
    pub(super) async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, TlsStream>), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }
}

type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// A connection.
pub(super) struct Link {
    address: Address,
    client: Client,
    statements: RefCell<HashMap<&'static str, Statement>>,
    /// Where the number of the database's process is noted, which names this connection.
    process: Arc<AtomicI32>,
}

impl Link {
    /// Connects; blocks.
    pub(super) fn open(address: Address, process: Arc<AtomicI32>) -> MetaResult<Self> {
        let client = connect(&address, &process)?;
        Ok(Self { address, client, statements: RefCell::default(), process })
    }

    /// Connects again if the connection is known to be broken.
    pub(super) fn mend(&mut self) -> MetaResult<()> {
        if self.client.is_closed() {
            self.statements.borrow_mut().clear();
            self.client = connect(&self.address, &self.process)?;
        }
        Ok(())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for an answer.
    pub(super) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.address.runtime.block_on(answer)
    }

    /// The prepared form of a statement.
    pub(super) fn prepared(&self, sql: &'static str) -> MetaResult<Statement> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare(sql))?;
        self.statements.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }
}

fn connect(address: &Address, process: &AtomicI32) -> MetaResult<Client> {
    address.runtime.block_on(async {
        let (client, connection) = address.connect().await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "lost a connection to the database");
            }
        });
        let milliseconds = PATIENCE.as_millis();
        client
            .batch_execute(&format!(
                "SET lock_timeout = {milliseconds}; \
                 SET idle_in_transaction_session_timeout = {milliseconds}; {INTERPRETED}; {}",
                address.settings
            ))
            .await?;
        let row = client.query_one("SELECT pg_backend_pid()", &[]).await?;
        process.store(row.get(0), Ordering::Relaxed);
        Ok(client)
    })
}
