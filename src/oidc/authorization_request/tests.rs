use serde_json::json;

use super::*;
use crate::ErrorKind;

fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: "my app".to_owned(),
        redirect_uri: "https://app.example.com/auth/callback".to_owned(),
        state: "s".to_owned(),
        nonce: "n".to_owned(),
        code_challenge: "c".to_owned(),
        ..AuthorizationRequest::default()
    }
}

fn endpoint(query: &str) -> Url {
    Url::parse(&format!("https://idp.example.com/authorize{query}")).unwrap()
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn refused(request: &AuthorizationRequest) -> ErrorKind {
    request.url(&endpoint("")).unwrap_err().kind()
}

#[test]
fn the_smallest_request() {
    assert_eq!(
        request().url(&endpoint("")).unwrap().as_str(),
        "https://idp.example.com/authorize?response_type=code&client_id=my+app\
         &redirect_uri=https%3A%2F%2Fapp.example.com%2Fauth%2Fcallback&scope=openid\
         &state=s&nonce=n&code_challenge=c&code_challenge_method=S256"
    );
}

#[test]
fn everything_that_can_be_asked() {
    let full = AuthorizationRequest {
        response_mode: ResponseMode::FormPost,
        scopes: strings(&["email", "openid"]),
        prompt: vec![Prompt::Login, Prompt::Consent],
        max_age: Some(Duration::from_secs(0)),
        acr_values: strings(&["gold", "silver"]),
        claims: Some(json!({ "id_token": {} })),
        login_hint: Some("a&b".to_owned()),
        id_token_hint: Some("e30".into()),
        ui_locales: Some("de en".to_owned()),
        extra: vec![("domain_hint".to_owned(), "x=1&state=2".to_owned())],
        ..request()
    };
    let url = full.url(&endpoint("?tenant=a%20b")).unwrap();
    let query = url.query().unwrap();
    assert!(
        query.starts_with("tenant=a%20b&response_type=code&"),
        "{query}"
    );
    assert!(
        query.ends_with(
            "&response_mode=form_post&prompt=login+consent&max_age=0&acr_values=gold+silver\
             &claims=%7B%22id_token%22%3A%7B%7D%7D&login_hint=a%26b&id_token_hint=e30\
             &ui_locales=de+en&domain_hint=x%3D1%26state%3D2"
        ),
        "{query}"
    );
    assert!(query.contains("&scope=email+openid&"), "{query}");
}

#[test]
fn nothing_required_may_be_empty() {
    let spoil: [fn(&mut AuthorizationRequest); 5] = [
        |request| request.client_id.clear(),
        |request| request.redirect_uri.clear(),
        |request| request.state.clear(),
        |request| request.nonce.clear(),
        |request| request.code_challenge.clear(),
    ];
    for (index, spoil) in spoil.into_iter().enumerate() {
        let mut request = request();
        spoil(&mut request);
        assert_eq!(refused(&request), ErrorKind::Configuration, "{index}");
    }
}

#[test]
fn extra_parameters_cannot_add_or_double_one_of_the_protocol() {
    assert!(PROTOCOL_PARAMETERS.is_sorted(), "it is searched by halves");
    let spellings = PROTOCOL_PARAMETERS.iter().flat_map(|name| {
        [
            (*name).to_owned(),
            name.to_uppercase(),
            name.replace('_', "."),
        ]
    });
    let unfit = [
        "", "a b", "state ", "state[]", "a&state", "a=b", "stäte", "a\0",
    ];
    for name in spellings.chain(unfit.map(str::to_owned)) {
        let request = AuthorizationRequest {
            extra: vec![(name.clone(), "x".to_owned())],
            ..request()
        };
        assert_eq!(refused(&request), ErrorKind::Configuration, "{name}");
    }
}

#[test]
fn no_parameter_comes_twice() {
    let pair = |name: &str| (name.to_owned(), "x".to_owned());
    let twice = AuthorizationRequest {
        extra: vec![pair("organization_id"), pair("organization_id")],
        ..request()
    };
    assert_eq!(refused(&twice), ErrorKind::Configuration);
    let once = AuthorizationRequest {
        extra: vec![pair("tenant"), pair("audience")],
        ..request()
    };
    assert!(once.url(&endpoint("")).is_ok());
    assert!(once.url(&endpoint("?tenant=a")).is_err(), "in the endpoint");
}

#[test]
fn an_endpoint_that_brings_parameters_of_the_protocol_is_the_providers_fault() {
    for query in ["?state=x", "?prompt=none", "?Request_Uri=x", "?a=b&%73tate"] {
        let error = request().url(&endpoint(query)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{query}");
    }
}

#[test]
fn values_that_would_read_as_two_are_refused() {
    for bad in ["", "a b", "a\tb", " "] {
        let scopes = AuthorizationRequest {
            scopes: strings(&[bad]),
            ..request()
        };
        assert_eq!(refused(&scopes), ErrorKind::Configuration, "scope {bad:?}");
        let acr = AuthorizationRequest {
            acr_values: strings(&["gold", bad]),
            ..request()
        };
        assert_eq!(refused(&acr), ErrorKind::Configuration, "acr {bad:?}");
    }
}

#[test]
fn prompt_none_stands_alone() {
    let ask = |prompt: &[Prompt]| AuthorizationRequest {
        prompt: prompt.to_vec(),
        ..request()
    };
    let both = ask(&[Prompt::None, Prompt::Login]);
    assert_eq!(refused(&both), ErrorKind::Configuration);
    let url = ask(&[Prompt::None]).url(&endpoint("")).unwrap();
    assert!(url.query().unwrap().ends_with("&prompt=none"));
}

#[test]
fn debug_keeps_the_browsers_secrets() {
    let mut request = request();
    request.state = "hunter2".to_owned();
    request.nonce = "hunter3".to_owned();
    assert!(!format!("{request:?}").contains("hunter"));
}
