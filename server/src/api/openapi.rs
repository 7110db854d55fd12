//! `openapi.json`: made from the table of calls, so that it cannot forget one.
//!
//! The types' fields are listed here by hand; a test compares them with what
//! `offing_core::proto` really encodes, and the calls of the server's own pages.

use axum::Json;
use offing_core::limits;
use offing_core::proto::{API_PREFIX, Code};
use serde_json::{Map, Value, json};

use super::{Access, CALLS, Call, Gives, Takes};
use crate::auth::cookie;
use crate::error::status;

pub(super) async fn answer() -> Json<Value> {
    Json(document())
}

/// The description of every call, in OpenAPI 3.1.
pub(crate) fn document() -> Value {
    let mut paths = Map::new();
    for call in CALLS {
        let path = paths.entry(format!("{API_PREFIX}{}", call.path)).or_insert_with(|| json!({}));
        path[call.method.to_lowercase()] = operation(call);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Offing",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The blind server: sealed chunks and signed logs. See docs/protocol.md.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "cookie": { "type": "apiKey", "in": "cookie", "name": cookie::COOKIE },
                "admin": { "type": "apiKey", "in": "cookie", "name": cookie::ADMIN_COOKIE },
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "ticket": { "type": "http", "scheme": "ticket" },
            },
            "schemas": schemas(),
        },
    })
}

fn operation(call: &Call) -> Value {
    let mut responses = Map::new();
    let (ok, content) = match call.gives {
        Gives::Nothing => ("204", Value::Null),
        Gives::Messages(name) => ("101", json!({ "application/json": { "schema": refer(name) } })),
        Gives::Json("OpenApi") => {
            ("200", json!({ "application/json": { "schema": { "type": "object" } } }))
        }
        Gives::Json(name) => ("200", json!({ "application/json": { "schema": refer(name) } })),
        Gives::Bytes => ("200", json!({ "application/octet-stream": {} })),
    };
    responses.insert(ok.to_owned(), json!({ "description": call.says }));
    if !content.is_null() {
        responses[ok]["content"] = content;
    }
    for code in refusals(call) {
        let text = serde_json::to_value(code).expect("codes are strings");
        let text = text.as_str().expect("codes are strings");
        let number = status(code).as_str().to_owned();
        match responses.get_mut(&number) {
            Some(response) => {
                let so_far = response["description"].as_str().unwrap_or_default();
                response["description"] = json!(format!("{so_far}, {text}"));
            }
            None => {
                let schema = refer("Refusal");
                responses.insert(
                    number,
                    json!({
                        "description": text,
                        "content": { "application/json": { "schema": schema } },
                    }),
                );
            }
        }
    }
    let mut operation = json!({ "summary": call.says, "responses": responses });
    let parameters = parameters(call);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    match call.takes {
        Takes::Nothing | Takes::Socket => {}
        Takes::Json(name) => {
            let schema = refer(name);
            operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        }
        Takes::Bytes { bytes_max } => {
            operation["requestBody"] = json!({
                "required": true,
                "description": format!("At most {bytes_max} bytes."),
                "content": { "application/octet-stream": {} },
            });
        }
    }
    operation["security"] = match call.access {
        Access::Open => json!([]),
        Access::Cookie => json!([{ "cookie": [] }]),
        Access::Bearer => json!([{ "token": [] }]),
        Access::Reader => json!([{ "token": [] }, { "ticket": [] }]),
        Access::Admin => json!([{ "admin": [] }]),
    };
    operation
}

/// Every refusal that a call may answer with, those of its access and body included.
pub(crate) fn refusals(call: &Call) -> Vec<Code> {
    let mut codes = vec![Code::BadRequest, Code::RateLimited, Code::Unavailable, Code::Internal];
    match call.access {
        Access::Open => {}
        Access::Admin => codes.push(Code::SignedOut),
        Access::Cookie => codes.extend([Code::SignedOut, Code::AccountClosed]),
        Access::Bearer | Access::Reader => {
            codes.extend([Code::SignedOut, Code::TokenExpired, Code::AccountClosed]);
        }
    }
    if !matches!(call.takes, Takes::Nothing | Takes::Socket) {
        codes.push(Code::TooLarge);
    }
    codes.extend(call.refuses);
    codes
}

fn parameters(call: &Call) -> Vec<Value> {
    let in_path = call.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({ "name": name, "in": "path", "required": true, "schema": kind("id32") }))
    });
    let mut parameters: Vec<Value> = in_path.collect();
    if call.method == "GET" && call.path.ends_with("/log") {
        parameters.push(json!({ "name": "after", "in": "query", "schema": kind("integer") }));
        parameters.push(json!({ "name": "bare", "in": "query", "schema": kind("id16") }));
    }
    if call.path.ends_with("/snapshot") || call.path.ends_with("/index") {
        parameters.push(json!({ "name": "skip", "in": "query", "schema": kind("integer") }));
    }
    parameters
}

fn refer(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn kind(name: &str) -> Value {
    match name {
        "string" | "integer" | "boolean" => json!({ "type": name }),
        "bytes" => json!({ "type": "string", "contentEncoding": "base64url" }),
        "id16" => json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
        "id32" => json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
        "integer?" => json!({ "type": ["integer", "null"] }),
        "string?" => json!({ "type": ["string", "null"] }),
        other => match (other.strip_suffix("[]"), other.strip_suffix('?')) {
            (Some(item), _) => json!({ "type": "array", "items": kind(item) }),
            (None, Some(some)) => json!({ "oneOf": [refer(some), { "type": "null" }] }),
            (None, None) => refer(other),
        },
    }
}

type Fields = &'static [(&'static str, &'static str)];

const TYPES: &[(&str, Fields)] = &[
    (
        "ServerInfo",
        &[("version", "string"), ("now_ms", "integer"), ("registration", "Registration")],
    ),
    (
        "Checkup",
        &[
            ("version", "string"),
            ("now_ms", "integer"),
            ("public_url", "string"),
            ("host", "string"),
            ("http", "string"),
            ("heard", "string[]"),
            ("callers", "string"),
            ("headers", "SentHeader[]"),
            ("bodies_bytes", "integer[]"),
            ("edges", "string[]"),
            ("pieces_ms", "integer"),
        ],
    ),
    ("AdminLink", &[("secret", "string")]),
    (
        "AdminServer",
        &[
            ("version", "string"),
            ("now_ms", "integer"),
            ("accounts", "integer"),
            ("registration", "Registration"),
            ("disk_bytes", "integer?"),
            ("disk_free_bytes", "integer?"),
            ("scrubbed_chunks", "integer"),
            ("scrubbed_bytes", "integer"),
            ("scrub_faults", "integer"),
            ("release", "AdminRelease?"),
        ],
    ),
    (
        "AdminRelease",
        &[
            ("version", "string"),
            ("percent", "integer"),
            ("devices", "integer"),
            ("stopped", "string?"),
        ],
    ),
    ("AdminName", &[("username", "string")]),
    ("AdminAccounts", &[("accounts", "AdminAccount[]"), ("more", "boolean")]),
    (
        "AdminAccount",
        &[
            ("username", "string"),
            ("used_bytes", "integer"),
            ("quota_bytes", "integer?"),
            ("created_ms", "integer"),
            ("closed", "boolean"),
            ("second_factor", "boolean"),
        ],
    ),
    ("AdminLimit", &[("username", "string"), ("quota_bytes", "integer?")]),
    ("AdminSessions", &[("sessions", "AdminSession[]")]),
    ("AdminSession", &[("device", "id16"), ("signed_in_ms", "integer"), ("used_ms", "integer")]),
    ("AdminEnded", &[("sessions", "integer")]),
    ("AdminInvite", &[("link", "string")]),
    ("AdminShare", &[("percent", "integer")]),
    ("SentHeader", &[("name", "string"), ("value", "string")]),
    ("Received", &[("received_bytes", "integer")]),
    (
        "RegisterStart",
        &[
            ("invite", "string"),
            ("username", "string"),
            ("password_request", "bytes"),
            ("recovery_request", "bytes"),
        ],
    ),
    ("RegisterStarted", &[("password_response", "bytes"), ("recovery_response", "bytes")]),
    (
        "AccountRecord",
        &[
            ("account", "id16"),
            ("identity_public", "bytes"),
            ("identity_sealed", "bytes"),
            ("password_slot", "bytes"),
            ("recovery_slot", "bytes"),
        ],
    ),
    (
        "RegisterFinish",
        &[
            ("invite", "string"),
            ("username", "string"),
            ("password_upload", "bytes"),
            ("recovery_upload", "bytes"),
            ("record", "AccountRecord"),
            ("device", "DeviceBinding"),
        ],
    ),
    ("LoginStart", &[("username", "string"), ("kind", "SecretKind"), ("request", "bytes")]),
    ("LoginStarted", &[("login", "string"), ("response", "bytes")]),
    ("DeviceBinding", &[("device", "id16"), ("public", "bytes")]),
    ("LoginFinish", &[("login", "string"), ("finalization", "bytes"), ("device", "DeviceBinding")]),
    ("FactorAsk", &[("login", "string")]),
    (
        "FactorAsked",
        &[("totp", "boolean"), ("spare_codes", "boolean"), ("passkeys", "PasskeysAsked?")],
    ),
    ("PasskeysAsked", &[("challenge", "bytes"), ("rp_id", "string"), ("credentials", "bytes[]")]),
    (
        "PasskeyProof",
        &[
            ("credential", "bytes"),
            ("client_data", "bytes"),
            ("authenticator_data", "bytes"),
            ("signature", "bytes"),
        ],
    ),
    (
        "PasskeyView",
        &[
            ("credential", "bytes"),
            ("name", "string"),
            ("made_ms", "integer"),
            ("used_ms", "integer"),
        ],
    ),
    (
        "PasskeyStarted",
        &[
            ("challenge", "bytes"),
            ("rp_id", "string"),
            ("user", "bytes"),
            ("username", "string"),
            ("credentials", "bytes[]"),
        ],
    ),
    (
        "PasskeyFinish",
        &[("name", "string"), ("client_data", "bytes"), ("authenticator_data", "bytes")],
    ),
    ("PasskeyRemove", &[("credential", "bytes")]),
    ("FactorAnswer", &[("login", "string"), ("proof", "FactorProof")]),
    (
        "Factors",
        &[
            ("totp_since_ms", "integer?"),
            ("spare_codes", "integer"),
            ("passkeys", "PasskeyView[]"),
            ("passkeys_work", "boolean"),
        ],
    ),
    ("TotpStarted", &[("secret", "string"), ("url", "string"), ("seed", "bytes")]),
    ("TotpFinish", &[("seed", "bytes"), ("code", "string")]),
    ("SpareCodes", &[("spare_codes", "string[]")]),
    ("AccessToken", &[("token", "string"), ("expires_in_s", "integer")]),
    (
        "SessionStarted",
        &[
            ("token", "string"),
            ("expires_in_s", "integer"),
            ("record", "AccountRecord"),
            ("vaults", "id32[]"),
            ("kit_confirmed", "boolean"),
        ],
    ),
    ("SecretStart", &[("kind", "SecretKind"), ("request", "bytes")]),
    ("SecretStarted", &[("response", "bytes")]),
    ("SecretFinish", &[("kind", "SecretKind"), ("upload", "bytes"), ("slot", "bytes")]),
    (
        "AccountView",
        &[
            ("username", "string"),
            ("used_bytes", "integer"),
            ("quota_bytes", "integer?"),
            ("vaults", "id32[]"),
            ("identity_sealed", "bytes"),
        ],
    ),
    ("Devices", &[("devices", "DeviceSeen[]")]),
    ("DeviceSeen", &[("device", "id16"), ("signed_in_ms", "integer"), ("seen_ms", "integer")]),
    ("Tip", &[("seq", "integer"), ("chain", "id32"), ("incarnation", "id16")]),
    ("Appended", &[("tip", "Tip"), ("results", "AppendResult[]")]),
    ("Wake", &[("vault", "id32"), ("seq", "integer")]),
    ("ChunksStored", &[("stored", "integer")]),
    ("EdgeTicket", &[("ticket", "string"), ("expires_in_s", "integer"), ("edges", "string[]")]),
    ("TicketKey", &[("key", "string"), ("pages", "string")]),
    ("Releases", &[("next", "NextRelease?")]),
    ("NextRelease", &[("version", "string"), ("percent", "integer"), ("allow", "string[]")]),
    ("ReleaseStart", &[("version", "string"), ("good", "boolean")]),
];

fn schemas() -> Value {
    let mut schemas = Map::new();
    for (name, fields) in TYPES {
        let properties: Map<String, Value> =
            fields.iter().map(|(field, of)| ((*field).to_owned(), kind(of))).collect();
        let required: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
        schemas.insert(
            (*name).to_owned(),
            json!({ "type": "object", "properties": properties, "required": required }),
        );
    }
    let registrations = json!({ "enum": ["closed", "invitation", "open"] });
    schemas.insert("Registration".to_owned(), registrations);
    schemas.insert("SecretKind".to_owned(), json!({ "enum": ["password", "recovery"] }));
    let one_of = |name: &str, of: &str| json!({ "type": "object", "properties": { name: kind(of) }, "required": [name] });
    let proofs = [one_of("code", "string"), one_of("passkey", "PasskeyProof")];
    schemas.insert("FactorProof".to_owned(), json!({ "oneOf": proofs }));
    let result = |status: &str, fields: Value| {
        let mut properties = json!({ "status": { "const": status } });
        let mut required = vec!["status".to_owned()];
        for (field, of) in fields.as_object().expect("written as an object below") {
            properties[field] = of.clone();
            required.push(field.clone());
        }
        json!({ "type": "object", "properties": properties, "required": required })
    };
    let ids = json!({
        "type": "array", "items": kind("id32"), "maxItems": limits::ENTRY_CHUNKS_MAX,
    });
    let mut results = vec![
        result("ok", json!({ "seq": kind("integer"), "chain": kind("id32") })),
        result("dup", json!({ "seq": kind("integer") })),
        result("missing", json!({ "ids": ids })),
    ];
    for plain in ["epoch_stale", "device_fork", "revoked", "quota", "malformed", "skipped"] {
        results.push(result(plain, json!({})));
    }
    schemas.insert("AppendResult".to_owned(), json!({ "oneOf": results }));
    schemas.insert(
        "Refusal".to_owned(),
        json!({
            "type": "object",
            "properties": { "code": kind("string"), "retry_after_ms": kind("integer") },
            "required": ["code"],
        }),
    );
    Value::Object(schemas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Rate, admin, checkup, tickets};
    use crate::config::RateConfig;
    use offing_core::id::{AccountId, DeviceId, Hash, Incarnation, VaultId};
    use offing_core::proto::{self, Bytes};

    fn names_of(value: &impl serde::Serialize) -> Vec<String> {
        let value = serde_json::to_value(value).unwrap();
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    fn check(name: &str, value: &impl serde::Serialize) {
        let (_, fields) = TYPES.iter().find(|(known, _)| *known == name).unwrap();
        let mut listed: Vec<String> = fields.iter().map(|(field, _)| (*field).to_owned()).collect();
        listed.sort();
        assert_eq!(listed, names_of(value), "{name}");
    }

    #[test]
    fn every_type_that_a_call_names_is_described() {
        let schemas = schemas();
        for call in CALLS {
            let given = match call.gives {
                Gives::Json("OpenApi") | Gives::Nothing | Gives::Bytes => None,
                Gives::Json(name) | Gives::Messages(name) => Some(name),
            };
            let taken = if let Takes::Json(name) = call.takes { Some(name) } else { None };
            for name in given.into_iter().chain(taken) {
                assert!(schemas.get(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn the_described_fields_are_those_on_the_wire() {
        let bytes = Bytes::default();
        let record = proto::AccountRecord {
            account: AccountId([0; 16]),
            identity_public: bytes.clone(),
            identity_sealed: bytes.clone(),
            password_slot: bytes.clone(),
            recovery_slot: bytes.clone(),
        };
        let device = proto::DeviceBinding { device: DeviceId([0; 16]), public: bytes.clone() };
        let access = proto::AccessToken { token: String::new(), expires_in_s: 0 };
        let tip = proto::Tip { seq: 0, chain: Hash([0; 32]), incarnation: Incarnation([0; 16]) };
        check("AccountRecord", &record);
        check("DeviceBinding", &device);
        check("AccessToken", &access);
        check("Tip", &tip);
        check("Appended", &proto::Appended { tip, results: Vec::new() });
        check("Wake", &proto::Wake { vault: VaultId([0; 32]), seq: 1 });
        check("ChunksStored", &proto::ChunksStored { stored: 1 });
        check("EdgeTicket", &tickets::EdgeTicket::default());
        check("TicketKey", &tickets::TicketKey::default());
        check("Releases", &proto::Releases { next: None });
        let version = String::new();
        let next = proto::NextRelease { version: version.clone(), percent: 1, allow: Vec::new() };
        check("NextRelease", &next);
        check("ReleaseStart", &proto::ReleaseStart { version, good: true });
        let registration = proto::Registration::Open;
        check("ServerInfo", &proto::ServerInfo { version: String::new(), now_ms: 0, registration });
        let (version, public_url, host) = (String::new(), String::new(), String::new());
        let checkup = checkup::Checkup {
            version,
            now_ms: 0,
            public_url,
            host,
            http: "1.1",
            heard: Vec::new(),
            callers: checkup::Callers::Direct,
            headers: Vec::new(),
            bodies_bytes: [0; 2],
            edges: Vec::new(),
            pieces_ms: 0,
        };
        check("Checkup", &checkup);
        check("SentHeader", &checkup::SentHeader { name: String::new(), value: String::new() });
        check("Received", &checkup::Received { received_bytes: 0 });
        check("AdminLink", &admin::AdminLink::default());
        check("AdminServer", &admin::AdminServer::default());
        check("AdminRelease", &admin::AdminRelease::default());
        check("AdminName", &admin::AdminName::default());
        check("AdminAccounts", &admin::AdminAccounts::default());
        check("AdminAccount", &admin::AdminAccount::default());
        check("AdminLimit", &admin::AdminLimit::default());
        check("AdminSessions", &admin::AdminSessions::default());
        let device_id = DeviceId([0; 16]);
        let session = admin::AdminSession { device: device_id, signed_in_ms: 0, used_ms: 0 };
        check("AdminSession", &session);
        check("AdminEnded", &admin::AdminEnded::default());
        check("AdminInvite", &admin::AdminInvite::default());
        check("AdminShare", &admin::AdminShare::default());
        let (login, code) = (String::new(), String::new());
        check("FactorAsk", &proto::FactorAsk { login: login.clone() });
        check("FactorAsked", &proto::FactorAsked { totp: true, spare_codes: true, passkeys: None });
        let proof = proto::FactorProof::Code(code.clone());
        assert_eq!(names_of(&proof), ["code"]);
        let signed = proto::PasskeyProof {
            credential: bytes.clone(),
            client_data: bytes.clone(),
            authenticator_data: bytes.clone(),
            signature: bytes.clone(),
        };
        check("PasskeyProof", &signed);
        assert_eq!(names_of(&proto::FactorProof::Passkey(signed)), ["passkey"]);
        let (rp_id, name) = (String::new(), String::new());
        let asked = proto::PasskeysAsked {
            challenge: bytes.clone(),
            rp_id: rp_id.clone(),
            credentials: Vec::new(),
        };
        check("PasskeysAsked", &asked);
        let started = proto::PasskeyStarted {
            challenge: bytes.clone(),
            rp_id,
            user: bytes.clone(),
            username: String::new(),
            credentials: Vec::new(),
        };
        check("PasskeyStarted", &started);
        let credential = bytes.clone();
        let view = proto::PasskeyView { credential, name: name.clone(), made_ms: 0, used_ms: 0 };
        check("PasskeyView", &view);
        let finish = proto::PasskeyFinish {
            name,
            client_data: bytes.clone(),
            authenticator_data: bytes.clone(),
        };
        check("PasskeyFinish", &finish);
        check("PasskeyRemove", &proto::PasskeyRemove { credential: bytes.clone() });
        check("FactorAnswer", &proto::FactorAnswer { login, proof });
        check(
            "Factors",
            &proto::Factors {
                totp_since_ms: None,
                spare_codes: 0,
                passkeys: Vec::new(),
                passkeys_work: true,
            },
        );
        let (secret, url, seed) = (String::new(), String::new(), bytes.clone());
        check("TotpStarted", &proto::TotpStarted { secret, url, seed: seed.clone() });
        check("TotpFinish", &proto::TotpFinish { seed, code });
        check("SpareCodes", &proto::SpareCodes { spare_codes: Vec::new() });
        let kind = proto::SecretKind::Recovery;
        check("SecretStart", &proto::SecretStart { kind, request: bytes.clone() });
        check("SecretStarted", &proto::SecretStarted { response: bytes.clone() });
        check(
            "SecretFinish",
            &proto::SecretFinish { kind, upload: bytes.clone(), slot: bytes.clone() },
        );
        check(
            "LoginStarted",
            &proto::LoginStarted { login: String::new(), response: bytes.clone() },
        );
        check(
            "LoginStart",
            &proto::LoginStart {
                username: String::new(),
                kind: proto::SecretKind::Password,
                request: bytes.clone(),
            },
        );
        check(
            "SessionStarted",
            &proto::SessionStarted {
                access,
                record: record.clone(),
                vaults: Vec::new(),
                kit_confirmed: false,
            },
        );
        check(
            "AccountView",
            &proto::AccountView {
                username: String::new(),
                used_bytes: 0,
                quota_bytes: None,
                vaults: Vec::new(),
                identity_sealed: bytes.clone(),
            },
        );
        check(
            "LoginFinish",
            &proto::LoginFinish {
                login: String::new(),
                finalization: bytes.clone(),
                device: device.clone(),
            },
        );
        check(
            "RegisterStart",
            &proto::RegisterStart {
                invite: String::new(),
                username: String::new(),
                password_request: bytes.clone(),
                recovery_request: bytes.clone(),
            },
        );
        check(
            "RegisterStarted",
            &proto::RegisterStarted {
                password_response: bytes.clone(),
                recovery_response: bytes.clone(),
            },
        );
        check(
            "RegisterFinish",
            &proto::RegisterFinish {
                invite: String::new(),
                username: String::new(),
                password_upload: bytes.clone(),
                recovery_upload: bytes,
                record,
                device,
            },
        );
    }

    #[test]
    fn the_limits_of_calls_are_written_down() {
        let written = include_str!("../../../docs/operations.md");
        let usual = RateConfig::default();
        for call in CALLS {
            let Rate::Part(part) = call.rate else {
                continue;
            };
            let of = match call.access {
                Access::Open | Access::Cookie | Access::Admin => usual.anonymous_per_minute,
                Access::Bearer | Access::Reader => usual.calls_per_minute,
            };
            let line = format!("| `{} {}` | {} |", call.method, call.path, of / part);
            assert!(written.contains(&line), "docs/operations.md lacks {line}");
        }
    }

    #[test]
    fn the_written_protocol_names_every_call_and_every_code() {
        let written = include_str!("../../../docs/protocol.md");
        for call in CALLS {
            let name = format!("`{} {}`", call.method, call.path);
            assert!(written.contains(&name), "{name}");
            for code in refusals(call) {
                let code = serde_json::to_string(&code).unwrap();
                assert!(written.contains(&code.replace('"', "`")), "{code}");
            }
        }
    }
}
