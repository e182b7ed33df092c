use protocol::encoding::{array_from_base64url, base64url};
use protocol::secret::sha256;
use serde::{Deserialize, Serialize};

use super::Head;

/// Body of an entry of the anchor chain: the heads of all chains that changed, and a root over them. Whoever keeps the
/// newest entry of the anchor chain elsewhere can tell later whether any chain was rewritten or cut.
#[derive(Serialize, Deserialize)]
struct AnchorBody {
    /// base64url SHA-256 over each head as chain length (4 bytes) + chain + seq (8 bytes) + hash, by chain.
    root: String,
    heads: Vec<AnchoredHead>,
}

#[derive(Serialize, Deserialize)]
struct AnchoredHead {
    chain: String,
    seq: i64,
    hash: String,
}

/// Writes the body over these heads.
pub(in crate::store) fn anchor_body(heads: &[(String, Head)]) -> String {
    let body = AnchorBody {
        root: base64url(&root(heads)),
        heads: heads
            .iter()
            .map(|(chain, head)| AnchoredHead {
                chain: chain.clone(),
                seq: head.seq,
                hash: base64url(&head.hash),
            })
            .collect(),
    };
    serde_json::to_string(&body).expect("an anchor has string keys only")
}

/// Reads a body back; `None` when it is none or its root does not fit its heads.
pub(in crate::store) fn anchored_heads(body: &str) -> Option<Vec<(String, Head)>> {
    let body: AnchorBody = serde_json::from_str(body).ok()?;
    let heads = body
        .heads
        .into_iter()
        .map(|head| {
            let hash = array_from_base64url(&head.hash)?;
            Some((head.chain, Head { seq: head.seq, hash }))
        })
        .collect::<Option<Vec<_>>>()?;
    (base64url(&root(&heads)) == body.root).then_some(heads)
}

fn root(heads: &[(String, Head)]) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(heads.len() * 70);
    for (chain, head) in heads {
        let length = u32::try_from(chain.len()).expect("a chain's name is short");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(chain.as_bytes());
        bytes.extend_from_slice(&head.seq.to_be_bytes());
        bytes.extend_from_slice(&head.hash);
    }
    sha256(&bytes)
}
