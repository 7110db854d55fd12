//! The addresses of the page.
//!
//! A route is parsed from path and fragment and prints as them; what cannot be parsed is
//! [`Route::Unknown`], which the page answers with a way home. Secrets (the token of a
//! sign-up link) are only ever in the fragment, which no browser sends.

use offing_core::id::{NodeId, VaultId};

/// Where the page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Sign-in, or the first vault.
    Home,
    /// Sign-up by a link with a token.
    Join {
        /// The token; empty where the link lacks it.
        token: String,
    },
    /// Sign-in by the recovery code.
    Recover,
    /// A folder or a file of a vault.
    Node {
        /// The vault.
        vault: VaultId,
        /// The node.
        node: NodeId,
    },
    /// What was deleted.
    Trash,
    /// What has a label.
    Labelled {
        /// The label as it stands in the address; the star is empty.
        label: String,
    },
    /// The account and this device.
    Settings,
    /// No such page.
    Unknown,
}

impl Route {
    /// Reads a route from a path and a fragment (with or without its `#`).
    pub fn parse(path: &str, fragment: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            [] | ["index.html"] => Self::Home,
            ["join"] => Self::Join { token: fragment.trim_start_matches('#').trim().to_owned() },
            ["recover"] => Self::Recover,
            ["trash"] => Self::Trash,
            ["labels"] => Self::Labelled { label: String::new() },
            ["labels", label] => Self::Labelled { label: (*label).to_owned() },
            ["settings"] => Self::Settings,
            ["v", vault] => match vault.parse() {
                Ok(vault) => Self::Node { vault, node: NodeId::ROOT },
                Err(_) => Self::Unknown,
            },
            ["v", vault, node] => match (vault.parse(), node.parse()) {
                (Ok(vault), Ok(node)) => Self::Node { vault, node },
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    /// Prints the address of a route.
    pub fn href(&self) -> String {
        match self {
            Self::Home | Self::Unknown => "/".to_owned(),
            Self::Join { token } => format!("/join#{token}"),
            Self::Recover => "/recover".to_owned(),
            Self::Node { vault, node } => format!("/v/{vault}/{node}"),
            Self::Trash => "/trash".to_owned(),
            Self::Labelled { label } if label.is_empty() => "/labels".to_owned(),
            Self::Labelled { label } => format!("/labels/{label}"),
            Self::Settings => "/settings".to_owned(),
        }
    }

    /// The node that the page shows to somebody who is signed in, if it shows one.
    pub fn node(&self) -> Option<NodeId> {
        match self {
            Self::Home => Some(NodeId::ROOT),
            Self::Node { node, .. } => Some(*node),
            Self::Trash => Some(NodeId::TRASH),
            Self::Join { .. }
            | Self::Recover
            | Self::Labelled { .. }
            | Self::Settings
            | Self::Unknown => None,
        }
    }

    /// Says whether the page can be shown to somebody who is not signed in.
    pub fn is_public(&self) -> bool {
        matches!(self, Self::Join { .. } | Self::Recover)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_survives_its_address() {
        let routes = [
            Route::Home,
            Route::Join { token: "abc_-9".into() },
            Route::Recover,
            Route::Node { vault: VaultId([7; 32]), node: NodeId([3; 16]) },
            Route::Trash,
            Route::Labelled { label: String::new() },
            Route::Labelled { label: "summer%20holiday".into() },
            Route::Settings,
        ];
        for route in routes {
            let href = route.href();
            let (path, fragment) = href.split_once('#').unwrap_or((&href, ""));
            assert_eq!(Route::parse(path, fragment), route);
        }
    }

    #[test]
    fn home_is_the_root_and_settings_are_no_node() {
        assert_eq!(Route::Home.node(), Some(NodeId::ROOT));
        assert_eq!(Route::Trash.node(), Some(NodeId::TRASH));
        assert_eq!(Route::Settings.node(), None);
    }

    #[test]
    fn a_vault_alone_is_its_root() {
        let vault = VaultId([1; 32]);
        let path = format!("/v/{vault}/");
        assert_eq!(Route::parse(&path, ""), Route::Node { vault, node: NodeId::ROOT });
    }

    #[test]
    fn noise_is_unknown_and_not_a_panic() {
        for path in ["/v", "/v/xyz", "/v/00/11", "/nope", "/v/a/b/c", "/é"] {
            assert_eq!(Route::parse(path, "#x"), Route::Unknown, "{path}");
        }
    }
}
