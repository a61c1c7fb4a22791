//! As much HTML as a login page has: forms, links, text.

use std::collections::BTreeMap;

/// A form of a page, with the values that a submit would send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) id: String,
    /// As written; empty means the page's own URL.
    pub(crate) action: String,
    /// In upper case.
    pub(crate) method: String,
    fields: Vec<Field>,
    /// The submit button that is pressed; the first one unless a test chose.
    pressed: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: String,
    value: String,
    kind: FieldKind,
    /// Whether a submit sends it (a ticked box, a chosen option, any text).
    on: bool,
    label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldKind {
    Text,
    Checkbox,
    Radio,
    /// An option of a `<select>`.
    Option,
    Submit,
}

impl Form {
    /// Types `value` into the field, picks it among the choices, or ticks the box that has it.
    ///
    /// # Panics
    /// If the form has no such field or choice: a person could not do it either.
    #[must_use]
    pub(crate) fn fill(mut self, name: &str, value: &str) -> Self {
        let mut found = false;
        for field in self.fields.iter_mut().filter(|field| field.name == name) {
            match field.kind {
                FieldKind::Text => value.clone_into(&mut field.value),
                FieldKind::Checkbox if field.value == value => field.on = true,
                FieldKind::Radio | FieldKind::Option => field.on = field.value == value,
                FieldKind::Checkbox | FieldKind::Submit => continue,
            }
            found |= field.on || field.kind == FieldKind::Text;
        }
        assert!(found, "the form takes no {name}={value}: {self:?}");
        self
    }

    /// Unticks the boxes of that name.
    #[must_use]
    pub(crate) fn untick(mut self, name: &str) -> Self {
        for field in &mut self.fields {
            if field.name == name && field.kind == FieldKind::Checkbox {
                field.on = false;
            }
        }
        self
    }

    /// Chooses the submit button by its value or by what is written on it.
    ///
    /// # Panics
    /// If there is no such button.
    #[must_use]
    pub(crate) fn press(mut self, button: &str) -> Self {
        let at = self.fields.iter().position(|field| {
            field.kind == FieldKind::Submit && (field.value == button || field.label == button)
        });
        assert!(at.is_some(), "the form has no button {button}: {self:?}");
        self.pressed = at;
        self
    }

    /// The value that a submit would send for `name`, the first if there are several.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let mut pairs = self.pairs().into_iter();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// What a submit sends, in the order of the page (HTML section 4.10.22.4).
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let first = || {
            self.fields
                .iter()
                .position(|field| field.kind == FieldKind::Submit)
        };
        let pressed = self.pressed.or_else(first);
        self.fields
            .iter()
            .enumerate()
            .filter(|(at, field)| match field.kind {
                FieldKind::Submit => Some(*at) == pressed,
                _ => field.on,
            })
            .filter(|(_, field)| !field.name.is_empty())
            .map(|(_, field)| (field.name.clone(), field.value.clone()))
            .collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
}

#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) forms: Vec<Form>,
    pub(super) links: Vec<Link>,
    /// What a person reads, with white space collapsed.
    pub(super) text: String,
}

enum Token<'a> {
    Text(&'a str),
    Open(String, BTreeMap<String, String>),
    Close(String),
}

pub(super) fn parse(html: &str) -> Document {
    let mut document = Document::default();
    let mut form: Option<Form> = None;
    let mut select = String::new();
    let mut rest = html;
    while let Some((token, after)) = next_token(rest) {
        rest = after;
        match token {
            Token::Text(text) => read_text(&mut document, &unescape(text)),
            Token::Close(name) if name == "form" => document.forms.extend(form.take()),
            Token::Close(_) => {}
            Token::Open(name, attributes) => {
                let attribute = |key: &str| attributes.get(key).cloned().unwrap_or_default();
                match name.as_str() {
                    "script" | "style" | "title" => rest = skip_to_end(rest, &name).1,
                    "a" => document.links.push(Link {
                        href: attribute("href"),
                        text: collapse(&parse(skip_to_end(rest, "a").0).text),
                    }),
                    "form" => form = Some(new_form(&attributes)),
                    "select" => select = attribute("name"),
                    "input" | "button" | "option" | "textarea" => {
                        let (inner, _) = skip_to_end(rest, &name);
                        if let Some(form) = &mut form {
                            form.fields
                                .extend(field(&name, &attributes, inner, &select));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    document.forms.extend(form);
    for form in &mut document.forms {
        choose_first_options(form);
    }
    document.text = collapse(&document.text);
    document
}

fn read_text(document: &mut Document, text: &str) {
    document.text.push_str(text);
    document.text.push(' ');
}

fn new_form(attributes: &BTreeMap<String, String>) -> Form {
    let attribute = |key: &str| attributes.get(key).cloned().unwrap_or_default();
    let method = attribute("method").to_ascii_uppercase();
    Form {
        id: attribute("id"),
        action: attribute("action"),
        method: if method == "POST" {
            method
        } else {
            "GET".to_owned()
        },
        fields: Vec::new(),
        pressed: None,
    }
}

fn field(
    element: &str,
    attributes: &BTreeMap<String, String>,
    inner: &str,
    select: &str,
) -> Option<Field> {
    let attribute = |key: &str| attributes.get(key).cloned();
    let has = |key: &str| attributes.contains_key(key);
    let label = collapse(&parse_text(inner));
    let kind = match (element, attribute("type").unwrap_or_default().as_str()) {
        _ if has("disabled") => return None,
        ("option", _) => FieldKind::Option,
        ("input", "radio") => FieldKind::Radio,
        ("input", "checkbox") => FieldKind::Checkbox,
        ("button", "button" | "reset") | ("input", "button" | "reset" | "image") => return None,
        ("button", _) | ("input", "submit") => FieldKind::Submit,
        _ => FieldKind::Text,
    };
    let value = match (element, kind) {
        ("textarea", _) => unescape(inner),
        ("option", _) => attribute("value").unwrap_or_else(|| label.clone()),
        (_, FieldKind::Checkbox | FieldKind::Radio) => {
            attribute("value").unwrap_or_else(|| "on".to_owned())
        }
        _ => attribute("value").unwrap_or_default(),
    };
    Some(Field {
        name: match element {
            "option" => select.to_owned(),
            _ => attribute("name").unwrap_or_default(),
        },
        on: match kind {
            FieldKind::Text => true,
            _ => has("checked") || has("selected"),
        },
        label: if element == "input" {
            value.clone()
        } else {
            label
        },
        value,
        kind,
    })
}

/// A `<select>` without a chosen option shows, and sends, its first.
fn choose_first_options(form: &mut Form) {
    let is_option = |field: &Field| field.kind == FieldKind::Option;
    for at in 0..form.fields.len() {
        let (before, rest) = form.fields.split_at_mut(at);
        let Some((field, after)) = rest.split_first_mut().filter(|(field, _)| is_option(field))
        else {
            continue;
        };
        let mut others = before.iter().chain(after.iter());
        let first = !before
            .iter()
            .any(|other| is_option(other) && other.name == field.name);
        field.on |= first && !others.any(|other| other.name == field.name && other.on);
    }
}

fn next_token(html: &str) -> Option<(Token<'_>, &str)> {
    if html.is_empty() {
        return None;
    }
    let Some(tag) = html.strip_prefix('<') else {
        let end = html.find('<').unwrap_or(html.len());
        return Some((Token::Text(&html[..end]), &html[end..]));
    };
    if let Some(comment) = tag.strip_prefix("!--") {
        let after = comment.split_once("-->").map_or("", |(_, after)| after);
        return Some((Token::Text(""), after));
    }
    let (inside, after) = split_tag(tag);
    if let Some(name) = inside.strip_prefix('/') {
        return Some((Token::Close(name.trim().to_ascii_lowercase()), after));
    }
    let end = inside
        .find(|c: char| c.is_ascii_whitespace() || c == '/')
        .unwrap_or(inside.len());
    let name = inside[..end].to_ascii_lowercase();
    Some((Token::Open(name, attributes(&inside[end..])), after))
}

/// Splits at the `>` that ends the tag: one inside quotes does not.
fn split_tag(tag: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return (&tag[..at], &tag[at + 1..]),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    (tag, "")
}

fn attributes(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let space = |c: char| c.is_ascii_whitespace() || c == '/';
    let mut rest = text.trim_start_matches(space);
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches('/').to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            (value, rest) = match quote {
                Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
            };
        }
        // HTML section 13.2.5.33: of two attributes with one name, the first counts.
        found.entry(name).or_insert_with(|| unescape(value));
        rest = rest.trim_start_matches(space);
    }
    found
}

/// What is inside the element, and what comes after it.
fn skip_to_end<'a>(rest: &'a str, name: &str) -> (&'a str, &'a str) {
    let end = rest.to_ascii_lowercase().find(&format!("</{name}"));
    end.map_or((rest, ""), |end| (&rest[..end], &rest[end..]))
}

fn parse_text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((token, after)) = next_token(rest) {
        rest = after;
        if let Token::Text(piece) = token {
            text.push_str(&unescape(piece));
        }
    }
    text
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let named = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        match named.and_then(|(name, after)| Some((entity(name)?, after))) {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}
