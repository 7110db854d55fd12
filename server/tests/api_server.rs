//! The server over a real listener: what it grants, what it refuses, and how it says so.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "api_server/accounts.rs"]
mod accounts;
#[path = "api_server/acme.rs"]
mod acme;
#[path = "api_server/admin.rs"]
mod admin;
#[path = "api_server/calls.rs"]
mod calls;
#[path = "api_server/checkup.rs"]
mod checkup;
#[path = "api_server/client.rs"]
mod client;
#[path = "api_server/closed.rs"]
mod closed;
#[path = "api_server/data.rs"]
mod data;
#[path = "api_server/devices.rs"]
mod devices;
#[path = "api_server/edge.rs"]
mod edge;
#[path = "api_server/edge_far.rs"]
mod edge_far;
#[path = "api_server/edge_hostile.rs"]
mod edge_hostile;
#[path = "api_server/edges.rs"]
mod edges;
#[path = "api_server/factors.rs"]
mod factors;
#[path = "api_server/figures.rs"]
mod figures;
#[path = "api_server/harness.rs"]
mod harness;
#[path = "api_server/leaving.rs"]
mod leaving;
#[path = "api_server/lifecycle.rs"]
mod lifecycle;
#[path = "api_server/limits.rs"]
mod limits;
#[path = "api_server/lines.rs"]
mod lines;
#[path = "api_server/live.rs"]
mod live;
#[path = "api_server/load.rs"]
mod load;
#[path = "api_server/logs.rs"]
mod logs;
#[path = "api_server/moving.rs"]
mod moving;
#[path = "api_server/namespaces.rs"]
mod namespaces;
#[path = "api_server/overload.rs"]
mod overload;
#[path = "api_server/passkeys.rs"]
mod passkeys;
#[path = "api_server/peak.rs"]
mod peak;
#[path = "api_server/peers.rs"]
mod peers;
#[path = "api_server/presence.rs"]
mod presence;
#[path = "api_server/program.rs"]
mod program;
#[path = "api_server/rates.rs"]
mod rates;
#[path = "api_server/registration.rs"]
mod registration;
#[path = "api_server/sessions.rs"]
mod sessions;
#[path = "api_server/sockets.rs"]
mod sockets;
#[path = "api_server/spans.rs"]
mod spans;
// The engines of the tests of stores.
#[expect(dead_code, unreachable_pub, reason = "others share it")]
#[path = "../../tests/src/engines/postgres.rs"]
mod postgres;
#[expect(unreachable_pub, reason = "others share it")]
#[path = "../../tests/src/engines/s3.rs"]
mod s3;
#[path = "api_server/tickets.rs"]
mod tickets;
#[path = "api_server/tls.rs"]
mod tls;
#[path = "api_server/together.rs"]
mod together;
#[path = "api_server/wire.rs"]
mod wire;
