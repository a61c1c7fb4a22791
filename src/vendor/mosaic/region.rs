//! Where a tenant lives.

use std::str::FromStr;

use crate::oidc::Issuer;
use crate::{Error, Result};

/// The region of a Mosaic tenant: where its API is, and which issuer its tokens name.
///
/// ```
/// use tower_sso::vendor::mosaic::Region;
///
/// let region: Region = "eu".parse()?;
/// assert_eq!(region, Region::Eu);
/// assert_eq!(region.api(), "https://api.eu.transmitsecurity.io");
/// assert_eq!(region.issuer(), "https://eu.userid.security");
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Region {
    /// United States, and tenants without a region of their own.
    Us,
    /// European Union.
    Eu,
    /// Canada.
    Ca,
    /// Australia.
    Au,
    /// The vendor's sandbox. Its tokens are taken to name the issuer of [`Region::Us`]; where they name
    /// another, use [`Region::custom`].
    Sandbox,
    /// Made by [`Region::custom`].
    Custom(CustomRegion),
}

/// An API and an issuer that were checked by [`Region::custom`].
///
/// ```
/// use tower_sso::vendor::mosaic::Region;
///
/// let region = Region::custom("http://127.0.0.1:3001", "http://127.0.0.1:3001")?;
/// assert!(matches!(region, Region::Custom(_)));
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRegion {
    api: String,
    issuer: Issuer,
}

impl Region {
    /// Any other API and issuer: a region that is not listed here, an app with signing keys and so an issuer
    /// of its own, a simulator.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): one of them is no absolute https URL
    /// without query, fragment and user information. Plain http is for loopback only.
    pub fn custom(api: &str, issuer: &str) -> Result<Self> {
        let checked = |text: &str, what: &str| {
            // What an issuer must look like fits a base URL as well.
            Issuer::parse(text)
                .ok()
                .filter(|url| url.is_https() || url.is_loopback_http())
                .ok_or_else(|| {
                    Error::configuration(format!(
                        "the {what} must be an absolute https URL without query (plain http is for \
                         loopback only)"
                    ))
                })
        };
        Ok(Self::Custom(CustomRegion {
            api: checked(api, "API's URL")?
                .as_str()
                .trim_end_matches('/')
                .to_owned(),
            issuer: checked(issuer, "issuer")?,
        }))
    }

    /// The base URL of the API, without a slash at the end.
    #[must_use]
    pub fn api(&self) -> &str {
        match self {
            Self::Us => "https://api.transmitsecurity.io",
            Self::Eu => "https://api.eu.transmitsecurity.io",
            Self::Ca => "https://api.ca.transmitsecurity.io",
            Self::Au => "https://api.au.transmitsecurity.io",
            Self::Sandbox => "https://api.sbx.transmitsecurity.io",
            Self::Custom(custom) => &custom.api,
        }
    }

    /// The issuer that ID tokens must name.
    #[must_use]
    pub fn issuer(&self) -> &str {
        match self {
            Self::Us | Self::Sandbox => "https://userid.security",
            Self::Eu => "https://eu.userid.security",
            Self::Ca => "https://ca.userid.security",
            Self::Au => "https://au.userid.security",
            Self::Custom(custom) => custom.issuer.as_str(),
        }
    }
}

impl FromStr for Region {
    type Err = Error;

    /// `us`, `eu`, `ca`, `au`, `sandbox` (or `sbx`).
    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "us" => Self::Us,
            "eu" => Self::Eu,
            "ca" => Self::Ca,
            "au" => Self::Au,
            "sandbox" | "sbx" => Self::Sandbox,
            _ => {
                return Err(Error::configuration(
                    "the region is none of us, eu, ca, au, sandbox",
                ));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_api_and_its_issuer() {
        for (name, api, issuer) in [
            ("us", "api", ""),
            ("eu", "api.eu", "eu."),
            ("ca", "api.ca", "ca."),
            ("au", "api.au", "au."),
            ("sandbox", "api.sbx", ""),
            ("sbx", "api.sbx", ""),
        ] {
            let region: Region = name.parse().unwrap();
            assert_eq!(region.api(), format!("https://{api}.transmitsecurity.io"));
            assert_eq!(region.issuer(), format!("https://{issuer}userid.security"));
            Issuer::parse(region.issuer()).unwrap();
        }
        for name in ["", "EU", "jp", "eu "] {
            assert!(name.parse::<Region>().unwrap_err().is_configuration());
        }
    }

    #[test]
    fn credentials_go_to_https_or_to_this_machine() {
        let good = "https://a.example";
        for (api, issuer) in [
            (good, good),
            ("https://a.example/mosaic/", "https://b.example/"),
            ("http://127.0.0.1:1", "http://localhost"),
            ("http://[::1]:1", "http://idp.localhost"),
        ] {
            let region = Region::custom(api, issuer).unwrap();
            assert_eq!(region.api(), api.trim_end_matches('/'));
            assert_eq!(region.issuer(), issuer, "compared as it was written");
        }
        for bad in [
            "",
            "a.example",
            "http://a.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "ftp://a.example",
            "https://a.example?x",
            "https://user@a.example",
        ] {
            assert!(Region::custom(bad, good).is_err(), "{bad}");
            assert!(Region::custom(good, bad).is_err(), "{bad}");
        }
    }
}
