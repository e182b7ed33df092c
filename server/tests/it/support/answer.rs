use reqwest::header::HeaderMap;
use serde_json::Value;

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The answer is this problem; also judges the form of it (RFC 9457).
    #[track_caller]
    pub fn problem(self, status: u16, name: &str) -> Value {
        assert_eq!(
            (self.status, self.body["type"].as_str()),
            (status, Some(format!("urn:countersign:problem:{name}").as_str())),
            "{}",
            self.body
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        if status == 401 {
            assert_eq!(self.headers["www-authenticate"], format!("DPoP error=\"{name}\"").as_str());
            assert!(self.headers.contains_key("dpop-nonce"));
        }
        if status == 429 {
            let seconds: u32 = self.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!(seconds >= 1);
        }
        self.body
    }

    /// Values of the cookies that were set, whole lines.
    pub fn cookies(&self) -> Vec<String> {
        self.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }
}
