//! Pages with `{{name}}` placeholders. What is put in is escaped for text and quoted attributes.

/// What a page can ask for; the rest of a page is fixed.
#[derive(Clone, Copy, Default)]
pub(super) struct Slots<'a> {
    pub(super) lang: &'a str,
    pub(super) site_name: &'a str,
    pub(super) origin: &'a str,
    pub(super) nonce: &'a str,
    pub(super) return_to: &'a str,
    pub(super) status: &'a str,
    pub(super) download: &'a str,
    pub(super) user_code: &'a str,
    pub(super) reason: &'a str,
    pub(super) onwards: &'a str,
    pub(super) embedders: &'a str,
}

#[derive(Clone, Copy)]
enum Slot {
    Lang,
    SiteName,
    Origin,
    Nonce,
    ReturnTo,
    Status,
    Download,
    UserCode,
    Reason,
    Onwards,
    Embedders,
}

enum Part {
    Text(&'static str),
    Slot(Slot),
}

/// A page, cut at its placeholders once.
pub(super) struct Template {
    parts: Vec<Part>,
    fixed_length: usize,
}

impl Template {
    /// Cuts a page; a name in braces that is no placeholder stays as it is written.
    pub(super) fn of(mut page: &'static str) -> Self {
        let fixed_length = page.len();
        let mut parts = Vec::new();
        while let Some(start) = page.find("{{") {
            let (before, after) = page.split_at(start);
            let found = after[2..].find("}}").and_then(|end| Some((slot_of(&after[2..2 + end])?, end + 4)));
            let Some((slot, length)) = found else {
                parts.push(Part::Text(&page[..start + 2]));
                page = &page[start + 2..];
                continue;
            };
            parts.push(Part::Text(before));
            parts.push(Part::Slot(slot));
            page = &after[length..];
        }
        parts.push(Part::Text(page));
        Self { parts, fixed_length }
    }

    /// As [`Template::of`], with `content` in the place of `{{content}}` of `frame`.
    pub(super) fn framed(frame: &'static str, content: &'static str) -> Self {
        let (head, tail) = frame.split_once("{{content}}").expect("the frame has a place for content");
        let mut whole = Self::of(head);
        for part in [Self::of(content), Self::of(tail)] {
            whole.parts.extend(part.parts);
            whole.fixed_length += part.fixed_length;
        }
        whole
    }

    pub(super) fn fill(&self, slots: &Slots<'_>) -> String {
        let mut out = String::with_capacity(self.fixed_length + 256);
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Slot(slot) => escape_into(&mut out, slots.value(*slot)),
            }
        }
        out
    }
}

impl<'a> Slots<'a> {
    fn value(&self, slot: Slot) -> &'a str {
        match slot {
            Slot::Lang => self.lang,
            Slot::SiteName => self.site_name,
            Slot::Origin => self.origin,
            Slot::Nonce => self.nonce,
            Slot::ReturnTo => self.return_to,
            Slot::Status => self.status,
            Slot::Download => self.download,
            Slot::UserCode => self.user_code,
            Slot::Reason => self.reason,
            Slot::Onwards => self.onwards,
            Slot::Embedders => self.embedders,
        }
    }
}

fn slot_of(name: &str) -> Option<Slot> {
    match name {
        "lang" => Some(Slot::Lang),
        "site_name" => Some(Slot::SiteName),
        "origin" => Some(Slot::Origin),
        "nonce" => Some(Slot::Nonce),
        "return_to" => Some(Slot::ReturnTo),
        "status" => Some(Slot::Status),
        "download" => Some(Slot::Download),
        "user_code" => Some(Slot::UserCode),
        "reason" => Some(Slot::Reason),
        "onwards" => Some(Slot::Onwards),
        "embedders" => Some(Slot::Embedders),
        _ => None,
    }
}

fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_cannot_become_markup() {
        let page = Template::of("<p title=\"{{site_name}}\">{{site_name}}</p>");
        let filled = page.fill(&Slots { site_name: "\"><script>'&", ..Slots::default() });
        let safe = "&quot;&gt;&lt;script&gt;&#39;&amp;";
        assert_eq!(filled, format!("<p title=\"{safe}\">{safe}</p>"));
    }

    #[test]
    fn what_is_put_in_is_not_read_again() {
        let page = Template::of("{{site_name}} {{nonce}}");
        assert_eq!(
            page.fill(&Slots { site_name: "{{nonce}}", nonce: "n", ..Slots::default() }),
            "{{nonce}} n"
        );
    }

    #[test]
    fn a_frame_and_its_content_are_filled_alike() {
        let page = Template::framed("<p>{{lang}} {{content}} {{lang}}</p>", "{{site_name}}");
        assert_eq!(
            page.fill(&Slots { lang: "en", site_name: "{{lang}}", ..Slots::default() }),
            "<p>en {{lang}} en</p>"
        );
    }

    #[test]
    fn other_braces_stay() {
        for text in ["{{", "a {{ b }} c", "{{unknown}}", "}}{{", ""] {
            assert_eq!(Template::of(text).fill(&Slots::default()), text);
        }
    }
}
