use anyhow::{Result, ensure};
use e2e::gate::Trap;
use e2e::script::{self, Ended};
use e2e::stage::play;
use e2e::ways_out;
use serde_json::{Value, json};

use super::scene::{Scene, is_signed_in};

/// What any page of this program may ask of a plugin: hear its own events, and the one question that a plugin's own script
/// asks at its start.
const ALLOWED: &[&str] =
    &["plugin:event|listen", "plugin:event|unlisten", "plugin:notification|is_permission_granted"];

/// Calls of plugins that this program does not have, and of its own that do not exist.
const ABSENT: &[&str] = &[
    "plugin:fs|read_text_file",
    "plugin:fs|write_text_file",
    "plugin:shell|execute",
    "plugin:shell|open",
    "plugin:opener|open_url",
    "plugin:opener|open_path",
    "plugin:http|fetch",
    "plugin:process|exit",
    "plugin:dialog|open",
    "plugin:os|platform",
    "plugin:store|load",
    "plugin:sql|execute",
    "plugin:websocket|connect",
    "plugin:updater|check",
    "plugin:deep-link|get_current",
    "plugin:global-shortcut|register",
    "plugin:stay|anything",
    "plugin:single-instance|anything",
    "approve",
    "decide",
    "sign",
    "get_secret",
    "read_key",
    "eval",
    "exec",
];

/// A script inside the window has all calls of its page and no person. It does not know the number on the other screen, so
/// it approves nothing: no spelling of it counts, no try is taken, and the third guess ends the login. It reaches no other
/// command, no network and no other page.
#[tokio::test(flavor = "multi_thread")]
async fn a_script_in_the_window_approves_nothing() -> Result<()> {
    play("a_script_in_the_window_approves_nothing", async |stage| {
        let scene = Scene::begin(stage).await?;
        // What takes its time comes before a login that has little of it.
        let trap = Trap::set().await?;
        calls_nothing_but_its_own(&scene).await?;
        ways_out::lead_nowhere(scene.app.driver(), &trap).await?;
        ways_out::stays_in_place(scene.app.driver(), &trap).await?;
        // A page that had left would not tell.
        let view = scene.app.view().await?;
        ensure!(view == "scan", "the window shows {view:?}");

        let page = scene.page().await?;
        scene.scan(stage, &page).await?;
        let number = page.number().await?;
        approves_by_no_spelling(&scene, &number).await?;
        presses_in_vain(&scene).await?;
        ensure!(page.state().await? == "scanned", "the page is {}", page.state().await?);

        // None of that took a try or harmed the window: the person signs in at the first.
        let tries = script::view(scene.app.driver()).await?["screen"]["prompt"]["tries_left"].clone();
        ensure!(tries == Value::Null, "tries are left: {tries}");
        scene.app.approve(&number).await?;
        is_signed_in(&page, "ada").await?;
        ensure!(scene.app.outcome().await? == "signed_in", "the app saw another end");
        ensure!(trap.visits() == 0, "somebody came {} times", trap.visits());

        page.driver().window().delete_all_cookies().await?;
        page.reload().await?;
        page.until("waiting").await?;
        scene.scan(stage, &page).await?;
        guesses_three_times(&scene, &page.number().await?).await?;
        page.until("denied").await?;
        ensure!(page.reason().await? == "check", "the page says {}", page.reason().await?);
        Ok(())
    })
    .await
}

async fn calls_nothing_but_its_own(scene: &Scene) -> Result<()> {
    let mut names = script::plugin_commands()?;
    ensure!(names.len() > 150, "only {} commands are known", names.len());
    names.extend(ABSENT.iter().map(|&name| name.to_owned()));
    names.retain(|name| !ALLOWED.contains(&name.as_str()));
    // With nothing, and with whatever any of them might want.
    let plenty = json!({"label": "main", "value": true, "path": "/etc/passwd", "url": "file:///etc/passwd", "text": "x",
        "options": {"url": "tauri://localhost", "label": "other", "title": "x"}, "event": "view", "payload": {},
        "target": {"kind": "Any"}, "program": "sh", "args": ["-c", "true"], "code": 0, "rid": 0, "data": "x"});
    let calls: Vec<(String, Value)> =
        names.iter().flat_map(|name| [(name.clone(), json!({})), (name.clone(), plenty.clone())]).collect();
    let ended = script::calls(scene.app.driver(), &calls).await?;
    for ((name, _), ended) in calls.iter().zip(&ended) {
        let refused = matches!(ended, Ended::Refused(why)
            if why.contains("not allowed") || why.contains("not found") || why.contains("Plugin not found"));
        ensure!(refused, "{name}: {ended:?}");
    }
    let globals = "return [typeof window.__TAURI__, typeof window.isTauri, navigator.webdriver]";
    let [tauri, ..]: [Value; 3] = script::run(scene.app.driver(), globals, Value::Null).await?;
    ensure!(tauri == "undefined", "the whole interface of Tauri is in the page: {tauri}");
    Ok(())
}

/// Everything but the number itself, as two digits.
async fn approves_by_no_spelling(scene: &Scene, number: &str) -> Result<()> {
    let window = scene.app.driver();
    let prompt = script::view(window).await?["screen"]["prompt"]["id"].clone();
    ensure!(prompt.is_u64(), "there is no prompt");
    let (tens, ones) = number.split_at(1);
    let digits: u8 = number.parse()?;
    let full_width: String = number.chars().filter_map(|c| char::from_u32(u32::from(c) + 0xfee0)).collect();
    let checks = [
        json!(null),
        json!(""),
        json!(tens),
        json!(format!(" {number}")),
        json!(format!("{number} ")),
        json!(format!("0{number}")),
        json!(format!("{tens} {ones}")),
        json!(format!("+{number}")),
        json!(format!("{number}\u{0}")),
        json!(format!("{number}.0")),
        json!(format!("0x{digits:x}")),
        json!(full_width),
        json!("*"),
        json!("1 OR 1=1"),
        json!("0"),
        json!("00"),
        json!("-1"),
        json!("100"),
        json!(digits),
        json!([number]),
        json!({ "$ne": "" }),
        json!(true),
    ];
    let approve = |prompt: Value, check: Value| json!({"command": "decide", "prompt": prompt, "decision": {"decision": "approve", "check": check, "pin": null}});
    let mut acts: Vec<Value> = checks.into_iter().map(|check| approve(prompt.clone(), check)).collect();
    acts.push(json!({"command": "decide", "prompt": prompt, "decision": {"decision": "approve"}}));
    acts.push(
        json!({"command": "decide", "prompt": prompt, "decision": {"decision": "APPROVE", "check": number}}),
    );
    acts.push(json!({"command": "decide", "prompt": prompt, "decision": "approve"}));
    acts.push(json!({"command": "approve", "prompt": prompt, "check": number}));
    // The right number for any other prompt.
    let others = (0..40).filter(|id| json!(id) != prompt).map(|id| json!(id));
    let strange = [json!(-1), json!(null), json!("1"), json!(1.5), json!(u64::MAX), json!([prompt])];
    acts.extend(others.chain(strange).map(|other| approve(other, json!(number))));
    script::acts(window, acts).await?;
    ensure!(scene.app.view().await? == "authorize", "the prompt is gone");
    Ok(())
}

/// Presses by a script, on a button that rests.
async fn presses_in_vain(scene: &Scene) -> Result<()> {
    let body = "const approve = document.querySelector('[data-testid=approve]'); \
        approve.disabled = false; approve.removeAttribute('disabled'); \
        for (const type of ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click', 'dblclick']) \
          approve.dispatchEvent(new MouseEvent(type, { bubbles: true, detail: 1 })); \
        for (const key of ['Enter', ' ']) for (const type of ['keydown', 'keypress', 'keyup']) \
          for (const target of [approve, document.body, document]) \
            target.dispatchEvent(new KeyboardEvent(type, { key, bubbles: true })); \
        approve.click(); approve.form?.requestSubmit?.(); \
        return document.querySelector('main').dataset.view";
    let view: String = script::run(scene.app.driver(), body, Value::Null).await?;
    ensure!(view == "authorize", "it led to {view}");
    Ok(())
}

/// A script that has to guess has three of ninety, and the person sees the login end.
async fn guesses_three_times(scene: &Scene, number: &str) -> Result<()> {
    let window = scene.app.driver();
    let wrong = if number == "55" { "56" } else { "55" };
    for _ in 0..3 {
        let prompt = script::view(window).await?["screen"]["prompt"]["id"].clone();
        let guess = json!({"command": "decide", "prompt": prompt,
            "decision": {"decision": "approve", "check": wrong, "pin": null}});
        script::acts(window, vec![guess]).await?;
        e2e::patience::until("the guess to be judged", async || {
            let state = script::view(window).await?;
            let prompt = &state["screen"]["prompt"];
            Ok((prompt.is_null() || prompt["deciding"].is_null()).then_some(()))
        })
        .await?;
    }
    ensure!(scene.app.outcome().await? == "ended", "the app says {}", scene.app.outcome().await?);
    Ok(())
}
