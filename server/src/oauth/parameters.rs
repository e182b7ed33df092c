//! The parameters of a call of the front channel, as forms write them.

use std::collections::BTreeMap;

/// Parameters by name. One without a value counts as left out (RFC 6749 §3.1).
#[derive(Default)]
pub struct Parameters(BTreeMap<String, Value>);

enum Value {
    Once(String),
    Repeated,
}

/// The parameter came more than once (RFC 6749 §3.1): which one counts cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`, as in a query or the body of a form.
    pub fn read(text: &[u8]) -> Self {
        let mut found = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text).filter(|(_, value)| !value.is_empty()) {
            found
                .entry(name.into_owned())
                .and_modify(|known| *known = Value::Repeated)
                .or_insert_with(|| Value::Once(value.into_owned()));
        }
        Self(found)
    }

    /// The value; `None` when it was left out.
    ///
    /// # Errors
    /// [`Repeated`].
    pub fn one(&self, name: &str) -> Result<Option<&str>, Repeated> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Once(value)) => Ok(Some(value)),
            Some(Value::Repeated) => Err(Repeated),
        }
    }
}

/// Silent: among the values are states and hints of others.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_counts_once() {
        let read = Parameters::read(b"a=1&b=&c=1&c=2&d=1&d=1&e=x%20y+z&=7&f");
        assert_eq!(read.one("a"), Ok(Some("1")));
        assert_eq!(read.one("b"), Ok(None));
        assert_eq!(read.one("c"), Err(Repeated));
        assert_eq!(read.one("d"), Err(Repeated));
        assert_eq!(read.one("e"), Ok(Some("x y z")));
        assert_eq!(read.one("f"), Ok(None));
        assert_eq!(read.one("g"), Ok(None));
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(format!("{:?}", Parameters::read(b"state=secret")), "{\"state\"}");
    }
}
